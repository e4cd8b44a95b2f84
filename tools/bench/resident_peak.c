/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What an OpenCL device multiplies at best. */
#include "resident_state.h"

#include <stdio.h>

enum { TURNS = 512, SUMS = 12 /* EACH */, ROUNDS = 7, MAX_LAUNCHES = 4096 };

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

typedef struct peak_kernel {
    bench_resident *resident;
    cl_program program;
    cl_kernel kernel;
    cl_mem to;
    size_t items;
    double flops; /* of a launch */
} peak_kernel;

static bool set_arguments(peak_kernel *p, tool_error *error) {
    const cl_float a = 0.9999f, b = 0.0001f;
    const spd_cl_api *api = &p->resident->api;
    return bench_resident_check(api->SetKernelArg(p->kernel, 0, sizeof p->to, (void *)&p->to),
                                "clSetKernelArg", error) &&
           bench_resident_check(api->SetKernelArg(p->kernel, 1, sizeof a, &a), "clSetKernelArg",
                                error) &&
           bench_resident_check(api->SetKernelArg(p->kernel, 2, sizeof b, &b), "clSetKernelArg",
                                error);
}

static bool prepare(peak_kernel *p, tool_error *error) {
    char options[96], type[16];
    cl_uint width = 1;
    bench_resident *r = p->resident;
    if (!bench_resident_check(r->api.GetDeviceInfo(r->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT,
                                                   sizeof width, &width, NULL),
                              "clGetDeviceInfo", error))
        return false;
    if (width != 2 && width != 4 && width != 8 && width != 16)
        width = 1;
    if (width == 1)
        snprintf(type, sizeof type, "float");
    else
        snprintf(type, sizeof type, "float%u", width);
    snprintf(options, sizeof options, "-DT=%s -DWIDTH=%u -DTURNS=%d", type, width, TURNS);
    /* Several for each lane of a GPU; enough work-groups for a processor. */
    p->items = (size_t)r->info.compute_units * (r->info.kind == SPARSED_DEVICE_GPU ? 16384 : 1024);
    p->flops = 2.0 * TURNS * SUMS * (double)width * (double)p->items;
    p->to = bench_resident_buffer(r, NULL, p->items * sizeof(cl_float), error);
    return p->to &&
           bench_resident_build(r, source, options, "multiply", &p->program, &p->kernel, error) &&
           set_arguments(p, error);
}

/* Nanoseconds of so many launches. */
static bool time_launches(peak_kernel *p, int launches, double *ns, tool_error *error) {
    const spd_cl_api *api = &p->resident->api;
    cl_event first = NULL, last = NULL;
    cl_ulong start = 0, end = 0;
    bool done = true;
    for (int i = 0; done && i < launches; i++)
        done = bench_resident_check(api->EnqueueNDRangeKernel(p->resident->queue, p->kernel, 1,
                                                              NULL, &p->items, NULL, 0, NULL,
                                                              i == 0              ? &first
                                                              : i == launches - 1 ? &last
                                                                                  : NULL),
                                    "clEnqueueNDRangeKernel", error);
    done = bench_resident_finish(p->resident, error) && done;
    if (first)
        done = bench_resident_time(p->resident, first, CL_PROFILING_COMMAND_START, &start, error) &&
               done;
    if (last)
        done =
            bench_resident_time(p->resident, last, CL_PROFILING_COMMAND_END, &end, error) && done;
    *ns = (double)(end - start);
    return done && first && last;
}

/* The best of some rounds of 20 ms or more. */
static bool find_rate(peak_kernel *p, double *flops, tool_error *error) {
    int launches = 2;
    double ns;
    for (; launches < MAX_LAUNCHES; launches *= 2) {
        if (!time_launches(p, launches, &ns, error))
            return false;
        if (ns >= 20e6)
            break;
    }
    *flops = 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        if (!time_launches(p, launches, &ns, error))
            return false;
        const double rate = ns > 0.0 ? p->flops * launches / ns * 1e9 : 0.0;
        *flops = rate > *flops ? rate : *flops;
    }
    return *flops > 0.0 ? true : tool_fail(error, "the device's clock does not move");
}

bool bench_resident_fma_rate(bench_resident *resident, double *flops, tool_error *error) {
    peak_kernel p = {.resident = resident};
    const bool done = prepare(&p, error) && find_rate(&p, flops, error);
    if (p.kernel)
        resident->api.ReleaseKernel(p.kernel);
    if (p.program)
        resident->api.ReleaseProgram(p.program);
    bench_resident_release(resident, p.to);
    return done;
}
