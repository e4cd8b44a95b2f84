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

/* Fixed modes are exact to the element: a key counts for the rows whose window it is in (those at
 * most `window` positions away), a sink for all. */
static void mask_tile(const spd_unit *u, const uint32_t *blocks, uint32_t count) {
    const sparsed_select *s = &u->launch->problem->select;
    uint64_t sinks = s->mode == SPARSED_MODE_STREAMING ? s->sinks : 0;
    uint64_t window = spd_min(s->window, u->extent->keys);
    uint64_t position = u->extent->query_position + u->first_row;
    float *row = u->scratch->s_t;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = (uint64_t)blocks[i] * u->block_keys, end = key + block_keys(u, blocks[i]);
        for (; key < end; key++, row += u->stride) {
            uint64_t first = key > position + window ? key - position - window : 0;
            uint64_t past = key + window + 1 > position ? key + window + 1 - position : 0;
            if (key < sinks)
                continue;
            drop(row, 0, spd_min(first, u->rows));
            drop(row, spd_min(past, u->rows), u->rows);
        }
    }
}

/* Sums of exponentials at the score scale, a block at a time: the block masses of a build. With one
 * scale these are the attention's exponentials too, and S^T becomes P^T here. */
static void add_masses(const spd_unit *u, const uint32_t *blocks, uint32_t count, uint32_t tile) {
    spd_cpu_scratch *s = u->scratch;
    const spd_softmax *softmax = u->kernel->softmax;
    float *part = s->s_t;
    softmax->factors(s->old_top, s->top, u->stride, u->score_scale_log2, s->factor);
    softmax->scale(s->score_sum, 1, u->stride, s->factor);
    memcpy(s->mass_top + (uint64_t)tile * u->stride, s->top, u->stride * sizeof(float));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t keys = block_keys(u, blocks[i]);
        float *mass = s->mass + (uint64_t)blocks[i] * u->stride;
        if (u->one_scale)
            softmax->exp_in_place(part, keys, u->stride, s->top, u->score_scale_log2, mass);
        else
            softmax->exp_sum(part, keys, u->stride, s->top, u->score_scale_log2, mass);
        for (uint32_t r = 0; r < u->stride; r++)
            s->score_sum[r] += mass[r];
        s->tile_of[blocks[i]] = tile;
        part += (uint64_t)keys * u->stride;
    }
}

/* S^T becomes P^T, and its column sums are added to the running ones. */
static void exponentiate(const spd_unit *u, uint32_t keys) {
    spd_cpu_scratch *s = u->scratch;
    const spd_softmax *softmax = u->kernel->softmax;
    softmax->scale(s->sum, 1, u->stride, s->factor);
    softmax->exp_in_place(s->s_t, keys, u->stride, s->top, u->scale_log2, s->tile_sum);
    for (uint32_t r = 0; r < u->stride; r++)
        s->sum[r] += s->tile_sum[r];
}

/* c[m][rows] = beta * c + op(a) * b[k][rows], a strip of rows at a time. */
static void multiply(const spd_unit *u, bool transpose_a, int m, int k, const spd_tile *a,
                     const float *b, float beta, float *c) {
    for (uint32_t r = 0; r < u->stride; r += u->strip_rows)
        u->kernel->gemm(transpose_a, false, m, (int)spd_min(u->strip_rows, u->stride - r), k,
                        a->data, a->stride, b + r, (int)u->stride, beta, c + r, (int)u->stride);
}

void spd_visit_tile(const spd_unit *unit, const uint32_t *blocks, uint32_t count, uint32_t tile) {
    spd_cpu_scratch *s = unit->scratch;
    const spd_softmax *softmax = unit->kernel->softmax;
    int dim = (int)unit->launch->problem->desc.head_dim;
    uint32_t keys = 0;
    for (uint32_t i = 0; i < count; i++)
        keys += block_keys(unit, blocks[i]);

    spd_tile k = load_tile(unit, &unit->k, blocks, count, s->k_tile);
    multiply(unit, false, (int)keys, dim, &k, s->q_t, 0.0f, s->s_t);
    if (unit->masked)
        mask_tile(unit, blocks, count);
    memcpy(s->old_top, s->top, unit->stride * sizeof(float));
    softmax->raise_top(s->s_t, keys, unit->stride, s->top);
    if (unit->builds)
        add_masses(unit, blocks, count, tile);
    if (!unit->attends)
        return;

    softmax->factors(s->old_top, s->top, unit->stride, unit->scale_log2, s->factor);
    if (!unit->one_scale)
        exponentiate(unit, keys);
    /* Where no maximum moved, the factors are exactly 1. */
    if (memcmp(s->old_top, s->top, unit->stride * sizeof(float)) != 0)
        softmax->scale(s->o_t, (uint32_t)dim, unit->stride, s->factor);
    spd_tile v = load_tile(unit, &unit->v, blocks, count, s->v_tile);
    multiply(unit, true, dim, (int)keys, &v, s->s_t, 1.0f, s->o_t);
}
