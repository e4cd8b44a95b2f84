/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Tensors of the host on the device. A tensor whose memory is not much larger than its elements is
 * copied as it lies; one with gaps head by head into packed rows. Results are packed on the device
 * unless their memory has no gaps, so that nothing between a caller's rows is overwritten.
 */
#include "kernel.h"

#include "../src/size.h"

/* A tensor of one launch: [batch][heads][rows][dim]. */
typedef struct tensor {
    sparsed_buffer host;
    cl_mem device;
    sparsed_strides strides; /* of the host */
    uint32_t heads, element_bytes;
    uint64_t rows;
} tensor;

static sparsed_strides packed(uint32_t heads, uint64_t rows, uint32_t dim) {
    return (sparsed_strides){heads * rows * dim, rows * dim, dim};
}

uint64_t spd_cl_span(const sparsed_desc *d, const sparsed_strides *s, uint32_t heads,
                     uint64_t rows) {
    return (d->batch - 1) * s->batch + (heads - 1) * s->head + (rows - 1) * s->row + d->head_dim;
}

static uint64_t elements_of(const sparsed_desc *d, uint32_t heads, uint64_t rows) {
    return (uint64_t)d->batch * heads * rows * d->head_dim;
}

static bool copied_whole(const sparsed_desc *d, const tensor *t, bool result) {
    uint64_t span = spd_cl_span(d, &t->strides, t->heads, t->rows);
    uint64_t elements = elements_of(d, t->heads, t->rows);
    return result ? span == elements : span <= 2 * elements;
}

uint64_t spd_cl_stage_bytes(const sparsed_desc *desc, const sparsed_strides *strides,
                            uint32_t heads, uint64_t rows, uint32_t element_bytes) {
    uint64_t elements = elements_of(desc, heads, rows);
    bool given = (strides->batch | strides->head | strides->row) != 0;
    uint64_t span = given ? spd_cl_span(desc, strides, heads, rows) : elements;
    return spd_max(elements, spd_min(span, 2 * elements)) * element_bytes;
}

/* Where the heads of a tensor that is not copied whole lie: packed, and so are their rows unless they
 * overlap. */
static sparsed_strides by_heads(const sparsed_desc *d, const tensor *t) {
    sparsed_strides strides = packed(t->heads, t->rows, d->head_dim);
    strides.row = spd_min(t->strides.row, d->head_dim);
    return strides;
}

/* One head, from `host` or to it; its rows have gaps on the host or lie as on the device. */
static cl_int copy_head(const spd_cl_state *s, const sparsed_desc *d, const tensor *t, char *host,
                        uint64_t device_at, bool to_device) {
    const size_t zero[3] = {0, 0, 0}, origin[3] = {(size_t)device_at * t->element_bytes, 0, 0};
    const size_t row_bytes = (size_t)d->head_dim * t->element_bytes;
    const size_t region[3] = {row_bytes, (size_t)t->rows, 1};
    const size_t pitch = (size_t)t->strides.row * t->element_bytes;
    const size_t whole_bytes = (size_t)(t->rows - 1) * pitch + row_bytes;
    if (pitch <= row_bytes && to_device)
        return s->api.EnqueueWriteBuffer(s->queue, t->device, CL_FALSE, origin[0], whole_bytes,
                                         host, 0, NULL, NULL);
    if (pitch <= row_bytes)
        return s->api.EnqueueReadBuffer(s->queue, t->device, CL_FALSE, origin[0], whole_bytes, host,
                                        0, NULL, NULL);
    if (to_device)
        return s->api.EnqueueWriteBufferRect(s->queue, t->device, CL_FALSE, origin, zero, region,
                                             row_bytes, 0, pitch, 0, host, 0, NULL, NULL);
    return s->api.EnqueueReadBufferRect(s->queue, t->device, CL_FALSE, origin, zero, region,
                                        row_bytes, 0, pitch, 0, host, 0, NULL, NULL);
}

static sparsed_status copy_heads(spd_cl_kernel *k, const sparsed_desc *d, const tensor *t,
                                 bool to_device, sparsed_message *message) {
    const sparsed_strides device = by_heads(d, t);
    cl_int error = CL_SUCCESS;
    for (uint64_t i = 0; i < (uint64_t)d->batch * t->heads && error == CL_SUCCESS; i++) {
        uint64_t batch = i / t->heads, head = i % t->heads;
        uint64_t from = batch * t->strides.batch + head * t->strides.head;
        char *host = (char *)t->host.mem + t->host.offset_bytes + from * t->element_bytes;
        error =
            copy_head(k->state, d, t, host, batch * device.batch + head * device.head, to_device);
    }
    return spd_cl_check(k->state, error,
                        to_device ? "clEnqueueWriteBuffer of a tensor"
                                  : "clEnqueueReadBuffer of a result",
                        message);
}

