/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Tensors that stay on an OpenCL device. */
#include "resident_state.h"

#include <sparsed/opencl.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "device_options.h"

enum { MAX_DEVICES = 64 };

/* A kernel, not clEnqueueFillBuffer, which a driver may hand to another engine of the GPU: what is timed
 * would then hold the change from one to the other. */
static const char write_source[] = "kernel void write_zeros(global uint *to) {\n"
                                   "    to[get_global_id(0)] = 0;\n"
                                   "}\n";

/* Larger than the caches of any GPU, and some 0.2 ms of its time. */
static const size_t gpu_written_bytes = (size_t)512 << 20;

bool bench_resident_check(cl_int result, const char *call, tool_error *error) {
    char room[32];
    return result == CL_SUCCESS
               ? true
               : tool_fail(error, "%s failed: %s", call, spd_cl_error_string(result, room));
}

bool bench_resident_build(bench_resident *resident, const char *source, const char *options,
                          const char *name, cl_program *program, cl_kernel *kernel,
                          tool_error *error) {
    const spd_cl_api *api = &resident->api;
    cl_int result = CL_SUCCESS;
    *kernel = NULL;
    *program = api->CreateProgramWithSource(resident->opencl, 1, &source, NULL, &result);
    if (!bench_resident_check(result, "clCreateProgramWithSource", error) ||
        !bench_resident_check(
            api->BuildProgram(*program, 1, &resident->device, options, NULL, NULL),
            "clBuildProgram", error))
        return false;
    *kernel = api->CreateKernel(*program, name, &result);
    return bench_resident_check(result, "clCreateKernel", error);
}

bool bench_resident_time(bench_resident *resident, cl_event event, cl_profiling_info which,
                         cl_ulong *ns, tool_error *error) {
    cl_int result = resident->api.GetEventProfilingInfo(event, which, sizeof *ns, ns, NULL);
    resident->api.ReleaseEvent(event);
    return bench_resident_check(result, "clGetEventProfilingInfo", error);
}

/* ---- opening ---- */

/* "opencl:1:0", as sparsed_device_list has it; SIZE_MAX: something else. */
static void read_selector(const char *selector, size_t *platform, size_t *device) {
    const char *platform_text = strchr(selector, ':');
    const char *device_text = platform_text ? strchr(platform_text + 1, ':') : NULL;
    *platform = device_text ? strtoul(platform_text + 1, NULL, 10) : SIZE_MAX;
    *device = device_text ? strtoul(device_text + 1, NULL, 10) : SIZE_MAX;
}

/* The one of info's selector, whose numbers are those of the platform and the device. */
static bool find_device(bench_resident *r, tool_error *error) {
    cl_platform_id platforms[MAX_DEVICES];
    cl_device_id devices[MAX_DEVICES];
    cl_uint platforms_found = 0, devices_found = 0;
    size_t platform, device;
    read_selector(r->info.selector, &platform, &device);
    if (!bench_resident_check(r->api.GetPlatformIDs(MAX_DEVICES, platforms, &platforms_found),
                              "clGetPlatformIDs", error))
        return false;
    if (platform < platforms_found && platform < MAX_DEVICES &&
        !bench_resident_check(r->api.GetDeviceIDs(platforms[platform], CL_DEVICE_TYPE_ALL,
                                                  MAX_DEVICES, devices, &devices_found),
                              "clGetDeviceIDs", error))
        return false;
    if (device >= devices_found || device >= MAX_DEVICES)
        return tool_fail(error, "%s is no OpenCL device", r->info.selector);
    r->device = devices[device];
    return true;
}

static bool create_queue(bench_resident *r, tool_error *error) {
    cl_int result = CL_SUCCESS;
    r->opencl = r->api.CreateContext(NULL, 1, &r->device, NULL, NULL, &result);
    if (!bench_resident_check(result, "clCreateContext", error))
        return false;
    r->queue = r->api.CreateCommandQueue(r->opencl, r->device, CL_QUEUE_PROFILING_ENABLE, &result);
    return bench_resident_check(result, "clCreateCommandQueue", error);
}

static cl_mem create_buffer(const bench_resident *r, size_t size_bytes, tool_error *error) {
    cl_int result = CL_SUCCESS;
    cl_mem buffer = r->api.CreateBuffer(r->opencl, CL_MEM_READ_WRITE, size_bytes, NULL, &result);
    if (result == CL_SUCCESS)
        return buffer;
    tool_fail(error, "no %zu bytes on %s", size_bytes, r->info.selector);
    return NULL;
}

static bool create_writer(bench_resident *r, tool_error *error) {
    r->written_bytes = r->info.kind == SPARSED_DEVICE_GPU ? gpu_written_bytes : sizeof(cl_uint);
    r->written = create_buffer(r, r->written_bytes, error);
    return r->written &&
           bench_resident_build(r, write_source, "", "write_zeros", &r->program, &r->write,
                                error) &&
           bench_resident_check(
               r->api.SetKernelArg(r->write, 0, sizeof(cl_mem), (void *)&r->written),
               "clSetKernelArg", error);
}

