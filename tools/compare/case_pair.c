/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/case_pair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/value_findings.h"
#include "room.h"

typedef struct comparing {
    const record_case *a, *b;
    case_pair *pair;
    case_patterns patterns;
    uint64_t heads;         /* of all batches */
    uint64_t *q_blocks;     /* [batch * row_count]: of each stored row of outputs */
    uint64_t *score_blocks; /* [batch * query_block_count]: of each stored row of scores */
    bool *same_rows;        /* [heads * row_count]: the query block keeps the same key blocks */
} comparing;

static uint64_t block_of_row(const record_case *c, const sparsed_pattern_range *range,
                             uint64_t row) {
    if (row < range->query_start || row - range->query_start >= range->queries)
        return FINDING_PADDING;
    return (row - range->query_start) / c->select.block_q;
}

static bool prepare(comparing *c) {
    const record_case *a = c->a;
    const uint64_t rows = a->row_count, blocks = a->query_block_count, batches = a->desc.batch;
    c->q_blocks = room_for(batches * rows, sizeof *c->q_blocks);
    c->score_blocks = room_for(batches * blocks, sizeof *c->score_blocks);
    c->same_rows = room_for(c->heads * rows, sizeof *c->same_rows);
    if (!c->q_blocks || !c->score_blocks || !c->same_rows)
        return false;
    for (uint64_t i = 0; i < batches * rows; i++)
        c->q_blocks[i] = block_of_row(a, &a->ranges[i / rows], a->rows[i % rows]);
    for (uint64_t i = 0; i < batches * blocks; i++)
        c->score_blocks[i] = a->query_blocks[i % blocks];
    for (uint64_t i = 0; i < c->heads * rows; i++) {
        const uint64_t head = i / rows;
        const uint64_t q_block = c->q_blocks[head / a->desc.heads * rows + i % rows];
        c->same_rows[i] =
            q_block == FINDING_PADDING || pattern_same_row(&c->patterns, head, q_block);
    }
    return true;
}

static bool run_is_bitwise(const record_run *a, const record_run *b) {
    return record_same_digest(a->out_digest, b->out_digest) &&
           record_same_digest(a->lse_digest, b->lse_digest) &&
           record_same_digest(a->scores_digest, b->scores_digest) &&
           record_same_digest(a->pattern_digest, b->pattern_digest);
}

static value_places places_of(const comparing *c, record_op op, finding_part part) {
    return (value_places){.run = record_op_name(op),
                          .part = part,
                          .batches = c->a->desc.batch,
                          .heads = c->a->desc.heads,
                          .rows = c->a->rows,
                          .q_blocks = c->q_blocks};
}

/* Which of a difference's numbers a bound is about, and what passes whatever it is. */
typedef struct judging {
    record_bound bound;
    bool by_largest; /* else by the relative difference */
    double absolute;
} judging;

static verdict compare_values(const comparing *c, const value_pair *values,
                              const value_places *places, const judging *by, value_difference *d) {
    *d = value_compare(values);
    if (d->beyond > 0) {
        value_findings(values, places, &c->pair->found);
        return VERDICT_FAIL;
    }
    const double error = by->by_largest ? d->largest : d->relative;
    const verdict v = d->largest <= by->absolute ? VERDICT_PASS : verdict_of(error, &by->bound);
    if (v != VERDICT_PASS)
        value_finding_overall(values, places, d, error, &by->bound, &c->pair->found);
    return v;
}

static verdict compare_out(const comparing *c, record_op op, const bool *rows,
                           value_difference *d) {
    const record_bounds *of_a = &c->a->bounds, *of_b = &c->b->bounds;
    const judging by = {verdict_pair_bound(&of_a->out, &of_b->out), false,
                        of_a->out_absolute + of_b->out_absolute};
    const value_array shape = {NULL, record_storage(c->a->desc.out_dtype), c->heads,
                               c->a->row_count, c->a->desc.head_dim};
    value_pair values = {shape, shape, rows, {by.bound.fail, by.absolute}};
    const value_places places = places_of(c, op, FINDING_OUT);
    values.a.data = c->a->runs[op].out;
    values.b.data = c->b->runs[op].out;
    return compare_values(c, &values, &places, &by, d);
}

static verdict compare_lse(const comparing *c, record_op op, const bool *rows,
                           value_difference *d) {
    const judging by = {verdict_pair_bound(&c->a->bounds.lse, &c->b->bounds.lse), true, 0.0};
    const value_array shape = {NULL, SAFETENSORS_F32, c->heads, c->a->row_count, 1};
    value_pair values = {shape, shape, rows, {0.0, by.bound.fail}};
    const value_places places = places_of(c, op, FINDING_LSE);
    values.a.data = c->a->runs[op].lse;
    values.b.data = c->b->runs[op].lse;
    return compare_values(c, &values, &places, &by, d);
}

