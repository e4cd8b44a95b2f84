/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "self_test.h"

#include "half.h"
#include "oracle.h"
#include "size.h"

#include <math.h>

enum { HEADS = 2, EXTRA_ROWS = 9 };

/* Everything one self-test holds. Host arrays; kept is the backend's. */
typedef struct self_test {
    sparsed_context *context;
    size_t row;
    spd_problem problem;
    spd_extent extent;
    void *q, *k, *v, *out;
    float *lse, *scores;
    uint64_t *bits;
    double *want_out, *want_lse, *want_scores, *want_generation, *row_scores;
    void *kernel, *kept;
    double error;
    sparsed_message *message;
} self_test;

/* Small integers / 16: exact in every storage type, the same on every machine. */
static void generate(void *data, uint32_t dtype, uint64_t count, uint32_t seed) {
    uint32_t state = seed;
    for (uint64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        float value = (float)((int)(state >> 25) - 64) / 16.0f;
        if (dtype == SPARSED_F32)
            ((float *)data)[i] = value;
        else
            ((uint16_t *)data)[i] =
                dtype == SPARSED_F16 ? spd_f16_from_float(value) : spd_bf16_from_float(value);
    }
}

static sparsed_status set_problem(self_test *t, const spd_variant *variant) {
    uint64_t block_q = variant->mode ? variant->block_q : 32;
    uint64_t block_k = variant->mode ? variant->block_k : 32;
    sparsed_desc desc = {.struct_size = sizeof desc,
                         .dtype = variant->dtype,
                         .out_dtype = variant->out_dtype,
                         .batch = 1,
                         .heads = HEADS,
                         .kv_heads = 1,
                         .head_dim = variant->head_dim};
    desc.q_len = desc.kv_len = spd_max(block_q, block_k) + EXTRA_ROWS;
    sparsed_select select = {.struct_size = sizeof select,
                             .mode = variant->mode,
                             .score_reduce = variant->score_reduce,
                             .block_q = variant->block_q,
                             .block_k = variant->block_k,
                             .gen_len = EXTRA_ROWS,
                             .ratio = 0.4,
                             .window = EXTRA_ROWS,
                             .sinks = 3};
    sparsed_io io = {.struct_size = sizeof io};
    spd_problem plan;
    sparsed_status status =
        spd_problem_create(&desc, variant->mode ? &select : NULL, &plan, t->message);
    return status == SPARSED_OK
               ? spd_problem_of_run(&plan, &io, &t->problem, &t->extent, t->message)
               : status;
}

static sparsed_status allocate(self_test *t) {
    const sparsed_allocator *a = &t->context->allocator;
    const spd_problem *p = &t->problem;
    uint64_t rows = p->desc.kv_len, dim = p->desc.head_dim, blocks = p->q_blocks * p->k_blocks;
    t->q = spd_allocate(a, HEADS * rows * dim, sizeof(float));
    t->k = spd_allocate(a, rows * dim, sizeof(float));
    t->v = spd_allocate(a, rows * dim, sizeof(float));
    t->out = spd_allocate(a, HEADS * rows * dim, sizeof(float));
    t->lse = spd_allocate(a, HEADS * rows, sizeof(float));
    t->scores = spd_allocate(a, HEADS * (2 * blocks), sizeof(float));
    t->bits = spd_allocate(a, HEADS * p->q_blocks * p->row_words, sizeof(uint64_t));
    t->want_out = spd_allocate(a, rows * dim, sizeof(double));
    t->want_lse = spd_allocate(a, rows, sizeof(double));
    t->want_scores = spd_allocate(a, blocks, sizeof(double));
    t->want_generation = spd_allocate(a, blocks, sizeof(double));
    t->row_scores = spd_allocate(a, rows, sizeof(double));
    t->kept = t->context->backend->allocate(t->context->state,
                                            HEADS * p->q_blocks * p->row_words * sizeof(uint64_t));
    sparsed_status status = t->context->backend->health(t->context->state, t->message);
    if (status != SPARSED_OK)
        return status;
    if (!t->q || !t->k || !t->v || !t->out || !t->lse || !t->scores || !t->bits || !t->want_out ||
        !t->want_lse || !t->want_scores || !t->want_generation || !t->row_scores || !t->kept)
        return spd_fail(t->message, SPARSED_E_NOMEM, "no memory for a self-test");
    generate(t->q, p->desc.dtype, HEADS * rows * dim, 1);
    generate(t->k, p->desc.dtype, rows * dim, 2);
    generate(t->v, p->desc.dtype, rows * dim, 3);
    return SPARSED_OK;
}

static void release(self_test *t) {
    const sparsed_allocator *a = &t->context->allocator;
    const spd_backend *backend = t->context->backend;
    if (t->kernel)
        backend->discard(t->context->state, t->kernel);
    if (t->kept)
        backend->release(t->context->state, t->kept);
    void *memory[] = {t->q,
                      t->k,
                      t->v,
                      t->out,
                      t->lse,
                      t->scores,
                      t->bits,
                      t->want_out,
                      t->want_lse,
                      t->want_scores,
                      t->want_generation,
                      t->row_scores};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        spd_release(a, memory[i]);
}

