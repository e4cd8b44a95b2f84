/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * From block scores to kept blocks: one row of bits per query block (docs/algorithm.md,
 * "Selection"). Device-neutral: the oracle and the CPU backend call it, and OpenCL kernels are held
 * to it.
 */
#ifndef SPD_SELECT_H
#define SPD_SELECT_H

#include "problem.h"

static inline void spd_bit_set(uint64_t *row, uint64_t index) {
    row[index / 64] |= (uint64_t)1 << (index % 64);
}
static inline bool spd_bit_get(const uint64_t *row, uint64_t index) {
    return (row[index / 64] >> (index % 64) & 1) != 0;
}
/* Sets bits first .. end-1. */
void spd_bits_set_range(uint64_t *row, uint64_t first, uint64_t end);

/*
 * Chooses the kept key blocks of query block q_block and writes its row.
 *   scores             [k_blocks] of the softmax over all keys
 *   scores_generation  upstream modes: [k_blocks], from split on the scores of the softmax over the
 *                      generation keys alone; other modes do not read it
 *   keys               scratch, [k_blocks]
 *   row                [row_words], overwritten
 */
void spd_select_row(const spd_problem *problem, const spd_extent *extent, uint64_t q_block,
                    const float *scores, const float *scores_generation, uint64_t *keys,
                    uint64_t *row);

/* The row of a fixed mode: every key block that a row of the query block attends to. */
void spd_fixed_row(const spd_problem *problem, const spd_extent *extent, uint64_t q_block,
                   uint64_t *row);

/* Fixed modes: the keys [*first, *end) of the window of the query at `position`; the keys before
 * sinks belong to it besides. */
static inline void spd_window_of(uint64_t position, uint64_t window, uint64_t keys, uint64_t *first,
                                 uint64_t *end) {
    *first = position > window ? position - window : 0;
    *end = window < keys && position + window + 1 < keys ? position + window + 1 : keys;
}

#endif
