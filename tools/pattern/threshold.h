/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * By how much a block missed, or made, the choice of its row (docs/algorithm.md, "Selection"): its
 * score against the row's threshold, the score of the last block within the budget of its ranking.
 */
#ifndef TOOLS_PATTERN_THRESHOLD_H
#define TOOLS_PATTERN_THRESHOLD_H

#include <stdbool.h>
#include <stdint.h>

/* The two rankings of a row; mode joint has the first only. */
enum { RANKING_PROMPT, RANKING_GENERATION, RANKINGS };

/* What the kept blocks of a row were chosen by. */
typedef struct row_choice {
    uint32_t mode; /* sparsed_mode, one with scores */
    double ratio;
    uint64_t k_blocks, split; /* of the batch's valid rows */
} row_choice;

/* Whether the second ranking has scores of its own. */
bool row_choice_is_upstream(const row_choice *choice);

/* The ranking that decides about a key block. */
int row_choice_ranking(const row_choice *choice, uint64_t block);

/* The threshold of a ranking; 0 if its budget is none.
 *   scores   [k_blocks] of this ranking, none of them NaN
 *   scratch  [k_blocks] */
float row_choice_threshold(const row_choice *choice, int ranking, const float *scores,
                           float *scratch);

/* |s - t| / max(s, t) of two values from 0 on: 0 if they are equal, 1 if the larger is infinite. */
double score_distance(double s, double t);

#endif
