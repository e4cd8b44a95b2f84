/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What an OpenCL device multiplies at best. */
#include "resident_state.h"

#include <stdio.h>

enum { TURNS = 512, SUMS = 12 /* EACH */, ROUNDS = 5, MAX_LAUNCHES = 4096 };

/* T is a vector as the device's lanes are: of one float on most GPUs. The sums are independent, so that
 * none waits for another, and variables of their own, which stay in registers; they stay near 1, and
 * one of all is stored, so that none may be left out. */
static const char source[] =
    "#ifdef FP_FAST_FMAF\n"
    "#define FMA fma\n"
    "#else\n"
    "#define FMA mad\n"
    "#endif\n"
    "#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)\n"
    "#define BEGIN(i) T sum##i = (T)(a + i);\n"
    "#define STEP(i) sum##i = FMA(sum##i, (T)a, (T)b);\n"
    "#define ADD(i) all += sum##i;\n"
    "kernel void multiply(global float *to, float a, float b) {\n"
    "    T all = (T)0.0f;\n"
    "    EACH(BEGIN)\n"
    "    for (int turn = 0; turn < TURNS; turn++) {\n"
    "        EACH(STEP)\n"
    "    }\n"
    "    EACH(ADD)\n"
    "#if WIDTH > 1\n"
    "    to[get_global_id(0)] = all.s0 + all.s1;\n"
    "#else\n"
    "    to[get_global_id(0)] = all;\n"
    "#endif\n"
    "}\n";

/* The work of a launch. */
typedef struct peak_launch {
    size_t items;
    double flops;
} peak_launch;

static bool set_arguments(bench_resident *r, tool_error *error) {
    const cl_float a = 0.9999f, b = 0.0001f;
    return bench_resident_check(
               r->api.SetKernelArg(r->multiply, 0, sizeof(cl_mem), (void *)&r->products),
               "clSetKernelArg", error) &&
           bench_resident_check(r->api.SetKernelArg(r->multiply, 1, sizeof a, &a), "clSetKernelArg",
                                error) &&
           bench_resident_check(r->api.SetKernelArg(r->multiply, 2, sizeof b, &b), "clSetKernelArg",
                                error);
}

static bool prepare(bench_resident *r, cl_uint width, size_t items, tool_error *error) {
    char options[96], type[16];
    if (width == 1)
        snprintf(type, sizeof type, "float");
    else
        snprintf(type, sizeof type, "float%u", width);
    snprintf(options, sizeof options, "-DT=%s -DWIDTH=%u -DTURNS=%d", type, width, TURNS);
    if (!r->products)
        r->products = bench_resident_buffer(r, NULL, items * sizeof(cl_float), error);
    return r->products &&
           (r->multiply || bench_resident_build(r, source, options, "multiply", &r->peak_program,
                                                &r->multiply, error)) &&
           set_arguments(r, error);
}

static bool find_launch(bench_resident *r, peak_launch *launch, tool_error *error) {
    cl_uint width = 1;
    if (!bench_resident_check(r->api.GetDeviceInfo(r->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT,
                                                   sizeof width, &width, NULL),
                              "clGetDeviceInfo", error))
        return false;
    if (width != 2 && width != 4 && width != 8 && width != 16)
        width = 1;
    /* Several for each lane of a GPU; enough work-groups for a processor. */
    launch->items =
        (size_t)r->info.compute_units * (r->info.kind == SPARSED_DEVICE_GPU ? 16384 : 1024);
    launch->flops = 2.0 * TURNS * SUMS * (double)width * (double)launch->items;
    return prepare(r, width, launch->items, error);
}

/* Nanoseconds of so many launches, two at least. */
static bool time_launches(bench_resident *r, const peak_launch *launch, int launches, double *ns,
                          tool_error *error) {
    cl_event first = NULL, last = NULL;
    cl_ulong start = 0, end = 0;
    bool done = true;
    for (int i = 0; done && i < launches; i++) {
        cl_event *event = i == 0 ? &first : i == launches - 1 ? &last : NULL;
        done =
            bench_resident_check(r->api.EnqueueNDRangeKernel(r->queue, r->multiply, 1, NULL,
                                                             &launch->items, NULL, 0, NULL, event),
                                 "clEnqueueNDRangeKernel", error);
    }
    done = bench_resident_finish(r, error) && done;
    if (first)
        done = bench_resident_time(r, first, CL_PROFILING_COMMAND_START, &start, error) && done;
    if (last)
        done = bench_resident_time(r, last, CL_PROFILING_COMMAND_END, &end, error) && done;
    *ns = (double)(end - start);
    return done && first && last;
}

/* The best of some rounds of 20 ms or more. */
bool bench_resident_fma_rate(bench_resident *resident, double *flops, tool_error *error) {
    peak_launch launch;
    int launches = 2;
    double ns = 0.0;
    *flops = 0.0;
    if (!find_launch(resident, &launch, error))
        return false;
    for (; launches < MAX_LAUNCHES && ns < 20e6; launches *= 2)
        if (!time_launches(resident, &launch, launches, &ns, error))
            return false;
    for (int round = 0; round < ROUNDS; round++) {
        if (!time_launches(resident, &launch, launches, &ns, error))
            return false;
        const double rate = ns > 0.0 ? launch.flops * launches / ns * 1e9 : 0.0;
        *flops = rate > *flops ? rate : *flops;
    }
    return *flops > 0.0 ? true : tool_fail(error, "the device's clock does not move");
}
