/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The command line of `sparsed generate`.
 */
#ifndef TOOLS_GENERATE_OPTIONS_H
#define TOOLS_GENERATE_OPTIONS_H

#include "device_options.h"
#include "pattern_options.h"
#include "selection.h"

typedef struct generate_options {
    const char *model, *prompt, *prompt_file, *example, *sampler, *attention, *schedule, *compare;
    const char *dtype;
    bool raw_prompt, gen_length_given, steps_given, skip_given, compare_given, json;
    uint64_t gen_length, steps, block_length;
    double skip;
    selection_options selection;
    pattern_options pattern;
    device_options device;
} generate_options;

/* Sets the defaults and adds the options. */
void generate_options_add(generate_options *o, cli_options *list);

/* Checks the words that need no model for it: ranges, and what does not go together. */
bool generate_options_check(const generate_options *o, tool_error *error);

#endif
