/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Launches on a caller's queue and buffers. An in-order queue keeps the order of a launch's commands;
 * on another one each waits for the event of the one before it, and for nothing else that is on the
 * queue.
 */
#include "backend.h"

#include "caller.h"

typedef struct async_run {
    spd_cl_kernel *kernel;
    spd_cl_memory *kept; /* may be NULL */
    const struct spd_async *async;
    bool in_order;
    cl_event chain; /* the last command; NULL on a queue in order */
    cl_event gate;  /* the barrier that waits, on a queue in order; NULL = none */
    sparsed_message *message;
} async_run;

/* The next command comes after these. */
static sparsed_status wait_for(async_run *r, cl_uint count, const cl_event *events) {
    spd_cl_state *s = r->kernel->state;
    cl_event done = NULL;
    if (count == 0)
        return SPARSED_OK;
    if (r->in_order) {
        if (r->gate)
            s->api.ReleaseEvent(r->gate);
        r->gate = NULL;
        return spd_cl_check(
            s, s->api.EnqueueBarrierWithWaitList(r->async->queue, count, events, &r->gate),
            "clEnqueueBarrierWithWaitList", r->message);
    }
    sparsed_status status =
        spd_cl_check(s, s->api.EnqueueMarkerWithWaitList(r->async->queue, count, events, &done),
                     "clEnqueueMarkerWithWaitList", r->message);
    if (status == SPARSED_OK) {
        if (r->chain)
            s->api.ReleaseEvent(r->chain);
        r->chain = done;
    }
    return status;
}

/* Some drivers run what comes after a barrier whose wait list failed: what becomes of the caller's own
 * events is asked too. */
static sparsed_status watch(async_run *r) {
    spd_cl_state *s = r->kernel->state;
    cl_int error = CL_SUCCESS;
    for (cl_uint i = 0; i < r->async->wait_count && error == CL_SUCCESS; i++)
        error = spd_cl_pending_add(&s->api, &s->pending, r->async->wait[i]);
    return spd_cl_check(s, error, "clRetainEvent", r->message);
}

/* After the caller's wait list, and after what last used the scratch and the kept blocks. */
static sparsed_status start(async_run *r) {
    cl_event list[3];
    cl_uint count = 0;
    sparsed_status status = wait_for(r, r->async->wait_count, r->async->wait);
    if (status == SPARSED_OK)
        status = watch(r);
    if (status != SPARSED_OK)
        return status;
    if (r->chain)
        list[count++] = r->chain;
    spd_cl_use_add(&r->kernel->use, r->async->queue, r->in_order, list, &count);
    if (r->kept)
        spd_cl_use_add(&r->kept->use, r->async->queue, r->in_order, list, &count);
    return count == 1 && r->chain ? SPARSED_OK : wait_for(r, count, list);
}

/* Keeps the last command's event where those look that must come after it, or ask what became of it. */
static cl_int remember(async_run *r, const char **call) {
    spd_cl_state *s = r->kernel->state;
    cl_int error = CL_SUCCESS;
    *call = "clEnqueueMarkerWithWaitList";
    if (!r->chain)
        error = s->api.EnqueueMarkerWithWaitList(r->async->queue, r->gate ? 1 : 0,
                                                 r->gate ? &r->gate : NULL, &r->chain);
    if (error != CL_SUCCESS) {
        r->chain = NULL;
        return error;
    }
    *call = "clRetainEvent";
    error = spd_cl_use_set(&s->api, &r->kernel->use, r->async->queue, r->chain);
    if (error == CL_SUCCESS && r->kept)
        error = spd_cl_use_set(&s->api, &r->kept->use, r->async->queue, r->chain);
    return error == CL_SUCCESS ? spd_cl_pending_add(&s->api, &s->pending, r->chain) : error;
}

/* Also of a launch that failed halfway. Without its last event nothing could be made to wait for it:
 * such a device is no longer used. */
static sparsed_status finish(async_run *r, cl_event *event, sparsed_message *message) {
    spd_cl_state *s = r->kernel->state;
    const char *call;
    cl_int error = remember(r, &call);
    if (r->gate)
        s->api.ReleaseEvent(r->gate);
    r->gate = NULL;
    if (error != CL_SUCCESS && s->lost == 0) {
        s->lost = error;
        s->lost_call = call;
    }
    if (error == CL_SUCCESS) {
        call = "clFlush";
        error = s->api.Flush(r->async->queue);
    }
    if (error == CL_SUCCESS && event)
        *event = r->chain;
    else if (r->chain)
        s->api.ReleaseEvent(r->chain);
    r->chain = NULL;
    return spd_cl_check(s, error, call, message);
}

sparsed_status spd_cl_enqueue_async(spd_cl_kernel *kernel, const spd_launch *launch,
                                    sparsed_message *message) {
    const struct spd_async *async = launch->async;
    spd_cl_state *s = kernel->state;
    async_run r = {.kernel = kernel, .kept = launch->kept, .async = async, .message = message};
    spd_launch of_buffers = *launch;
    spd_cl_tensors tensors;
    cl_command_queue_properties properties = 0;
    if (r.kept)
        of_buffers.kept = r.kept->buffer;
    sparsed_status status = spd_cl_take_tensors(s, launch, &tensors, message);
    if (status == SPARSED_OK)
        status = spd_cl_check(s,
                              s->api.GetCommandQueueInfo(async->queue, CL_QUEUE_PROPERTIES,
                                                         sizeof properties, &properties, NULL),
                              "clGetCommandQueueInfo", message);
    if (status != SPARSED_OK)
        return status;
    r.in_order = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
    status = start(&r);
    if (status == SPARSED_OK)
        status = spd_cl_launch(kernel, async->queue, r.in_order ? NULL : &r.chain, &of_buffers,
                               &tensors, NULL, message);
    if (status == SPARSED_OK)
        return finish(&r, launch->more ? NULL : async->event, message);
    finish(&r, NULL, NULL);
    return status;
}
