/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See attention_case.h. */
#include "support/attention_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/half.h"
#include "src/oracle.h"
#include "src/plan.h"
#include "support/random.h"

static uint64_t dtype_bytes(uint32_t dtype) {
    return dtype == SPARSED_F32 ? 4 : 2;
}

enum { UNWRITTEN = 0xa5 }; /* what outputs are filled with before a run */

static void *allocate(uint64_t count, size_t size_bytes) {
    void *memory = calloc(count ? count : 1, size_bytes);
    assert_non_null(memory);
    return memory;
}

sparsed_desc case_desc(uint32_t batch, uint32_t heads, uint32_t kv_heads, uint32_t head_dim,
                       uint64_t len) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = SPARSED_F32;
    desc.batch = batch;
    desc.heads = heads;
    desc.kv_heads = kv_heads;
    desc.head_dim = head_dim;
    desc.q_len = desc.kv_len = len;
    return desc;
}

sparsed_select case_select(uint32_t mode, uint32_t block_q, uint32_t block_k, uint64_t gen_len,
                           double ratio) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.mode = mode;
    select.block_q = block_q;
    select.block_k = block_k;
    select.gen_len = gen_len;
    select.ratio = ratio;
    return select;
}

/* ---- storage ---- */

static uint64_t span(sparsed_strides s, uint64_t batch, uint64_t heads, uint64_t rows,
                     uint64_t dim) {
    return s.batch * (batch - 1) + s.head * (heads - 1) + s.row * (rows - 1) + dim;
}

/* A buffer of count elements; the library's view of it goes to *view. */
static case_buffer new_buffer(const attention_case *c, uint64_t count, uint32_t dtype,
                              sparsed_buffer *view) {
    case_buffer buffer = {NULL, c->offset_bytes + count * dtype_bytes(dtype)};
    buffer.memory = allocate(buffer.size_bytes, 1);
    *view = (sparsed_buffer){buffer.memory, c->offset_bytes};
    return buffer;
}

static void store_element(unsigned char *data, uint32_t dtype, uint64_t index, float value) {
    if (dtype == SPARSED_F32) {
        memcpy(data + index * sizeof value, &value, sizeof value);
        return;
    }
    uint16_t half = dtype == SPARSED_F16 ? spd_f16_from_float(value) : spd_bf16_from_float(value);
    memcpy(data + index * sizeof half, &half, sizeof half);
}

/* Packed values into a strided tensor; they become what the storage type holds. */
static void store_tensor(const attention_case *c, case_buffer *buffer, sparsed_strides s,
                         uint64_t heads, uint64_t rows, float *values) {
    uint32_t dtype = c->desc.dtype;
    unsigned char *data = buffer->memory + c->offset_bytes;
    memset(buffer->memory, 0xff, buffer->size_bytes); /* NaN in every type */
    for (uint64_t b = 0; b < c->desc.batch; b++)
        for (uint64_t h = 0; h < heads; h++)
            for (uint64_t r = 0; r < rows; r++)
                for (uint64_t i = 0; i < c->desc.head_dim; i++, values++) {
                    uint64_t index = b * s.batch + h * s.head + r * s.row + i;
                    store_element(data, dtype, index, *values);
                    *values = (float)spd_oracle_load(data, dtype, index);
                }
}

void case_store(attention_case *c) {
    const sparsed_desc *d = &c->problem.desc;
    store_tensor(c, &c->stored_q, d->q, d->heads, d->q_len, c->q);
    store_tensor(c, &c->stored_k, d->k, d->kv_heads, d->kv_len, c->k);
    store_tensor(c, &c->stored_v, d->v, d->kv_heads, d->kv_len, c->v);
}

/* Few bits, for sums that hardly round. */
static float *random_values(uint64_t count, bool fine, uint64_t *random) {
    float *values = allocate(count, sizeof *values);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t bits = random_bits(random);
        values[i] = (float)((int)(bits % 64) - 32) / 16.0f;
        if (fine && bits >> 60 == 0)
            values[i] += 0x1p-12f;
    }
    return values;
}

