/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The registry of OpenCL kernels, best first: a new family is a new .cl file and a row in each table. */
#include "kernel.h"

const spd_kernel_row spd_cl_rows[SPD_CL_FAMILIES] = {
    {"cl-nv-wgmma",
     "warpgroup products of Hopper (compute capability 9.0); PTX promoted to sm_90a",
     1 << SPARSED_F16 | 1 << SPARSED_BF16,
     {64, 128}},
    {"cl-cpu-shaped",
     "one item a unit of query rows; for OpenCL runtimes on a processor",
     SPD_ALL_DTYPES,
     {0, 0}},
    {"cl-generic", "portable OpenCL C 1.2, work-groups of 128 items", SPD_ALL_DTYPES, {0, 0}},
};

const spd_cl_family spd_cl_families[SPD_CL_FAMILIES] = {
    {.source = "nv_wgmma_attend",
     .score = "nv_score",
     .group_items = 384,
     .score_items = 64,
     .score_width = 1,
     .least_capability = 90,
     .most_capability = 90,
     .promoted = true,
     .specialised = true,
     .many_blocks = true,
     .max_rows = {128, 128, 128},
     .dense_keys = 128,
     .gpu_operations = 36,
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
