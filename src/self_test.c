/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "self_test.h"

#include "half.h"
#include "self_test_compare.h"
#include "size.h"

#include <string.h>

enum {
    EXTRA_ROWS = 9, /* of a partial block */
    PADDED_ROWS = 5,
    MANY_BLOCKS = 66, /* more than a word of a bit row has */
    FEW_BLOCKS = 4,
    MANY_BLOCKS_LIMIT = 16,    /* the largest block_k of which there are many: time */
    ORACLE_PRODUCTS = 1 << 20, /* of one head of the long batch, about: time */
};

/* Small integers / 16: exact in every storage type, the same on every machine. */
static void generate(void *data, uint32_t dtype, uint64_t first, uint64_t count, uint32_t seed) {
    uint32_t state = (uint32_t)first + seed;
    for (uint64_t i = first; i < first + count; i++) {
        state = state * 1664525u + 1013904223u;
        float value = (float)((int)(state >> 25) - 64) / 16.0f;
        if (dtype == SPARSED_F32)
            ((float *)data)[i] = value;
        else
            ((uint16_t *)data)[i] =
                dtype == SPARSED_F16 ? spd_f16_from_float(value) : spd_bf16_from_float(value);
    }
}

/* The valid rows of both batches. q_start is where the long batch's queries begin. */
static void set_lengths(spd_test_run *t, uint64_t blocks, uint64_t block_k, sparsed_desc *desc,
                        uint64_t *start, uint64_t *end) {
    uint64_t keys = blocks * block_k + EXTRA_ROWS;
    uint64_t short_rows = spd_max(t->block_q, block_k) + EXTRA_ROWS;
    uint64_t long_rows = spd_min(EXTRA_ROWS, 1 + ORACLE_PRODUCTS / (keys * desc->head_dim));
    start[SPD_TEST_LONG] = PADDED_ROWS;
    end[SPD_TEST_LONG] = PADDED_ROWS + keys;
    desc->flags = SPARSED_DESC_Q_START;
    desc->q_start = end[SPD_TEST_LONG] - long_rows;
    start[SPD_TEST_SHORT] = desc->q_start + PADDED_ROWS;
    end[SPD_TEST_SHORT] = start[SPD_TEST_SHORT] + short_rows;
    desc->q_len = PADDED_ROWS + short_rows + PADDED_ROWS;
    desc->kv_len = desc->q_start + desc->q_len;
}

static sparsed_status set_problem(spd_test_run *t, const spd_variant *variant, uint64_t blocks) {
    uint64_t block_k = variant->mode ? variant->block_k : 32;
    uint64_t start[SPD_TEST_BATCHES], end[SPD_TEST_BATCHES];
    sparsed_desc desc = {.struct_size = sizeof desc,
                         .dtype = variant->dtype,
                         .out_dtype = variant->out_dtype,
                         .batch = SPD_TEST_BATCHES,
                         .heads = SPD_TEST_HEADS,
                         .kv_heads = 1,
                         .head_dim = variant->head_dim};
    t->block_q = variant->mode ? variant->block_q : 32;
    set_lengths(t, blocks, block_k, &desc, start, end);
    sparsed_select select = {.struct_size = sizeof select,
                             .mode = variant->mode,
                             .score_reduce = variant->score_reduce,
                             .block_q = variant->block_q,
                             .block_k = variant->block_k,
                             .gen_len = block_k + EXTRA_ROWS, /* two blocks of generation */
                             .ratio = 0.4,
                             .window = EXTRA_ROWS,
                             .sinks = 3};
    sparsed_io io = {.struct_size = sizeof io, .valid_start = start, .valid_end = end};
    spd_problem plan;
    sparsed_status status =
        spd_problem_create(&desc, variant->mode ? &select : NULL, &plan, t->message);
    return status == SPARSED_OK
               ? spd_problem_of_run(&plan, &io, &t->problem, t->extents, t->message)
               : status;
}

/* Bits of all rows of the pattern. */
static uint64_t bits_bytes(const spd_problem *p) {
    return spd_test_heads() * p->q_blocks * p->row_words * sizeof(uint64_t);
}

static sparsed_status allocate(spd_test_run *t) {
    const sparsed_allocator *a = &t->context->allocator;
    const spd_problem *p = &t->problem;
    uint64_t heads = spd_test_heads(), dim = p->desc.head_dim;
    uint64_t rows = p->desc.q_len, keys = p->desc.kv_len, blocks = p->q_blocks * p->k_blocks;
    t->q = spd_allocate(a, heads * rows * dim, sizeof(float));
    t->k = spd_allocate(a, SPD_TEST_BATCHES * keys * dim, sizeof(float));
    t->v = spd_allocate(a, SPD_TEST_BATCHES * keys * dim, sizeof(float));
    t->out = spd_allocate(a, heads * rows * dim, sizeof(float));
    t->lse = spd_allocate(a, heads * rows, sizeof(float));
    t->scores = spd_allocate(a, heads * (2 * blocks), sizeof(float));
    t->bits = spd_allocate(a, bits_bytes(p), 1);
    t->want_bits = spd_allocate(a, p->row_words, sizeof(uint64_t));
    t->keys = spd_allocate(a, p->k_blocks, sizeof(uint64_t));
    t->want_out = spd_allocate(a, rows * dim, sizeof(double));
    t->want_lse = spd_allocate(a, rows, sizeof(double));
    t->want_scores = spd_allocate(a, blocks, sizeof(double));
    t->want_generation = spd_allocate(a, blocks, sizeof(double));
    t->row_scores = spd_allocate(a, keys, sizeof(double));
    t->kept = t->context->backend->allocate(t->context->state, bits_bytes(p));
    sparsed_status status = t->context->backend->health(t->context->state, t->message);
    if (status != SPARSED_OK)
        return status;
    if (!t->q || !t->k || !t->v || !t->out || !t->lse || !t->scores || !t->bits || !t->want_bits ||
        !t->keys || !t->want_out || !t->want_lse || !t->want_scores || !t->want_generation ||
        !t->row_scores || !t->kept)
        return spd_fail(t->message, SPARSED_E_NOMEM, "no memory for a self-test");
    return SPARSED_OK;
}

