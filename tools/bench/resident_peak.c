/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What an OpenCL device multiplies at best. */
#include <stdio.h>
#include <stdlib.h>

#include "../cl/promote.h"
#include "../src/alloc.h"
#include "resident_state.h"

enum { ROUNDS = 40, MAX_LAUNCHES = 4096 };

/* Short, so that some fall between what other work does. */
static const double round_ns = 2e6;

/* How a loop is built and launched, and the work of a launch. */
typedef struct peak_loop {
    const char *source;
    char options[96];
    size_t items, group; /* group 0: as the driver likes */
    double flops;
    bool promoted;
} peak_loop;

/* ---- the loops ---- */

static bool find_fma_loop(bench_resident *r, peak_loop *loop, tool_error *error) {
    enum { TURNS = 512, SUMS = 12 };
    cl_uint width = 1;
    char type[16] = "float";
    if (!bench_resident_check(r->api.GetDeviceInfo(r->device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT,
                                                   sizeof width, &width, NULL),
                              "clGetDeviceInfo", error))
        return false;
    if (width == 2 || width == 4 || width == 8 || width == 16)
        snprintf(type, sizeof type, "float%u", width);
    else
        width = 1;
    loop->source = bench_fma_source;
    snprintf(loop->options, sizeof loop->options, "-DT=%s -DWIDTH=%u -DTURNS=%d", type, width,
             TURNS);
    /* Several for each lane of a GPU; enough work-groups for a processor. */
    loop->items =
        (size_t)r->info.compute_units * (r->info.kind == SPARSED_DEVICE_GPU ? 16384 : 1024);
    loop->flops = 2.0 * TURNS * SUMS * width * (double)loop->items;
    return true;
}

/* Work-groups of 256, several a multiprocessor. */
static void set_matrix_loop(const bench_resident *r, const char *source, int turns,
                            size_t groups_a_unit, double flops_a_group, peak_loop *loop) {
    const size_t groups = (size_t)r->info.compute_units * groups_a_unit;
    loop->source = source;
    snprintf(loop->options, sizeof loop->options, "-DTURNS=%d", turns);
    loop->group = 256;
    loop->items = groups * loop->group;
    loop->flops = flops_a_group * turns * (double)groups;
}

static bool find_loop(bench_resident *r, bench_units units, peak_loop *loop, tool_error *error) {
    *loop = (peak_loop){.promoted = units == BENCH_WGMMA};
    switch (units) {
    case BENCH_MMA: /* 8 warps, 8 products each */
        set_matrix_loop(r, bench_mma_source, 512, 8, 8.0 * 8.0 * 2.0 * 16 * 8 * 16, loop);
        return true;
    case BENCH_WGMMA: /* 2 warpgroups, 8 products each */
        set_matrix_loop(r, bench_wgmma_source, 256, 4, 2.0 * 8.0 * 2.0 * 64 * 128 * 16, loop);
        return true;
    default:
        return find_fma_loop(r, loop, error);
    }
}

/* ---- building ---- */

/* The program's binary, which is PTX; malloc'd. NULL on failure. */
static unsigned char *take_ptx(bench_resident *r, cl_program program, size_t *size_bytes,
                               tool_error *error) {
    if (!bench_resident_check(r->api.GetProgramInfo(program, CL_PROGRAM_BINARY_SIZES,
                                                    sizeof *size_bytes, size_bytes, NULL),
                              "clGetProgramInfo", error))
        return NULL;
    unsigned char *ptx = malloc(*size_bytes + 1);
    if (!ptx) {
        tool_fail(error, "out of memory");
        return NULL;
    }
    if (bench_resident_check(
            r->api.GetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof ptx, &ptx, NULL),
            "clGetProgramInfo", error))
        return ptx;
    free(ptx);
    return NULL;
}

