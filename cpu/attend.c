/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The CPU driver: one pass for dense, dense + build, build and sparse attention.
 *
 * A unit of work is a (batch, head, query block). Units share nothing and each visits its key
 * blocks in a fixed order, so results do not depend on the number of threads. Scores are
 * transposed, S^T = K Q^T with query rows as lanes (softmax_tile.h), and so is the output, O^T +=
 * V^T P^T: K and V are read as they lie, only Q is transposed, once per unit. A build visits the
 * generation blocks first, so that the running maximum is their own while they are ranked among
 * themselves.
 */
#include "../src/select.h"
#include "../src/size.h"
#include "kernel.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

static const double LOG2_E = 1.4426950408889634;

static void *at(const sparsed_buffer *buffer) {
    return (char *)buffer->mem + buffer->offset_bytes;
}

static bool op_builds(const spd_launch *l) {
    return l->op == SPARSED_DENSE_BUILD || l->op == SPARSED_BUILD;
}

static bool is_scored(const spd_launch *l) {
    return spd_mode_is_scored(l->problem->select.mode);
}

/* Query rows of a unit of work: the query block, or a full tile where blocks play no part. */
static uint32_t unit_rows(const spd_launch *l) {
    bool blocks = l->op == SPARSED_SPARSE || (op_builds(l) && is_scored(l));
    return blocks ? l->problem->select.block_q : (uint32_t)SPD_UNIT_ROWS;
}

/* Fills in all that is the same for every tile of the unit that begins at a valid query row. */
static spd_unit make_unit(const spd_cpu_kernel *kernel, const spd_launch *l, uint64_t batch,
                          uint64_t head, uint64_t first_row) {
    const sparsed_desc *d = &l->problem->desc;
    const sparsed_select *s = &l->problem->select;
    const spd_extent *e = &l->extents[batch];
    uint64_t kv_head = head / (d->heads / d->kv_heads);
    uint64_t k_first = batch * d->k.batch + kv_head * d->k.head + e->key_start * d->k.row;
    uint64_t v_first = batch * d->v.batch + kv_head * d->v.head + e->key_start * d->v.row;
    spd_unit u = {.kernel = kernel,
                  .launch = l,
                  .extent = e,
                  .batch = batch,
                  .head = head,
                  .first_row = first_row,
                  .q_block = l->problem->has_select ? first_row / s->block_q : 0};
    u.rows = (uint32_t)spd_min(unit_rows(l), e->queries - first_row);
    u.stride = (uint32_t)spd_ceil_div(u.rows, SPD_LANES) * SPD_LANES;
    u.builds = op_builds(l) && is_scored(l);
    u.attends = l->op != SPARSED_BUILD;
    u.one_scale = u.builds && u.attends && s->score_scale == d->scale;
    u.masked = l->op == SPARSED_SPARSE && !is_scored(l);
    u.block_keys = u.builds || l->op == SPARSED_SPARSE ? s->block_k : (uint32_t)SPD_TILE_KEYS;
    u.scale_log2 = (float)(d->scale * LOG2_E);
    u.score_scale_log2 = (float)(s->score_scale * LOG2_E);
    u.k = (spd_rows){at(&l->k), d->dtype, k_first, d->k.row};
    if (u.attends)
        u.v = (spd_rows){at(&l->v), d->dtype, v_first, d->v.row};
    return u;
}

static void start_unit(const spd_unit *u) {
    const sparsed_desc *d = &u->launch->problem->desc;
    spd_cpu_scratch *s = u->scratch;
    uint64_t row = u->extent->query_start + u->first_row;
    const spd_rows q = {at(&u->launch->q), d->dtype,
                        u->batch * d->q.batch + u->head * d->q.head + row * d->q.row, d->q.row};
    memset(s->q_t, 0, (uint64_t)d->head_dim * u->stride * sizeof(float));
    memset(s->o_t, 0, (uint64_t)d->head_dim * u->stride * sizeof(float));
    for (uint32_t r = 0; r < u->rows; r++) {
        uint32_t first = r / SPD_STRIP_ROWS * SPD_STRIP_ROWS;
        spd_load_row_transposed(&q, r, d->head_dim, s->q_t + first * d->head_dim + (r - first),
                                spd_strip_rows(u, first), s->row);
    }
    for (uint32_t r = 0; r < u->stride; r++) {
        s->top[r] = -FLT_MAX;
        s->sum[r] = s->score_sum[r] = 0.0f;
    }
}

/* Lists the key blocks first .. end-1 that the unit visits. */
static uint32_t list_blocks(const spd_unit *u, uint64_t first, uint64_t end) {
    const spd_problem *p = u->launch->problem;
    uint32_t *blocks = u->scratch->blocks, n = 0;
    uint64_t row = (u->batch * p->desc.heads + u->head) * p->q_blocks + u->q_block;
    const uint64_t *bits = u->launch->op == SPARSED_SPARSE
                               ? (const uint64_t *)u->launch->kept + row * p->row_words
                               : NULL;
    for (uint64_t j = first; j < end; j++)
        if (!bits || spd_bit_get(bits, j))
            blocks[n++] = (uint32_t)j;
    return n;
}

/* Visits the key blocks first .. end-1; returns the number of the next tile. */
static uint32_t visit_blocks(const spd_unit *u, uint64_t first, uint64_t end, uint32_t tile) {
    uint32_t count = list_blocks(u, first, end), per_tile = SPD_TILE_KEYS / u->block_keys;
    for (uint32_t i = 0; i < count; i += per_tile)
        spd_visit_tile(u, u->scratch->blocks + i, (uint32_t)spd_min(per_tile, count - i), tile++);
    return tile;
}

