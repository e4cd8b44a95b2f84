/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "oracle.h"

#include "half.h"
#include "select.h"
#include "size.h"

#include <math.h>
#include <string.h>

double spd_oracle_load(const void *data, uint32_t dtype, uint64_t index) {
    const unsigned char *bytes = data;
    uint16_t half;
    float single;
    if (dtype == SPARSED_F32) {
        memcpy(&single, bytes + index * sizeof single, sizeof single);
        return (double)single;
    }
    memcpy(&half, bytes + index * sizeof half, sizeof half);
    return (double)(dtype == SPARSED_F16 ? spd_float_from_f16(half) : spd_float_from_bf16(half));
}

enum { MAX_HEAD_DIM = 256 };

/* A row of count elements from index on. Copied as a whole, for what checks each access. */
static void load_row(const void *data, uint32_t dtype, uint64_t index, uint32_t count,
                     double *row) {
    const unsigned char *bytes = data;
    float singles[MAX_HEAD_DIM];
    uint16_t halves[MAX_HEAD_DIM];
    if (dtype == SPARSED_F32) {
        memcpy(singles, bytes + index * sizeof *singles, count * sizeof *singles);
        for (uint32_t i = 0; i < count; i++)
            row[i] = (double)singles[i];
        return;
    }
    memcpy(halves, bytes + index * sizeof *halves, count * sizeof *halves);
    for (uint32_t i = 0; i < count; i++)
        row[i] = (double)(dtype == SPARSED_F16 ? spd_float_from_f16(halves[i])
                                               : spd_float_from_bf16(halves[i]));
}

/* What one head's computation reads. */
typedef struct head_view {
    const spd_problem *problem;
    const spd_extent *extent;
    const void *k, *v;
    uint64_t k_first, v_first; /* element of the first valid key row */
    const uint64_t *bits;      /* NULL = all keys */
} head_view;

/* Whether the query at valid row r attends to key c (both counted from the valid start). */
static bool attends(const head_view *h, uint64_t r, uint64_t c) {
    const sparsed_select *s = &h->problem->select;
    if (!h->bits)
        return true;
    if (!spd_mode_is_scored(s->mode)) {
        uint64_t first, end;
        spd_window_of(h->extent->query_position + r, s->window, h->extent->keys, &first, &end);
        return (c >= first && c < end) || (s->mode == SPARSED_MODE_STREAMING && c < s->sinks);
    }
    return spd_bit_get(h->bits + r / s->block_q * h->problem->row_words, c / s->block_k);
}

/* Raw products q.k of one query row with every valid key. */
static void products(const head_view *h, const double *q, double *s) {
    const sparsed_desc *d = &h->problem->desc;
    double key[MAX_HEAD_DIM];
    for (uint64_t c = 0; c < h->extent->keys; c++) {
        double sum = 0.0;
        load_row(h->k, d->dtype, h->k_first + c * d->k.row, d->head_dim, key);
        for (uint32_t i = 0; i < d->head_dim; i++)
            sum += q[i] * key[i];
        s[c] = sum;
    }
}

/* Adds the softmax of scale * s over keys first .. end-1 to the blocks of a score row. */
static void add_scores(const head_view *h, const double *s, uint64_t first, uint64_t end,
                       double *score_row) {
    const sparsed_select *select = &h->problem->select;
    double scale = select->score_scale, top = -INFINITY, total = 0.0;
    for (uint64_t c = first; c < end; c++)
        top = fmax(top, s[c]);
    for (uint64_t c = first; c < end; c++)
        total += exp((s[c] - top) * scale);
    for (uint64_t c = first; c < end;) {
        uint64_t block = c / select->block_k;
        double mass = 0.0;
        for (; c < end && c / select->block_k == block; c++)
            mass += exp((s[c] - top) * scale) / total;
        double before = score_row[block];
        bool larger = mass > before || isnan(mass); /* a NaN stays */
        score_row[block] = select->score_reduce == SPARSED_REDUCE_SUM ? before + mass
                           : larger                                   ? mass
                                                                      : before;
    }
}

/* Softmax over the keys that row r attends to; weighted sum of v into out (may be NULL). */
static double attend_row(const head_view *h, uint64_t r, const double *s, double *out) {
    const sparsed_desc *d = &h->problem->desc;
    double value[MAX_HEAD_DIM], top = -INFINITY, total = 0.0;
    bool numbers = true; /* fmax leaves a NaN out */
    for (uint64_t c = 0; c < h->extent->keys; c++)
        if (attends(h, r, c)) {
            top = fmax(top, s[c] * d->scale);
            numbers = numbers && !isnan(s[c]);
        }
    if (top == -INFINITY && numbers)
        return -INFINITY;
    for (uint64_t c = 0; c < h->extent->keys; c++) {
        if (!attends(h, r, c))
            continue;
        double p = exp(s[c] * d->scale - top);
        total += p;
        if (!out)
            continue;
        load_row(h->v, d->dtype, h->v_first + c * d->v.row, d->head_dim, value);
        for (uint32_t i = 0; i < d->head_dim; i++)
            out[i] += p * value[i];
    }
    for (uint32_t i = 0; out && i < d->head_dim; i++)
        out[i] /= total;
    return top + log(total);
}

static void clear(const spd_problem *p, const spd_oracle_head *result) {
    uint64_t rows = p->desc.q_len, blocks = p->q_blocks * p->k_blocks;
    for (uint64_t r = 0; result->lse && r < rows; r++)
        result->lse[r] = -INFINITY;
    if (result->out)
        memset(result->out, 0, rows * p->desc.head_dim * sizeof *result->out);
    if (result->scores)
        memset(result->scores, 0, blocks * sizeof *result->scores);
    if (result->scores_generation)
        memset(result->scores_generation, 0, blocks * sizeof *result->scores_generation);
}

void spd_oracle_attend(const spd_problem *problem, const spd_extent *extent, uint32_t batch,
                       uint32_t head, const void *q, const void *k, const void *v,
                       const uint64_t *bits, double *row_scores, const spd_oracle_head *result) {
    const sparsed_desc *d = &problem->desc;
    const sparsed_select *s = &problem->select;
    uint64_t kv_head = head / (d->heads / d->kv_heads);
    head_view h = {.problem = problem, .extent = extent, .k = k, .v = v, .bits = bits};
    h.k_first = batch * d->k.batch + kv_head * d->k.head + extent->key_start * d->k.row;
    h.v_first = batch * d->v.batch + kv_head * d->v.head + extent->key_start * d->v.row;
    clear(problem, result);
    for (uint64_t r = 0; r < extent->queries; r++) {
        uint64_t row = extent->query_start + r;
        uint64_t first = batch * d->q.batch + head * d->q.head + row * d->q.row;
        double q_row[MAX_HEAD_DIM];
        load_row(q, d->dtype, first, d->head_dim, q_row);
        products(&h, q_row, row_scores);
        double *out = result->out && v ? result->out + row * d->head_dim : NULL;
        double lse = attend_row(&h, r, row_scores, out);
        if (result->lse)
            result->lse[row] = lse;
        uint64_t score_row = problem->has_select ? r / s->block_q * problem->k_blocks : 0;
        if (result->scores)
            add_scores(&h, row_scores, 0, extent->keys, result->scores + score_row);
        if (result->scores_generation)
            add_scores(&h, row_scores, extent->split * s->block_k, extent->keys,
                       result->scores_generation + score_row);
    }
}
