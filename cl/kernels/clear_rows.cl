/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * clear_rows: the output of query rows that are not valid: 0, and log-sum-exp -inf.
 *
 * Shapes   out and lse as generic_attend's; offsets of row 0 of the batch, not of its first valid row.
 * Launch   global {D, invalid rows rounded up, heads}; an item is an element of row i, past the valid
 *          ones of row i + queries; any group size.
 * Local    none. Barriers none. Numerics none.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

__kernel void clear_rows(__global spd_out *out, __global float *lse, const spd_args a,
                         const uint flags) {
    const uint d = get_global_id(0), head = get_global_id(2);
    ulong row = get_global_id(1);
    if (row >= a.clear_rows)
        return;
    if (row >= a.clear_start)
        row += a.queries;
    SPD_STORE(out, a.clear_offset + head * a.out_head + row * a.out_row + d, 0.0f);
    if (d == 0 && (flags & SPD_FLAG_LSE))
        lse[a.clear_lse_offset + head * a.lse_head + row] = -INFINITY;
}
