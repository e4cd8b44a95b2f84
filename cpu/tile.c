/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One tile of keys in the life of a unit: S^T = K Q^T, running softmax, O^T += V^T P^T. The same
 * for dense, build and sparse passes.
 */
#include "../src/select.h"
#include "../src/size.h"
#include "kernel.h"

#include <float.h>
#include <string.h>

static uint32_t block_keys(const spd_unit *u, uint32_t block) {
    return (uint32_t)spd_min(u->block_keys, u->extent->keys - (uint64_t)block * u->block_keys);
}

/* Adds keys, each key_bytes of memory, to the tile: to its last run if they follow that one. */
static void add_run(spd_tile *tile, const void *first, uint32_t keys, ptrdiff_t key_bytes) {
    spd_run *last = tile->runs ? &tile->run[tile->runs - 1] : NULL;
    tile->keys += keys;
    if (last && (const char *)last->first + last->keys * key_bytes == first)
        last->keys += keys;
    else
        tile->run[tile->runs++] = (spd_run){first, keys};
}

/* Key blocks where they lie. */
static spd_tile tile_in_place(const spd_unit *u, const spd_rows *rows, const uint32_t *blocks,
                              uint32_t count) {
    spd_tile tile = {.stride_bytes = spd_row_stride_bytes(rows)};
    for (uint32_t i = 0; i < count; i++)
        add_run(&tile, spd_row_at(rows, (uint64_t)blocks[i] * u->block_keys),
                block_keys(u, blocks[i]), tile.stride_bytes);
    return tile;
}

/* Key blocks as floats: where they lie if they are that, else gathered. */
static spd_tile float_tile(const spd_unit *u, const spd_rows *rows, const uint32_t *blocks,
                           uint32_t count, float *gathered) {
    uint32_t dim = u->launch->problem->desc.head_dim;
    if (spd_rows_in_place(rows, dim))
        return tile_in_place(u, rows, blocks, count);
    spd_tile tile = {
        .run = {{gathered, 0}}, .runs = 1, .stride_bytes = (ptrdiff_t)(dim * sizeof(float))};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t keys = block_keys(u, blocks[i]);
        spd_load_rows(u->kernel->level->loops, rows, (uint64_t)blocks[i] * u->block_keys, keys, dim,
                      gathered + (uint64_t)tile.keys * dim);
        tile.keys += keys;
    }
    tile.run[0].keys = tile.keys;
    return tile;
}

/* Key blocks of v in groups. */
static spd_tile group_tile(const spd_unit *u, const uint32_t *blocks, uint32_t count) {
    uint64_t dim = u->launch->problem->desc.head_dim;
    spd_tile tile = {.group_keys = u->kernel->group_keys, .group_pairs = u->kernel->group_pairs};
    uint64_t key_elements = 2 * (uint64_t)tile.group_pairs / tile.group_keys * dim;
    for (uint32_t i = 0; i < count; i++)
        add_run(&tile, u->v_groups + (uint64_t)blocks[i] * u->block_keys * key_elements,
                block_keys(u, blocks[i]), (ptrdiff_t)(key_elements * sizeof *u->v_groups));
    return tile;
}

/* Takes the weight from rows [first, end) of one key. */
static void drop(float *row, uint64_t first, uint64_t end) {
    for (uint64_t r = first; r < end; r++)
        row[r] = -FLT_MAX;
}

/* A strip of the unit's query rows that meets a tile. */
typedef struct strip {
    const spd_unit *unit;
    uint32_t first, rows; /* of the unit */
    const uint32_t *blocks;
    uint32_t count, keys; /* of the tile */
    uint32_t tile;        /* its number */
    bool weighed;         /* its weights and their sums are made */
    bool raised;          /* the running maxima, by the tile's */
} strip;

/* Fixed modes are exact to the element: a key counts for the rows whose window it is in (those at
 * most `window` positions away), a sink for all. */
static void mask_tile(const strip *p) {
    const spd_unit *u = p->unit;
    const sparsed_select *s = &u->launch->problem->select;
    uint64_t sinks = s->mode == SPARSED_MODE_STREAMING ? s->sinks : 0;
    uint64_t window = spd_min(s->window, u->extent->keys);
    uint64_t position = u->extent->query_position + u->first_row + p->first;
    float *row = u->scratch->s_t;
    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t key = (uint64_t)p->blocks[i] * u->block_keys;
        uint64_t end = key + block_keys(u, p->blocks[i]);
        for (; key < end; key++, row += p->rows) {
            uint64_t first = key > position + window ? key - position - window : 0;
            uint64_t past = key + window + 1 > position ? key + window + 1 - position : 0;
            if (key < sinks)
                continue;
            drop(row, 0, spd_min(first, p->rows));
            drop(row, spd_min(past, p->rows), p->rows);
        }
    }
}

