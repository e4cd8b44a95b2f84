/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_merge: rows of units whose key blocks several work-groups shared, from what each of them found.
 *
 * Shapes   shares: nv.clh; out, lse as of the attend kernels.
 * Launch   groups of 64; global {64 * any number, units that are shared}; an item takes two columns of a row.
 * Local    none. Barriers none.
 * Numerics float; shares in their order, each under the largest reference of all.
 */
#ifndef SPD_NV
#include "nv.clh"
#endif

#define GROUP 64
#define PAIRS (SPD_D / 2)

__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
nv_merge(__global const float *restrict shares, __global spd_out *restrict out,
         __global float *restrict lse, const spd_args a, const uint flags) {
    const uint row = (uint)get_global_id(0) / PAIRS, pair = (uint)get_global_id(0) % PAIRS;
    const uint unit = a.whole_units + (uint)get_global_id(1);
    const uint head = a.first_head + unit / (uint)a.part_units;
    const ulong own = (ulong)a.first_row + a.part_row + unit % (uint)a.part_units * NV_ROWS + row;
    if (own >= a.queries)
        return;
    shares += NV_COUNTERS + get_global_id(1) * a.unit_shares * NV_SHARE;
    __global const float *stats = shares + NV_SHARE_VALUES + row;
    float reference = SPD_LOWEST, sum = 0.0f, x = 0.0f, y = 0.0f;
    for (uint i = 0; i < a.unit_shares; i++)
        reference = fmax(reference, stats[i * NV_SHARE]);
    for (uint i = 0; i < a.unit_shares; i++) {
        const float weight = nv_exp2(stats[i * NV_SHARE] - reference);
        const float2 values =
            ((__global const float2 *)(shares + i * NV_SHARE + row * SPD_D))[pair];
        sum += weight * stats[i * NV_SHARE + NV_ROWS];
        x += weight * values.x;
        y += weight * values.y;
    }
    const float inverse = sum != 0.0f ? nv_reciprocal(sum) : 0.0f;
    const ulong bytes = (ulong)out | (a.out_offset | a.out_head | a.out_row) * sizeof(spd_out);
    nv_store_pair(out + a.out_offset + head * a.out_head + own * a.out_row + 2 * pair, x * inverse,
                  y * inverse, bytes % (2 * sizeof(spd_out)) == 0);
    if ((flags & SPD_FLAG_LSE) && pair == 0)
        lse[a.lse_offset + head * a.lse_head + own] = nv_lse(reference, sum);
}
