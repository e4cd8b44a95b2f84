/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "geometry.h"

#include "problem.h"
#include "size.h"

#include <math.h>

uint64_t spd_split_block(uint64_t keys, uint64_t block_k, uint64_t gen_len) {
    uint64_t blocks = spd_ceil_div(keys, block_k);
    if (blocks == 0)
        return 0;
    uint64_t first = keys > gen_len ? spd_ceil_div(keys - gen_len, block_k) : 0;
    return spd_min(first, blocks - 1);
}

static uint64_t upstream_budget(double ratio, uint64_t blocks) {
    uint64_t budget = (uint64_t)((double)blocks * ratio) + 1;
    return spd_min(budget, blocks);
}

static uint64_t paper_budget(double ratio, uint64_t blocks) {
    return spd_min((uint64_t)ceil(ratio * (double)blocks), blocks);
}

void spd_budgets(uint32_t mode, double ratio, uint64_t k_blocks, uint64_t split,
                 uint64_t *keep_prompt, uint64_t *keep_generation) {
    if (mode == SPARSED_MODE_PAPER) {
        *keep_prompt = paper_budget(ratio, split);
        *keep_generation = paper_budget(ratio, k_blocks - split);
    } else if (mode == SPARSED_MODE_JOINT) {
        *keep_prompt = paper_budget(ratio, k_blocks);
        *keep_generation = 0;
    } else {
        *keep_prompt = upstream_budget(ratio, k_blocks);
        *keep_generation = upstream_budget(ratio, k_blocks - split);
    }
}
