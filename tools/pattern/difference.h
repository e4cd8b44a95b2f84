/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * How two patterns of one shape differ, head by head, and by how much the blocks on which they
 * differ missed the choice. In the pattern that has the scores each such block's score s stands
 * against its row's threshold t, the score of the last block within the budget of that ranking
 * (docs/algorithm.md, "Selection"); where heads have ratios of their own, the lowest kept score of
 * the ranking. The distance is |s - t| / max(s, t), 0 to 1. A score that is not above 0 ranks as 0.
 */
#ifndef TOOLS_PATTERN_DIFFERENCE_H
#define TOOLS_PATTERN_DIFFERENCE_H

#include <sparsed/pattern.h>

#include "error.h"

typedef struct pattern_difference {
    uint64_t both, only_a, only_b; /* kept blocks */
    uint64_t ties, real; /* of those kept by one: distance up to the tolerance, above it */
    double largest;      /* distance */
} pattern_difference;

typedef struct pattern_pair {
    const sparsed_pattern *a, *b;
    const sparsed_pattern *scored; /* a or b: whose scores are looked at; NULL: none */
    double tolerance;
} pattern_pair;

/* Compares every head: heads [info.heads]; *all receives their sums, and the largest distance. The
 * shapes of a and b must be equal (sparsed_pattern_jaccard says so). */
bool pattern_difference_measure(const pattern_pair *pair, pattern_difference *heads,
                                pattern_difference *all, tool_error *error);

/* Adds the counts of one to the sum. */
void pattern_difference_add(pattern_difference *sum, const pattern_difference *one);

/* both / (both + only_a + only_b); 1 if that is 0 / 0. */
double pattern_difference_jaccard(const pattern_difference *d);

#endif
