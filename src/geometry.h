/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where the valid rows of a batch lie, and how they fall into blocks: counts, split and budgets
 * (docs/algorithm.md, "Selection"). Pure arithmetic; every backend uses these numbers.
 */
#ifndef SPD_GEOMETRY_H
#define SPD_GEOMETRY_H

#include <stdint.h>

/* Positions are counted from the first valid key. */
typedef struct spd_extent {
    uint64_t key_start, keys;      /* valid rows of k and v */
    uint64_t query_start, queries; /* valid rows of q */
    uint64_t query_position;       /* of the first valid query row */
    uint64_t q_blocks, k_blocks;
    uint64_t split;               /* first key block of the generation region */
    uint64_t generation_position; /* first generation row: keys - gen_len */
    uint64_t keep_prompt;         /* budget of the first ranking */
    uint64_t keep_generation;     /* budget of the second ranking; 0 in mode joint */
} spd_extent;

/* First key block with at most gen_len keys from its start on, else the last one; 0 if no keys. */
uint64_t spd_split_block(uint64_t keys, uint64_t block_k, uint64_t gen_len);

/* Budgets of the two rankings in a mode that scores. */
void spd_budgets(uint32_t mode, double ratio, uint64_t k_blocks, uint64_t split,
                 uint64_t *keep_prompt, uint64_t *keep_generation);

#endif
