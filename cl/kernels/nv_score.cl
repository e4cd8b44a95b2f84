/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_score: block scores of what nv_mma_attend leaves of a chunk (nv_scores.clh).
 *
 * Shapes   mass, mass_max, stats of the chunk: nv.clh; scores [2][heads][query blocks][k_blocks].
 * Launch   groups of 64 = two warps; global {64 * any number, query blocks, heads}; of a unit the groups of its first
 *          query block work, a warp takes every so manieth tile.
 * Local    none. Barriers none.
 */
#ifndef SPD_NV_SCORES
#include "nv_scores.clh"
#endif

#define WARPS 2

__kernel __attribute__((reqd_work_group_size(WARP *WARPS, 1, 1))) void
nv_score(__global const float *restrict mass, __global const float *restrict mass_max,
         __global const float *restrict stats, __global float *restrict scores,
         const spd_args a) {
    const uint q_block = get_group_id(1), head = get_group_id(2), first_row = q_block * SPD_BLOCK_Q;
    const uint lane = get_local_id(0) % WARP, warp = get_local_id(0) / WARP;
    const uint q_blocks = (a.rows + SPD_BLOCK_Q - 1) / SPD_BLOCK_Q;
    const ulong stride = nv_row_stride(&a);
    if (q_block % NV_Q_BLOCKS != 0)
        return;
    unit_sums b;
    b.rows = (uint)min((ulong)min((uint)NV_ROWS, a.rows - first_row),
                       a.queries - a.first_row - first_row);
    b.mass = mass + head * a.k_blocks * stride + first_row;
    b.mass_max = mass_max + head * nv_tiles(&a) * stride + first_row;
    b.stride = stride;
    b.by_tile = false;
    score_rows(&b, &a, stats + head * 4 * stride + first_row, 1, 0,
               get_group_id(0) * WARPS + warp, get_num_groups(0) * WARPS, lane,
               scores + ((ulong)head * q_blocks + q_block) * a.k_blocks,
               (ulong)a.heads * q_blocks * a.k_blocks);
}
