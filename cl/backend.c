/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The OpenCL backend's table. */
#include "backend.h"

#include "kernel.h"
#include "quirks.h"

#include "../src/alloc.h"
#include "../src/error.h"

#include <string.h>

static bool device(size_t index, sparsed_device_info *info) {
    spd_cl_api api;
    spd_cl_device found;
    if (spd_cl_api_open(&api, NULL) != SPARSED_OK)
        return false;
    bool there = spd_cl_device_at(&api, index, &found);
    if (there)
        spd_cl_device_describe(&api, &found, info);
    spd_cl_api_close(&api);
    return there;
}

static void close_device(void *state) {
    spd_cl_state *s = state;
    sparsed_allocator allocator = s->allocator;
    if (s->queue)
        s->api.ReleaseCommandQueue(s->queue);
    if (s->context)
        s->api.ReleaseContext(s->context);
    spd_cl_api_close(&s->api);
    spd_release(&allocator, s);
}

/* What is known of the device, and its own queue; the context is there. */
static sparsed_status complete(spd_cl_state *s, sparsed_message *message) {
    cl_int error;
    char platform[128] = "", driver[64];
    const char *why;
    spd_cl_device_describe(&s->api, &s->device, &s->info);
    if (!s->info.usable)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%s (%s) cannot be used: %s",
                        s->info.selector, s->info.name, s->info.note);
    s->api.GetPlatformInfo(s->device.platform, CL_PLATFORM_NAME, sizeof platform, platform, NULL);
    spd_cl_device_text(&s->api, s->device.device, CL_DRIVER_VERSION, driver, sizeof driver);
    const spd_cl_names names = {platform, s->info.vendor, s->info.name, driver};
    s->quirks = spd_cl_quirks(&names, &why);
    error = s->api.GetDeviceInfo(s->device.device, CL_DEVICE_MAX_MEM_ALLOC_SIZE,
                                 sizeof s->max_buffer_bytes, &s->max_buffer_bytes, NULL);
    if (error == CL_SUCCESS)
        s->queue = s->api.CreateCommandQueue(s->context, s->device.device, 0, &error);
    return spd_cl_check(s, error, "clCreateCommandQueue", message);
}

static sparsed_status new_state(const sparsed_allocator *allocator, spd_cl_state **state,
                                sparsed_message *message) {
    spd_cl_state *s = spd_allocate(allocator, 1, sizeof *s);
    *state = NULL;
    if (!s)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a context");
    s->allocator = *allocator;
    sparsed_status status = spd_cl_api_open(&s->api, message);
    if (status != SPARSED_OK) {
        spd_release(allocator, s);
        return status;
    }
    *state = s;
    return SPARSED_OK;
}

static sparsed_status open_device(size_t index, uint32_t threads,
                                  const sparsed_allocator *allocator, void **state,
                                  sparsed_message *message) {
    spd_cl_state *s;
    (void)threads;
    *state = NULL;
    sparsed_status status = new_state(allocator, &s, message);
    if (status != SPARSED_OK)
        return status;
    if (!spd_cl_device_at(&s->api, index, &s->device)) {
        close_device(s);
        return spd_fail(message, SPARSED_E_NO_DEVICE, "the OpenCL device is gone");
    }
    cl_int error;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)s->device.platform, 0};
    s->context = s->api.CreateContext(properties, 1, &s->device.device, NULL, NULL, &error);
    status = spd_cl_check(s, error, "clCreateContext", message);
    if (status == SPARSED_OK)
        status = complete(s, message);
    if (status != SPARSED_OK) {
        close_device(s);
        return status;
    }
    *state = s;
    return SPARSED_OK;
}

sparsed_status spd_cl_adopt(cl_context context, cl_device_id device_id,
                            const sparsed_allocator *allocator, void **state,
                            sparsed_message *message) {
    spd_cl_state *s;
    *state = NULL;
    sparsed_status status = new_state(allocator, &s, message);
    if (status != SPARSED_OK)
        return status;
    spd_cl_device_find(&s->api, device_id, &s->device);
    status = spd_cl_check(s, s->api.RetainContext(context), "clRetainContext", message);
    if (status == SPARSED_OK) {
        s->context = context;
        s->adopted = true;
        status = complete(s, message);
    }
    if (status != SPARSED_OK) {
        close_device(s);
        return status;
    }
    *state = s;
    return SPARSED_OK;
}

static uint32_t threads_of(const void *state) {
    return ((const spd_cl_state *)state)->info.compute_units;
}

static sparsed_status accept(void *state, size_t row, const spd_problem *problem,
                             sparsed_message *message) {
    const spd_cl_state *s = state;
    const spd_cl_family *family = &spd_cl_families[row];
    (void)problem;
    if (family->cpu_shaped && s->info.kind != SPARSED_DEVICE_CPU_OPENCL)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "this device is not a processor");
    if (family->cpu_shaped && (s->quirks & SPD_QUIRK_NO_CPU_SHAPED))
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "a quirk of this driver forbids it");
    return SPARSED_OK;
}

