/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "support/made_record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compare/suite.h"
#include "pattern/threshold.h"
#include "support/random.h"

enum { HEADS = MADE_BATCH * MADE_HEADS, MADE_RANKINGS = 2, GENERATED = 20 };

static float *random_floats(record *r, uint64_t count, float low, float high, uint64_t *seed) {
    float *values = record_room(r, count, sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = low + (high - low) * (0.5f + 0.5f * random_float(seed));
    return values;
}

static const uint64_t *counting(record *r, uint64_t count) {
    uint64_t *numbers = record_room(r, count, sizeof *numbers);
    assert_non_null(numbers);
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = i;
    return numbers;
}

static const sparsed_pattern_range *make_ranges(record *r, bool padded) {
    sparsed_pattern_range *ranges = record_room(r, MADE_BATCH, sizeof *ranges);
    assert_non_null(ranges);
    for (uint64_t i = 0; i < MADE_BATCH; i++) {
        const bool shorter = padded && i == 1;
        sparsed_pattern_range *range = &ranges[i];
        range->struct_size = sizeof *range;
        range->key_start = range->query_start = shorter ? 3 : 0;
        range->keys = range->queries = shorter ? 58 : MADE_LENGTH;
        range->q_blocks = range->k_blocks = shorter ? 4 : MADE_BLOCKS;
        range->split = range->k_blocks - 1;
    }
    return ranges;
}

/* What the scores choose: no two of them are equal. */
static void choose_row(const record_case *c, uint64_t head, uint64_t q_block, uint8_t *row) {
    const sparsed_pattern_range *range = &c->ranges[head / MADE_HEADS];
    const row_choice choice = {c->select.mode, c->select.ratio, range->k_blocks, range->split};
    const float *scores[RANKINGS];
    float threshold[RANKINGS], scratch[MADE_BLOCKS];
    row[0] = 0;
    if (q_block >= range->q_blocks)
        return;
    for (uint64_t k = 0; k < RANKINGS; k++) {
        scores[k] = c->runs[RECORD_BUILD].scores +
                    ((k * HEADS + head) * MADE_BLOCKS + q_block) * MADE_BLOCKS;
        threshold[k] = row_choice_threshold(&choice, (int)k, scores[k], scratch);
    }
    for (uint64_t j = 0; j < range->k_blocks; j++) {
        const int ranking = row_choice_ranking(&choice, j);
        if (scores[ranking][j] >= threshold[ranking])
            row[0] |= (uint8_t)(1u << j);
    }
}

static void make_build(record *r, record_case *c, uint64_t *seed) {
    record_run *run = &c->runs[RECORD_BUILD];
    uint8_t *pattern = record_room(r, HEADS * MADE_BLOCKS, 1);
    assert_non_null(pattern);
    run->scores =
        random_floats(r, MADE_RANKINGS * HEADS * MADE_BLOCKS * MADE_BLOCKS, 0.1f, 5.0f, seed);
    run->pattern = pattern;
    for (uint64_t i = 0; i < HEADS * MADE_BLOCKS; i++)
        choose_row(c, i / MADE_BLOCKS, i % MADE_BLOCKS, &pattern[i]);
}

static void make_runs(record *r, record_case *c, uint64_t *seed) {
    for (int op = 0; op < RECORD_OPS; op++) {
        record_run *run = &c->runs[op];
        run->repeatable = true;
        run->out = random_floats(r, (uint64_t)HEADS * MADE_LENGTH * MADE_DIM, -1.0f, 1.0f, seed);
        run->lse = random_floats(r, (uint64_t)HEADS * MADE_LENGTH, 2.0f, 6.0f, seed);
        run->out_errors = (record_errors){.max_abs = 1e-6, .relative = 2e-7, .nmse = 4e-14};
        run->lse_errors = run->scores_errors = run->out_errors;
    }
}

static void make_case(record *r, record_case *c, const char *name, bool padded) {
    uint64_t seed = padded ? 77 : 7;
    *c = (record_case){.desc = SPARSED_DESC_INIT, .select = SPARSED_SELECT_INIT};
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->data, sizeof c->data, "random");
    snprintf(c->kernel, sizeof c->kernel, "made-kernel");
    c->desc.dtype = c->desc.out_dtype = SPARSED_F32;
    c->desc.batch = MADE_BATCH;
    c->desc.heads = c->desc.kv_heads = c->desc.score_heads = MADE_HEADS;
    c->desc.head_dim = MADE_DIM;
    c->desc.q_len = c->desc.kv_len = MADE_LENGTH;
    c->desc.scale = 0.25;
    c->select.block_q = c->select.block_k = MADE_BLOCK;
    c->select.gen_len = GENERATED;
    c->select.ratio = 0.4;
    c->select.score_scale = 0.25;
    c->bounds = (record_bounds){{2e-6, 1e-5}, {2e-5, 1e-4}, {1e-5, 1e-4}, 0.0};
    c->ranges = make_ranges(r, padded);
    c->q_blocks = c->k_blocks = MADE_BLOCKS;
    c->rankings = MADE_RANKINGS;
    c->scores_check = RECORD_SCORES_ORACLE;
    c->row_count = MADE_LENGTH;
    c->rows = counting(r, MADE_LENGTH);
    c->query_block_count = MADE_BLOCKS;
    c->query_blocks = counting(r, MADE_BLOCKS);
    make_runs(r, c, &seed);
    make_build(r, c, &seed);
}

