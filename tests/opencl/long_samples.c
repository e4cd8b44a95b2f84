/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See long_samples.h. */
#include "long_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/oracle.h"
#include "src/size.h"
#include "support/kernel_check.h"
#include "support/random.h"

static void *allocate(uint64_t count, size_t size_bytes) {
    void *memory = calloc(count ? count : 1, size_bytes);
    if (!memory) {
        fprintf(stderr, "long_run: no memory for %llu samples\n", (unsigned long long)count);
        exit(1);
    }
    return memory;
}

/* One of the i-th of n equal shares of `count` things. */
static uint64_t pick(uint64_t i, uint64_t n, uint64_t count, uint64_t *random) {
    uint64_t first = i * count / n, end = (i + 1) * count / n;
    if (i + 1 == n)
        return count - 1;
    return i == 0 ? 0 : first + random_bits(random) % (end - first);
}

static sample *pick_all(uint64_t heads, uint64_t head_count, uint64_t each, uint64_t each_count) {
    sample *at = allocate(heads * each, sizeof *at);
    uint64_t random = 1;
    for (uint64_t h = 0; h < heads; h++) {
        uint64_t head = pick(h, heads, head_count, &random);
        for (uint64_t i = 0; i < each; i++)
            at[h * each + i] = (sample){head, pick(i, each, each_count, &random)};
    }
    return at;
}

row_samples row_samples_new(const long_problem *problem, const sample_counts *counts) {
    const sparsed_desc *d = &problem->desc;
    uint64_t all_heads = (uint64_t)d->batch * d->heads, heads = spd_min(counts->heads, all_heads);
    uint64_t rows = spd_min(counts->rows, d->q_len);
    row_samples s = {.count = heads * rows};
    s.at = pick_all(heads, all_heads, rows, d->q_len);
    s.out = allocate(s.count * d->head_dim, sizeof *s.out);
    s.lse = allocate(s.count, sizeof *s.lse);
    return s;
}

block_samples block_samples_new(const long_problem *problem, const sample_counts *counts) {
    const sparsed_desc *d = &problem->desc;
    const block_shape shape = block_shape_of(problem);
    uint64_t all_heads = (uint64_t)d->batch * d->heads, heads = spd_min(counts->heads, all_heads);
    uint64_t blocks = spd_min(counts->blocks, shape.q_blocks);
    block_samples s = {.count = heads * blocks};
    s.at = pick_all(heads, all_heads, blocks, shape.q_blocks);
    s.scores = allocate(s.count * shape.k_blocks, sizeof *s.scores);
    s.generation = allocate(s.count * shape.k_blocks, sizeof *s.generation);
    s.choices = allocate(s.count * shape.k_blocks, sizeof *s.choices);
    return s;
}

void row_samples_free(row_samples *samples) {
    free(samples->at);
    free(samples->out);
    free(samples->lse);
}

void block_samples_free(block_samples *samples) {
    free(samples->at);
    free(samples->scores);
    free(samples->generation);
    free(samples->choices);
}

block_shape block_shape_of(const long_problem *problem) {
    const sparsed_select *s = &problem->select;
    if (!s->mode)
        return (block_shape){0, 0, 0};
    uint64_t k_blocks = spd_ceil_div(problem->desc.kv_len, s->block_k);
    return (block_shape){spd_ceil_div(problem->desc.q_len, s->block_q), k_blocks,
                         spd_ceil_div(k_blocks, 64)};
}

/* ---- the oracle ---- */

/* Some query rows of one head, as a problem of their own: reference_select takes it as a case. */
typedef struct part {
    attention_case c;
    const unsigned char *q, *k, *v;
} part;

