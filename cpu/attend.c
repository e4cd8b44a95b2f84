/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The CPU driver: one pass for dense, dense + build, build and sparse attention.
 *
 * A unit of work is a (batch, head, query block), or a part of its keys (parts.h). Units share
 * nothing and each visits its key blocks in a fixed order, so results do not depend on the number of
 * threads. A unit's rows are loaded and stored in unit.c, its keys met in tile.c, by the loops of a
 * level (level.h). A build visits the generation blocks first, so that the running maximum is their
 * own while they are ranked among themselves.
 */
#include "../src/select.h"
#include "../src/size.h"
#include "groups.h"
#include "kernel.h"
#include "parts.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

enum { THREAD_UNITS = 4 }; /* of a thread, so that the last ones leave few threads idle */

static const double LOG2_E = 1.4426950408889634;

static bool op_builds(const spd_launch *l) {
    return l->op == SPARSED_DENSE_BUILD || l->op == SPARSED_BUILD;
}

static bool is_scored(const spd_launch *l) {
    return spd_mode_is_scored(l->problem->select.mode);
}

/* Fills in all that is the same for every tile of the unit of `rows` rows, or what is left of them,
 * that begins at a valid query row. */
static spd_unit make_unit(const spd_cpu_kernel *kernel, const spd_launch *l, uint64_t batch,
                          uint64_t head, uint64_t first_row, uint32_t rows) {
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
                  .q_block = l->problem->has_select ? first_row / s->block_q : 0,
                  .parts = 1};
    u.rows = (uint32_t)spd_min(rows, e->queries - first_row);
    u.stride = (uint32_t)spd_ceil_div(u.rows, SPD_LANES) * SPD_LANES;
    u.builds = op_builds(l) && is_scored(l);
    u.attends = l->op != SPARSED_BUILD;
    u.one_scale = u.builds && u.attends && s->score_scale == d->scale;
    u.masked = l->op == SPARSED_SPARSE && !is_scored(l);
    u.block_keys = u.builds || l->op == SPARSED_SPARSE ? s->block_k : kernel->level->tile_keys;
    u.scale_log2 = (float)(d->scale * LOG2_E);
    u.score_scale_log2 = (float)(s->score_scale * LOG2_E);
    u.slack = (float)SPD_SLACK_LOG2 / fmaxf(u.scale_log2, u.score_scale_log2);
    u.k = (spd_rows){spd_at(&l->k), d->dtype, k_first, d->k.row};
    if (!u.attends)
        return u;
    u.v = (spd_rows){spd_at(&l->v), d->dtype, v_first, d->v.row};
    if (kernel->level->pairs)
        u.v_groups = spd_cpu_groups_of(kernel, d, batch, kv_head);
    return u;
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

/* Visits the unit's part of the key blocks first .. end-1; returns the number of the next tile. */
static uint32_t visit_blocks(const spd_unit *u, uint64_t first, uint64_t end, uint32_t tile) {
    uint32_t count = list_blocks(u, first, end);
    uint32_t per_tile = u->kernel->level->tile_keys / u->block_keys;
    uint64_t tiles = spd_ceil_div(count, per_tile);
    uint64_t i = tiles * u->part / u->parts * per_tile;
    uint64_t past = spd_min(tiles * (u->part + 1) / u->parts * per_tile, count);
    for (; i < past; i += per_tile)
        spd_visit_tile(u, u->scratch->blocks + i, (uint32_t)spd_min(per_tile, past - i), tile++);
    return tile;
}