record made_record(const char *label) {
    record r = {.suite = SUITE_INPUT, .suite_version = SUITE_VERSION, .seed = 1};
    record_environment *e = &r.environment;
    snprintf(r.label, sizeof r.label, "%s", label);
    snprintf(e->library_version, sizeof e->library_version, "0.1.0");
    snprintf(e->created, sizeof e->created, "2026-01-31T12:00:00Z");
    snprintf(e->device.selector, sizeof e->device.selector, "cpu");
    snprintf(e->device.name, sizeof e->device.name, "No device <&\">");
    snprintf(e->device.isa, sizeof e->device.isa, "avx2");
    e->device.kind = SPARSED_DEVICE_CPU;
    e->device.compute_units = 2;
    snprintf(e->device_option, sizeof e->device_option, "cpu");
    e->threads_option = 2;
    e->variable_count = 3;
    e->variables[0] = (record_variable){"SPARSED_CPU_ISA", "avx2"};
    e->variables[1] = (record_variable){"OMP_NUM_THREADS", "<2>"};
    e->variables[2] = (record_variable){"SPARSED_KERNEL_DIR", "/home/kernels"};
    r.cases = record_room(&r, MADE_CASES, sizeof *r.cases);
    assert_non_null(r.cases);
    r.case_count = MADE_CASES;
    make_case(&r, &r.cases[0], MADE_CASE, false);
    make_case(&r, &r.cases[1], "padded", true);
    made_record_digest(&r);
    return r;
}

void made_record_sample_blocks(record *r) {
    enum { KEPT = 2 };
    static const uint64_t kept[KEPT] = {0, MADE_BLOCKS - 1};
    record_case *c = &r->cases[0];
    float *scores = record_room(r, MADE_RANKINGS * HEADS * KEPT * MADE_BLOCKS, sizeof *scores);
    assert_non_null(scores);
    for (uint64_t i = 0; i < MADE_RANKINGS * HEADS * KEPT; i++)
        memcpy(scores + i * MADE_BLOCKS,
               c->runs[RECORD_BUILD].scores +
                   (i / KEPT * MADE_BLOCKS + kept[i % KEPT]) * MADE_BLOCKS,
               MADE_BLOCKS * sizeof *scores);
    c->runs[RECORD_BUILD].scores = scores;
    c->query_blocks = kept;
    c->query_block_count = KEPT;
}

/* The made tensors are memory of the record's own. */
float *made_out(record *r, size_t index, record_op op, uint64_t head, uint64_t row) {
    return (float *)r->cases[index].runs[op].out + (head * MADE_LENGTH + row) * MADE_DIM;
}

float *made_lse(record *r, size_t index, record_op op, uint64_t head, uint64_t row) {
    return (float *)r->cases[index].runs[op].lse + head * MADE_LENGTH + row;
}

float *made_scores(record *r, size_t index, uint64_t ranking, uint64_t head,
                   uint64_t stored_block) {
    const record_case *c = &r->cases[index];
    return (float *)c->runs[RECORD_BUILD].scores +
           ((ranking * HEADS + head) * c->query_block_count + stored_block) * MADE_BLOCKS;
}

uint8_t *made_pattern_row(record *r, size_t index, uint64_t head, uint64_t q_block) {
    return (uint8_t *)r->cases[index].runs[RECORD_BUILD].pattern + head * MADE_BLOCKS + q_block;
}

void made_swap(void *a, void *b, size_t size_bytes) {
    unsigned char *x = a, *y = b;
    for (size_t i = 0; i < size_bytes; i++) {
        const unsigned char kept = x[i];
        x[i] = y[i];
        y[i] = kept;
    }
}

static sparsed_fingerprint digest(const void *data, uint64_t size_bytes) {
    return sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, size_bytes);
}

/* All elements count as equal to the expected, but those that are no numbers. */
static void count_errors(const float *values, uint64_t count, record_errors *e) {
    uint64_t odd = 0;
    for (uint64_t i = 0; i < count; i++)
        odd += isfinite(values[i]) ? 0 : 1;
    e->count = count;
    e->ulps[0] = count - (odd > e->nonfinite ? odd : e->nonfinite);
}

static void count_case(record_case *c) {
    const uint64_t rows = (uint64_t)HEADS * MADE_LENGTH;
    record_run *build = &c->runs[RECORD_BUILD];
    for (int op = 0; op < RECORD_OPS; op++) {
        count_errors(c->runs[op].out, rows * MADE_DIM, &c->runs[op].out_errors);
        count_errors(c->runs[op].lse, rows, &c->runs[op].lse_errors);
    }
    count_errors(build->scores, MADE_RANKINGS * HEADS * c->query_block_count * MADE_BLOCKS,
                 &build->scores_errors);
    c->kept_blocks = 0;
    for (int j = 0; j < HEADS * MADE_BLOCKS * 8; j++)
        c->kept_blocks += build->pattern[j / 8] >> j % 8 & 1;
}

void made_record_digest(record *r) {
    for (size_t i = 0; i < r->case_count; i++) {
        record_case *c = &r->cases[i];
        for (int op = 0; op < RECORD_OPS; op++) {
            record_run *run = &c->runs[op];
            run->out_digest = digest(run->out, sizeof(float) * HEADS * MADE_LENGTH * MADE_DIM);
            run->lse_digest = digest(run->lse, sizeof(float) * HEADS * MADE_LENGTH);
        }
        record_run *build = &c->runs[RECORD_BUILD];
        count_case(c);
        build->pattern_digest = digest(build->pattern, HEADS * MADE_BLOCKS);
        build->scores_digest = digest(build->scores, sizeof(float) * MADE_RANKINGS * HEADS *
                                                         c->query_block_count * MADE_BLOCKS);
    }
}
