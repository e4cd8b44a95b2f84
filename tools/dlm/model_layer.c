/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The linear layers of the forward pass. What follows a product element by element is done while
 * its sums are in a near cache, and stored in the type that reads it next.
 */
#include <sparsed/sparsed.h>

#include "../clock.h"
#include "model_state.h"

enum { GATE_GROUP = 64 };

static bool multiplies_pairs(const dlm_attention *attention) {
    return attention->out_dtype == SPARSED_BF16;
}

static size_t element_bytes(uint32_t dtype) {
    return dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* Of q, k, v and out. */
static size_t attention_stride(const dlm_attention *attention, size_t width, uint32_t dtype) {
    return attention->packed ? width : dlm_row_stride(width, dtype);
}

/* Of the inputs of products that are written here. */
static size_t row_stride(const dlm_attention *attention, size_t width) {
    return dlm_row_stride(width, attention->out_dtype);
}

/* y's rows are row_stride apart. */
static void norm(const dlm_model *model, const dlm_attention *attention, const float *weight,
                 const float *x, size_t rows, void *y) {
    const dlm_elementwise *elementwise = model->engine.elementwise;
    const size_t width = model->config.hidden;
    const size_t row_bytes = row_stride(attention, width) * element_bytes(attention->out_dtype);
    const float eps = (float)model->config.rms_norm_eps;
#pragma omp parallel for num_threads(model->engine.threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        elementwise->rms_norm(x + r * width, weight, eps, width, attention->out_dtype,
                              (unsigned char *)y + r * row_bytes);
    }
}

static void run_job(dlm_model *model, const dlm_job *job, const void *x, size_t x_stride,
                    size_t rows) {
    double start = clock_seconds();
    dlm_linear_run(&model->engine, job, x, x_stride, rows);
    model->linear_seconds += clock_seconds() - start;
}

static void apply(dlm_model *model, const dlm_linear *linear, const dlm_attention *attention,
                  const void *x, size_t x_stride, size_t rows, bool accumulate, float *y) {
    double start = clock_seconds();
    dlm_linear_apply(&model->engine, linear, multiplies_pairs(attention), x, x_stride, rows,
                     accumulate, y);
    model->linear_seconds += clock_seconds() - start;
}

/* Where sums go: heads of q, or of k and v, or the gated rows. */
typedef struct target {
    const dlm_model *model;
    uint32_t dtype;
    void *rows[2];
    size_t stride[2]; /* elements from row to row */
    size_t first_row; /* of the sums' row 0 */
} target;

static void *place(const target *to, uint32_t which, size_t row, size_t column) {
    return (unsigned char *)to->rows[which] +
           ((to->first_row + row) * to->stride[which] + column) * element_bytes(to->dtype);
}

static void rotate(const target *to, const dlm_sums *s) {
    const dlm_rope *rope = &to->model->rope;
    const float *angles = rope->table + (to->first_row + s->row) * rope->head_dim;
    for (size_t r = 0; r < s->rows; r++) {
        to->model->engine.elementwise->rotate(s->sums + r * s->stride, angles + r * rope->head_dim,
                                              rope->head_dim / 2);
    }
}

static void store(const target *to, const dlm_sums *s) {
    for (size_t r = 0; r < s->rows; r++) {
        to->model->engine.elementwise->store(s->sums + r * s->stride, s->outputs, to->dtype,
                                             place(to, s->linear, s->row + r, s->output));
    }
}

/* One head of q, or of k and v. */
static void finish_head(void *user, const dlm_sums *s) {
    if (s->linear == 0) {
        rotate(user, s);
    }
    store(user, s);
}

void dlm_layer_project(dlm_model *model, const dlm_layer *layer, const dlm_attention *attention,
                       size_t len, size_t q_from) {
    dlm_activations *a = &model->activations;
    const size_t x_stride = row_stride(attention, model->config.hidden);
    const size_t x_bytes = x_stride * element_bytes(attention->out_dtype);
    target q = {.model = model, .dtype = attention->dtype, .rows = {a->q}, .first_row = q_from};
    target kv = {.model = model, .dtype = attention->dtype, .rows = {a->k, a->v}};
    dlm_job job = {.linear = {&layer->k, &layer->v},
                   .linears = 2,
                   .group = model->config.head_dim,
                   .pairs = multiplies_pairs(attention),
                   .finish = finish_head,
                   .user = &kv};
    q.stride[0] = attention_stride(attention, layer->q.out, attention->dtype);
    kv.stride[0] = kv.stride[1] = attention_stride(attention, layer->k.out, attention->dtype);
    norm(model, attention, layer->attention_norm, a->x, len, a->normed);
    run_job(model, &job, a->normed, x_stride, len);
    job.linear[0] = &layer->q;
    job.linears = 1;
    job.user = &q;
    run_job(model, &job, (const char *)a->normed + q_from * x_bytes, x_stride, len - q_from);
}

static void finish_gate(void *user, const dlm_sums *s) {
    const target *to = user;
    for (size_t r = 0; r < s->rows; r++) {
        float *gate = s->sums + r * s->stride;
        to->model->engine.elementwise->swiglu(gate, gate + s->next, s->outputs);
    }
    store(to, s);
}

void dlm_layer_finish(dlm_model *model, const dlm_layer *layer, const dlm_attention *attention,
                      const void *attended, size_t rows, float *x) {
    dlm_activations *a = &model->activations;
    target to = {.model = model,
                 .dtype = attention->out_dtype,
                 .rows = {a->gated},
                 .stride = {row_stride(attention, layer->gate.out)}};
    const dlm_job job = {.linear = {&layer->gate, &layer->up},
                         .linears = 2,
                         .together = true,
                         .group = GATE_GROUP,
                         .pairs = multiplies_pairs(attention),
                         .finish = finish_gate,
                         .user = &to};
    apply(model, &layer->o, attention, attended,
          attention_stride(attention, layer->o.in, attention->out_dtype), rows, true, x);
    norm(model, attention, layer->mlp_norm, x, rows, a->normed);
    run_job(model, &job, a->normed, row_stride(attention, model->config.hidden), rows);
    apply(model, &layer->down, attention, a->gated, to.stride[0], rows, true, x);
}

void dlm_layer_predict(dlm_model *model, const dlm_attention *attention, const float *x,
                       size_t rows, float *logits) {
    void *normed = model->activations.normed;
    norm(model, attention, model->final_norm, x, rows, normed);
    apply(model, &model->head, attention, normed, row_stride(attention, model->config.hidden), rows,
          false, logits);
}