static void find_problem(attention_case *c) {
    spd_problem plan;
    sparsed_message message = {""};
    sparsed_status status =
        spd_problem_create(&c->desc, c->select.mode ? &c->select : NULL, &plan, &message);
    if (status == SPARSED_OK)
        status = spd_problem_of_run(&plan, &c->io, &c->problem, c->extents, &message);
    if (status != SPARSED_OK)
        fail_msg("the case is refused: %s", message.text);
}

static uint32_t taken_dtypes = UINT32_MAX, taken_head_dims[2];

void case_take(uint32_t dtypes, const uint32_t head_dims[2]) {
    taken_dtypes = dtypes;
    memcpy(taken_head_dims, head_dims, sizeof taken_head_dims);
}

void case_prepare(attention_case *c, uint64_t seed) {
    if (!(taken_dtypes >> c->desc.dtype & 1)) {
        c->desc.out_dtype = c->desc.out_dtype == SPARSED_F32 ? SPARSED_F32 : 0;
        c->desc.dtype = SPARSED_BF16;
    }
    if (taken_head_dims[0] != 0)
        c->desc.head_dim = taken_head_dims[c->desc.head_dim > taken_head_dims[0]];
    assert_true(c->desc.batch <= CASE_MAX_BATCH);
    c->io = (sparsed_io){
        .struct_size = sizeof c->io, .q_len = c->q_len, .kv_len = c->kv_len, .ratio = c->ratio};
    if (c->has_valid) {
        c->io.valid_start = c->valid_start;
        c->io.valid_end = c->valid_end;
    }
    find_problem(c);
    const sparsed_desc *d = &c->problem.desc;
    uint64_t q_count = (uint64_t)d->batch * d->heads * d->q_len * d->head_dim;
    uint64_t kv_count = (uint64_t)d->batch * d->kv_heads * d->kv_len * d->head_dim;
    const bool fine = c->fine && d->dtype == SPARSED_F32;
    c->q = random_values(q_count, fine, &seed);
    c->k = random_values(kv_count, fine, &seed);
    c->v = random_values(kv_count, fine, &seed);
    uint64_t q_span = span(d->q, d->batch, d->heads, d->q_len, d->head_dim);
    uint64_t k_span = span(d->k, d->batch, d->kv_heads, d->kv_len, d->head_dim);
    uint64_t v_span = span(d->v, d->batch, d->kv_heads, d->kv_len, d->head_dim);
    uint64_t out_span = span(d->out, d->batch, d->heads, d->q_len, d->head_dim);
    c->stored_q = new_buffer(c, q_span, d->dtype, &c->io.q);
    c->stored_k = new_buffer(c, k_span, d->dtype, &c->io.k);
    c->stored_v = new_buffer(c, v_span, d->dtype, &c->io.v);
    c->out = new_buffer(c, out_span, d->out_dtype, &c->io.out);
    c->lse = new_buffer(c, case_lse_count(c), SPARSED_F32, &c->io.lse);
    if (spd_mode_is_scored(c->select.mode))
        c->scores = new_buffer(c, 2 * case_block_count(c), SPARSED_F32, &c->io.scores);
    case_store(c);
}

void case_free(attention_case *c) {
    void *memory[] = {c->q,
                      c->k,
                      c->v,
                      c->stored_q.memory,
                      c->stored_k.memory,
                      c->stored_v.memory,
                      c->out.memory,
                      c->lse.memory,
                      c->scores.memory};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
}

/* ---- shape ---- */

uint64_t case_lse_count(const attention_case *c) {
    return (uint64_t)c->desc.batch * c->desc.heads * c->problem.desc.q_len;
}

uint64_t case_out_count(const attention_case *c) {
    return case_lse_count(c) * c->desc.head_dim;
}

uint64_t case_block_count(const attention_case *c) {
    return (uint64_t)c->desc.batch * c->desc.heads * c->problem.q_blocks * c->problem.k_blocks;
}

float *case_q_row(const attention_case *c, uint64_t batch, uint64_t head, uint64_t row) {
    return c->q + ((batch * c->desc.heads + head) * c->problem.desc.q_len + row) * c->desc.head_dim;
}

float *case_kv_row(const attention_case *c, float *k_or_v, uint64_t batch, uint64_t kv_head,
                   uint64_t row) {
    uint64_t index = (batch * c->desc.kv_heads + kv_head) * c->problem.desc.kv_len + row;
    return k_or_v + index * c->desc.head_dim;
}

