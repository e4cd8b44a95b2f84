/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Tensors that stay on an OpenCL device. */
#define CL_TARGET_OPENCL_VERSION 120
#include <sparsed/opencl.h>

#include "bench_resident.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEVICES = 16, NO_DEVICE = 77 };

struct bench_resident {
    cl_context context;
    cl_command_queue queue; /* in order, with times */
    cl_program program;
    cl_kernel write; /* runs before and after each timed operation */
    cl_mem written;
    size_t written_bytes;
};

/* A kernel, not clEnqueueFillBuffer, which a driver may hand to another engine of the GPU: what is timed
 * would then hold the change from one to the other. */
static const char source[] = "kernel void write(global uint *to) {\n"
                             "    to[get_global_id(0)] = 0;\n"
                             "}\n";

/* Larger than the caches of any GPU, and some 0.2 ms of its time. */
static const size_t gpu_written_bytes = (size_t)512 << 20;

static void need(cl_int error, const char *call) {
    if (error == CL_SUCCESS)
        return;
    fprintf(stderr, "bench: %s failed with %d\n", call, (int)error);
    exit(1);
}

/* What the library takes for the selector. */
static sparsed_device_info resolve(const char *selector) {
    const char *variable = getenv("SPARSED_DEVICE");
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_device_info info = {.struct_size = sizeof info};
    sparsed_message message;
    sparsed_context *context;
    options.device = selector ? selector : variable && variable[0] ? variable : "opencl";
    sparsed_status status = sparsed_context_create(&options, &context, &message);
    if (status == SPARSED_OK)
        status = sparsed_context_device(context, &info);
    if (status != SPARSED_OK) {
        fprintf(stderr, "bench: %s\n", message.text);
        exit(status == SPARSED_E_NO_DEVICE ? NO_DEVICE : 1);
    }
    sparsed_context_destroy(context);
    return info;
}

static cl_device_id find_device(const char *selector) {
    cl_platform_id platforms[MAX_DEVICES];
    cl_device_id devices[MAX_DEVICES];
    cl_uint platform = 0, device = 0, platform_count = 0, device_count = 0;
    const int fields = sscanf(selector, "opencl:%u:%u", &platform, &device);
    need(clGetPlatformIDs(MAX_DEVICES, platforms, &platform_count), "clGetPlatformIDs");
    if (fields == 2 && platform < platform_count && platform < MAX_DEVICES)
        need(clGetDeviceIDs(platforms[platform], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices,
                            &device_count),
             "clGetDeviceIDs");
    if (device >= device_count || device >= MAX_DEVICES) {
        fprintf(stderr, "bench: %s is no OpenCL device\n", selector);
        exit(1);
    }
    return devices[device];
}

static void build_kernel(bench_resident *r, cl_device_id device) {
    const char *text = source;
    cl_int error = CL_SUCCESS;
    r->program = clCreateProgramWithSource(r->context, 1, &text, NULL, &error);
    need(error, "clCreateProgramWithSource");
    need(clBuildProgram(r->program, 1, &device, "", NULL, NULL), "clBuildProgram");
    r->write = clCreateKernel(r->program, "write", &error);
    need(error, "clCreateKernel");
    need(clSetKernelArg(r->write, 0, sizeof r->written, &r->written), "clSetKernelArg");
}

static cl_mem create_buffer(const bench_resident *r, size_t size_bytes) {
    cl_int error = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(r->context, CL_MEM_READ_WRITE, size_bytes, NULL, &error);
    need(error, "clCreateBuffer");
    return buffer;
}

bench_resident *bench_resident_open(const char *selector, const char *kernel,
                                    sparsed_context **context) {
    cl_int error = CL_SUCCESS;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    bench_resident *r = malloc(sizeof *r);
    if (!r)
        exit(1);
    const sparsed_device_info info = resolve(selector);
    cl_device_id device = find_device(info.selector);
    r->context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    need(error, "clCreateContext");
    r->queue = clCreateCommandQueue(r->context, device, CL_QUEUE_PROFILING_ENABLE, &error);
    need(error, "clCreateCommandQueue");
    r->written_bytes = info.kind == SPARSED_DEVICE_GPU ? gpu_written_bytes : sizeof(cl_uint);
    r->written = create_buffer(r, r->written_bytes);
    build_kernel(r, device);
    options.kernel = kernel;
    if (sparsed_opencl_context_create(r->context, device, &options, context, &message) !=
        SPARSED_OK) {
        fprintf(stderr, "bench: %s\n", message.text);
        exit(1);
    }
    return r;
}

void bench_resident_close(bench_resident *resident, sparsed_context *context) {
    sparsed_context_destroy(context);
    clReleaseKernel(resident->write);
    clReleaseProgram(resident->program);
    clReleaseMemObject(resident->written);
    clReleaseCommandQueue(resident->queue);
    clReleaseContext(resident->context);
    free(resident);
}

void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes) {
    const cl_uchar zero = 0;
    cl_mem buffer = create_buffer(resident, size_bytes);
    if (data)
        need(clEnqueueWriteBuffer(resident->queue, buffer, CL_TRUE, 0, size_bytes, data, 0, NULL,
                                  NULL),
             "clEnqueueWriteBuffer");
    else
        need(clEnqueueFillBuffer(resident->queue, buffer, &zero, sizeof zero, 0, size_bytes, 0,
                                 NULL, NULL),
             "clEnqueueFillBuffer");
    return buffer;
}

void bench_resident_release(void *buffer) {
    clReleaseMemObject(buffer);
}

static cl_event enqueue_write(bench_resident *r, size_t size_bytes) {
    const size_t items = size_bytes / sizeof(cl_uint);
    cl_event done;
    need(clEnqueueNDRangeKernel(r->queue, r->write, 1, NULL, &items, NULL, 0, NULL, &done),
         "clEnqueueNDRangeKernel");
    need(clFlush(r->queue), "clFlush");
    return done;
}

static cl_ulong take_time(cl_event event, cl_profiling_info which) {
    cl_ulong ns = 0;
    need(clGetEventProfilingInfo(event, which, sizeof ns, &ns, NULL), "clGetEventProfilingInfo");
    need(clReleaseEvent(event), "clReleaseEvent");
    return ns;
}

sparsed_status bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                                  const sparsed_io *io, sparsed_kept *kept, double *ms) {
    need(clFinish(resident->queue), "clFinish");
    cl_event before = enqueue_write(resident, resident->written_bytes);
    sparsed_status status =
        sparsed_opencl_enqueue(plan, op, io, kept, resident->queue, 0, NULL, NULL);
    cl_event after = enqueue_write(resident, sizeof(cl_uint));
    need(clFinish(resident->queue), "clFinish");
    const cl_ulong start = take_time(before, CL_PROFILING_COMMAND_END);
    const cl_ulong end = take_time(after, CL_PROFILING_COMMAND_START);
    *ms = (double)(end - start) * 1e-6;
    return status;
}

sparsed_status bench_resident_attend(bench_resident *resident, sparsed_pipeline *pipeline,
                                     uint32_t step, uint32_t layer, const sparsed_io *io) {
    return sparsed_opencl_pipeline_enqueue(pipeline, step, layer, io, resident->queue, 0, NULL,
                                           NULL);
}

void bench_resident_finish(bench_resident *resident) {
    need(clFinish(resident->queue), "clFinish");
}
