/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `sparsed pattern diff` found, in words and as JSON.
 */
#ifndef TOOLS_PATTERN_DIFF_REPORT_H
#define TOOLS_PATTERN_DIFF_REPORT_H

#include "pattern/difference.h"
#include "pattern/load.h"

typedef struct diff_options {
    const char *path_a, *path_b;
    pattern_choice choice;
    double tolerance;
    bool summary, json;
} diff_options;

/* The entries of both files that belong together, and those that only one has. */
typedef struct diff_pairs {
    size_t count, only_a, only_b;
    size_t *a, *b;           /* [count] */
    size_t *rest_a, *rest_b; /* [only_a], [only_b] */
} diff_pairs;

typedef struct diff {
    diff_options options;
    pattern_input a, b;
    diff_pairs pairs;
    pattern_difference *heads;  /* [pairs][heads] */
    pattern_difference *layers; /* [pairs]: sums over the heads */
    char *scored;               /* [pairs]: 'A' or 'B', whose scores were looked at; 0: none has */
    pattern_difference all;
    bool any_scored;
} diff;

/* Whether both have the same patterns with the same kept blocks. */
bool diff_same_blocks(const diff *d);

bool diff_print_words(const diff *d, tool_error *error);
bool diff_print_json(const diff *d, tool_error *error);

#endif
