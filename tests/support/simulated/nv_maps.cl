/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* In the place of tensor maps a number by which nv_promoted_attend knows that they were made. */
//@90a #define PROMOTED
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
nv_maps(__global const ushort *q, __global const ushort *k, __global const ushort *v,
        __global ulong *maps, const spd_args a) {
#ifdef PROMOTED
    maps[0] = SIMULATED_MAP + a.queries;
#endif
}