/* Visits all of the unit's keys, and ranks its blocks in a build. */
static void visit_keys(const spd_unit *u) {
    const spd_extent *e = u->extent;
    uint64_t blocks = spd_ceil_div(e->keys, u->block_keys);
    if (!u->builds) {
        visit_blocks(u, 0, blocks, 0);
        return;
    }
    uint32_t tiles = visit_blocks(u, e->split, blocks, 0);
    if (spd_mode_is_upstream(u->launch->problem->select.mode))
        spd_reduce_scores(u, e->split, blocks, u->scratch->scores_generation);
    visit_blocks(u, 0, e->split, tiles);
    spd_reduce_scores(u, 0, blocks, u->scratch->scores);
    spd_finish_scores(u);
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
        spd_store_row(zeros, d->head_dim, spd_at(&l->out), d->out_dtype,
                      batch * d->out.batch + head * d->out.head + r * d->out.row);
        if (l->lse.mem)
            spd_store_row(&nothing, 1, spd_at(&l->lse), SPARSED_F32,
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
        memset(spd_at(&l->scores), 0, score_heads * p->q_blocks * p->k_blocks * sizeof(float));
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

/* The units of a launch, in order: all parts of a unit one after the other. */
typedef struct work {
    const spd_cpu_kernel *kernel;
    const spd_launch *launch;
    uint32_t rows;     /* of a unit */
    uint64_t per_head; /* units */
    uint64_t units;
    uint32_t parts; /* of a unit */
} work;

/* Unit `index`, with this thread's scratch; false if it has no valid row. */
static bool find_unit(const work *w, uint64_t index, spd_unit *unit) {
    const sparsed_desc *d = &w->launch->problem->desc;
    uint64_t head = index / w->per_head, first_row = index % w->per_head * w->rows;
    uint64_t batch = head / d->heads;
    if (first_row >= w->launch->extents[batch].queries)
        return false;
    *unit = make_unit(w->kernel, w->launch, batch, head % d->heads, first_row, w->rows);
    unit->scratch = &w->kernel->scratch[omp_get_thread_num()];
    unit->parts = w->parts;
    return true;
}

static void run_part(const work *w, uint64_t index) {
    spd_unit unit;
    if (!find_unit(w, index / w->parts, &unit))
        return;
    unit.part = (uint32_t)(index % w->parts);
    spd_start_unit(&unit);
    visit_keys(&unit);
    if (w->parts > 1)
        spd_cpu_part_save(&unit, index);
    else if (unit.attends)
        spd_store_unit(&unit);
}

static void merge_unit(const work *w, uint64_t index) {
    spd_unit unit;
    if (!find_unit(w, index, &unit))
        return;
    spd_cpu_parts_merge(&unit, index * w->parts);
    spd_store_unit(&unit);
}

enum { GROUPS_AT_ONCE = 16 };

/* Chunk `index` of the groups of v. */
static void make_groups(const work *w, uint64_t index) {
    const spd_launch *l = w->launch;
    const sparsed_desc *d = &l->problem->desc;
    uint64_t chunks = spd_ceil_div(w->kernel->head_groups, GROUPS_AT_ONCE);
    uint64_t head = index / chunks, first = index % chunks * GROUPS_AT_ONCE;
    uint64_t batch = head / d->kv_heads, kv_head = head % d->kv_heads;
    const spd_extent *e = &l->extents[batch];
    uint64_t groups = spd_ceil_div(e->keys, w->kernel->group_keys);
    const spd_rows v = {spd_at(&l->v), d->dtype,
                        batch * d->v.batch + kv_head * d->v.head + e->key_start * d->v.row,
                        d->v.row};
    if (first < groups)
        spd_cpu_make_groups(w->kernel, &v, e->keys, d->head_dim, first,
                            spd_min(first + GROUPS_AT_ONCE, groups),
                            w->kernel->scratch[omp_get_thread_num()].rows,
                            spd_cpu_groups_of(w->kernel, d, batch, kv_head));
}

/* What one thread does of a launch. */
static void share_work(const work *w) {
    const spd_level *level = w->kernel->level;
    const sparsed_desc *d = &w->launch->problem->desc;
    bool grouped = level->pairs && w->launch->op != SPARSED_BUILD;
    uint64_t chunks = grouped ? (uint64_t)d->batch * d->kv_heads *
                                    spd_ceil_div(w->kernel->head_groups, GROUPS_AT_ONCE)
                              : 0;
    uint64_t merges = w->parts > 1 ? w->units : 0;
    if (level->enter)
        level->enter();
#pragma omp for schedule(dynamic, 1)
    for (uint64_t i = 0; i < chunks; i++)
        make_groups(w, i);
#pragma omp for schedule(dynamic, 1)
    for (uint64_t i = 0; i < w->units * w->parts; i++)
        run_part(w, i);
#pragma omp for schedule(dynamic, 1)
    for (uint64_t i = 0; i < merges; i++)
        merge_unit(w, i);
    if (level->leave)
        level->leave();
}

static void cut_heads(work *w, uint32_t rows) {
    const sparsed_desc *d = &w->launch->problem->desc;
    w->rows = rows;
    w->per_head = spd_ceil_div(d->q_len, rows);
    w->units = (uint64_t)d->batch * d->heads * w->per_head;
}

/* Units are query blocks, or SPD_UNIT_ROWS rows where blocks play no part; then as many as the level
 * likes, if all threads still have enough of them. That changes no result: rows share nothing, and
 * how many parts a unit has is settled before. */
static work cut_work(const spd_cpu_kernel *kernel, const spd_launch *l) {
    bool blocks = l->op == SPARSED_SPARSE || (op_builds(l) && is_scored(l));
    work w = {.kernel = kernel, .launch = l};
    cut_heads(&w, blocks ? l->problem->select.block_q : SPD_UNIT_ROWS);
    w.parts = spd_cpu_parts(l, w.units);
    if (blocks || w.parts > 1) /* parts: units are few as it is */
        return w;
    work level = w;
    cut_heads(&level, kernel->level->unit_rows);
    return level.units >= (uint64_t)THREAD_UNITS * kernel->state->threads ? level : w;
}

void spd_cpu_attend(const spd_cpu_kernel *kernel, const spd_launch *launch) {
    prepare_outputs(launch);
    if (launch->op == SPARSED_BUILD && !is_scored(launch))
        return;
    work w = cut_work(kernel, launch);
#pragma omp parallel num_threads((int)kernel->state->threads)
    share_work(&w);
}
