/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The oracle's results of a case. See attention_case.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/oracle.h"
#include "src/select.h"
#include "support/attention_case.h"

static void *allocate(uint64_t count, size_t size_bytes) {
    void *memory = calloc(count ? count : 1, size_bytes);
    assert_non_null(memory);
    return memory;
}

/* ---- computed ---- */

static void set_bits(const attention_case *c, const uint8_t *mask, uint64_t *bits) {
    memset(bits, 0, c->problem.q_blocks * c->problem.row_words * sizeof *bits);
    for (uint64_t i = 0; i < c->problem.q_blocks; i++)
        for (uint64_t j = 0; j < c->problem.k_blocks; j++)
            if (mask[i * c->problem.k_blocks + j])
                spd_bit_set(bits + i * c->problem.row_words, j);
}

static void compute_head(const attention_case *c, const uint8_t *mask, uint64_t index,
                         uint64_t *bits, double *row_scores, const attention_result *result) {
    const sparsed_desc *d = &c->problem.desc;
    const uint64_t blocks = c->problem.q_blocks * c->problem.k_blocks;
    const uint32_t batch = (uint32_t)(index / d->heads), head = (uint32_t)(index % d->heads);
    const spd_oracle_head to = {
        .out = result->out + index * d->q_len * d->head_dim,
        .lse = result->lse + index * d->q_len,
        .scores = result->scores ? result->scores + index * blocks : NULL,
        .scores_generation =
            result->scores_generation ? result->scores_generation + index * blocks : NULL};
    if (mask)
        set_bits(c, mask + index * blocks, bits);
    spd_oracle_attend(&c->problem, &c->extents[batch], batch, head,
                      c->stored_q.memory + c->offset_bytes, c->stored_k.memory + c->offset_bytes,
                      c->stored_v.memory + c->offset_bytes, mask ? bits : NULL, row_scores, &to);
}

static attention_result compute(const attention_case *c, const uint8_t *mask) {
    const sparsed_desc *d = &c->problem.desc;
    const bool scored = !mask && spd_mode_is_scored(c->select.mode);
    uint64_t *bits = allocate(c->problem.q_blocks * c->problem.row_words, sizeof *bits);
    double *row_scores = allocate(d->kv_len, sizeof *row_scores);
    attention_result result = {.out = allocate(case_out_count(c), sizeof(double)),
                               .lse = allocate(case_lse_count(c), sizeof(double))};
    if (scored)
        result.scores = allocate(case_block_count(c), sizeof(double));
    if (scored && spd_mode_is_upstream(c->select.mode))
        result.scores_generation = allocate(case_block_count(c), sizeof(double));
    for (uint64_t i = 0; i < (uint64_t)d->batch * d->heads; i++)
        compute_head(c, mask, i, bits, row_scores, &result);
    free(bits);
    free(row_scores);
    return result;
}

/* ---- remembered ---- */

/* Kernel rows meet the same cases one after another, and the oracle is slow. */
typedef struct memory {
    sparsed_fingerprint key; /* of all that the results follow from */
    attention_result result;
} memory;

static struct {
    memory *list;
    size_t count, room;
} memories; /* until the process ends */

static sparsed_fingerprint key_of(const attention_case *c, const uint8_t *mask) {
    const case_buffer *tensors[] = {&c->stored_q, &c->stored_k, &c->stored_v};
    sparsed_fingerprint key = {0};
    key = sparsed_fingerprint_add(key, &c->problem.desc, sizeof c->problem.desc);
    key = sparsed_fingerprint_add(key, &c->problem.select, sizeof c->problem.select);
    key = sparsed_fingerprint_add(key, c->extents, c->desc.batch * sizeof *c->extents);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        key = sparsed_fingerprint_add(key, tensors[i]->memory + c->offset_bytes,
                                      tensors[i]->size_bytes - c->offset_bytes);
    return mask ? sparsed_fingerprint_add(key, mask, case_block_count(c)) : key;
}

static const attention_result *find(sparsed_fingerprint key) {
    for (size_t i = 0; i < memories.count; i++)
        if (memories.list[i].key.low == key.low && memories.list[i].key.high == key.high)
            return &memories.list[i].result;
    return NULL;
}

static const attention_result *remember(sparsed_fingerprint key, attention_result result) {
    if (memories.count == memories.room) {
        memories.room = 2 * memories.room + 64;
        memories.list = realloc(memories.list, memories.room * sizeof *memories.list);
        assert_non_null(memories.list);
    }
    memories.list[memories.count] = (memory){key, result};
    return &memories.list[memories.count++].result;
}

static double *copy(const double *from, uint64_t count) {
    double *to = from ? allocate(count, sizeof *to) : NULL;
    if (from)
        memcpy(to, from, count * sizeof *to);
    return to;
}

attention_result case_oracle(const attention_case *c, const uint8_t *mask) {
    const sparsed_fingerprint key = key_of(c, mask);
    const attention_result *known = find(key);
    if (!known)
        known = remember(key, compute(c, mask));
    return (attention_result){.out = copy(known->out, case_out_count(c)),
                              .lse = copy(known->lse, case_lse_count(c)),
                              .scores = copy(known->scores, case_block_count(c)),
                              .scores_generation =
                                  copy(known->scores_generation, case_block_count(c))};
}
