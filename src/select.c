/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "select.h"

#include "half.h"
#include "size.h"

#include <string.h>

void spd_bits_set_range(uint64_t *row, uint64_t first, uint64_t end) {
    for (uint64_t i = first; i < end; i++)
        spd_bit_set(row, i);
}

/* The order of blocks on every device: larger score first, then the lower index. NaN, negative
 * scores and -0 rank as 0, last. */
static uint64_t rank_key(float score, uint64_t index) {
    uint32_t bits = score > 0.0f ? spd_float_bits(score) : 0;
    return (uint64_t)bits << 32 | (UINT32_MAX - (uint32_t)index);
}

/* Puts the `keep` largest of keys[0 .. n-1] first, in any order. Keys are distinct. */
static void partition_largest(uint64_t *keys, uint64_t n, uint64_t keep) {
    uint64_t low = 0, high = n;
    while (high - low > 1 && keep > low && keep < high) {
        uint64_t a = keys[low], b = keys[low + (high - low) / 2], c = keys[high - 1];
        uint64_t pivot = a > b ? (b > c ? b : (a > c ? c : a)) : (a > c ? a : (b > c ? c : b));
        uint64_t i = low, j = high - 1;
        for (;;) {
            while (keys[i] > pivot)
                i++;
            while (keys[j] < pivot)
                j--;
            if (i >= j)
                break;
            uint64_t swap = keys[i];
            keys[i] = keys[j];
            keys[j] = swap;
        }
        /* keys[low .. i-1] > pivot = keys[i] > keys[i+1 .. high-1] */
        if (keep <= i)
            high = i;
        else
            low = i + 1;
    }
}

/* Ranks blocks first .. end-1 by scores and sets the bits of the best `keep` that lie below limit.
 */
static void keep_top(const float *scores, uint64_t first, uint64_t end, uint64_t keep,
                     uint64_t limit, uint64_t *keys, uint64_t *row) {
    uint64_t n = end - first;
    for (uint64_t i = 0; i < n; i++)
        keys[i] = rank_key(scores[first + i], first + i);
    if (keep < n)
        partition_largest(keys, n, keep);
    for (uint64_t i = 0; i < spd_min(keep, n); i++) {
        uint64_t index = UINT32_MAX - (uint32_t)keys[i];
        if (index < limit)
            spd_bit_set(row, index);
    }
}

/* The options beyond the ranking: whole rows, and blocks that are always kept. */
static void add_extras(const sparsed_select *s, const spd_extent *e, uint64_t q_block,
                       uint64_t *row) {
    uint64_t first = e->query_position + q_block * s->block_q;
    uint64_t last = spd_min(first + s->block_q, e->query_position + e->queries) - 1;
    if ((s->flags & SPARSED_SELECT_DENSE_GENERATION_ROWS) && last >= e->generation_position)
        spd_bits_set_range(row, 0, e->k_blocks);
    if (s->flags & SPARSED_SELECT_KEEP_DIAGONAL)
        spd_bits_set_range(row, first / s->block_k, last / s->block_k + 1);
    if (s->flags & SPARSED_SELECT_KEEP_GENERATION)
        spd_bits_set_range(row, e->split, e->k_blocks);
    spd_bits_set_range(row, 0, spd_min(s->always_first, e->k_blocks));
}

void spd_select_row(const spd_problem *problem, const spd_extent *extent, uint64_t q_block,
                    const float *scores, const float *scores_generation, uint64_t *keys,
                    uint64_t *row) {
    const sparsed_select *s = &problem->select;
    uint64_t n = extent->k_blocks, split = extent->split;
    memset(row, 0, problem->row_words * sizeof *row);
    if (spd_mode_is_upstream(s->mode)) {
        keep_top(scores, 0, n, extent->keep_prompt, split, keys, row);
        keep_top(scores_generation, split, n, extent->keep_generation, n, keys, row);
    } else if (s->mode == SPARSED_MODE_PAPER) {
        keep_top(scores, 0, split, extent->keep_prompt, n, keys, row);
        keep_top(scores, split, n, extent->keep_generation, n, keys, row);
    } else {
        keep_top(scores, 0, n, extent->keep_prompt, n, keys, row);
    }
    add_extras(s, extent, q_block, row);
}

void spd_fixed_row(const spd_problem *problem, const spd_extent *extent, uint64_t q_block,
                   uint64_t *row) {
    const sparsed_select *s = &problem->select;
    uint64_t position = extent->query_position + q_block * s->block_q;
    uint64_t last = spd_min(position + s->block_q, extent->query_position + extent->queries) - 1;
    uint64_t first, end, ignored;
    spd_window_of(position, s->window, extent->keys, &first, &ignored);
    spd_window_of(last, s->window, extent->keys, &ignored, &end);
    memset(row, 0, problem->row_words * sizeof *row);
    spd_bits_set_range(row, first / s->block_k, spd_ceil_div(end, s->block_k));
    if (s->mode == SPARSED_MODE_STREAMING)
        spd_bits_set_range(row, 0, spd_ceil_div(spd_min(s->sinks, extent->keys), s->block_k));
}