bench_resident *bench_resident_open(const sparsed_device_info *info, const sparsed_options *options,
                                    sparsed_context **context, tool_error *error) {
    sparsed_options own = *options;
    sparsed_message message;
    bench_resident *r = calloc(1, sizeof *r);
    if (!r) {
        tool_fail(error, "out of memory");
        return NULL;
    }
    r->info = *info;
    own.device = NULL;
    if (spd_cl_api_open(&r->api, &message) != SPARSED_OK) {
        tool_fail(error, "%s", message.text);
        free(r);
        return NULL;
    }
    bool done = find_device(r, error) && create_queue(r, error) && create_writer(r, error);
    if (done) {
        sparsed_status status =
            sparsed_opencl_context_create(r->opencl, r->device, &own, &r->context, &message);
        done = status == SPARSED_OK;
        if (!done)
            device_fail(message.text, status == SPARSED_E_INVALID, error);
    }
    if (!done) {
        bench_resident_close(r);
        return NULL;
    }
    *context = r->context;
    return r;
}

void bench_resident_close(bench_resident *resident) {
    if (!resident)
        return;
    const spd_cl_api *api = &resident->api;
    sparsed_context_destroy(resident->context);
    for (int i = BENCH_FMA; i <= BENCH_WGMMA; i++) {
        if (resident->multiply[i])
            api->ReleaseKernel(resident->multiply[i]);
        if (resident->peak_program[i])
            api->ReleaseProgram(resident->peak_program[i]);
        if (resident->products[i])
            api->ReleaseMemObject(resident->products[i]);
    }
    if (resident->write)
        api->ReleaseKernel(resident->write);
    if (resident->program)
        api->ReleaseProgram(resident->program);
    if (resident->written)
        api->ReleaseMemObject(resident->written);
    if (resident->queue)
        api->ReleaseCommandQueue(resident->queue);
    if (resident->opencl)
        api->ReleaseContext(resident->opencl);
    spd_cl_api_close(&resident->api);
    free(resident);
}

/* ---- tensors ---- */

void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes,
                            tool_error *error) {
    const cl_uchar zero = 0;
    cl_int result;
    cl_mem buffer = create_buffer(resident, size_bytes, error);
    if (!buffer)
        return NULL;
    if (data)
        result = resident->api.EnqueueWriteBuffer(resident->queue, buffer, CL_TRUE, 0, size_bytes,
                                                  data, 0, NULL, NULL);
    else
        result = resident->api.EnqueueFillBuffer(resident->queue, buffer, &zero, sizeof zero, 0,
                                                 size_bytes, 0, NULL, NULL);
    if (bench_resident_check(result, data ? "clEnqueueWriteBuffer" : "clEnqueueFillBuffer", error))
        return buffer;
    resident->api.ReleaseMemObject(buffer);
    return NULL;
}

void bench_resident_release(bench_resident *resident, void *buffer) {
    if (buffer)
        resident->api.ReleaseMemObject(buffer);
}

/* ---- running ---- */

static bool enqueue_write(bench_resident *r, size_t size_bytes, cl_event *done, tool_error *error) {
    const size_t items = size_bytes / sizeof(cl_uint);
    return bench_resident_check(r->api.EnqueueNDRangeKernel(r->queue, r->write, 1, NULL, &items,
                                                            NULL, 0, NULL, done),
                                "clEnqueueNDRangeKernel", error) &&
           bench_resident_check(r->api.Flush(r->queue), "clFlush", error);
}

/* What is between the two events. */
static bool take_times(bench_resident *r, cl_event before, cl_event after, double *ms,
                       tool_error *error) {
    cl_ulong start = 0, end = 0;
    const bool started = bench_resident_time(r, before, CL_PROFILING_COMMAND_END, &start, error);
    const bool ended = bench_resident_time(r, after, CL_PROFILING_COMMAND_START, &end, error);
    *ms = (double)(end - start) * 1e-6;
    return started && ended;
}

bool bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                        const sparsed_io *io, sparsed_kept *kept, double *ms, tool_error *error) {
    cl_event before, after;
    if (!bench_resident_finish(resident, error) ||
        !enqueue_write(resident, resident->written_bytes, &before, error))
        return false;
    sparsed_status status =
        sparsed_opencl_enqueue(plan, op, io, kept, resident->queue, 0, NULL, NULL);
    if (!device_check(resident->context, status, error) ||
        !enqueue_write(resident, sizeof(cl_uint), &after, error)) {
        resident->api.ReleaseEvent(before);
        return false;
    }
    const bool finished = bench_resident_finish(resident, error);
    return take_times(resident, before, after, ms, error) && finished;
}

sparsed_status bench_resident_attend(bench_resident *resident, sparsed_pipeline *pipeline,
                                     uint32_t step, uint32_t layer, const sparsed_io *io) {
    return sparsed_opencl_pipeline_enqueue(pipeline, step, layer, io, resident->queue, 0, NULL,
                                           NULL);
}

bool bench_resident_finish(bench_resident *resident, tool_error *error) {
    return bench_resident_check(resident->api.Finish(resident->queue), "clFinish", error);
}