static sparsed_status prepare(void *state, size_t row, const spd_problem *problem, void **kernel,
                              uint64_t *scratch_bytes, sparsed_message *message) {
    spd_cl_state *s = state;
    spd_cl_kernel *k;
    *kernel = NULL;
    sparsed_status status = spd_cl_kernel_create(s, &spd_cl_families[row], problem, &k, message);
    if (status == SPARSED_OK && !s->adopted) {
        status = spd_cl_kernel_stage(k, message);
        if (status != SPARSED_OK)
            spd_cl_kernel_destroy(k);
    }
    if (status != SPARSED_OK)
        return status;
    *kernel = k;
    *scratch_bytes = k->scratch_bytes;
    return SPARSED_OK;
}

static void discard(void *state, void *kernel) {
    (void)state;
    spd_cl_kernel_destroy(kernel);
}

static sparsed_status enqueue_host(spd_cl_kernel *k, const spd_launch *launch,
                                   sparsed_message *message) {
    spd_cl_tensors tensors;
    float *scores = launch->scores.mem
                        ? (float *)((char *)launch->scores.mem + launch->scores.offset_bytes)
                        : NULL;
    sparsed_status status = spd_cl_kernel_stage(k, message);
    if (status == SPARSED_OK)
        status = spd_cl_stage_in(k, launch, &tensors, message);
    if (status == SPARSED_OK)
        status = spd_cl_launch(k, k->state->queue, true, launch, &tensors, scores, message);
    if (status == SPARSED_OK)
        status = spd_cl_stage_out(k, launch, &tensors, message);
    return status;
}

static sparsed_status enqueue(void *state, void *kernel, const spd_launch *launch,
                              sparsed_message *message) {
    (void)state;
    return launch->async ? spd_cl_enqueue_async(kernel, launch, message)
                         : enqueue_host(kernel, launch, message);
}

static sparsed_status wait(void *state, sparsed_message *message) {
    spd_cl_state *s = state;
    return spd_cl_check(s, s->api.Finish(s->queue), "clFinish", message);
}

static sparsed_status health(void *state, sparsed_message *message) {
    const spd_cl_state *s = state;
    char room[32];
    if (s->lost == 0)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_DEVICE, "%s was lost by %s; make a new context",
                    s->info.selector, spd_cl_error_string(s->lost, room));
}

static void *allocate(void *state, uint64_t size_bytes) {
    spd_cl_state *s = state;
    cl_int error = CL_SUCCESS;
    const cl_uint zero = 0;
    size_t bytes = (size_t)((size_bytes + 15) / 16 * 16);
    if (bytes > s->max_buffer_bytes)
        return NULL;
    cl_mem memory =
        s->api.CreateBuffer(s->context, CL_MEM_READ_WRITE, bytes ? bytes : 16, NULL, &error);
    if (error != CL_SUCCESS)
        return NULL;
    error = s->api.EnqueueFillBuffer(s->queue, memory, &zero, sizeof zero, 0, bytes ? bytes : 16, 0,
                                     NULL, NULL);
    if (error == CL_SUCCESS)
        error = s->api.Finish(s->queue);
    if (error == CL_SUCCESS)
        return memory;
    s->api.ReleaseMemObject(memory);
    return NULL;
}

static void release(void *state, void *memory) {
    ((spd_cl_state *)state)->api.ReleaseMemObject(memory);
}

static sparsed_status upload(void *state, void *to, const void *from, uint64_t size_bytes,
                             sparsed_message *message) {
    spd_cl_state *s = state;
    cl_int error = s->api.EnqueueWriteBuffer(s->queue, to, CL_TRUE, 0, (size_t)size_bytes, from, 0,
                                             NULL, NULL);
    return spd_cl_check(s, error, "clEnqueueWriteBuffer", message);
}

static sparsed_status download(void *state, void *to, const void *from, uint64_t size_bytes,
                               sparsed_message *message) {
    spd_cl_state *s = state;
    cl_mem memory = (cl_mem)(uintptr_t)from;
    cl_int error = s->api.EnqueueReadBuffer(s->queue, memory, CL_TRUE, 0, (size_t)size_bytes, to, 0,
                                            NULL, NULL);
    return spd_cl_check(s, error, "clEnqueueReadBuffer", message);
}

const spd_backend spd_cl_backend = {
    .name = "opencl",
    .device = device,
    .open = open_device,
    .close = close_device,
    .threads = threads_of,
    .rows = spd_cl_rows,
    .row_count = SPD_CL_FAMILIES,
    .accept = accept,
    .prepare = prepare,
    .discard = discard,
    .enqueue = enqueue,
    .wait = wait,
    .health = health,
    .allocate = allocate,
    .release = release,
    .upload = upload,
    .download = download,
};
