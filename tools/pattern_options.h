/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The options of `sparsed generate` about pattern files.
 */
#ifndef TOOLS_PATTERN_OPTIONS_H
#define TOOLS_PATTERN_OPTIONS_H

#include "cli.h"

typedef struct pattern_options {
    const char *in, *out, *out_steps, *scores, *tag, *cache; /* NULL: not given */
    /* Of the selection's options: those whose values do not tell whether they were given. */
    bool select_given, score_reduce_given, keep_first_given;
} pattern_options;

/* Adds the options, and watches those of the selection, which are in the list already. */
void pattern_options_add(pattern_options *o, cli_options *list);

/* Refuses what does not go together. schedule: as given, or NULL. */
bool pattern_options_check(const pattern_options *o, const char *schedule, bool skip_given,
                           tool_error *error);

/* Type of the saved block scores; 0: none. */
uint32_t pattern_options_score_dtype(const pattern_options *o);

#endif