static sparsed_status copy_in(spd_cl_kernel *k, const sparsed_desc *d, const tensor *t,
                              sparsed_strides *device, sparsed_message *message) {
    const spd_cl_api *api = &k->state->api;
    if (!copied_whole(d, t, false)) {
        *device = by_heads(d, t);
        return copy_heads(k, d, t, true, message);
    }
    *device = t->strides;
    uint64_t size_bytes = spd_cl_span(d, &t->strides, t->heads, t->rows) * t->element_bytes;
    cl_int error =
        api->EnqueueWriteBuffer(k->state->queue, t->device, CL_FALSE, 0, size_bytes,
                                (const char *)t->host.mem + t->host.offset_bytes, 0, NULL, NULL);
    return spd_cl_check(k->state, error, "clEnqueueWriteBuffer of a tensor", message);
}

static tensor out_tensor(const spd_cl_kernel *k, const spd_launch *l) {
    const sparsed_desc *d = &l->problem->desc;
    return (tensor){.host = l->out,
                    .device = k->out,
                    .strides = d->out,
                    .heads = d->heads,
                    .element_bytes = d->out_dtype == SPARSED_F32 ? 4 : 2,
                    .rows = d->q_len};
}

sparsed_status spd_cl_stage_in(spd_cl_kernel *kernel, const spd_launch *launch,
                               spd_cl_tensors *tensors, sparsed_message *message) {
    const sparsed_desc *d = &launch->problem->desc;
    bool attends = launch->op != SPARSED_BUILD;
    uint32_t size = d->dtype == SPARSED_F32 ? 4 : 2;
    const tensor q = {launch->q, kernel->q, d->q, d->heads, size, d->q_len};
    const tensor k = {launch->k, kernel->k, d->k, d->kv_heads, size, d->kv_len};
    const tensor v = {launch->v, kernel->v, d->v, d->kv_heads, size, d->kv_len};
    *tensors = (spd_cl_tensors){.q = kernel->q, .k = kernel->k};
    sparsed_status status = copy_in(kernel, d, &q, &tensors->q_strides, message);
    if (status == SPARSED_OK)
        status = copy_in(kernel, d, &k, &tensors->k_strides, message);
    if (status == SPARSED_OK && attends) {
        const tensor out = out_tensor(kernel, launch);
        tensors->v = kernel->v;
        tensors->out = kernel->out;
        tensors->lse = launch->lse.mem ? kernel->lse : NULL;
        tensors->out_strides = copied_whole(d, &out, true) ? d->out : by_heads(d, &out);
        status = copy_in(kernel, d, &v, &tensors->v_strides, message);
    }
    return status;
}

sparsed_status spd_cl_stage_out(spd_cl_kernel *kernel, const spd_launch *launch,
                                const spd_cl_tensors *tensors, sparsed_message *message) {
    const spd_cl_api *api = &kernel->state->api;
    const sparsed_desc *d = &launch->problem->desc;
    const tensor out = out_tensor(kernel, launch);
    sparsed_status status;
    if (launch->op == SPARSED_BUILD)
        return SPARSED_OK;
    if (copied_whole(d, &out, true))
        status = spd_cl_check(
            kernel->state,
            api->EnqueueReadBuffer(kernel->state->queue, kernel->out, CL_FALSE, 0,
                                   elements_of(d, d->heads, d->q_len) * out.element_bytes,
                                   (char *)out.host.mem + out.host.offset_bytes, 0, NULL, NULL),
            "clEnqueueReadBuffer of a result", message);
    else
        status = copy_heads(kernel, d, &out, false, message);
    if (status != SPARSED_OK || !tensors->lse)
        return status;
    cl_int error =
        api->EnqueueReadBuffer(kernel->state->queue, kernel->lse, CL_FALSE, 0,
                               (uint64_t)d->batch * d->heads * d->q_len * sizeof(float),
                               (char *)launch->lse.mem + launch->lse.offset_bytes, 0, NULL, NULL);
    return spd_cl_check(kernel->state, error, "clEnqueueReadBuffer of log-sum-exp", message);
}