static void release(spd_test_run *t) {
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
                      t->want_bits,
                      t->keys,
                      t->want_out,
                      t->want_lse,
                      t->want_scores,
                      t->want_generation,
                      t->row_scores};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        spd_release(a, memory[i]);
}

/* NaN in any storage type: what is read outside the valid rows, and not written inside, shows. */
static void poison(void *data, uint64_t bytes) {
    memset(data, 0xff, bytes);
}

static void fill(spd_test_run *t) {
    const sparsed_desc *d = &t->problem.desc;
    uint64_t dim = d->head_dim, size = d->dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
    poison(t->q, spd_test_heads() * d->q_len * dim * size);
    poison(t->k, SPD_TEST_BATCHES * d->kv_len * dim * size);
    poison(t->v, SPD_TEST_BATCHES * d->kv_len * dim * size);
    for (uint64_t b = 0; b < SPD_TEST_BATCHES; b++) {
        const spd_extent *e = &t->extents[b];
        for (uint64_t head = b * SPD_TEST_HEADS; head < (b + 1) * SPD_TEST_HEADS; head++)
            generate(t->q, d->dtype, (head * d->q_len + e->query_start) * dim, e->queries * dim, 1);
        generate(t->k, d->dtype, (b * d->kv_len + e->key_start) * dim, e->keys * dim, 2);
        generate(t->v, d->dtype, (b * d->kv_len + e->key_start) * dim, e->keys * dim, 3);
    }
}

static sparsed_status run(spd_test_run *t, sparsed_op op) {
    const spd_backend *backend = t->context->backend;
    const spd_problem *p = &t->problem;
    void *state = t->context->state;
    bool build = op == SPARSED_DENSE_BUILD;
    spd_launch launch = {.op = op,
                         .problem = p,
                         .extents = t->extents,
                         .q.mem = t->q,
                         .k.mem = t->k,
                         .v.mem = t->v,
                         .out.mem = t->out,
                         .lse.mem = t->lse,
                         .kept = op == SPARSED_DENSE ? NULL : t->kept};
    if (build && spd_mode_is_scored(p->select.mode))
        launch.scores.mem = t->scores;
    poison(t->out, spd_test_heads() * p->desc.q_len * p->desc.head_dim * sizeof(float));
    poison(t->lse, spd_test_heads() * p->desc.q_len * sizeof(float));
    sparsed_status status = backend->enqueue(state, t->kernel, &launch, t->message);
    if (status == SPARSED_OK)
        status = backend->wait(state, t->message);
    else
        backend->wait(state, NULL); /* what had begun still uses this test's memory */
    if (status == SPARSED_OK && build)
        status = backend->download(state, t->bits, t->kept, bits_bytes(p), t->message);
    return status == SPARSED_OK ? spd_self_test_compare(t, op) : status;
}

bool spd_self_test_fits(sparsed_context *context, size_t row, const spd_variant *variant) {
    sparsed_message message;
    spd_test_run t = {.context = context, .message = &message};
    return set_problem(&t, variant, FEW_BLOCKS) == SPARSED_OK &&
           context->backend->accept(context->state, row, &t.problem, &message) == SPARSED_OK;
}

sparsed_status spd_self_test(sparsed_context *context, size_t row, const spd_variant *variant,
                             double *error, sparsed_message *message) {
    spd_test_run t = {.context = context, .message = message};
    uint64_t scratch_bytes;
    bool many = variant->mode && variant->block_k <= MANY_BLOCKS_LIMIT;
    sparsed_status status = set_problem(&t, variant, many ? MANY_BLOCKS : FEW_BLOCKS);
    /* A row may be right on few keys alone, and say so. */
    if (status == SPARSED_OK && many &&
        context->backend->accept(context->state, row, &t.problem, message) != SPARSED_OK)
        status = set_problem(&t, variant, FEW_BLOCKS);
    if (status == SPARSED_OK)
        status = allocate(&t);
    if (status == SPARSED_OK)
        status = context->backend->prepare(context->state, row, &t.problem, &t.kernel,
                                           &scratch_bytes, message);
    if (status == SPARSED_OK) {
        fill(&t);
        status = run(&t, variant->mode ? SPARSED_DENSE_BUILD : SPARSED_DENSE);
    }
    if (status == SPARSED_OK && variant->mode)
        status = run(&t, SPARSED_SPARSE);
    release(&t);
    *error = t.error;
    return status;
}
