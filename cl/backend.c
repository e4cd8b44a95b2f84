/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The OpenCL backend's table. */
#include "backend.h"

#include "caller.h"
#include "program.h"
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
    spd_cl_programs_release(s);
    spd_cl_pending_clear(&s->api, &s->pending);
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
    const char *why;
    spd_cl_device_describe(&s->api, &s->device, &s->info);
    if (!s->info.usable)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "%s (%s) cannot be used: %s",
                        s->info.selector, s->info.name, s->info.note);
    s->quirks = spd_cl_device_quirks(&s->api, &s->device, &s->info, &why);
    s->capability = spd_cl_device_capability(&s->api, &s->device, &s->info);
    error = s->api.GetDeviceInfo(s->device.device, CL_DEVICE_MAX_MEM_ALLOC_SIZE,
                                 sizeof s->max_buffer_bytes, &s->max_buffer_bytes, NULL);
    if (error != CL_SUCCESS)
        return spd_cl_check(s, error, "clGetDeviceInfo", message);
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
    if (!s)
        return status;
    if (!spd_cl_device_at(&s->api, index, &s->device)) {
        status = spd_cl_device_missing(&s->api, message);
        close_device(s);
        return status;
    }
    spd_cl_device_describe(&s->api, &s->device, &s->info); /* messages name it */
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
    if (!s)
        return status;
    status = spd_cl_check_context(&s->api, context, device_id, message);
    if (status == SPARSED_OK) {
        spd_cl_device_find(&s->api, device_id, &s->device);
        status = spd_cl_check(s, s->api.RetainContext(context), "clRetainContext", message);
    }
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

/* Turns of all loops of generic_attend: 128 + 8 * D for each tile of 16 keys, rounded up. */
static sparsed_status check_few_keys(const sparsed_desc *desc, sparsed_message *message) {
    uint64_t most = UINT64_C(16) * UINT16_MAX / (128 + 8 * (uint64_t)desc->head_dim);
    if (desc->kv_len <= most)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_UNSUPPORTED,
                    "kv_len is %llu, and with more than %llu keys this driver computes wrong",
                    (unsigned long long)desc->kv_len, (unsigned long long)most);
}

static sparsed_status check_capability(const spd_cl_family *family, uint32_t capability,
                                       sparsed_message *message) {
    const uint32_t least = family->least_capability, most = family->most_capability;
    if (least == 0 || (capability >= least && capability <= most))
        return SPARSED_OK;
    if (capability == 0)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "it is for NVIDIA's devices");
    return spd_fail(message, SPARSED_E_UNSUPPORTED,
                    "it needs compute capability %u.%u%s, the device has %u.%u", least / 10,
                    least % 10, most > least ? " or above" : "", capability / 10, capability % 10);
}

static sparsed_status accept(void *state, size_t row, const spd_problem *problem,
                             sparsed_message *message) {
    const spd_cl_state *s = state;
    const spd_cl_family *family = &spd_cl_families[row];
    if (family->cpu_shaped && s->info.kind != SPARSED_DEVICE_CPU_OPENCL)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "this device is not a processor");
    if (family->cpu_shaped && (s->quirks & SPD_QUIRK_NO_CPU_SHAPED))
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "a quirk of this driver forbids it");
    sparsed_status status = check_capability(family, s->capability, message);
    if (status == SPARSED_OK && problem && (s->quirks & SPD_QUIRK_FEW_KEYS))
        status = check_few_keys(&problem->desc, message);
    return status;
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

/* What the caller has enqueued with this plan and these kept blocks comes first. Then nothing does:
 * launches on host memory are waited for. */
static sparsed_status after_caller(spd_cl_kernel *k, spd_cl_memory *kept,
                                   sparsed_message *message) {
    spd_cl_state *s = k->state;
    cl_event list[2];
    cl_uint count = 0;
    spd_cl_use_add(&k->use, s->queue, true, list, &count);
    if (kept)
        spd_cl_use_add(&kept->use, s->queue, true, list, &count);
    if (count == 0)
        return SPARSED_OK;
    cl_int error = s->api.EnqueueBarrierWithWaitList(s->queue, count, list, NULL);
    if (error == CL_SUCCESS) {
        spd_cl_use_clear(&s->api, &k->use);
        if (kept)
            spd_cl_use_clear(&s->api, &kept->use);
    }
    return spd_cl_check(s, error, "clEnqueueBarrierWithWaitList", message);
}

