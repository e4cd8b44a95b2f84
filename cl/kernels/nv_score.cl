/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_score: from the exponential sums of the nv_ attend kernels to block scores: for each query block
 * and key block the sum (or the largest) over the block's rows of a row's probability mass in the key
 * block.
 *
 * Shapes   mass, mass_max, stats of the launch: nv.clh; scores [2][heads][query blocks][k_blocks]: the
 *          softmax over all keys, then (upstream modes) over the generation keys, 0 for prompt blocks.
 * Launch   groups of 64 = two warps; global {64 * any number, query blocks, heads}; a warp takes every
 *          second few tiles of its group's share, a lane every 32nd row of the query block.
 * Local    none. Barriers none.
 * Numerics float; a lane's rows in their order, then lanes pairwise. A NaN anywhere in a row makes its
 *          scores NaN.
 */
#ifndef SPD_NV
#include "nv.clh"
#endif

#define WARP 32
#define WARPS 2
#define LANE_ROWS ((SPD_BLOCK_Q + WARP - 1) / WARP)
#define TILES (NV_SLOTS < 4 ? 4 / NV_SLOTS : 1) /* that a warp takes at a time */

/* A NaN stays, to rank last. */
NV_INLINE float reduce(float score, float p, uint score_max) {
    if (!score_max)
        return score + p;
    return p > score || isnan(p) ? p : score;
}

NV_INLINE float reduce_lanes(float score, uint score_max) {
#pragma unroll
    for (uint mask = WARP / 2; mask > 0; mask /= 2)
        score = reduce(score, nv_shuffle_xor(score, mask), score_max);
    return score;
}

/* What turns a lane's sums under some references into shares of the whole. */
typedef struct softmax {
    float reference[LANE_ROWS], inverse[LANE_ROWS];
} softmax;

/* Rows that are not there weigh nothing: their sums are 0, and exponents never above 0. */
NV_INLINE softmax load_softmax(__global const float *stats, ulong stride, uint rows, uint lane) {
    softmax s;
#pragma unroll
    for (uint i = 0; i < LANE_ROWS; i++) {
        const uint r = lane + i * WARP;
        s.reference[i] = r < rows ? stats[r] : 0.0f;
        s.inverse[i] = r < rows ? nv_reciprocal(stats[stride + r]) : 0.0f;
    }
    return s;
}

/* A row's sums in a block, or what stands for rows and blocks that are not there. */
NV_INLINE void load_rows(float *x, __global const float *from, uint rows, uint lane) {
#pragma unroll
    for (uint i = 0; i < LANE_ROWS; i++)
        x[i] = lane + i * WARP < rows ? from[lane + i * WARP] : 0.0f;
}

NV_INLINE float score_of(const float *mass, const float *reference, const softmax *s,
                         uint score_max) {
    float score = 0.0f;
#pragma unroll
    for (uint i = 0; i < LANE_ROWS; i++)
        score = reduce(score, mass[i] * nv_exp2(reference[i] - s->reference[i]) * s->inverse[i],
                       score_max);
    return reduce_lanes(score, score_max);
}

/* The key blocks of a tile, from *first on; their number. */
NV_INLINE uint tile_blocks(const spd_args *a, uint tile, uint *first) {
    const uint first_tiles = nv_first_tiles(a);
    const bool prompt = tile >= first_tiles;
    *first = prompt ? (tile - first_tiles) * NV_SLOTS : a->split + tile * NV_SLOTS;
    return min((uint)NV_SLOTS, (prompt ? a->split : a->k_blocks) - *first);
}

__kernel __attribute__((reqd_work_group_size(WARP *WARPS, 1, 1))) void
nv_score(__global const float *restrict mass, __global const float *restrict mass_max,
         __global const float *restrict stats, __global float *restrict scores,
         const spd_args a) {
    const uint q_block = get_group_id(1), head = get_group_id(2);
    const uint lane = get_local_id(0) % WARP, warp = get_local_id(0) / WARP;
    const uint q_blocks = (a.rows + SPD_BLOCK_Q - 1) / SPD_BLOCK_Q;
    const uint first_row = q_block * SPD_BLOCK_Q;
    const uint rows = (uint)min((ulong)min((uint)SPD_BLOCK_Q, a.rows - first_row),
                                a.queries - a.first_row - first_row);
    const ulong stride = nv_row_stride(&a);
    const uint tiles = nv_tiles(&a);
    const uint share = (tiles + get_num_groups(0) - 1) / get_num_groups(0);
    const uint end = min(tiles, (uint)(get_group_id(0) + 1) * share);
    mass += head * a.k_blocks * stride + first_row;
    mass_max += head * tiles * stride + first_row;
    stats += head * 4 * stride + first_row;
    scores += ((ulong)head * q_blocks + q_block) * a.k_blocks;
    __global float *generation_scores = scores + (ulong)a.heads * q_blocks * a.k_blocks;
    const softmax all = load_softmax(stats, stride, rows, lane);
    const softmax generation = load_softmax(stats + 2 * stride, stride, rows, lane);
    for (uint tile0 = get_group_id(0) * share + warp * TILES; tile0 < end; tile0 += WARPS * TILES) {
        float reference[TILES][LANE_ROWS], sums[TILES][NV_SLOTS][LANE_ROWS];
        uint block[TILES], blocks[TILES];
#pragma unroll
        for (uint t = 0; t < TILES; t++) { /* many loads at a time */
            const uint tile = min(tile0 + t, end - 1);
            blocks[t] = tile_blocks(&a, tile, &block[t]);
            if (tile0 + t >= end)
                blocks[t] = 0;
            load_rows(reference[t], mass_max + tile * stride, rows, lane);
#pragma unroll
            for (uint i = 0; i < NV_SLOTS; i++)
                load_rows(sums[t][i], mass + (block[t] + i) * stride, i < blocks[t] ? rows : 0, lane);
        }
#pragma unroll
        for (uint t = 0; t < TILES; t++)
#pragma unroll
            for (uint i = 0; i < NV_SLOTS; i++) {
                if (i >= blocks[t])
                    continue;
                const float score = score_of(sums[t][i], reference[t], &all, a.score_max);
                if (lane == 0)
                    scores[block[t] + i] = score;
                if (!a.upstream)
                    continue;
                const float other = block[t] >= a.split ? score_of(sums[t][i], reference[t],
                                                                   &generation, a.score_max)
                                                        : 0.0f;
                if (lane == 0)
                    generation_scores[block[t] + i] = other;
            }
    }
}