static bool build_text(bench_resident *r, const char *text, size_t size_bytes, cl_program *program,
                       tool_error *error) {
    const unsigned char *binary = (const unsigned char *)text;
    cl_int result = CL_SUCCESS;
    *program = r->api.CreateProgramWithBinary(r->opencl, 1, &r->device, &size_bytes, &binary, NULL,
                                              &result);
    return bench_resident_check(result, "clCreateProgramWithBinary", error) &&
           bench_resident_check(r->api.BuildProgram(*program, 1, &r->device, "", NULL, NULL),
                                "clBuildProgram", error);
}

/* The loop's program gives way to the one of its promoted text. */
static bool promote(bench_resident *r, bench_units units, tool_error *error) {
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_message message;
    char *text = NULL;
    size_t ptx_bytes = 0, text_bytes = 0;
    cl_int result = CL_SUCCESS;
    unsigned char *ptx = take_ptx(r, r->peak_program[units], &ptx_bytes, error);
    if (!ptx)
        return false;
    r->api.ReleaseKernel(r->multiply[units]);
    r->api.ReleaseProgram(r->peak_program[units]);
    r->multiply[units] = NULL;
    r->peak_program[units] = NULL;
    bool done = spd_cl_promote(&allocator, (const char *)ptx, ptx_bytes, &text, &text_bytes,
                               &message) == SPARSED_OK;
    if (done)
        done = build_text(r, text, text_bytes, &r->peak_program[units], error);
    else
        tool_fail(error, "%s", message.text);
    spd_release(&allocator, text);
    free(ptx);
    if (!done)
        return false;
    r->multiply[units] = r->api.CreateKernel(r->peak_program[units], "multiply", &result);
    return bench_resident_check(result, "clCreateKernel", error);
}

static bool build(bench_resident *r, bench_units units, const peak_loop *loop, tool_error *error) {
    return bench_resident_build(r, loop->source, loop->options, "multiply", &r->peak_program[units],
                                &r->multiply[units], error) &&
           (!loop->promoted || promote(r, units, error));
}

/* A loop that was built once stays. */
static bool prepare(bench_resident *r, bench_units units, const peak_loop *loop,
                    tool_error *error) {
    if (r->multiply[units])
        return true;
    if (!r->products[units])
        r->products[units] = bench_resident_buffer(r, NULL, loop->items * sizeof(cl_float), error);
    if (!r->products[units] || !build(r, units, loop, error))
        return false;
    return bench_resident_check(
        r->api.SetKernelArg(r->multiply[units], 0, sizeof(cl_mem), (void *)&r->products[units]),
        "clSetKernelArg", error);
}

/* ---- timing ---- */

/* Nanoseconds of so many launches, two at least. */
static bool time_launches(bench_resident *r, cl_kernel kernel, const peak_loop *loop, int launches,
                          double *ns, tool_error *error) {
    const size_t *group = loop->group ? &loop->group : NULL;
    cl_event first = NULL, last = NULL;
    cl_ulong start = 0, end = 0;
    bool done = true;
    for (int i = 0; done && i < launches; i++) {
        cl_event *event = i == 0 ? &first : i == launches - 1 ? &last : NULL;
        done =
            bench_resident_check(r->api.EnqueueNDRangeKernel(r->queue, kernel, 1, NULL,
                                                             &loop->items, group, 0, NULL, event),
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

/* The best of some rounds. */
bool bench_resident_rate(bench_resident *resident, bench_units units, double *flops,
                         tool_error *error) {
    peak_loop loop;
    int launches = 2;
    double ns = 0.0;
    *flops = 0.0;
    if (!find_loop(resident, units, &loop, error) || !prepare(resident, units, &loop, error))
        return false;
    cl_kernel kernel = resident->multiply[units];
    for (; launches < MAX_LAUNCHES && ns < round_ns; launches *= 2)
        if (!time_launches(resident, kernel, &loop, launches, &ns, error))
            return false;
    for (int round = 0; round < ROUNDS; round++) {
        if (!time_launches(resident, kernel, &loop, launches, &ns, error))
            return false;
        const double rate = ns > 0.0 ? loop.flops * launches / ns * 1e9 : 0.0;
        *flops = rate > *flops ? rate : *flops;
    }
    return *flops > 0.0 ? true : tool_fail(error, "the device's clock does not move");
}
