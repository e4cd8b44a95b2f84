/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * cpu_score: what score_blocks does, shaped for OpenCL runtimes on a processor: one item is 16 key
 * blocks of a query block.
 *
 * Shapes   as score_blocks.
 * Launch   work-group 1; global {k_blocks / 16 rounded up, query blocks, heads}.
 * Local    none. Barriers none.
 * Numerics float; rows in their order; 2^x as in cpu_attend. A NaN anywhere in a row makes its
 *          scores NaN.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

#define LANES 16

/* `count` elements; past them 0. */
inline float16 load(__global const float *from, uint count) {
    if (count == LANES)
        return vload16(0, from);
    float element[LANES];
    for (uint i = 0; i < LANES; i++)
        element[i] = i < count ? from[i] : 0.0f;
    return vload16(0, element);
}

inline void store(__global float *to, float16 v, uint count) {
    float element[LANES];
    vstore16(v, 0, element);
    for (uint i = 0; i < count; i++)
        to[i] = element[i];
}

/* A NaN stays, to rank last. */
inline float16 reduce(float16 score, float16 p, uint score_max) {
    return score_max ? select(score, p, p > score || isnan(p)) : score + p;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
cpu_score(__global const float *mass, __global const float *mass_max, __global const float *stats,
          __global float *scores, const spd_args a) {
    const uint block = get_global_id(0) * LANES, q_block = get_global_id(1);
    const uint head = get_global_id(2), count = min(a.k_blocks - block, (uint)LANES);
    const uint q_blocks = (a.rows + a.block_q - 1) / a.block_q;
    const uint first = q_block * a.block_q;
    const uint end = (uint)min((ulong)min(first + a.block_q, a.rows), a.queries - a.first_row);
    const bool generation = a.upstream && block + count > a.split;
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    float16 score = (float16)(0.0f), second = (float16)(0.0f);
    for (uint r = first; r < end; r++) {
        const ulong row = (ulong)head * a.rows + r, at = row * a.k_blocks + block;
        const float16 e = load(mass + at, count), top = load(mass_max + at, count);
        const float4 s = vload4(row, stats);
        score = reduce(score, e * spd_exp2_below((top - s.x) * a.score_scale) / s.y, a.score_max);
        if (generation)
            second =
                reduce(second, e * spd_exp2_below((top - s.z) * a.score_scale) / s.w, a.score_max);
    }
    const ulong at = ((ulong)head * q_blocks + q_block) * a.k_blocks + block;
    store(scores + at, score, count);
    if (a.upstream)
        store(scores + (ulong)a.heads * q_blocks * a.k_blocks + at,
              select((float16)(0.0f), second, lane + (int)block >= (int)a.split), count);
}
