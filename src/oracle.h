/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The oracle: attention and block scores in plain double precision, straight from
 * docs/algorithm.md. Slow on purpose: no tiling, no running maximum, nothing shared with a kernel
 * but the geometry and the ranking's order. Self-tests and the test suite hold every kernel to it.
 * Host memory.
 */
#ifndef SPD_ORACLE_H
#define SPD_ORACLE_H

#include "problem.h"

/* One head of one batch. Any output may be NULL. */
typedef struct spd_oracle_head {
    double *out;               /* [q_len][head_dim]; rows that are not valid: 0 */
    double *lse;               /* [q_len]; rows that are not valid: -inf */
    double *scores;            /* [q_blocks][k_blocks], softmax over all keys */
    double *scores_generation; /* [q_blocks][k_blocks], softmax over the keys from split on */
} spd_oracle_head;

/*
 * Computes one head.
 *   problem, extent  of the run: spd_problem_of_run
 *   q, k, v          the whole tensors, stored as the problem says; v NULL = scores and lse only
 *   bits             [q_blocks][row_words] kept blocks of this head; NULL = dense. In a fixed mode
 *                    anything but NULL stands for the exact window
 *   row_scores       scratch, [kv_len]
 */
void spd_oracle_attend(const spd_problem *problem, const spd_extent *extent, uint32_t batch,
                       uint32_t head, const void *q, const void *k, const void *v,
                       const uint64_t *bits, double *row_scores, const spd_oracle_head *result);

/* One element of a stored tensor. */
double spd_oracle_load(const void *data, uint32_t dtype, uint64_t index);

#endif
