/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The words of `sparsed compare record`.
 */
#ifndef TOOLS_COMPARE_RECORD_OPTIONS_H
#define TOOLS_COMPARE_RECORD_OPTIONS_H

#include "device_options.h"
#include "selection.h"

typedef struct record_options {
    const char *output, *label, *input, *dtype;
    uint64_t seed, gen_length;
    bool self_check, json;
    bool all; /* --device all */
    bool seed_given, gen_length_given, ratio_given;
    selection_options selection_words;
    device_options device;
    sparsed_select select;     /* of --input */
    sparsed_dtype input_dtype; /* 0: as the file stores them */
} record_options;

void record_options_add(record_options *o, cli_options *list);

/* Words that go together, and values in their ranges; fills all, select, input_dtype. */
bool record_options_check(record_options *o, tool_error *error);

/* A file to write, of --output or made of it: it can be written, and is not the input, which would be
 * lost. record_options_check does so where there is one device. */
bool record_options_check_path(const record_options *o, const char *path, tool_error *error);

#endif
