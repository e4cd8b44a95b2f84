/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * generic_attend: attention of SPD_ROWS query rows of one head, dense or over kept key blocks, with
 * log-sum-exp, and in the same pass the exponential sums that block scores are made of. Portable:
 * no sub-groups, no half arithmetic.
 *
 * Shapes   q [.., queries, D], k and v [.., keys, D], out as q, lse [.., queries], all through offsets
 *          and strides; bits: bit rows of the kept blocks. mass, mass_max [heads][rows][k_blocks] and
 *          stats [heads][rows][4] of this launch, written with SPD_FLAG_BUILD: per row and key
 *          block the sum of exponentials and the maximum under which it was taken; per row
 *          maximum and sum over all keys, then over the generation keys.
 * Launch   work-group 128 = 16 keys x 8 row groups; global {128 * units of SPD_ROWS rows, heads}.
 *          SPD_ROWS divides block_q wherever blocks play a part.
 * Local    (SPD_ROWS * D + 16 * (D + 4) + SPD_ROWS * 17) floats: at most 27 KiB as the host chooses.
 * Barriers five a tile of 16 keys, seven with a second scale; all in uniform control flow.
 * Numerics float throughout; the running maximum is of the products q.k, which are scaled as
 *          differences from it: exact where the products are; exp2. Sums over a tile in the order of its
 *          keys, then over tiles. Key blocks are visited from `split` on, then from 0.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif
#ifndef SPD_D
#define SPD_D 128 /* head dimension, a multiple of 8 */
#endif
#ifndef SPD_ROWS
#define SPD_ROWS 32 /* a multiple of 8 */
#endif

#define COLUMNS 16 /* keys of a tile, and items across */
#define DOWN 8     /* items down */
#define ITEMS (COLUMNS * DOWN)
#define ROWS_PER_ITEM (SPD_ROWS / DOWN)
#define OUT_PER_ITEM ((SPD_D + COLUMNS - 1) / COLUMNS)
#define K_STRIDE (SPD_D + 4)
#define P_STRIDE (COLUMNS + 1)

/* Rows first .. first + count - 1 of a tensor as floats; rows from `end` on are 0. */
inline void load_tile(__local float *to, uint to_stride, __global const spd_stored *from,
                      ulong row_stride, ulong first, uint count, ulong end) {
    for (uint i = get_local_id(0); i < count * (SPD_D / 4); i += ITEMS) {
        uint r = i / (SPD_D / 4), d = i % (SPD_D / 4) * 4;
        float4 x = (float4)(0.0f);
        if (first + r < end)
            x = SPD_LOAD4(from, (first + r) * row_stride + d);
        vstore4(x, 0, to + r * to_stride + d);
    }
}