/* ---- the library's run ---- */

sparsed_plan *case_plan(const attention_case *c, sparsed_context *context) {
    sparsed_plan *plan;
    if (sparsed_plan_create(context, &c->desc, c->select.mode ? &c->select : NULL, &plan) !=
        SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return plan;
}

sparsed_kept *case_kept(sparsed_plan *plan) {
    sparsed_kept *kept;
    assert_int_equal(sparsed_kept_create(plan, &kept), SPARSED_OK);
    return kept;
}

static double *load_floats(const case_buffer *buffer, uint64_t offset_bytes, uint64_t first,
                           uint64_t count) {
    double *values = allocate(count, sizeof *values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = spd_oracle_load(buffer->memory + offset_bytes, SPARSED_F32, first + i);
    return values;
}

/* Gathers out's rows, and checks that every other byte is as it was before the run. */
static double *gather_out(const attention_case *c) {
    const sparsed_desc *d = &c->problem.desc;
    double *values = allocate(case_out_count(c), sizeof *values), *to = values;
    unsigned char *untouched = allocate(c->out.size_bytes, 1);
    uint64_t row_bytes = (uint64_t)d->head_dim * dtype_bytes(d->out_dtype);
    memcpy(untouched, c->out.memory, c->out.size_bytes);
    for (uint64_t b = 0; b < d->batch; b++)
        for (uint64_t h = 0; h < d->heads; h++)
            for (uint64_t r = 0; r < d->q_len; r++) {
                uint64_t first = b * d->out.batch + h * d->out.head + r * d->out.row;
                uint64_t byte = c->offset_bytes + first * dtype_bytes(d->out_dtype);
                for (uint64_t i = 0; i < d->head_dim; i++)
                    *to++ =
                        spd_oracle_load(c->out.memory + c->offset_bytes, d->out_dtype, first + i);
                memset(untouched + byte, UNWRITTEN, row_bytes);
            }
    for (uint64_t i = 0; i < c->out.size_bytes; i++)
        if (untouched[i] != UNWRITTEN)
            fail_msg("byte %llu of out is no row's, and was written", (unsigned long long)i);
    free(untouched);
    return values;
}

static uint8_t *kept_mask(const attention_case *c, sparsed_kept *kept) {
    sparsed_pattern *pattern;
    uint8_t *mask = allocate(case_block_count(c), 1);
    assert_int_equal(sparsed_kept_get(kept, &pattern), SPARSED_OK);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    sparsed_pattern_release(pattern);
    return mask;
}

attention_result case_run(attention_case *c, sparsed_plan *plan, sparsed_op op,
                          sparsed_kept *kept) {
    attention_result result = {0};
    case_buffer *outputs[] = {&c->out, &c->lse, &c->scores};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (outputs[i]->memory)
            memset(outputs[i]->memory, UNWRITTEN, outputs[i]->size_bytes);
    if (c->has_valid) { /* the case may lie elsewhere than when it was prepared */
        c->io.valid_start = c->valid_start;
        c->io.valid_end = c->valid_end;
    }
    if (sparsed_plan_run(plan, op, &c->io, kept) != SPARSED_OK)
        fail_msg("the run is refused: %s", sparsed_context_error(plan->context));
    uint64_t blocks = case_block_count(c);
    bool builds = op == SPARSED_DENSE_BUILD || op == SPARSED_BUILD || op == SPARSED_BUILD_SPARSE;
    if (op != SPARSED_BUILD) {
        result.out = gather_out(c);
        result.lse = load_floats(&c->lse, c->offset_bytes, 0, case_lse_count(c));
    }
    if (builds && c->scores.memory) {
        result.scores = load_floats(&c->scores, c->offset_bytes, 0, blocks);
        if (spd_mode_is_upstream(c->select.mode))
            result.scores_generation = load_floats(&c->scores, c->offset_bytes, blocks, blocks);
    }
    if (kept)
        result.mask = kept_mask(c, kept);
    return result;
}

void result_free(attention_result *result) {
    free(result->out);
    free(result->lse);
    free(result->scores);
    free(result->scores_generation);
    free(result->mask);
}
