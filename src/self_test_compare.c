/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "self_test_compare.h"

#include "oracle.h"
#include "select.h"
#include "size.h"

#include <math.h>

/* Bounds of the relative Frobenius error: rounding of P and of the output to the storage type. */
static double tolerance(uint32_t dtype) {
    return dtype == SPARSED_F32 ? 1e-5 : dtype == SPARSED_F16 ? 2e-3 : 1.6e-2;
}

/* Heads before this one, in the order of all tensors and patterns. */
static uint64_t head_index(uint32_t batch, uint32_t head) {
    return (uint64_t)batch * SPD_TEST_HEADS + head;
}

/* ---- padding ---- */

static sparsed_status check_padded_row(const spd_test_run *t, uint32_t batch, uint32_t head,
                                       uint64_t row) {
    const sparsed_desc *d = &t->problem.desc;
    uint64_t at = head_index(batch, head) * d->q_len + row;
    for (uint64_t i = 0; i < d->head_dim; i++) {
        double value = spd_oracle_load(t->out, d->out_dtype, at * d->head_dim + i);
        if (value != 0.0)
            return spd_fail(t->message, SPARSED_E_SELF_TEST,
                            "self-test: output is %g, not 0, in padded row %llu of batch %u, head "
                            "%u",
                            value, (unsigned long long)row, batch, head);
    }
    if (t->lse[at] != -INFINITY)
        return spd_fail(t->message, SPARSED_E_SELF_TEST,
                        "self-test: log-sum-exp is %g, not -inf, in padded row %llu of batch %u, "
                        "head %u",
                        (double)t->lse[at], (unsigned long long)row, batch, head);
    return SPARSED_OK;
}

static sparsed_status check_padding(const spd_test_run *t, uint32_t batch, uint32_t head) {
    const spd_extent *e = &t->extents[batch];
    sparsed_status status = SPARSED_OK;
    for (uint64_t row = 0; row < t->problem.desc.q_len && status == SPARSED_OK; row++)
        if (row < e->query_start || row >= e->query_start + e->queries)
            status = check_padded_row(t, batch, head, row);
    return status;
}

/* ---- kept blocks ---- */

/* The row that a query block must keep: by the device's own scores, which the oracle judges, so
 * that no tie is in doubt. */
static void choose_row(spd_test_run *t, uint32_t batch, uint32_t head, uint64_t q_block) {
    const spd_problem *p = &t->problem;
    const spd_extent *e = &t->extents[batch];
    uint64_t rows = spd_test_heads() * p->q_blocks;
    uint64_t row = head_index(batch, head) * p->q_blocks + q_block;
    if (spd_mode_is_scored(p->select.mode))
        spd_select_row(p, e, q_block, t->scores + row * p->k_blocks,
                       spd_mode_is_upstream(p->select.mode) ? t->scores + (rows + row) * p->k_blocks
                                                            : NULL,
                       t->keys, t->want_bits);
    else
        spd_fixed_row(p, e, q_block, t->want_bits);
}

static sparsed_status check_kept(spd_test_run *t, uint32_t batch, uint32_t head) {
    const spd_problem *p = &t->problem;
    for (uint64_t i = 0; i < p->q_blocks; i++) {
        const uint64_t *row = t->bits + (head_index(batch, head) * p->q_blocks + i) * p->row_words;
        bool valid = i < t->extents[batch].q_blocks; /* padding keeps nothing */
        if (valid)
            choose_row(t, batch, head, i);
        for (uint64_t w = 0; w < p->row_words; w++) {
            uint64_t want = valid ? t->want_bits[w] : 0, block = 64 * w;
            if (row[w] != want)
                return spd_fail(t->message, SPARSED_E_SELF_TEST,
                                "self-test: query block %llu of batch %u, head %u keeps 0x%llx of "
                                "key blocks %llu to %llu, should keep 0x%llx",
                                (unsigned long long)i, batch, head, (unsigned long long)row[w],
                                (unsigned long long)block, (unsigned long long)block + 63,
                                (unsigned long long)want);
        }
    }
    return SPARSED_OK;
}

/* ---- numbers against the oracle ---- */