inline bool attends(const spd_args *a, uint flags, ulong query, ulong key) {
    if (key >= a->keys)
        return false;
    if (!(flags & SPD_FLAG_FIXED))
        return true;
    ulong distance = query > key ? query - key : key - query;
    return distance <= a->window || key < a->sinks;
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
generic_attend(__global const spd_stored *q, __global const spd_stored *k,
               __global const spd_stored *v, __global spd_out *out, __global float *lse,
               __global const ulong *bits, __global float *mass, __global float *mass_max,
               __global float *stats, const spd_args a, const uint flags) {
    __local float q_tile[SPD_ROWS * SPD_D];
    __local float kv_tile[COLUMNS * K_STRIDE];
    __local float p_tile[SPD_ROWS * P_STRIDE];
    const uint item = get_local_id(0), column = item % COLUMNS;
    const uint own = item / COLUMNS * ROWS_PER_ITEM; /* the item's first row of the tile */
    const uint launch_head = get_group_id(1), head = a.first_head + launch_head;
    const uint launch_row = (uint)a.part_row + get_group_id(0) * SPD_ROWS;
    const ulong row0 = (ulong)a.first_row + launch_row;
    const uint kv_head = head / a.heads_per_kv;
    const bool attend = (flags & SPD_FLAG_ATTEND) != 0, build = (flags & SPD_FLAG_BUILD) != 0;
    const bool sparse = (flags & SPD_FLAG_SPARSE) != 0, second = (flags & SPD_FLAG_SECOND) != 0;
    q += a.q_offset + head * a.q_head;
    k += a.k_offset + kv_head * a.k_head;
    v += a.v_offset + kv_head * a.v_head;
    bits += a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words;

    float top[ROWS_PER_ITEM], sum[ROWS_PER_ITEM], score_sum[ROWS_PER_ITEM];
    float block_mass[ROWS_PER_ITEM], acc[ROWS_PER_ITEM][OUT_PER_ITEM];
#pragma unroll
    for (int r = 0; r < ROWS_PER_ITEM; r++) {
        top[r] = SPD_LOWEST;
        sum[r] = 0.0f;
        score_sum[r] = 0.0f;
        block_mass[r] = 0.0f;
#pragma unroll
        for (int c = 0; c < OUT_PER_ITEM; c++)
            acc[r][c] = 0.0f;
    }
    load_tile(q_tile, SPD_D, q, a.q_row, row0, SPD_ROWS, a.queries);

    ulong word = 0;
    for (uint n = 0; n < a.k_blocks; n++) {
        uint block = n + a.split;
        if (block >= a.k_blocks)
            block -= a.k_blocks;
        if (sparse) {
            if (n == 0 || block % 64 == 0)
                word = bits[block / 64];
            if ((word >> (block % 64) & 1) == 0)
                continue;
        }
        const ulong block_start = (ulong)block * a.block_k;
        const ulong block_end = min(block_start + a.block_k, a.keys);
        for (ulong key0 = block_start; key0 < block_end; key0 += COLUMNS) {
            barrier(CLK_LOCAL_MEM_FENCE);
            load_tile(kv_tile, K_STRIDE, k, a.k_row, key0, COLUMNS, a.keys);
            barrier(CLK_LOCAL_MEM_FENCE);
            float s[ROWS_PER_ITEM];
            bool seen[ROWS_PER_ITEM];
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++)
                s[r] = 0.0f;
            /* unrolled as a whole, this loop and those over the tile spill */
#pragma unroll 2
            for (uint d = 0; d < SPD_D; d += 4) {
                const float4 key = vload4(0, kv_tile + column * K_STRIDE + d);
#pragma unroll
                for (int r = 0; r < ROWS_PER_ITEM; r++)
                    s[r] += dot(vload4(0, q_tile + (own + r) * SPD_D + d), key);
            }
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++) {
                seen[r] = attends(&a, flags, a.query_position + row0 + own + r, key0 + column);
                p_tile[(own + r) * P_STRIDE + column] = seen[r] ? s[r] : SPD_LOWEST;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            if (attend)
                load_tile(kv_tile, K_STRIDE, v, a.v_row, key0, COLUMNS, a.keys);
            float p[ROWS_PER_ITEM], score_p[ROWS_PER_ITEM];
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++) {
                float higher = top[r];
                for (int c = 0; c < COLUMNS; c++)
                    higher = fmax(higher, p_tile[(own + r) * P_STRIDE + c]);
                const float drop = top[r] - higher, shrink = exp2(drop * a.scale);
                const float score_shrink = second ? exp2(drop * a.score_scale) : shrink;
                top[r] = higher;
                sum[r] *= shrink;
                score_sum[r] *= score_shrink;
                block_mass[r] *= score_shrink;
#pragma unroll
                for (int c = 0; c < OUT_PER_ITEM; c++)
                    acc[r][c] *= shrink;
                p[r] = seen[r] ? exp2((s[r] - higher) * a.scale) : 0.0f;
                score_p[r] = second && seen[r] ? exp2((s[r] - higher) * a.score_scale) : 0.0f;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++)
                p_tile[(own + r) * P_STRIDE + column] = p[r];
            barrier(CLK_LOCAL_MEM_FENCE);
            float tile_sum[ROWS_PER_ITEM]; /* long sums are made of short ones: they round less */
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++)
                tile_sum[r] = 0.0f;
#pragma unroll 4
            for (int j = 0; j < COLUMNS; j++) {
#pragma unroll
                for (int r = 0; r < ROWS_PER_ITEM; r++) {
                    const float x = p_tile[(own + r) * P_STRIDE + j];
                    tile_sum[r] += x;
                    if (attend) {
#pragma unroll
                        for (int c = 0; c < OUT_PER_ITEM; c++) {
                            const uint d = column + c * COLUMNS;
                            if (SPD_D % COLUMNS == 0 || d < SPD_D)
                                acc[r][c] = fma(x, kv_tile[j * K_STRIDE + d], acc[r][c]);
                        }
                    }
                }
            }
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++)
                sum[r] += tile_sum[r];
            if (second) {
                barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
                for (int r = 0; r < ROWS_PER_ITEM; r++) {
                    p_tile[(own + r) * P_STRIDE + column] = score_p[r];
                    tile_sum[r] = 0.0f;
                }
                barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 4
                for (int j = 0; j < COLUMNS; j++)
#pragma unroll
                    for (int r = 0; r < ROWS_PER_ITEM; r++)
                        tile_sum[r] += p_tile[(own + r) * P_STRIDE + j];
            }
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++)
                block_mass[r] += tile_sum[r];
        }
#pragma unroll
        for (int r = 0; r < ROWS_PER_ITEM; r++)
            score_sum[r] += block_mass[r];
        if (build && column == 0) {
#pragma unroll
            for (int r = 0; r < ROWS_PER_ITEM; r++) {
                if (row0 + own + r >= a.queries)
                    continue;
                const ulong at = (ulong)launch_head * a.rows + launch_row + own + r;
                mass[at * a.k_blocks + block] = block_mass[r];
                mass_max[at * a.k_blocks + block] = top[r];
                if (n + 1 == a.k_blocks - a.split) {
                    stats[at * 4 + 2] = top[r];
                    stats[at * 4 + 3] = score_sum[r];
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS_PER_ITEM; r++)
            block_mass[r] = 0.0f;
    }

#pragma unroll
    for (int r = 0; r < ROWS_PER_ITEM; r++) {
        const ulong row = row0 + own + r;
        if (row >= a.queries)
            continue;
        if (build && column == 0) {
            const ulong at = (ulong)launch_head * a.rows + launch_row + own + r;
            stats[at * 4] = top[r];
            stats[at * 4 + 1] = score_sum[r];
        }
        if (!attend)
            continue;
        const float inverse = sum[r] != 0.0f ? 1.0f / sum[r] : 0.0f;
#pragma unroll
        for (int c = 0; c < OUT_PER_ITEM; c++) {
            const uint d = column + c * COLUMNS;
            if (SPD_D % COLUMNS == 0 || d < SPD_D)
                SPD_STORE(out, a.out_offset + head * a.out_head + row * a.out_row + d,
                          acc[r][c] * inverse);
        }
        if ((flags & SPD_FLAG_LSE) && column == 0)
            lse[a.lse_offset + head * a.lse_head + row] = spd_lse(&a, top[r], sum[r]);
    }
}