static sparsed_status enqueue_host(spd_cl_kernel *k, const spd_launch *launch,
                                   sparsed_message *message) {
    spd_cl_tensors tensors;
    spd_cl_memory *kept = launch->kept;
    spd_launch of_buffers = *launch;
    float *scores = launch->scores.mem
                        ? (float *)((char *)launch->scores.mem + launch->scores.offset_bytes)
                        : NULL;
    if (kept)
        of_buffers.kept = kept->buffer;
    sparsed_status status = spd_cl_kernel_stage(k, message);
    if (status == SPARSED_OK)
        status = after_caller(k, kept, message);
    if (status == SPARSED_OK)
        status = spd_cl_stage_in(k, &of_buffers, &tensors, message);
    if (status == SPARSED_OK)
        status = spd_cl_launch(k, k->state->queue, NULL, &of_buffers, &tensors, scores, message);
    if (status == SPARSED_OK)
        status = spd_cl_stage_out(k, &of_buffers, &tensors, message);
    return status;
}

static sparsed_status enqueue(void *state, void *kernel, const spd_launch *launch,
                              sparsed_message *message) {
    (void)state;
    return launch->async ? spd_cl_enqueue_async(kernel, launch, message)
                         : enqueue_host(kernel, launch, message);
}

static sparsed_status health(void *state, sparsed_message *message) {
    spd_cl_state *s = state;
    char room[32];
    if (s->lost == 0)
        s->lost = spd_cl_pending_sweep(&s->api, &s->pending);
    if (s->lost == 0)
        return SPARSED_OK;
    return spd_fail(message, SPARSED_E_DEVICE, "%s was lost by %s: %s; make a new context",
                    s->info.selector, s->lost_call ? s->lost_call : "an enqueued command",
                    spd_cl_error_string(s->lost, room));
}

/* What a caller enqueued may have failed, and what waited for it with it. A lost device is waited for
 * once, for copies to host memory that had begun: later calls to it may hang. */
static sparsed_status wait(void *state, sparsed_message *message) {
    spd_cl_state *s = state;
    if (s->given_up)
        return health(state, message);
    sparsed_status status = spd_cl_check(s, s->api.Finish(s->queue), "clFinish", message);
    if (status == SPARSED_OK)
        status = health(state, message);
    s->given_up = s->lost != 0;
    return status;
}

static void release(void *state, void *memory) {
    spd_cl_state *s = state;
    spd_cl_memory *m = memory;
    if (m->buffer)
        s->api.ReleaseMemObject(m->buffer);
    spd_cl_use_clear(&s->api, &m->use);
    spd_release(&s->allocator, m);
}

static void *allocate(void *state, uint64_t size_bytes) {
    spd_cl_state *s = state;
    cl_int error = CL_SUCCESS;
    const cl_uint zero = 0;
    const char *call = "clCreateBuffer";
    if (size_bytes > s->max_buffer_bytes || size_bytes > SIZE_MAX - 15)
        return NULL;
    size_t bytes = size_bytes ? (size_t)(size_bytes + 15) / 16 * 16 : 16;
    spd_cl_memory *m = spd_allocate(&s->allocator, 1, sizeof *m);
    if (!m)
        return NULL;
    m->buffer = s->api.CreateBuffer(s->context, CL_MEM_READ_WRITE, bytes, NULL, &error);
    if (error == CL_SUCCESS) {
        call = "clEnqueueFillBuffer";
        error = s->api.EnqueueFillBuffer(s->queue, m->buffer, &zero, sizeof zero, 0, bytes, 0, NULL,
                                         NULL);
    } else {
        m->buffer = NULL;
    }
    if (error == CL_SUCCESS) {
        call = "clFinish";
        error = s->api.Finish(s->queue);
    }
    if (spd_cl_check(s, error, call, NULL) == SPARSED_OK)
        return m;
    release(state, m);
    return NULL;
}

static sparsed_status upload(void *state, void *to, const void *from, uint64_t size_bytes,
                             sparsed_message *message) {
    spd_cl_state *s = state;
    spd_cl_memory *m = to;
    cl_uint waits = m->use.event ? 1 : 0;
    cl_int error = s->api.EnqueueWriteBuffer(s->queue, m->buffer, CL_TRUE, 0, (size_t)size_bytes,
                                             from, waits, waits ? &m->use.event : NULL, NULL);
    return spd_cl_check(s, error, "clEnqueueWriteBuffer", message);
}

static sparsed_status download(void *state, void *to, const void *from, uint64_t size_bytes,
                               sparsed_message *message) {
    spd_cl_state *s = state;
    const spd_cl_memory *m = from;
    cl_uint waits = m->use.event ? 1 : 0;
    cl_int error = s->api.EnqueueReadBuffer(s->queue, m->buffer, CL_TRUE, 0, (size_t)size_bytes, to,
                                            waits, waits ? &m->use.event : NULL, NULL);
    sparsed_status status = spd_cl_check(s, error, "clEnqueueReadBuffer", message);
    return status == SPARSED_OK ? health(state, message) : status;
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
