/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/all_scores.h"

#include <math.h>
#include <stdlib.h>

#include "../src/oracle.h"
#include "../src/size.h"
#include "compare/expected.h"
#include "compare/values.h"
#include "room.h"

/* Of a case that the oracle computes whole. */
static const double most_multiplications = 1e9;

static record_scores_check choose_check(const case_input *in) {
    const sparsed_desc *d = &in->problem.desc;
    const double multiplications =
        (double)case_input_out_count(in) * (double)d->kv_len; /* of S = Q K^T */
    return multiplications <= most_multiplications                 ? RECORD_SCORES_ORACLE
           : in->problem.select.score_reduce == SPARSED_REDUCE_SUM ? RECORD_SCORES_SUMS
                                                                   : RECORD_SCORES_NONE;
}

/* One row of scores: of a ranking, a head of a batch, a query block. */
typedef struct score_row {
    uint64_t ranking, batch, head, q_block;
} score_row;

static score_row row_at(const spd_problem *p, uint64_t index) {
    const uint64_t head = index / p->q_blocks;
    return (score_row){head / p->desc.heads / p->desc.batch, head / p->desc.heads % p->desc.batch,
                       head % p->desc.heads, index % p->q_blocks};
}

/* What a row's scores add up to: the query rows in its block that see keys of its ranking. */
static double sum_of_row(const case_input *in, const score_row *row) {
    const spd_extent *e = &in->extents[row->batch];
    const uint64_t rows = in->problem.select.block_q;
    if (row->q_block >= e->q_blocks || (row->ranking > 0 && e->split == e->k_blocks))
        return 0.0;
    return (double)spd_min(rows, e->queries - row->q_block * rows);
}

static bool all_finite(const void *data, uint32_t dtype, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; i++)
        if (!isfinite(spd_oracle_load(data, dtype, i)))
            return false;
    return true;
}

/* Whether the query rows of a row's block, and the keys that they see, are numbers. */
static bool is_of_numbers(const case_input *in, const score_row *row) {
    const sparsed_desc *d = &in->problem.desc;
    const spd_extent *e = &in->extents[row->batch];
    const uint64_t first = row->q_block * in->problem.select.block_q, dim = d->head_dim;
    const uint64_t rows = spd_min(in->problem.select.block_q, e->queries - first);
    const uint64_t head = row->batch * d->heads + row->head;
    const uint64_t kv_head = row->batch * d->kv_heads + row->head / (d->heads / d->kv_heads);
    return all_finite(in->q, d->dtype, (head * d->q_len + e->query_start + first) * dim,
                      rows * dim) &&
           all_finite(in->k, d->dtype, (kv_head * d->kv_len + e->key_start) * dim, e->keys * dim);
}

/* A NaN that an input holds is one in the scores, too. */
static bool adds_up(const case_input *in, const score_row *row, const float *scores, uint64_t count,
                    double bound) {
    const double sum = sum_of_row(in, row);
    double is = 0.0;
    for (uint64_t i = 0; i < count; i++)
        is += (double)scores[i];
    return fabs(is - sum) <= bound * sum || (isnan(is) && sum > 0.0 && !is_of_numbers(in, row));
}

static bool is_expected(const float *scores, const double *want, uint64_t count, double bound) {
    double difference = 0.0, expected = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        if (!value_same_kind((double)scores[i], want[i]))
            return false;
        if (!isfinite(want[i]))
            continue;
        const double off = (double)scores[i] - want[i];
        difference += off * off;
        expected += want[i] * want[i];
    }
    return sqrt(difference) <= bound * sqrt(expected);
}

/* want: NULL, if the sums alone are known. */
static void check_rows(const case_input *in, const float *scores, const double *want,
                       record_case *c) {
    const spd_problem *p = &in->problem;
    const uint64_t rows = c->rankings * case_input_heads(in) * p->q_blocks, width = p->k_blocks;
    const double bound = c->bounds.scores.fail;
    for (uint64_t i = 0; i < rows; i++) {
        const score_row row = row_at(p, i);
        if (want ? is_expected(scores + i * width, want + i * width, width, bound)
                 : adds_up(in, &row, scores + i * width, width, bound))
            continue;
        if (c->scores_differ++ > 0)
            continue;
        c->scores_differ_at[0] = row.ranking * p->desc.batch + row.batch;
        c->scores_differ_at[1] = row.head;
        c->scores_differ_at[2] = row.q_block;
    }
}

static bool check_by_oracle(const case_input *in, const float *scores, record_case *c,
                            tool_error *error) {
    const uint64_t blocks = in->problem.q_blocks, heads = c->rankings * case_input_heads(in);
    uint64_t *all = room_for(blocks, sizeof *all);
    double *want = room_for(heads * blocks * in->problem.k_blocks, sizeof *want);
    bool done = all && want;
    for (uint64_t i = 0; done && i < blocks; i++)
        all[i] = i;
    done = done ? expected_scores(in, all, blocks, want, error)
                : tool_fail(error, "%s: out of memory for the oracle", in->name);
    if (done)
        check_rows(in, scores, want, c);
    free(all);
    free(want);
    return done;
}

bool all_scores_check(const case_input *input, const float *scores, record_case *c,
                      tool_error *error) {
    c->scores_differ = 0;
    c->scores_check = choose_check(input);
    if (c->scores_check == RECORD_SCORES_ORACLE)
        return check_by_oracle(input, scores, c, error);
    if (c->scores_check == RECORD_SCORES_SUMS)
        check_rows(input, scores, NULL, c);
    return true;
}
