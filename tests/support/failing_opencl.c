/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See failing_opencl.h. */
#include "support/failing_opencl.h"

#include "cl/api.h"
#include "support/nvidia_driver.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FUNCTIONS = 64 };

typedef struct function_count {
    const char *name;
    uint64_t calls;
} function_count;

static function_count counts[MAX_FUNCTIONS];
static uint64_t all_calls;
static int64_t live_objects;

static struct {
    bool armed;
    char function[64]; /* "" = any */
    uint64_t left;     /* calls before the one that fails */
    cl_int error;
    const char *failed;
} plan;

/* ---- control ---- */

static void reset(void) {
    memset(counts, 0, sizeof counts);
    memset(&plan, 0, sizeof plan);
    all_calls = 0;
}

static void arm(const char *function, uint64_t nth, int error) {
    memset(&plan, 0, sizeof plan);
    snprintf(plan.function, sizeof plan.function, "%s", function ? function : "");
    plan.armed = true;
    plan.left = nth;
    plan.error = error;
}

static const char *failed(void) {
    return plan.failed;
}

static uint64_t calls(const char *function) {
    if (!function)
        return all_calls;
    for (size_t i = 0; i < MAX_FUNCTIONS && counts[i].name; i++)
        if (strcmp(counts[i].name, function) == 0)
            return counts[i].calls;
    return 0;
}

static int64_t live(void) {
    return live_objects;
}

extern const failing_opencl_control failing_opencl;
const failing_opencl_control failing_opencl = {reset, arm, failed, calls, nvidia_simulate, live};

/* ---- what every call does first ---- */

static const spd_cl_api *real(void) {
    static spd_cl_api api;
    sparsed_message message;
    if (!api.library && spd_cl_api_open_file(&api, "libOpenCL.so.1", &message) != SPARSED_OK) {
        fprintf(stderr, "failing_opencl: %s\n", message.text);
        abort();
    }
    return &api;
}

static void count(const char *function) {
    size_t i = 0;
    all_calls++;
    while (i < MAX_FUNCTIONS && counts[i].name && strcmp(counts[i].name, function) != 0)
        i++;
    if (i == MAX_FUNCTIONS)
        abort();
    counts[i].name = function;
    counts[i].calls++;
}

/* The error that this call has to fail with, or CL_SUCCESS. */
static cl_int begin(const char *function) {
    count(function);
    if (!plan.armed || (plan.function[0] && strcmp(plan.function, function) != 0))
        return CL_SUCCESS;
    if (plan.left-- > 0)
        return CL_SUCCESS;
    plan.armed = false;
    plan.failed = function;
    return plan.error;
}

/* Of a call that returns an object: notes it, or reports the failure. */
static void *end_create(void *object, cl_int error, cl_int *error_out) {
    if (error_out)
        *error_out = error;
    if (object)
        live_objects++;
    return object;
}

static cl_int end_retain(cl_int error) {
    if (error == CL_SUCCESS)
        live_objects++;
    return error;
}

/* The release has happened, whatever is said of it. */
static cl_int end_release(cl_int injected, cl_int error) {
    if (error == CL_SUCCESS)
        live_objects--;
    return injected ? injected : error;
}

static cl_int end_enqueue(cl_int error, const cl_event *event) {
    if (error == CL_SUCCESS && event)
        live_objects++;
    return error;
}

/* ---- platforms and devices ---- */

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *number) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetPlatformIDs(room, platforms, number);
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t size, void *value,
                         size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetPlatformInfo(platform, what, size, value, size_out);
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room,
                      cl_device_id *devices, cl_uint *number) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetDeviceIDs(platform, type, room, devices, number);
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size, void *value,
                       size_t *size_out) {
    cl_int error = begin(__func__);
    if (!error && nvidia_device_info(what, size, value, size_out, &error))
        return error;
    return error ? error : real()->GetDeviceInfo(device, what, size, value, size_out);
}

/* ---- contexts, queues, buffers ---- */

