/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a choice of `keep` key blocks catches of one query block's scores: the best choice, the
 * blocks nearest the diagonal, those and the first ones, or a given order. Sums of scores.
 */
#ifndef TOOLS_PATTERN_BUDGET_H
#define TOOLS_PATTERN_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* The `keep` largest of count scores (keep <= count), none of them NaN; puts them in another
 * order. */
double budget_best(float *scores, size_t count, size_t keep);

/* Where a query block lies among the key blocks: its middle row's position in keys. */
typedef struct budget_place {
    double centre;
    uint32_t block_k;
} budget_place;

/* The first `sinks` key blocks, as far as `keep` reaches, then those whose middle is nearest the
 * place; of two as near the lower one. keep <= count. */
double budget_nearest(const float *scores, size_t count, size_t keep, size_t sinks,
                      budget_place place);

/* The first `keep` key blocks of `order`. */
double budget_ordered(const float *scores, const uint32_t *order, size_t keep);

#endif
