/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* An attend kernel of a specialised family; see nv.clh. */
__kernel __attribute__((reqd_work_group_size(SIMULATED_ITEMS, 1, 1))) void
nv_plain_attend(__global const spd_stored *q, __global const spd_stored *k,
                __global const spd_stored *v, __global spd_out *out, __global float *lse,
                __global const ulong *bits, __global float *mass, __global float *mass_max,
                __global float *stats, const spd_args a, const uint flags) {
    const uint launch_row = (uint)a.part_row + (uint)get_global_id(0);
    const sum_row sums = plain_row(&a, mass, mass_max, stats, get_group_id(1), launch_row);
    simulated_attend(get_group_id(1), launch_row, UNSHARED, q, k, v, out, lse, bits, &sums, 0, &a,
                     flags);
}