cl_context clCreateContext(const cl_context_properties *properties, cl_uint number,
                           const cl_device_id *devices,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *),
                           void *user, cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_context made =
        error ? NULL : real()->CreateContext(properties, number, devices, notify, user, &error);
    return end_create(made, error, error_out);
}

cl_int clRetainContext(cl_context context) {
    cl_int error = begin(__func__);
    return end_retain(error ? error : real()->RetainContext(context));
}

cl_int clReleaseContext(cl_context context) {
    cl_int error = begin(__func__);
    return end_release(error, real()->ReleaseContext(context));
}

cl_int clGetContextInfo(cl_context context, cl_context_info what, size_t size, void *value,
                        size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetContextInfo(context, what, size, value, size_out);
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device,
                                      cl_command_queue_properties properties, cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_command_queue made =
        error ? NULL : real()->CreateCommandQueue(context, device, properties, &error);
    return end_create(made, error, error_out);
}

cl_int clRetainCommandQueue(cl_command_queue queue) {
    cl_int error = begin(__func__);
    return end_retain(error ? error : real()->RetainCommandQueue(queue));
}

cl_int clReleaseCommandQueue(cl_command_queue queue) {
    cl_int error = begin(__func__);
    return end_release(error, real()->ReleaseCommandQueue(queue));
}

cl_int clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t size,
                             void *value, size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetCommandQueueInfo(queue, what, size, value, size_out);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                      cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_mem made = error ? NULL : real()->CreateBuffer(context, flags, size, host, &error);
    return end_create(made, error, error_out);
}

cl_int clReleaseMemObject(cl_mem memory) {
    cl_int error = begin(__func__);
    return end_release(error, real()->ReleaseMemObject(memory));
}

cl_int clGetMemObjectInfo(cl_mem memory, cl_mem_info what, size_t size, void *value,
                          size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetMemObjectInfo(memory, what, size, value, size_out);
}

/* ---- programs and kernels ---- */

cl_program clCreateProgramWithSource(cl_context context, cl_uint number, const char **texts,
                                     const size_t *lengths, cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_program made =
        error ? NULL : real()->CreateProgramWithSource(context, number, texts, lengths, &error);
    if (made)
        nvidia_note_source(made, number, texts);
    return end_create(made, error, error_out);
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint number,
                                     const cl_device_id *devices, const size_t *lengths,
                                     const unsigned char **binaries, cl_int *taken,
                                     cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_program made = NULL;
    if (!error && nvidia_is_simulated())
        made = nvidia_program_of_binary(real(), context, binaries[0], lengths[0], &error);
    else if (!error)
        made = real()->CreateProgramWithBinary(context, number, devices, lengths, binaries, taken,
                                               &error);
    return end_create(made, error, error_out);
}

cl_int clBuildProgram(cl_program program, cl_uint number, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user) {
    cl_int error = begin(__func__);
    if (error)
        nvidia_note_failed_build(program);
    else
        nvidia_note_build(program, devices[0]);
    return error ? error : real()->BuildProgram(program, number, devices, options, notify, user);
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value,
                        size_t *size_out) {
    cl_int error = begin(__func__);
    if (!error && nvidia_program_info(real(), program, what, size, value, size_out, &error))
        return error;
    return error ? error : real()->GetProgramInfo(program, what, size, value, size_out);
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what,
                             size_t size, void *value, size_t *size_out) {
    cl_int error = begin(__func__);
    if (!error && nvidia_build_log(program, what, size, value, size_out, &error))
        return error;
    return error ? error
                 : real()->GetProgramBuildInfo(program, device, what, size, value, size_out);
}

cl_int clReleaseProgram(cl_program program) {
    cl_int error = begin(__func__);
    nvidia_note_release(program);
    return end_release(error, real()->ReleaseProgram(program));
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *error_out) {
    cl_int error = begin(__func__);
    cl_kernel made = error ? NULL : real()->CreateKernel(program, name, &error);
    return end_create(made, error, error_out);
}

