/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * How far two devices' own patterns of one problem agree. Each key block that only one of them
 * keeps is judged by its block scores, where a record has them of that query block:
 *   tie         its score is within the tolerance of its row's threshold (pattern/threshold.h), by
 *               the scores of either record
 *   real        by neither
 *   undecided   the records have no scores of that query block
 */
#ifndef TOOLS_COMPARE_PATTERN_AGREEMENT_H
#define TOOLS_COMPARE_PATTERN_AGREEMENT_H

#include "compare/finding.h"
#include "compare/record_file.h"

/* What two patterns make of a key block. */
typedef enum block_state {
    BLOCK_NEITHER,
    BLOCK_BOTH,
    BLOCK_TIE,
    BLOCK_REAL,
    BLOCK_UNDECIDED,
    BLOCK_STATES,
    BLOCK_IN_A = 16 /* with the last three: A is the one that keeps it */
} block_state;

typedef struct pattern_agreement {
    uint64_t both, only_a, only_b;  /* kept blocks */
    uint64_t ties, real, undecided; /* of those that only one keeps */
    double largest;                 /* distance from the threshold, of those decided */
} pattern_agreement;

/* both / (both + only_a + only_b); 1 if that is 0 / 0. */
double pattern_agreement_jaccard(const pattern_agreement *p);

void pattern_agreement_add(pattern_agreement *sum, const pattern_agreement *one);

/* A case of one problem in two records, which ran its build. */
typedef struct case_patterns {
    const record_case *a, *b;
    double tolerance; /* of a tie: |score - threshold| / the larger one */
} case_patterns;

/* Compares all heads, and names what no tie explains.
 *   states  [batch * heads][nq][nk]: receives block_state; NULL: not wanted
 * false: out of memory. */
bool pattern_agreement_measure(const case_patterns *pair, pattern_agreement *all, findings *found,
                               uint8_t *states);

/* Whether both keep the same blocks in a row; head counts over all batches. */
bool pattern_same_row(const case_patterns *pair, uint64_t head, uint64_t q_block);

#endif