static void store_unit(const spd_unit *u) {
    const spd_launch *l = u->launch;
    const sparsed_desc *d = &l->problem->desc;
    const spd_cpu_scratch *s = u->scratch;
    const float *sum = u->one_scale ? s->score_sum : s->sum;
    for (uint32_t r = 0; r < u->rows; r++) {
        uint64_t row = u->extent->query_start + u->first_row + r;
        bool empty = s->top[r] == -FLT_MAX && sum[r] == 0.0f; /* no key block was kept */
        float weight = empty ? 0.0f : 1.0f / sum[r];
        uint32_t first = r / SPD_STRIP_ROWS * SPD_STRIP_ROWS, strip = spd_strip_rows(u, first);
        const float *from = s->o_t + first * d->head_dim + (r - first);
        for (uint32_t i = 0; i < d->head_dim; i++)
            s->row[i] = from[i * strip] * weight;
        spd_store_row(s->row, d->head_dim, at(&l->out), d->out_dtype,
                      u->batch * d->out.batch + u->head * d->out.head + row * d->out.row);
        if (!l->lse.mem)
            continue;
        double lse = empty ? -INFINITY : (double)s->top[r] * d->scale + log((double)sum[r]);
        float stored = (float)lse;
        spd_store_row(&stored, 1, at(&l->lse), SPARSED_F32,
                      (u->batch * d->heads + u->head) * d->q_len + row);
    }
}

static void run_unit(spd_unit *u) {
    const spd_extent *e = u->extent;
    uint64_t blocks = spd_ceil_div(e->keys, u->block_keys);
    u->scratch = &u->kernel->scratch[omp_get_thread_num()];
    start_unit(u);
    if (!u->builds) {
        visit_blocks(u, 0, blocks, 0);
    } else {
        uint32_t tiles = visit_blocks(u, e->split, blocks, 0);
        if (spd_mode_is_upstream(u->launch->problem->select.mode))
            spd_reduce_scores(u, e->split, blocks, u->scratch->scores_generation);
        visit_blocks(u, 0, e->split, tiles);
        spd_reduce_scores(u, 0, blocks, u->scratch->scores);
        spd_finish_scores(u);
    }
    if (u->attends)
        store_unit(u);
}

/* Output rows that are not valid. */
static void clear_padding(const spd_launch *l, uint64_t batch, uint64_t head) {
    const sparsed_desc *d = &l->problem->desc;
    const spd_extent *e = &l->extents[batch];
    const float zeros[256] = {0.0f}, nothing = -INFINITY;
    for (uint64_t r = 0; r < d->q_len; r++) {
        if (r >= e->query_start && r < e->query_start + e->queries)
            r = e->query_start + e->queries;
        if (r >= d->q_len)
            break;
        spd_store_row(zeros, d->head_dim, at(&l->out), d->out_dtype,
                      batch * d->out.batch + head * d->out.head + r * d->out.row);
        if (l->lse.mem)
            spd_store_row(&nothing, 1, at(&l->lse), SPARSED_F32,
                          (batch * d->heads + head) * d->q_len + r);
    }
}

/* What no unit writes: padding, and the kept rows and scores of query blocks beyond the valid ones;
 * in a fixed mode all kept rows, which no score decides. */
static void prepare_outputs(const spd_launch *l) {
    const spd_problem *p = l->problem;
    uint64_t head_words = p->q_blocks * p->row_words;
    uint64_t score_heads =
        (uint64_t)p->desc.batch * p->desc.heads * (spd_mode_is_upstream(p->select.mode) ? 2 : 1);
    if (op_builds(l))
        memset(l->kept, 0, (uint64_t)p->desc.batch * p->desc.heads * head_words * sizeof(uint64_t));
    if (op_builds(l) && l->scores.mem)
        memset(at(&l->scores), 0, score_heads * p->q_blocks * p->k_blocks * sizeof(float));
    for (uint64_t b = 0; b < p->desc.batch; b++)
        for (uint64_t h = 0; h < p->desc.heads; h++) {
            if (l->op != SPARSED_BUILD)
                clear_padding(l, b, h);
            uint64_t rows = op_builds(l) && !is_scored(l) ? l->extents[b].q_blocks : 0;
            uint64_t first = (b * p->desc.heads + h) * head_words;
            for (uint64_t i = 0; i < rows; i++)
                spd_fixed_row(p, &l->extents[b], i, (uint64_t *)l->kept + first + i * p->row_words);
        }
}

void spd_cpu_attend(const spd_cpu_kernel *kernel, const spd_launch *launch) {
    const sparsed_desc *d = &launch->problem->desc;
    prepare_outputs(launch);
    if (launch->op == SPARSED_BUILD && !is_scored(launch))
        return;
    uint32_t rows = unit_rows(launch);
    uint64_t per_head = spd_ceil_div(d->q_len, rows);
    int64_t units = (int64_t)((uint64_t)d->batch * d->heads * per_head);
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)kernel->state->threads)
    for (int64_t i = 0; i < units; i++) {
        uint64_t head = (uint64_t)i / per_head, first_row = (uint64_t)i % per_head * rows;
        uint64_t batch = head / d->heads;
        if (first_row >= launch->extents[batch].queries)
            continue;
        spd_unit unit = make_unit(kernel, launch, batch, head % d->heads, first_row);
        run_unit(&unit);
    }
}