cl_int clReleaseKernel(cl_kernel kernel) {
    cl_int error = begin(__func__);
    return end_release(error, real()->ReleaseKernel(kernel));
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value) {
    cl_int error = begin(__func__);
    return error ? error : real()->SetKernelArg(kernel, index, size, value);
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device,
                                cl_kernel_work_group_info what, size_t size, void *value,
                                size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error
                 : real()->GetKernelWorkGroupInfo(kernel, device, what, size, value, size_out);
}

/* ---- commands ---- */

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint waits, const cl_event *wait, cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                             waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueFillBuffer(cl_command_queue queue, cl_mem memory, const void *pattern,
                           size_t pattern_size, size_t offset, size_t size, cl_uint waits,
                           const cl_event *wait, cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueFillBuffer(queue, memory, pattern, pattern_size, offset, size, waits,
                                          wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                           size_t size, void *to, cl_uint waits, const cl_event *wait,
                           cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueReadBuffer(queue, memory, blocking, offset, size, to, waits, wait,
                                          event);
    return end_enqueue(error, event);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset,
                            size_t size, const void *from, cl_uint waits, const cl_event *wait,
                            cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueWriteBuffer(queue, memory, blocking, offset, size, from, waits, wait,
                                           event);
    return end_enqueue(error, event);
}

cl_int clEnqueueReadBufferRect(cl_command_queue queue, cl_mem memory, cl_bool blocking,
                               const size_t *from_origin, const size_t *to_origin,
                               const size_t *region, size_t from_row, size_t from_slice,
                               size_t to_row, size_t to_slice, void *to, cl_uint waits,
                               const cl_event *wait, cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueReadBufferRect(queue, memory, blocking, from_origin, to_origin,
                                              region, from_row, from_slice, to_row, to_slice, to,
                                              waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueWriteBufferRect(cl_command_queue queue, cl_mem memory, cl_bool blocking,
                                const size_t *to_origin, const size_t *from_origin,
                                const size_t *region, size_t to_row, size_t to_slice,
                                size_t from_row, size_t from_slice, const void *from, cl_uint waits,
                                const cl_event *wait, cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueWriteBufferRect(queue, memory, blocking, to_origin, from_origin,
                                               region, to_row, to_slice, from_row, from_slice, from,
                                               waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueCopyBufferRect(cl_command_queue queue, cl_mem from, cl_mem to,
                               const size_t *from_origin, const size_t *to_origin,
                               const size_t *region, size_t from_row, size_t from_slice,
                               size_t to_row, size_t to_slice, cl_uint waits, const cl_event *wait,
                               cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error =
            real()->EnqueueCopyBufferRect(queue, from, to, from_origin, to_origin, region, from_row,
                                          from_slice, to_row, to_slice, waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint waits, const cl_event *wait,
                                    cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueBarrierWithWaitList(queue, waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint waits, const cl_event *wait,
                                   cl_event *event) {
    cl_int error = begin(__func__);
    if (!error)
        error = real()->EnqueueMarkerWithWaitList(queue, waits, wait, event);
    return end_enqueue(error, event);
}

cl_int clFlush(cl_command_queue queue) {
    cl_int error = begin(__func__);
    return error ? error : real()->Flush(queue);
}

/* What was enqueued uses memory that the caller frees after the failure. */
cl_int clFinish(cl_command_queue queue) {
    cl_int injected = begin(__func__), error = real()->Finish(queue);
    return injected ? injected : error;
}

cl_int clGetEventInfo(cl_event event, cl_event_info what, size_t size, void *value,
                      size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetEventInfo(event, what, size, value, size_out);
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t size, void *value,
                               size_t *size_out) {
    cl_int error = begin(__func__);
    return error ? error : real()->GetEventProfilingInfo(event, what, size, value, size_out);
}

cl_int clRetainEvent(cl_event event) {
    cl_int error = begin(__func__);
    return end_retain(error ? error : real()->RetainEvent(event));
}

cl_int clReleaseEvent(cl_event event) {
    cl_int error = begin(__func__);
    return end_release(error, real()->ReleaseEvent(event));
}
