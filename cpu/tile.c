/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One tile of keys in the life of a unit: S^T = K Q^T, running softmax, O^T += V^T P^T. The same
 * for dense, build and sparse passes; storage types end at load_tile.
 */
#include "../src/select.h"
#include "../src/size.h"
#include "kernel.h"

#include <float.h>
#include <string.h>

static uint32_t block_keys(const spd_unit *u, uint32_t block) {
    return (uint32_t)spd_min(u->block_keys, u->extent->keys - (uint64_t)block * u->block_keys);
}

/* Some key blocks as one tile: in place if they are neighbours and stored as floats, else gathered.
 */
static spd_tile load_tile(const spd_unit *u, const spd_rows *rows, const uint32_t *blocks,
                          uint32_t count, float *gathered) {
    uint32_t dim = u->launch->problem->desc.head_dim;
    spd_tile tile;
    bool neighbours = blocks[count - 1] - blocks[0] == count - 1;
    if (neighbours && spd_rows_in_place(rows, (uint64_t)blocks[0] * u->block_keys, dim, &tile))
        return tile;
    tile = (spd_tile){gathered, (int)dim};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t keys = block_keys(u, blocks[i]);
        spd_load_rows(rows, (uint64_t)blocks[i] * u->block_keys, keys, dim, gathered);
        gathered += (uint64_t)keys * dim;
    }
    return tile;
}

/* Takes the weight from rows [first, end) of one key. */
static void drop(float *row, uint64_t first, uint64_t end) {
    for (uint64_t r = first; r < end; r++)
        row[r] = -FLT_MAX;
}

/* A strip of the unit's query rows meets a tile. */
typedef struct strip {
    const spd_unit *unit;
    uint32_t first, rows; /* of the unit */
    const uint32_t *blocks;
    uint32_t count, keys; /* of the tile */
    uint32_t tile;        /* its number */
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

/* Sums of exponentials at the score scale, a block at a time: the block masses of a build. With one
 * scale these are the attention's exponentials too, and S^T becomes P^T here. */
static void add_masses(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    const spd_softmax *softmax = u->kernel->softmax;
    const float *top = s->top + p->first;
    float *part = s->s_t, *score_sum = s->score_sum + p->first;
    softmax->factors(s->old_top, top, p->rows, u->score_scale_log2, s->factor);
    softmax->scale(score_sum, 1, p->rows, s->factor);
    memcpy(s->mass_top + (uint64_t)p->tile * u->stride + p->first, top, p->rows * sizeof(float));
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t keys = block_keys(u, p->blocks[i]);
        float *mass = s->mass + (uint64_t)p->blocks[i] * u->stride + p->first;
        if (u->one_scale)
            softmax->exp_in_place(part, keys, p->rows, top, u->score_scale_log2, mass);
        else
            softmax->exp_sum(part, keys, p->rows, top, u->score_scale_log2, mass);
        for (uint32_t r = 0; r < p->rows; r++)
            score_sum[r] += mass[r];
        s->tile_of[p->blocks[i]] = p->tile;
        part += (uint64_t)keys * p->rows;
    }
}

/* S^T becomes P^T, and its column sums are added to the running ones. */
static void exponentiate(const strip *p) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    const spd_softmax *softmax = u->kernel->softmax;
    float *sum = s->sum + p->first;
    softmax->scale(sum, 1, p->rows, s->factor);
    softmax->exp_in_place(s->s_t, p->keys, p->rows, s->top + p->first, u->scale_log2, s->tile_sum);
    for (uint32_t r = 0; r < p->rows; r++)
        sum[r] += s->tile_sum[r];
}

static void visit_strip(const strip *p, const spd_tile *k, const spd_tile *v) {
    const spd_unit *u = p->unit;
    spd_cpu_scratch *s = u->scratch;
    const spd_softmax *softmax = u->kernel->softmax;
    uint32_t dim = u->launch->problem->desc.head_dim;
    float *top = s->top + p->first, *o_t = s->o_t + (uint64_t)p->first * dim;
    u->kernel->products->scores(k->data, k->stride, p->keys, dim, s->q_t + (uint64_t)p->first * dim,
                                p->rows, s->s_t);
    if (u->masked)
        mask_tile(p);
    memcpy(s->old_top, top, p->rows * sizeof(float));
    softmax->raise_top(s->s_t, p->keys, p->rows, top);
    if (u->builds)
        add_masses(p);
    if (!u->attends)
        return;
    softmax->factors(s->old_top, top, p->rows, u->scale_log2, s->factor);
    if (!u->one_scale)
        exponentiate(p);
    /* Where no maximum moved, the factors are exactly 1. */
    if (memcmp(s->old_top, top, p->rows * sizeof(float)) != 0)
        softmax->scale(o_t, dim, p->rows, s->factor);
    u->kernel->products->output(v->data, v->stride, p->keys, dim, s->s_t, p->rows, o_t);
}

void spd_visit_tile(const spd_unit *unit, const uint32_t *blocks, uint32_t count, uint32_t tile) {
    spd_cpu_scratch *s = unit->scratch;
    strip p = {.unit = unit, .blocks = blocks, .count = count, .tile = tile};
    spd_tile v = {NULL, 0};
    for (uint32_t i = 0; i < count; i++)
        p.keys += block_keys(unit, blocks[i]);
    spd_tile k = load_tile(unit, &unit->k, blocks, count, s->k_tile);
    if (unit->attends)
        v = load_tile(unit, &unit->v, blocks, count, s->v_tile);
    for (; p.first < unit->stride; p.first += SPD_STRIP_ROWS) {
        p.rows = spd_strip_rows(unit, p.first);
        visit_strip(&p, &k, &v);
    }
}
