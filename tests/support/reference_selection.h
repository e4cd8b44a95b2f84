/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The selection written a second time, straight from docs/algorithm.md, in double precision and
 * with a plain sort. It knows which blocks a rounding error may swap.
 */
#ifndef TESTS_SUPPORT_REFERENCE_SELECTION_H
#define TESTS_SUPPORT_REFERENCE_SELECTION_H

#include "support/attention_case.h"

typedef enum reference_choice {
    REFERENCE_DROPPED = 0,
    REFERENCE_KEPT = 1,
    REFERENCE_EITHER = 2 /* its score ties with the last one kept, or first dropped */
} reference_choice;

/* Relative distance of scores, and absolute size, within which they tie. 0, 0: only the order of
 * indices decides, and nothing is REFERENCE_EITHER. */
typedef struct reference_tie {
    double relative, absolute;
} reference_tie;

/* Marks the blocks [first, end) that the ranking by scores keeps; only those below limit. */
void reference_rank(const double *scores, uint64_t first, uint64_t end, uint64_t keep,
                    uint64_t limit, reference_tie tie, uint8_t *choices);

/* All blocks of the case, [batch][heads][nq][nk], ranked by the oracle's scores. malloc'd. */
uint8_t *reference_select(const attention_case *c, const attention_result *oracle,
                          reference_tie tie);

/* Fails the test where the mask has another choice; returns the share of REFERENCE_EITHER. */
double assert_mask_matches(const attention_case *c, const uint8_t *choices, const uint8_t *mask);

#endif
