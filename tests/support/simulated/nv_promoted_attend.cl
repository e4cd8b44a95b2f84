/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The same of a family that is promoted, mapped and loops: not promoted, or without the maps of its batch,
 * it does nothing. */
//@90a #define PROMOTED
__kernel __attribute__((reqd_work_group_size(SIMULATED_ITEMS, 1, 1))) void
nv_promoted_attend(__global const spd_stored *q, __global const spd_stored *k,
                   __global const spd_stored *v, __global spd_out *out, __global float *lse,
                   __global const ulong *bits, __global float *mass, __global float *mass_max,
                   __global float *stats, const spd_args a, const uint flags,
                   __global const ulong *maps) {
#ifdef PROMOTED
    const uint units = (uint)a.part_units;
    if ((flags & SPD_FLAG_MAPPED) && maps[0] != SIMULATED_MAP + a.queries)
        return;
    const uint works = a.whole_units + (units * a.heads - a.whole_units) * a.unit_shares;
    for (uint work = get_group_id(0); work < works; work += get_num_groups(0)) {
        const bool own = work < a.whole_units;
        const uint share = own ? UNSHARED : work - a.whole_units;
        const uint unit = own ? work : a.whole_units + share / a.unit_shares;
        simulated_attend(unit / units,
                         (uint)a.part_row + unit % units * SIMULATED_ITEMS + (uint)get_local_id(0),
                         share, q, k, v, out, lse, bits, mass, mass_max, stats, &a, flags);
    }
#endif
}
