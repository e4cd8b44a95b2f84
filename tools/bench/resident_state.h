/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a bench_resident holds, for the files that make it up.
 */
#ifndef TOOLS_BENCH_RESIDENT_STATE_H
#define TOOLS_BENCH_RESIDENT_STATE_H

#include "../cl/api.h"
#include "resident.h"

struct bench_resident {
    spd_cl_api api;
    sparsed_device_info info;
    cl_device_id device;
    cl_context opencl;
    cl_command_queue queue; /* in order, with times */
    cl_program program;
    cl_kernel write; /* runs before and after each timed operation */
    cl_mem written;
    size_t written_bytes;
    /* resident_peak.c's, each from its first use on. */
    cl_program peak_program[BENCH_WGMMA + 1];
    cl_kernel multiply[BENCH_WGMMA + 1];
    cl_mem products[BENCH_WGMMA + 1];
    sparsed_context *context;
};

/* true for CL_SUCCESS; else the error names the call. */
bool bench_resident_check(cl_int result, const char *call, tool_error *error);

/* Kernels "multiply", whose items each store a float to their only argument; resident_peak.c knows what
 * they compute. */
extern const char bench_fma_source[], bench_mma_source[], bench_wgmma_source[];

/* Builds the source's kernel; *program is to be released, even on failure, unless it is NULL. */
bool bench_resident_build(bench_resident *resident, const char *source, const char *options,
                          const char *name, cl_program *program, cl_kernel *kernel,
                          tool_error *error);

/* A moment by the device's clock; releases the event. */
bool bench_resident_time(bench_resident *resident, cl_event event, cl_profiling_info which,
                         cl_ulong *ns, tool_error *error);

#endif
