/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "caller.h"

#include "../src/error.h"
#include "../src/size.h"

#include <stdio.h>

enum { MAX_DEVICES = 256 };

/* A handle as an object pointer, for %p. */
static const void *shown(const void *handle) {
    return handle;
}

static sparsed_status not_an_object(sparsed_message *message, const char *name, const void *handle,
                                    cl_int error) {
    char room[32];
    return spd_fail(message, SPARSED_E_INVALID, "%s is %p: %s", name, handle,
                    spd_cl_error_string(error, room));
}

static sparsed_status of_another_context(sparsed_message *message, const char *name,
                                         const void *handle, cl_context owner,
                                         const spd_cl_state *state) {
    return spd_fail(message, SPARSED_E_INVALID,
                    "%s is %p, of another cl_context: %p; this sparsed_context has %p", name,
                    handle, shown(owner), shown(state->context));
}

/* What a sub-device is a part of; NULL for a whole device. */
static cl_device_id parent_of(const spd_cl_api *api, cl_device_id device) {
    cl_device_id parent = NULL;
    if (api->GetDeviceInfo(device, CL_DEVICE_PARENT_DEVICE, sizeof(parent), &parent, NULL) !=
        CL_SUCCESS)
        return NULL;
    return parent;
}

/* Some runtimes list the whole device where a context was made for a part of it. */
sparsed_status spd_cl_check_context(const spd_cl_api *api, cl_context context, cl_device_id device,
                                    sparsed_message *message) {
    cl_device_id devices[MAX_DEVICES];
    size_t size_bytes = 0;
    if (!context || !device)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL",
                        context ? "device" : "opencl_context");
    cl_int error =
        api->GetContextInfo(context, CL_CONTEXT_DEVICES, sizeof devices, devices, &size_bytes);
    if (error != CL_SUCCESS)
        return not_an_object(message, "opencl_context", context, error);
    for (cl_device_id d = device; d; d = parent_of(api, d))
        for (size_t i = 0; i < size_bytes / sizeof *devices; i++)
            if (devices[i] == d)
                return SPARSED_OK;
    return spd_fail(message, SPARSED_E_INVALID,
                    "device is %p, which is none of the %zu devices of opencl_context %p",
                    shown(device), size_bytes / sizeof *devices, shown(context));
}

sparsed_status spd_cl_check_queue(spd_cl_state *state, cl_command_queue queue,
                                  sparsed_message *message) {
    cl_context owner = NULL;
    cl_device_id device = NULL;
    if (!queue)
        return spd_fail(message, SPARSED_E_INVALID, "queue is NULL");
    cl_int error =
        state->api.GetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(owner), &owner, NULL);
    if (error == CL_SUCCESS)
        error =
            state->api.GetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof(device), &device, NULL);
    if (error != CL_SUCCESS)
        return not_an_object(message, "queue", queue, error);
    if (owner != state->context)
        return of_another_context(message, "queue", queue, owner, state);
    if (device != state->device.device)
        return spd_fail(message, SPARSED_E_INVALID,
                        "queue is %p, of another device: %p; this sparsed_context has %p",
                        shown(queue), shown(device), shown(state->device.device));
    return SPARSED_OK;
}

sparsed_status spd_cl_check_wait_list(spd_cl_state *state, cl_uint count, const cl_event *events,
                                      sparsed_message *message) {
    if (count > 0 && !events)
        return spd_fail(message, SPARSED_E_INVALID, "n_wait is %u, but wait is NULL", count);
    for (cl_uint i = 0; i < count; i++) {
        cl_context owner = NULL;
        char name[32];
        snprintf(name, sizeof name, "wait[%u]", i);
        if (!events[i])
            return spd_fail(message, SPARSED_E_INVALID, "wait[%u] of %u is NULL", i, count);
        cl_int error =
            state->api.GetEventInfo(events[i], CL_EVENT_CONTEXT, sizeof(owner), &owner, NULL);
        if (error != CL_SUCCESS)
            return not_an_object(message, name, events[i], error);
        if (owner != state->context)
            return of_another_context(message, name, events[i], owner, state);
    }
    return SPARSED_OK;
}

/* One buffer of a launch. */
typedef struct argument {
    const char *name;
    sparsed_buffer from;
    uint64_t elements; /* that it must hold from its offset on */
    uint32_t element_bytes;
    cl_mem_flags forbidden; /* what the kernel does may not be forbidden to it */
    cl_mem *memory;
    uint64_t *at;
} argument;

