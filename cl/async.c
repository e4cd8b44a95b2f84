/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Launches on a caller's queue and buffers. */
#include "backend.h"

#include "../src/error.h"

/* Offsets in elements; they must be whole ones. */
static sparsed_status take(const char *name, const sparsed_buffer *from, uint32_t element_bytes,
                           cl_mem *memory, uint64_t *at, sparsed_message *message) {
    *memory = from->mem;
    *at = from->offset_bytes / element_bytes;
    if (from->mem && from->offset_bytes % element_bytes != 0)
        return spd_fail(message, SPARSED_E_INVALID,
                        "io.%s.offset_bytes is %llu, not a multiple of %u", name,
                        (unsigned long long)from->offset_bytes, element_bytes);
    return SPARSED_OK;
}

static sparsed_status take_tensors(const spd_launch *l, spd_cl_tensors *t,
                                   sparsed_message *message) {
    const sparsed_desc *d = &l->problem->desc;
    uint32_t in = d->dtype == SPARSED_F32 ? 4 : 2, out = d->out_dtype == SPARSED_F32 ? 4 : 2;
    *t = (spd_cl_tensors){
        .q_strides = d->q, .k_strides = d->k, .v_strides = d->v, .out_strides = d->out};
    sparsed_status status = take("q", &l->q, in, &t->q, &t->q_at, message);
    if (status == SPARSED_OK)
        status = take("k", &l->k, in, &t->k, &t->k_at, message);
    if (status == SPARSED_OK)
        status = take("v", &l->v, in, &t->v, &t->v_at, message);
    if (status == SPARSED_OK)
        status = take("out", &l->out, out, &t->out, &t->out_at, message);
    if (status == SPARSED_OK)
        status = take("lse", &l->lse, 4, &t->lse, &t->lse_at, message);
    return status == SPARSED_OK ? take("scores", &l->scores, 4, &t->scores, &t->scores_at, message)
                                : status;
}

sparsed_status spd_cl_enqueue_async(spd_cl_kernel *kernel, const spd_launch *launch,
                                    sparsed_message *message) {
    const struct spd_async *async = launch->async;
    spd_cl_state *s = kernel->state;
    spd_cl_tensors tensors;
    cl_command_queue_properties properties = 0;
    sparsed_status status = take_tensors(launch, &tensors, message);
    if (status == SPARSED_OK)
        status = spd_cl_check(s,
                              s->api.GetCommandQueueInfo(async->queue, CL_QUEUE_PROPERTIES,
                                                         sizeof properties, &properties, NULL),
                              "clGetCommandQueueInfo", message);
    bool in_order = (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0;
    if (status == SPARSED_OK && (async->wait_count > 0 || !in_order))
        status = spd_cl_check(
            s,
            s->api.EnqueueBarrierWithWaitList(async->queue, async->wait_count, async->wait, NULL),
            "clEnqueueBarrierWithWaitList", message);
    if (status == SPARSED_OK)
        status = spd_cl_launch(kernel, async->queue, in_order, launch, &tensors, NULL, message);
    if (status == SPARSED_OK && async->event) {
        status =
            spd_cl_check(s, s->api.EnqueueMarkerWithWaitList(async->queue, 0, NULL, async->event),
                         "clEnqueueMarkerWithWaitList", message);
        if (status == SPARSED_OK)
            status = spd_cl_check(s, s->api.Flush(async->queue), "clFlush", message);
    }
    return status;
}