/* The weights of a strip from one of its keys on: the first of a group in pairs. */
static uint32_t *weights_at(const strip *p, uint32_t key) {
    const spd_cpu_kernel *k = p->unit->kernel;
    uint32_t index = k->level->pairs ? key / k->group_keys * k->group_pairs : key;
    return p->unit->scratch->p_t + (uint64_t)index * p->rows;
}

/* Whether pairs of a group lie idle: weights are then computed a group at a time. */
static bool has_gaps(const spd_cpu_kernel *k) {
    return k->level->pairs && 2 * k->group_pairs != k->group_keys;
}

/* Keys that s->sums has a sum for, each, where weights are computed. */
static uint32_t sum_keys_of(const spd_unit *u) {
    if (u->one_scale)
        return u->block_keys;
    return has_gaps(u->kernel) ? u->kernel->group_keys : u->kernel->level->tile_keys;
}

/* S^T becomes P^T, and s->sums its sums, unless they are that already. */
static void weigh(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    uint32_t sum_keys = sum_keys_of(u);
    for (uint32_t key = 0; !p->weighed && key < p->keys; key += sum_keys)
        u->kernel->level->loops->exponentiate(s->s_t + (uint64_t)key * p->rows,
                                              (uint32_t)spd_min(sum_keys, p->keys - key), p->rows,
                                              s->top + p->first, u->scale_log2, weights_at(p, key),
                                              s->sums + (uint64_t)(key / sum_keys) * p->rows);
}

/* The sums of the tile's blocks at the score scale, in s->sums. With one scale these are the
 * attention's exponentials too. */
static void sum_blocks(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    uint32_t key = 0;
    if (u->one_scale) {
        weigh(p);
        return;
    }
    for (uint32_t i = 0; i < p->count; key += block_keys(u, p->blocks[i++]))
        u->kernel->level->loops->exp_sum(s->s_t + (uint64_t)key * p->rows,
                                         block_keys(u, p->blocks[i]), p->rows, s->top + p->first,
                                         u->score_scale_log2, s->sums + (uint64_t)i * p->rows);
}

/* Sums of exponentials at the score scale, a block at a time: the block masses of a build. */
static void add_masses(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    const float *top = s->top + p->first;
    float *score_sum = s->score_sum + p->first;
    if (p->raised)
        u->kernel->level->loops->factors(s->old_top, top, p->rows, u->score_scale_log2, s->factor);
    for (uint32_t r = 0; p->raised && r < p->rows; r++)
        score_sum[r] *= s->factor[r];
    memcpy(s->mass_top + (uint64_t)p->tile * u->stride + p->first, top, p->rows * sizeof(float));
    sum_blocks(p);
    for (uint32_t i = 0; i < p->count; i++) {
        const float *sum = s->sums + (uint64_t)i * p->rows;
        memcpy(s->mass + (uint64_t)p->blocks[i] * u->stride + p->first, sum,
               p->rows * sizeof(float));
        for (uint32_t r = 0; r < p->rows; r++)
            score_sum[r] += sum[r];
        s->tile_of[p->blocks[i]] = p->tile;
    }
}

/* Sums of exponentials at the attention's own scale. */
static void add_sums(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    float *sum = s->sum + p->first;
    uint32_t sum_keys = sum_keys_of(u);
    if (p->raised)
        u->kernel->level->loops->factors(s->old_top, s->top + p->first, p->rows, u->scale_log2,
                                         s->factor);
    for (uint32_t r = 0; p->raised && r < p->rows; r++)
        sum[r] *= s->factor[r];
    weigh(p);
    for (uint32_t i = 0; i * sum_keys < p->keys; i++)
        for (uint32_t r = 0; r < p->rows; r++)
            sum[r] += s->sums[i * p->rows + r];
}

/* Pairs that no key fills weigh nothing. */
static void fill_groups(const strip *p) {
    const spd_cpu_kernel *k = p->unit->kernel;
    for (uint32_t key = 0; key < p->keys; key += k->group_keys) {
        uint32_t pairs = ((uint32_t)spd_min(k->group_keys, p->keys - key) + 1) / 2;
        memset(weights_at(p, key) + (uint64_t)pairs * p->rows, 0,
               (uint64_t)(k->group_pairs - pairs) * p->rows * sizeof(uint32_t));
    }
}