static sparsed_status check_size(const argument *a, uint64_t size_bytes, sparsed_message *message) {
    uint64_t offset = a->from.offset_bytes, bytes, end;
    if (offset % a->element_bytes != 0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.%s.offset_bytes is %llu, not a multiple of the element's %u bytes",
                        a->name, (unsigned long long)offset, a->element_bytes);
    if (!spd_mul(a->elements, a->element_bytes, &bytes))
        bytes = UINT64_MAX;
    if (!spd_add(offset, bytes, &end) || end > size_bytes)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.%s has %llu bytes, and %llu from offset_bytes %llu on are needed",
                        a->name, (unsigned long long)size_bytes, (unsigned long long)bytes,
                        (unsigned long long)offset);
    return SPARSED_OK;
}

static sparsed_status take(spd_cl_state *s, const argument *a, sparsed_message *message) {
    cl_mem memory = a->from.mem;
    cl_context owner = NULL;
    cl_mem_object_type type = 0;
    cl_mem_flags flags = 0;
    size_t size_bytes = 0;
    char name[32];
    if (!memory)
        return SPARSED_OK;
    snprintf(name, sizeof name, "io.%s.mem", a->name);
    cl_int error = s->api.GetMemObjectInfo(memory, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (error == CL_SUCCESS)
        error = s->api.GetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof(owner), &owner, NULL);
    if (error == CL_SUCCESS)
        error = s->api.GetMemObjectInfo(memory, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    if (error == CL_SUCCESS)
        error = s->api.GetMemObjectInfo(memory, CL_MEM_SIZE, sizeof size_bytes, &size_bytes, NULL);
    if (error != CL_SUCCESS)
        return not_an_object(message, name, memory, error);
    if (owner != s->context)
        return of_another_context(message, name, memory, owner, s);
    if (type != CL_MEM_OBJECT_BUFFER)
        return spd_fail(message, SPARSED_E_INVALID, "%s is a memory object of type 0x%x, no buffer",
                        name, type);
    if (flags & a->forbidden)
        return spd_fail(message, SPARSED_E_INVALID, "%s is a %s buffer", name,
                        a->forbidden == CL_MEM_READ_ONLY ? "read-only" : "write-only");
    sparsed_status status = check_size(a, size_bytes, message);
    if (status != SPARSED_OK)
        return status;
    *a->memory = memory;
    *a->at = a->from.offset_bytes / a->element_bytes;
    return SPARSED_OK;
}

static uint64_t score_count(const spd_problem *p) {
    uint64_t rankings = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    return rankings * p->desc.batch * p->desc.heads * p->q_blocks * p->k_blocks;
}

sparsed_status spd_cl_take_tensors(spd_cl_state *state, const spd_launch *launch,
                                   spd_cl_tensors *tensors, sparsed_message *message) {
    const spd_problem *p = launch->problem;
    const sparsed_desc *d = &p->desc;
    const uint32_t in = d->dtype == SPARSED_F32 ? 4 : 2, out = d->out_dtype == SPARSED_F32 ? 4 : 2;
    /* A build that a sparse launch follows answers for both. */
    const bool attends = launch->op != SPARSED_BUILD || launch->more;
    const bool builds = launch->op == SPARSED_DENSE_BUILD || launch->op == SPARSED_BUILD;
    const cl_mem_flags read = CL_MEM_WRITE_ONLY, written = CL_MEM_READ_ONLY;
    spd_cl_tensors *t = tensors;
    *t = (spd_cl_tensors){
        .q_strides = d->q, .k_strides = d->k, .v_strides = d->v, .out_strides = d->out};
    const argument arguments[] = {
        {"q", launch->q, spd_cl_span(d, &d->q, d->heads, d->q_len), in, read, &t->q, &t->q_at},
        {"k", launch->k, spd_cl_span(d, &d->k, d->kv_heads, d->kv_len), in, read, &t->k, &t->k_at},
        {"v", launch->v, spd_cl_span(d, &d->v, d->kv_heads, d->kv_len), in, read, &t->v, &t->v_at},
        {"out", launch->out, spd_cl_span(d, &d->out, d->heads, d->q_len), out, written, &t->out,
         &t->out_at},
        {"lse", launch->lse, (uint64_t)d->batch * d->heads * d->q_len, 4, written, &t->lse,
         &t->lse_at},
        {"scores", launch->scores, score_count(p), 4, written, &t->scores, &t->scores_at}};
    const bool used[] = {true, true, attends, attends, attends, builds};
    sparsed_status status = SPARSED_OK;
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments && status == SPARSED_OK; i++)
        if (used[i])
            status = take(state, &arguments[i], message);
    return status;
}
