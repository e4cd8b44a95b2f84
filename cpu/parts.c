/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "parts.h"

#include "../src/alloc.h"
#include "../src/error.h"
#include "../src/size.h"

#include <string.h>

enum {
    WANTED_UNITS = 64,  /* so that as many cores are busy for most of the time */
    PART_KEYS_MIN = 512 /* fewer are not worth the merge */
};

/* For a problem of kv_len keys, whatever its valid ranges. */
static uint32_t parts_of(uint64_t units, uint64_t kv_len) {
    uint64_t wanted = spd_ceil_div(WANTED_UNITS, spd_max(units, 1));
    return (uint32_t)spd_max(spd_min(wanted, kv_len / PART_KEYS_MIN), 1);
}

uint32_t spd_cpu_parts(const spd_launch *launch, uint64_t units) {
    bool builds = launch->op != SPARSED_DENSE && launch->op != SPARSED_SPARSE;
    return builds ? 1 : parts_of(units, launch->problem->desc.kv_len);
}

sparsed_status spd_cpu_parts_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                    uint64_t *bytes, sparsed_message *message) {
    const sparsed_desc *d = &problem->desc;
    uint64_t heads = (uint64_t)d->batch * d->heads;
    uint64_t rows = spd_ceil_div(spd_min(d->q_len, SPD_UNIT_ROWS), SPD_LANES) * SPD_LANES;
    uint64_t most = parts_of(heads, d->kv_len);
    if (most == 1)
        return SPARSED_OK; /* runs have as many units at least, and as many keys at most */
    /* Of any run: units * ceil(WANTED_UNITS / units), and no more than all parts of all units. */
    uint64_t unit_rows = problem->has_select ? spd_min(rows, problem->select.block_q) : rows;
    uint64_t units = heads * spd_ceil_div(d->q_len, unit_rows);
    uint64_t slots = spd_min(UINT64_C(2) * WANTED_UNITS, units * most);
    kernel->part_floats = rows * (d->head_dim + 2);
    uint64_t parts_bytes = slots * kernel->part_floats * sizeof *kernel->parts;
    kernel->parts = spd_allocate(&kernel->state->allocator, parts_bytes, 1);
    if (!kernel->parts)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for parts of results: %llu bytes",
                        (unsigned long long)parts_bytes);
    *bytes += parts_bytes;
    return SPARSED_OK;
}

void spd_cpu_part_save(const spd_unit *unit, uint64_t slot) {
    const spd_cpu_scratch *s = unit->scratch;
    float *part = unit->kernel->parts + slot * unit->kernel->part_floats;
    uint64_t rows = unit->stride, dim = unit->launch->problem->desc.head_dim;
    memcpy(part, s->top, rows * sizeof *part);
    memcpy(part + rows, s->sum, rows * sizeof *part);
    memcpy(part + 2 * rows, s->o_t, dim * rows * sizeof *part);
}

/* to = to * kept + from * added, row by row of a strip's [dim][rows]. */
static void add_strip(float *to, const float *from, uint32_t dim, uint32_t rows, const float *kept,
                      const float *added) {
    for (uint32_t d = 0; d < dim; d++, to += rows, from += rows)
        for (uint32_t r = 0; r < rows; r++)
            to[r] = to[r] * kept[r] + from[r] * added[r];
}

static void add_part(const spd_unit *unit, const float *part) {
    const spd_loops *loops = unit->kernel->level->loops;
    const spd_cpu_scratch *s = unit->scratch;
    uint32_t rows = unit->stride, dim = unit->launch->problem->desc.head_dim;
    const float *top = part, *sum = part + rows, *o_t = sum + rows;
    memcpy(s->old_top, s->top, rows * sizeof *s->top);
    for (uint32_t r = 0; r < rows; r++)
        s->top[r] = top[r] > s->top[r] ? top[r] : s->top[r];
    loops->factors(s->old_top, s->top, rows, unit->scale_log2, s->factor);
    loops->factors(top, s->top, rows, unit->scale_log2, s->tile_top);
    add_strip(s->sum, sum, 1, rows, s->factor, s->tile_top);
    for (uint32_t first = 0; first < rows; first += SPD_STRIP_ROWS)
        add_strip(s->o_t + (uint64_t)first * dim, o_t + (uint64_t)first * dim, dim,
                  spd_strip_rows(unit, first), s->factor + first, s->tile_top + first);
}

void spd_cpu_parts_merge(const spd_unit *unit, uint64_t slot) {
    const spd_cpu_kernel *k = unit->kernel;
    const float *part = k->parts + slot * k->part_floats;
    const spd_cpu_scratch *s = unit->scratch;
    uint64_t rows = unit->stride, dim = unit->launch->problem->desc.head_dim;
    memcpy(s->top, part, rows * sizeof *part);
    memcpy(s->sum, part + rows, rows * sizeof *part);
    memcpy(s->o_t, part + 2 * rows, dim * rows * sizeof *part);
    for (uint32_t i = 1; i < unit->parts; i++)
        add_part(unit, part + i * k->part_floats);
}
