/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The options that describe a selection, shared by the subcommands: --mode, --select, block sizes
 * and what else a sparsed_select holds.
 */
#ifndef TOOLS_SELECTION_H
#define TOOLS_SELECTION_H

#include <sparsed/sparsed.h>

#include "cli.h"

typedef struct selection_options {
    const char *mode; /* NULL: not given */
    const char *score_reduce;
    double ratio, score_scale;
    uint64_t block, block_q, block_k, keep_first;
    bool block_given, block_q_given, block_k_given;
    bool dense_generation_rows, keep_diagonal, keep_generation;
    uint64_t window, sinks;
    bool window_given, sinks_given, score_scale_given;
} selection_options;

/* Sets the defaults and adds the options; default_mode is what the help says of --mode. */
void selection_add_options(selection_options *selection, const char *default_mode,
                           cli_options *options);

/* The library's form, without gen_len. mode NULL in `selection` is default_mode; ranges are checked
 * by their option names. */
bool selection_make(const selection_options *selection, uint32_t default_mode,
                    sparsed_select *select, tool_error *error);

/* Refuses words that nothing of the run uses: those that rank blocks without SparseD, --window and
 * --sinks without a fixed pattern. attention is named in the text. */
bool selection_check_used(const selection_options *selection, bool with_sparsed, bool with_window,
                          bool with_streaming, const char *attention, tool_error *error);

const char *selection_mode_name(uint32_t mode);

#endif