/* Raises the strip's maxima to those of the tile, all or none: none while no weight comes out above
 * 2^SPD_SLACK_LOG2, so that results of earlier tiles seldom need to be scaled. Whether they do. */
static bool raise_tops(const strip *p, const float *tile_top) {
    const spd_unit *u = p->unit;
    float *top = u->scratch->top + p->first, *old_top = u->scratch->old_top;
    bool raise = false;
    for (uint32_t r = 0; r < p->rows; r++)
        raise |= tile_top[r] > top[r] + u->slack;
    memcpy(old_top, top, p->rows * sizeof(float));
    if (raise)
        memcpy(top, tile_top, p->rows * sizeof(float));
    return raise;
}

/* Scores by themselves, and the maxima raised to them where they must be. */
static void compute_scores(strip *p, const spd_tile *k, const uint32_t *q_t) {
    const spd_unit *u = p->unit;
    const spd_level *level = u->kernel->level;
    spd_cpu_scratch *s = u->scratch;
    memcpy(s->tile_top, s->top + p->first, p->rows * sizeof(float));
    level->scores(k, u->launch->problem->desc.head_dim, q_t, p->rows, s->s_t, p->rows,
                  u->masked ? NULL : s->tile_top);
    if (u->masked) {
        mask_tile(p);
        level->loops->raise_top(s->s_t, p->keys, p->rows, s->tile_top);
    }
    p->raised = raise_tops(p, s->tile_top);
}

/* Scores and weights at once, which serves where the maxima need not be raised. */
static void try_to_weigh(strip *p, const spd_tile *k, const uint32_t *q_t) {
    const spd_unit *u = p->unit;
    const spd_level *level = u->kernel->level;
    spd_cpu_scratch *s = u->scratch;
    const spd_weighing w = {.top = s->top + p->first,
                            .slack = u->slack,
                            .scale_log2 = u->scale_log2,
                            .sum_keys = sum_keys_of(u),
                            .s_t = s->s_t,
                            .p_t = s->p_t,
                            .sums = s->sums};
    bool one_use = u->attends && !u->masked && (!u->builds || u->one_scale);
    p->raised = false;
    p->weighed = level->score_and_weigh && one_use && !has_gaps(u->kernel) &&
                 level->score_and_weigh(k, u->launch->problem->desc.head_dim, q_t, p->rows, &w);
}

/* The running sums and, at the end, the output are multiplied by s->factor where maxima rose. */
static void visit_strip(strip *p, const spd_tile *k, const spd_tile *v) {
    const spd_unit *u = p->unit;
    const spd_level *level = u->kernel->level;
    spd_cpu_scratch *s = u->scratch;
    uint32_t dim = u->launch->problem->desc.head_dim;
    const uint32_t *q_t = s->q_t + (uint64_t)p->first * spd_q_elements(level, dim);
    try_to_weigh(p, k, q_t);
    if (!p->weighed)
        compute_scores(p, k, q_t);
    if (u->builds)
        add_masses(p);
    if (!u->attends)
        return;
    if (!u->one_scale)
        add_sums(p);
    if (level->pairs)
        fill_groups(p);
    level->output(v, dim, s->p_t, p->rows, p->raised ? s->factor : NULL,
                  s->o_t + (uint64_t)p->first * dim);
}

void spd_visit_tile(const spd_unit *unit, const uint32_t *blocks, uint32_t count, uint32_t tile) {
    const spd_cpu_scratch *s = unit->scratch;
    bool pairs = unit->kernel->level->pairs;
    strip p = {.unit = unit, .blocks = blocks, .count = count, .tile = tile};
    spd_tile v = {.runs = 0};
    spd_tile k = pairs ? tile_in_place(unit, &unit->k, blocks, count)
                       : float_tile(unit, &unit->k, blocks, count, s->k_tile);
    if (unit->attends)
        v = pairs ? group_tile(unit, blocks, count)
                  : float_tile(unit, &unit->v, blocks, count, s->v_tile);
    p.keys = k.keys;
    for (; p.first < unit->stride; p.first += SPD_STRIP_ROWS) {
        p.rows = spd_strip_rows(unit, p.first);
        visit_strip(&p, &k, &v);
    }
}
