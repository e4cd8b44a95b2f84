/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Puts the shares of units together, of which nv.clh has the layout; launched as the kernel it stands for:
 * an item takes two columns of a row. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
nv_merge(__global float *shares, __global spd_out *out, __global float *lse, const spd_args a,
         const uint flags) {
    const uint row = (uint)get_global_id(0) / (SPD_D / 2);
    const uint d = (uint)get_global_id(0) % (SPD_D / 2) * 2;
    const uint unit = a.whole_units + (uint)get_global_id(1), units = (uint)a.part_units;
    const uint head = a.first_head + unit / units;
    const ulong own = (ulong)a.first_row + a.part_row + unit % units * SIMULATED_ITEMS + row;
    const uint first = (uint)get_global_id(1) * a.unit_shares;
    float top = SPD_LOWEST, sum = 0.0f, x = 0.0f, y = 0.0f;
    if (own >= a.queries)
        return;
    for (uint i = first; i < first + a.unit_shares; i++)
        top = fmax(top, share_row(shares, i, row)[4]);
    for (uint i = first; i < first + a.unit_shares; i++) {
        __global const float *share = share_row(shares, i, row);
        const float weight = exp2((share[4] - top) * a.scale);
        sum += weight * share[5];
        x += weight * share[6 + d];
        y += weight * share[7 + d];
    }
    const ulong at = a.out_offset + head * a.out_head + own * a.out_row + d;
    SPD_STORE(out, at, sum != 0.0f ? x / sum : 0.0f);
    SPD_STORE(out, at + 1, sum != 0.0f ? y / sum : 0.0f);
    if ((flags & SPD_FLAG_LSE) && d == 0)
        lse[a.lse_offset + head * a.lse_head + own] = spd_lse(&a, top, sum);
}
