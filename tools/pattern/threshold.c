/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern/threshold.h"

#include <sparsed/sparsed.h>

#include <math.h>

bool row_choice_is_upstream(const row_choice *choice) {
    return choice->mode == SPARSED_MODE_UPSTREAM_DREAM ||
           choice->mode == SPARSED_MODE_UPSTREAM_LLADA;
}

int row_choice_ranking(const row_choice *choice, uint64_t block) {
    return choice->mode != SPARSED_MODE_JOINT && block >= choice->split ? RANKING_GENERATION
                                                                        : RANKING_PROMPT;
}

/* The k-th largest of n values, 1 <= k <= n; puts them in another order. */
static float select_largest(float *values, uint64_t n, uint64_t k) {
    uint64_t low = 0, high = n;
    for (;;) {
        const float pivot = values[low + (high - low) / 2];
        uint64_t above = low, below = high; /* larger values end, smaller ones begin */
        for (uint64_t i = low; i < below;) {
            const float value = values[i];
            if (value > pivot) {
                values[i++] = values[above];
                values[above++] = value;
            } else if (value < pivot) {
                values[i] = values[--below];
                values[below] = value;
            } else {
                i++;
            }
        }
        if (k <= above)
            high = above;
        else if (k <= below)
            return pivot;
        else
            low = below;
    }
}

/* Blocks within the budget of a ranking over n > 0 blocks. */
static uint64_t budget(const row_choice *choice, uint64_t n) {
    double share = choice->ratio * (double)n;
    uint64_t keep = row_choice_is_upstream(choice) ? (uint64_t)share + 1 : (uint64_t)ceil(share);
    return keep < n ? keep : n;
}

float row_choice_threshold(const row_choice *choice, int ranking, const float *scores,
                           float *scratch) {
    bool all = ranking == RANKING_PROMPT &&
               (row_choice_is_upstream(choice) || choice->mode == SPARSED_MODE_JOINT);
    uint64_t first = ranking == RANKING_GENERATION ? choice->split : 0;
    uint64_t end = ranking == RANKING_GENERATION || all ? choice->k_blocks : choice->split;
    if (first >= end || budget(choice, end - first) == 0)
        return 0.0f;
    for (uint64_t j = first; j < end; j++)
        scratch[j - first] = scores[j];
    return select_largest(scratch, end - first, budget(choice, end - first));
}

double score_distance(double s, double t) {
    double larger = fmax(s, t);
    if (s == t)
        return 0.0;
    return isfinite(larger) ? fabs(s - t) / larger : 1.0;
}