static part part_of(const long_problem *problem, uint64_t head, uint64_t first, uint64_t rows) {
    const sparsed_desc *d = &problem->desc;
    const sparsed_io io = {.struct_size = sizeof io};
    uint64_t element_bytes = d->dtype == SPARSED_F32 ? 4 : 2;
    uint64_t row_bytes = d->head_dim * element_bytes;
    uint64_t kv_head = head / d->heads * d->kv_heads + head % d->heads / (d->heads / d->kv_heads);
    uint64_t kv_bytes = kv_head * d->kv_len * row_bytes;
    part p = {.c = {.desc = *d, .select = problem->select},
              .q = problem->q + (head * d->q_len + first) * row_bytes,
              .k = problem->k + kv_bytes,
              .v = problem->v + kv_bytes};
    spd_problem plan;
    sparsed_message message = {""};
    p.c.desc.batch = p.c.desc.heads = p.c.desc.kv_heads = 1;
    p.c.desc.score_heads = d->heads;
    p.c.desc.flags = SPARSED_DESC_Q_START;
    p.c.desc.q_start = first;
    p.c.desc.q_len = rows;
    if (spd_problem_create(&p.c.desc, p.c.select.mode ? &p.c.select : NULL, &plan, &message) !=
            SPARSED_OK ||
        spd_problem_of_run(&plan, &io, &p.c.problem, p.c.extents, &message) != SPARSED_OK) {
        fprintf(stderr, "long_run: a sample is refused: %s\n", message.text);
        exit(1);
    }
    return p;
}

static void attend(const part *p, const unsigned char *v, const uint64_t *bits, double *scratch,
                   const spd_oracle_head *result) {
    spd_oracle_attend(&p->c.problem, p->c.extents, 0, 0, p->q, p->k, v, bits, scratch, result);
}

static void expect_row(const long_problem *problem, const uint64_t *bits, row_samples *samples,
                       uint64_t i, double *scratch) {
    const sample *s = &samples->at[i];
    const block_shape shape = block_shape_of(problem);
    const part p = part_of(problem, s->head, s->index, 1);
    const spd_oracle_head row = {.out = samples->out + i * problem->desc.head_dim,
                                 .lse = samples->lse + i};
    if (bits)
        bits += (s->head * shape.q_blocks + s->index / problem->select.block_q) * shape.row_words;
    attend(&p, p.v, bits, scratch, &row);
}

static void expect_block(const long_problem *problem, block_samples *samples, uint64_t i,
                         double *scratch) {
    const sample *s = &samples->at[i];
    const uint64_t k_blocks = block_shape_of(problem).k_blocks;
    uint64_t first = s->index * problem->select.block_q;
    const part p = part_of(problem, s->head, first,
                           spd_min(problem->select.block_q, problem->desc.q_len - first));
    bool upstream = spd_mode_is_upstream(problem->select.mode);
    const spd_oracle_head block = {.scores = samples->scores + i * k_blocks,
                                   .scores_generation =
                                       upstream ? samples->generation + i * k_blocks : NULL};
    attend(&p, NULL, NULL, scratch, &block);
    const attention_result result = {.scores = block.scores,
                                     .scores_generation = block.scores_generation};
    uint8_t *choices = reference_select(&p.c, &result, check_tie());
    memcpy(samples->choices + i * k_blocks, choices, k_blocks);
    free(choices);
}

void expect_rows(const long_problem *problem, const uint64_t *bits, row_samples *samples) {
#pragma omp parallel
    {
        double *scratch = allocate(problem->desc.kv_len, sizeof *scratch);
#pragma omp for schedule(dynamic)
        for (uint64_t i = 0; i < samples->count; i++)
            expect_row(problem, bits, samples, i, scratch);
        free(scratch);
    }
}

void expect_blocks(const long_problem *problem, block_samples *samples) {
#pragma omp parallel
    {
        double *scratch = allocate(problem->desc.kv_len, sizeof *scratch);
#pragma omp for schedule(dynamic)
        for (uint64_t i = 0; i < samples->count; i++)
            expect_block(problem, samples, i, scratch);
        free(scratch);
    }
}