static verdict compare_scores(const comparing *c, value_difference *d) {
    const judging by = {verdict_pair_bound(&c->a->bounds.scores, &c->b->bounds.scores), false, 0.0};
    const value_array shape = {NULL, SAFETENSORS_F32, c->heads * c->a->rankings,
                               c->a->query_block_count, c->a->k_blocks};
    value_pair values = {shape, shape, NULL, {by.bound.fail, 0.0}};
    value_places places = places_of(c, RECORD_BUILD, FINDING_SCORES);
    places.rows = c->a->query_blocks;
    places.q_blocks = c->score_blocks;
    values.a.data = c->a->runs[RECORD_BUILD].scores;
    values.b.data = c->b->runs[RECORD_BUILD].scores;
    return compare_values(c, &values, &places, &by, d);
}

static void compare_run(const comparing *c, record_op op) {
    run_pair *run = &c->pair->runs[op];
    const bool *rows = op == RECORD_SPARSE_OWN ? c->same_rows : NULL;
    const uint64_t count = c->heads * c->a->row_count;
    for (uint64_t i = 0; i < count; i++)
        run->left_out += rows && !rows[i];
    run->rows = count - run->left_out;
    run->bitwise = run_is_bitwise(&c->a->runs[op], &c->b->runs[op]);
    run->out_bitwise = record_same_digest(c->a->runs[op].out_digest, c->b->runs[op].out_digest);
    run->out_verdict = compare_out(c, op, rows, &run->out);
    run->lse_verdict = compare_lse(c, op, rows, &run->lse);
    if (op == RECORD_BUILD)
        run->scores_verdict = compare_scores(c, &run->scores);
    run->all =
        verdict_worse(run->out_verdict, verdict_worse(run->lse_verdict, run->scores_verdict));
    c->pair->all = verdict_worse(c->pair->all, run->all);
}

/* A pattern that is in the wrong place is wrong. */
static bool is_misplaced(const finding *f) {
    return f->part == FINDING_PATTERN && f->kind != FINDING_KEPT && f->kind != FINDING_HEAD;
}

verdict case_pair_finding_verdict(const case_pair *pair, const finding *f) {
    if (f->kind == FINDING_OVERALL)
        return verdict_of(f->error, &f->bound);
    return f->part == FINDING_PATTERN && !is_misplaced(f) ? pair->pattern_verdict : VERDICT_FAIL;
}

static bool compare_patterns(const comparing *c) {
    case_pair *pair = c->pair;
    if (!pattern_agreement_measure(&c->patterns, &pair->pattern, &pair->found, NULL))
        return false;
    pair->pattern_verdict = verdict_of_pattern(&pair->pattern);
    for (size_t i = 0; i < pair->found.count; i++)
        if (is_misplaced(&pair->found.list[i]))
            pair->pattern_verdict = VERDICT_FAIL;
    pair->all = verdict_worse(pair->all, pair->pattern_verdict);
    return true;
}

bool case_pair_compare(case_pair *pair, const record_case *a, const record_case *b,
                       double tolerance, tool_error *error) {
    comparing c = {.a = a,
                   .b = b,
                   .pair = pair,
                   .patterns = {a, b, tolerance},
                   .heads = (uint64_t)a->desc.batch * a->desc.heads};
    bool done = prepare(&c) && compare_patterns(&c);
    for (int op = 0; op < RECORD_OPS && done; op++)
        compare_run(&c, (record_op)op);
    free(c.q_blocks);
    free(c.score_blocks);
    free(c.same_rows);
    return done || tool_fail(error, "out of memory for case %s", a->name);
}

out_distance case_pair_out_distance(const case_pair *pair, const record_case *a,
                                    const record_case *b) {
    const record_bound bound = verdict_pair_bound(&a->bounds.out, &b->bounds.out);
    const double absolute = a->bounds.out_absolute + b->bounds.out_absolute;
    out_distance apart = {0.0, true, false};
    for (int op = 0; op < RECORD_OPS; op++) {
        const value_difference *out = &pair->runs[op].out;
        if (op == RECORD_SPARSE_OWN)
            continue;
        apart.equal &= pair->runs[op].out_bitwise;
        if (out->odd > 0)
            apart.share = INFINITY;
        else if (out->largest > absolute)
            apart.share = fmax(apart.share, out->relative / bound.fail);
        else
            apart.absolute |= out->unequal > 0;
    }
    return apart;
}

void out_distance_add(out_distance *sum, const out_distance *one) {
    sum->share = fmax(sum->share, one->share);
    sum->equal &= one->equal;
    sum->absolute |= one->absolute;
}
