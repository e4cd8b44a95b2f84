/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * score_blocks: from a build pass's exponential sums to block scores: for each query block and key
 * block the sum (or the largest) over the block's rows of a row's probability mass in the key block.
 *
 * Shapes   mass, mass_max [heads][rows][k_blocks] and stats [heads][rows][4] of the launch, as an
 *          attend kernel leaves them; scores [2][heads][query blocks][k_blocks]: the softmax over all
 *          keys, then (upstream modes) over the generation keys, 0 for prompt blocks.
 * Launch   global {k_blocks rounded up, query blocks, heads}; an item is one key block; any group size.
 * Local    none. Barriers none.
 * Numerics float; rows in their order. A NaN anywhere in a row makes its scores NaN.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

/* A NaN stays, to rank last. */
inline float reduce(float score, float p, uint score_max) {
    if (!score_max)
        return score + p;
    return p > score || isnan(p) ? p : score;
}

__kernel void score_blocks(__global const float *mass, __global const float *mass_max,
                           __global const float *stats, __global float *scores, const spd_args a) {
    const uint block = get_global_id(0), q_block = get_global_id(1), head = get_global_id(2);
    if (block >= a.k_blocks)
        return;
    const uint q_blocks = (a.rows + a.block_q - 1) / a.block_q;
    const uint first = q_block * a.block_q, end = min(first + a.block_q, a.rows);
    float score = 0.0f, generation = 0.0f;
    for (uint r = first; r < end && (ulong)a.first_row + r < a.queries; r++) {
        const ulong at = (ulong)head * a.rows + r;
        const float e = mass[at * a.k_blocks + block], top = mass_max[at * a.k_blocks + block];
        __global const float *s = stats + at * 4;
        const float p = e * exp2((top - s[0]) * a.score_scale) / s[1];
        score = reduce(score, p, a.score_max);
        if (a.upstream && block >= a.split) {
            const float g = e * exp2((top - s[2]) * a.score_scale) / s[3];
            generation = reduce(generation, g, a.score_max);
        }
    }
    const ulong at = ((ulong)head * q_blocks + q_block) * a.k_blocks + block;
    scores[at] = score;
    if (a.upstream)
        scores[(ulong)a.heads * q_blocks * a.k_blocks + at] = generation;
}
