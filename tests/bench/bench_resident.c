/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Tensors that stay on an OpenCL device. */
#define CL_TARGET_OPENCL_VERSION 120
#include <sparsed/opencl.h>

#include "bench_resident.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEVICES = 16 };

struct bench_resident {
    cl_context context;
    cl_command_queue queue;
};

static void need(cl_int error, const char *call) {
    if (error == CL_SUCCESS)
        return;
    fprintf(stderr, "bench_attention: %s failed with %d\n", call, (int)error);
    exit(1);
}

static cl_device_id find_device(const char *selector) {
    cl_platform_id platforms[MAX_DEVICES];
    cl_device_id devices[MAX_DEVICES];
    cl_uint platform = 0, device = 0, platform_count = 0, device_count = 0;
    int fields = sscanf(selector, "opencl:%u:%u", &platform, &device);
    need(clGetPlatformIDs(MAX_DEVICES, platforms, &platform_count), "clGetPlatformIDs");
    if (platform < platform_count && platform < MAX_DEVICES)
        need(clGetDeviceIDs(platforms[platform], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices,
                            &device_count),
             "clGetDeviceIDs");
    if (device >= device_count || device >= MAX_DEVICES) {
        fprintf(stderr, "bench_attention: no device %s (read as opencl:%u:%u)\n", selector,
                fields > 0 ? platform : 0, fields > 1 ? device : 0);
        exit(1);
    }
    return devices[device];
}

bench_resident *bench_resident_open(const char *selector, const char *kernel,
                                    sparsed_context **context) {
    cl_int error = CL_SUCCESS;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    bench_resident *r = malloc(sizeof *r);
    if (!r)
        exit(1);
    cl_device_id device = find_device(selector);
    r->context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    need(error, "clCreateContext");
    r->queue = clCreateCommandQueue(r->context, device, 0, &error);
    need(error, "clCreateCommandQueue");
    options.kernel = kernel;
    if (sparsed_opencl_context_create(r->context, device, &options, context, &message) !=
        SPARSED_OK) {
        fprintf(stderr, "bench_attention: %s\n", message.text);
        exit(1);
    }
    return r;
}

void bench_resident_close(bench_resident *resident, sparsed_context *context) {
    sparsed_context_destroy(context);
    clReleaseCommandQueue(resident->queue);
    clReleaseContext(resident->context);
    free(resident);
}

void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes) {
    const cl_uchar zero = 0;
    cl_int error = CL_SUCCESS;
    cl_mem buffer = clCreateBuffer(resident->context, CL_MEM_READ_WRITE, size_bytes, NULL, &error);
    need(error, "clCreateBuffer");
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

sparsed_status bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                                  const sparsed_io *io, sparsed_kept *kept) {
    sparsed_status status =
        sparsed_opencl_enqueue(plan, op, io, kept, resident->queue, 0, NULL, NULL);
    if (status == SPARSED_OK)
        need(clFinish(resident->queue), "clFinish");
    return status;
}