/* Rows of one head: valid rows first .. first+rows-1, from the start of a query block on. */
typedef struct part {
    uint32_t batch, head;
    uint64_t first, rows;
    bool scores; /* all rows of these query blocks are there */
} part;

static sparsed_status judge(spd_test_run *t, const char *what, double difference, double norm,
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

static sparsed_status compare_doubles(spd_test_run *t, const char *what, const void *got,
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

/* The oracle's results for a part; NULL bits: dense. */
static void compute_part(spd_test_run *t, const part *r, const uint64_t *bits) {
    const spd_problem *p = &t->problem;
    bool upstream = spd_mode_is_upstream(p->select.mode);
    const spd_oracle_head want = {t->want_out, t->want_lse, r->scores ? t->want_scores : NULL,
                                  r->scores && upstream ? t->want_generation : NULL};
    spd_extent e = t->extents[r->batch];
    e.query_start += r->first;
    e.query_position += r->first;
    e.queries = r->rows;
    spd_oracle_attend(p, &e, r->batch, r->head, t->q, t->k, t->v, bits, t->row_scores, &want);
}

static sparsed_status compare_scores(spd_test_run *t, const part *r) {
    const spd_problem *p = &t->problem;
    uint64_t all = spd_test_heads() * p->q_blocks * p->k_blocks;
    uint64_t q_block = head_index(r->batch, r->head) * p->q_blocks + r->first / t->block_q;
    uint64_t first = q_block * p->k_blocks;
    uint64_t count = spd_ceil_div(r->rows, t->block_q) * p->k_blocks;
    sparsed_status status = compare_doubles(t, "block scores", t->scores, SPARSED_F32, first,
                                            t->want_scores, count, 1e-4);
    if (status == SPARSED_OK && spd_mode_is_upstream(p->select.mode))
        status = compare_doubles(t, "generation scores", t->scores, SPARSED_F32, all + first,
                                 t->want_generation, count, 1e-4);
    return status;
}

static sparsed_status compare_part(spd_test_run *t, const part *r, bool sparse) {
    const spd_problem *p = &t->problem;
    const sparsed_desc *d = &p->desc;
    uint64_t head = head_index(r->batch, r->head);
    uint64_t row = t->extents[r->batch].query_start + r->first, at = head * d->q_len + row;
    compute_part(t, r,
                 sparse ? t->bits + (head * p->q_blocks + r->first / t->block_q) * p->row_words
                        : NULL);
    sparsed_status status = compare_doubles(
        t, sparse ? "sparse output" : "dense output", t->out, d->out_dtype, at * d->head_dim,
        t->want_out + row * d->head_dim, r->rows * d->head_dim, tolerance(d->dtype));
    if (status == SPARSED_OK)
        status = compare_doubles(t, "log-sum-exp", t->lse, SPARSED_F32, at, t->want_lse + row,
                                 r->rows, 1e-4);
    return status == SPARSED_OK && r->scores ? compare_scores(t, r) : status;
}

/* Of the short batch's second head the partial block only: the oracle is slow. */
sparsed_status spd_self_test_compare(spd_test_run *t, sparsed_op op) {
    bool build = op == SPARSED_DENSE_BUILD, sparse = op == SPARSED_SPARSE;
    bool scores = build && spd_mode_is_scored(t->problem.select.mode);
    uint64_t rows = t->extents[SPD_TEST_SHORT].queries, last = rows / t->block_q * t->block_q;
    const part parts[] = {{SPD_TEST_SHORT, 0, 0, rows, scores},
                          {SPD_TEST_SHORT, 1, last, rows - last, scores},
                          {SPD_TEST_LONG, 0, 0, t->extents[SPD_TEST_LONG].queries, scores},
                          {SPD_TEST_LONG, 1, 0, t->extents[SPD_TEST_LONG].queries, scores}};
    sparsed_status status = SPARSED_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == SPARSED_OK; i++)
        status = compare_part(t, &parts[i], sparse);
    for (uint32_t i = 0; i < spd_test_heads() && status == SPARSED_OK; i++) {
        uint32_t batch = i / SPD_TEST_HEADS, head = i % SPD_TEST_HEADS;
        status = check_padding(t, batch, head);
        if (status == SPARSED_OK && build)
            status = check_kept(t, batch, head);
    }
    return status;
}
