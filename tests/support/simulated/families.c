/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Takes the place of cl/families.c in programs that simulate the families for NVIDIA's devices with plain
 * kernels. The first has all that such a family can have, and needs a device that says it is of
 * NVIDIA (failing_opencl.h); the second runs on any device.
 */
#include "cl/kernel.h"

enum { PAIR_DTYPES = 1 << SPARSED_F16 | 1 << SPARSED_BF16 };

const spd_kernel_row spd_cl_rows[SPD_CL_FAMILIES] = {
    {"cl-nv-wgmma", "simulated, promoted", PAIR_DTYPES, {64, 128}},
    {"cl-nv-mma", "simulated", PAIR_DTYPES, {64, 128}},
    {"cl-cpu-shaped", "for processors", SPD_ALL_DTYPES, {0, 0}},
    {"cl-generic", "the portable one", SPD_ALL_DTYPES, {0, 0}},
};

const spd_cl_family spd_cl_families[SPD_CL_FAMILIES] = {
    {.source = "nv_promoted_attend",
     .group_items = 128,
     .least_capability = 90,
     .most_capability = 90,
     .promoted = true,
     .mapped = true,
     .specialised = true,
     .loops = true,
     .share_tiles = 1,
     .max_rows = {128, 128, 128},
     .many_blocks = true,
     .dense_keys = 128,
     .gpu_operations = 36,
     .cpu_operations = 26},
    {.source = "nv_plain_attend",
     .score = "nv_plain_score",
     .group_items = 128,
     .score_items = 64,
     .score_width = 1,
     .specialised = true,
     .max_rows = {128, 128, 128},
     .many_blocks = true,
     .dense_keys = 128,
     .gpu_operations = 35,
     .cpu_operations = 26},
    {.source = "cpu_attend",
     .score = "cpu_score",
     .group_items = 1,
     .score_items = 1,
     .score_width = 16,
     .cpu_shaped = true,
     .max_rows = {128, 128, 64},
     .dense_keys = 64,
     .gpu_operations = 30,
     .cpu_operations = 32},
    {.source = "generic_attend",
     .score = "score_blocks",
     .group_items = 128,
     .score_items = 64,
     .score_width = 1,
     .max_rows = {64, 32, 8},
     .dense_keys = 128,
     .gpu_operations = 30,
     .cpu_operations = 26},
};
