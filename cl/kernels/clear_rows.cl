/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * clear_rows: the output of query rows that are not valid: 0, and log-sum-exp -inf.
 *
 * Shapes   out and lse as generic_attend's; offsets of row 0 of the batch, not of its first valid row.
 * Launch   global {D / 8, up to the invalid rows, heads}; an item is eight elements of every row i
 *          that is its own modulo the rows of the launch; past the valid ones, of row i + queries.
 *          Any group size.
 * Local    none. Barriers none. Numerics none.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

__kernel void clear_rows(__global spd_out *out, __global float *lse, const spd_args a,
                         const uint flags) {
    const uint d = get_global_id(0) * 8, head = a.first_head + get_global_id(2);
    for (ulong i = get_global_id(1); i < a.clear_rows; i += get_global_size(1)) {
        const ulong row = i < a.clear_start ? i : i + a.queries;
        const ulong at = a.clear_offset + head * a.out_head + row * a.out_row + d;
        for (uint e = 0; e < 8; e++)
            SPD_STORE(out, at + e, 0.0f);
        if (d == 0 && (flags & SPD_FLAG_LSE))
            lse[a.clear_lse_offset + head * a.lse_head + row] = -INFINITY;
    }
}
