/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Begin and end of a unit of work: query rows in, output rows out. */
#include "../src/size.h"
#include "kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* One strip of query rows, transposed as the level wants them. */
static void load_strip(const spd_unit *u, const spd_rows *q, uint32_t first) {
    const spd_level *level = u->kernel->level;
    uint32_t dim = u->launch->problem->desc.head_dim, elements = level->pairs ? dim / 2 : dim;
    uint32_t strip = spd_strip_rows(u, first), rows = (uint32_t)spd_min(strip, u->rows - first);
    uint32_t padded = spd_q_elements(level, dim);
    uint32_t *q_t = u->scratch->q_t + (uint64_t)first * padded;
    if (rows < strip || elements < padded)
        memset(q_t, 0, (uint64_t)padded * strip * sizeof *q_t);
    if (level->pairs || q->dtype == SPARSED_F32) {
        level->loops->transpose(spd_row_at(q, first), spd_row_stride_bytes(q), rows, elements, q_t,
                                strip);
        return;
    }
    spd_load_rows(level->loops, q, first, rows, dim, u->scratch->rows);
    level->loops->transpose(u->scratch->rows, (ptrdiff_t)(dim * sizeof(float)), rows, elements, q_t,
                            strip);
}

void spd_start_unit(const spd_unit *u) {
    const sparsed_desc *d = &u->launch->problem->desc;
    spd_cpu_scratch *s = u->scratch;
    uint64_t row = u->extent->query_start + u->first_row;
    const spd_rows q = {spd_at(&u->launch->q), d->dtype,
                        u->batch * d->q.batch + u->head * d->q.head + row * d->q.row, d->q.row};
    for (uint32_t first = 0; first < u->stride; first += SPD_STRIP_ROWS)
        load_strip(u, &q, first);
    memset(s->o_t, 0, (uint64_t)d->head_dim * u->stride * sizeof(float));
    for (uint32_t r = 0; r < u->stride; r++) {
        s->top[r] = -FLT_MAX;
        s->sum[r] = s->score_sum[r] = 0.0f;
    }
}

static void store_row(const spd_unit *u, uint32_t r, float *row) {
    const spd_launch *l = u->launch;
    const sparsed_desc *d = &l->problem->desc;
    const spd_cpu_scratch *s = u->scratch;
    float sum = u->one_scale ? s->score_sum[r] : s->sum[r];
    uint64_t to = u->extent->query_start + u->first_row + r;
    bool empty = s->top[r] == -FLT_MAX && sum == 0.0f; /* no key block was kept */
    float weight = empty ? 0.0f : 1.0f / sum;
    for (uint32_t i = 0; i < d->head_dim; i++)
        row[i] *= weight;
    spd_store_row(row, d->head_dim, spd_at(&l->out), d->out_dtype,
                  u->batch * d->out.batch + u->head * d->out.head + to * d->out.row);
    if (!l->lse.mem)
        return;
    double lse = empty ? -INFINITY : (double)s->top[r] * d->scale + log((double)sum);
    float stored = (float)lse;
    spd_store_row(&stored, 1, spd_at(&l->lse), SPARSED_F32,
                  (u->batch * d->heads + u->head) * d->q_len + to);
}

void spd_store_unit(const spd_unit *u) {
    uint32_t dim = u->launch->problem->desc.head_dim;
    float *rows = u->scratch->rows;
    for (uint32_t first = 0; first < u->rows; first += SPD_STRIP_ROWS) {
        uint32_t strip = spd_strip_rows(u, first),
                 count = (uint32_t)spd_min(strip, u->rows - first);
        u->kernel->level->loops->transpose(u->scratch->o_t + (uint64_t)first * dim,
                                           (ptrdiff_t)(strip * sizeof(float)), dim, count, rows,
                                           dim);
        for (uint32_t r = 0; r < count; r++)
            store_row(u, first + r, rows + (uint64_t)r * dim);
    }
}