/* Bounds of the relative Frobenius error: rounding of P and of the output to the storage type. */
static double tolerance(uint32_t dtype) {
    return dtype == SPARSED_F32 ? 1e-5 : dtype == SPARSED_F16 ? 2e-3 : 1.6e-2;
}

static sparsed_status judge(self_test *t, const char *what, double difference, double norm,
                            double bound) {
    double error = norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
    if (error > t->error)
        t->error = error;
    if (error <= bound)
        return SPARSED_OK;
    return spd_fail(t->message, SPARSED_E_SELF_TEST,
                    "self-test: %s is off by %.2e of the double oracle, allowed is %.1e", what,
                    error, bound);
}

static sparsed_status compare_doubles(self_test *t, const char *what, const void *got,
                                      uint32_t dtype, uint64_t first, const double *want,
                                      uint64_t count, double bound) {
    double difference = 0.0, norm = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        double d = spd_oracle_load(got, dtype, first + i) - want[i];
        difference += d * d;
        norm += want[i] * want[i];
    }
    return judge(t, what, difference, norm, bound);
}

/* One head of the last launch against the oracle. */
static sparsed_status compare_head(self_test *t, uint32_t head, const char *what, bool sparse,
                                   bool scores) {
    const spd_problem *p = &t->problem;
    uint64_t rows = p->desc.q_len, size = rows * p->desc.head_dim;
    uint64_t blocks = p->q_blocks * p->k_blocks;
    const uint64_t *bits = sparse ? t->bits + head * p->q_blocks * p->row_words : NULL;
    bool upstream = spd_mode_is_upstream(p->select.mode);
    const spd_oracle_head want = {t->want_out, t->want_lse, scores ? t->want_scores : NULL,
                                  scores && upstream ? t->want_generation : NULL};
    spd_oracle_attend(p, &t->extent, 0, head, t->q, t->k, t->v, bits, t->row_scores, &want);
    sparsed_status status = compare_doubles(t, what, t->out, p->desc.out_dtype, head * size,
                                            t->want_out, size, tolerance(p->desc.dtype));
    if (status == SPARSED_OK)
        status = compare_doubles(t, "log-sum-exp", t->lse, SPARSED_F32, head * rows, t->want_lse,
                                 rows, 1e-4);
    if (status == SPARSED_OK && scores)
        status = compare_doubles(t, "block scores", t->scores, SPARSED_F32, head * blocks,
                                 t->want_scores, blocks, 1e-4);
    if (status == SPARSED_OK && scores && upstream)
        status = compare_doubles(t, "generation scores", t->scores, SPARSED_F32,
                                 (HEADS + head) * blocks, t->want_generation, blocks, 1e-4);
    return status;
}

static sparsed_status run(self_test *t, sparsed_op op) {
    const spd_backend *backend = t->context->backend;
    void *state = t->context->state;
    bool build = op == SPARSED_DENSE_BUILD, sparse = op == SPARSED_SPARSE;
    bool scored = spd_mode_is_scored(t->problem.select.mode);
    spd_launch launch = {.op = op,
                         .problem = &t->problem,
                         .extents = &t->extent,
                         .q.mem = t->q,
                         .k.mem = t->k,
                         .v.mem = t->v,
                         .out.mem = t->out,
                         .lse.mem = t->lse,
                         .kept = op == SPARSED_DENSE ? NULL : t->kept};
    if (build && scored)
        launch.scores.mem = t->scores;
    sparsed_status status = backend->enqueue(state, t->kernel, &launch, t->message);
    if (status == SPARSED_OK)
        status = backend->wait(state, t->message);
    else
        backend->wait(state, NULL); /* what had begun still uses this test's memory */
    if (status == SPARSED_OK && build)
        status = backend->download(
            state, t->bits, t->kept,
            HEADS * t->problem.q_blocks * t->problem.row_words * sizeof(uint64_t), t->message);
    for (uint32_t head = 0; head < HEADS && status == SPARSED_OK; head++)
        status = compare_head(t, head, sparse ? "sparse output" : "dense output", sparse,
                              build && scored);
    return status;
}

sparsed_status spd_self_test(sparsed_context *context, size_t row, const spd_variant *variant,
                             double *error, sparsed_message *message) {
    self_test t = {.context = context, .row = row, .message = message};
    uint64_t scratch_bytes;
    sparsed_status status = set_problem(&t, variant);
    if (status == SPARSED_OK)
        status = allocate(&t);
    if (status == SPARSED_OK)
        status = context->backend->prepare(context->state, row, &t.problem, &t.kernel,
                                           &scratch_bytes, message);
    if (status == SPARSED_OK)
        status = run(&t, variant->mode ? SPARSED_DENSE_BUILD : SPARSED_DENSE);
    if (status == SPARSED_OK && variant->mode)
        status = run(&t, SPARSED_SPARSE);
    release(&t);
    *error = t.error;
    return status;
}
