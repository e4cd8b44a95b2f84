/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Scratch memory of the CPU driver: one allocation a plan, cut up for the threads. */
#include "groups.h"
#include "kernel.h"
#include "parts.h"

#include "../src/alloc.h"
#include "../src/error.h"
#include "../src/size.h"

/* Hands out aligned pieces; with base NULL it only counts. */
typedef struct arena {
    unsigned char *base;
    uint64_t used_bytes;
} arena;

static void *take(arena *a, uint64_t count, uint64_t size_bytes) {
    void *piece = a->base ? a->base + a->used_bytes : NULL;
    a->used_bytes += spd_ceil_div(count * size_bytes, SPD_ALIGNMENT_BYTES) * SPD_ALIGNMENT_BYTES;
    return piece;
}

static void take_build(arena *a, const spd_problem *p, const spd_level *level, spd_cpu_scratch *s) {
    uint64_t rows = p->select.block_q;
    uint64_t per_tile = level->tile_keys / p->select.block_k;
    uint64_t tiles = spd_ceil_div(p->k_blocks, per_tile) + 1; /* the split may cut one in two */
    s->mass = take(a, p->k_blocks * rows, sizeof(float));
    s->mass_top = take(a, tiles * rows, sizeof(float));
    s->tile_of = take(a, p->k_blocks, sizeof(uint32_t));
    s->scores = take(a, p->k_blocks, sizeof(float));
    s->scores_generation = take(a, p->k_blocks, sizeof(float));
    s->keys = take(a, p->k_blocks, sizeof(uint64_t));
}

static void take_all(arena *a, const spd_problem *p, const spd_level *level, spd_cpu_scratch *s) {
    uint64_t rows = spd_ceil_div(spd_min(p->desc.q_len, level->unit_rows), SPD_LANES) * SPD_LANES;
    uint64_t dim = p->desc.head_dim, keys = level->tile_keys, tile = keys * SPD_STRIP_ROWS;
    s->q_t = take(a, spd_q_elements(level, p->desc.head_dim) * rows, sizeof *s->q_t);
    s->s_t = take(a, tile, sizeof(float));
    s->p_t = level->pairs ? take(a, tile, sizeof(uint32_t)) : (void *)s->s_t;
    s->sums = take(a, (uint64_t)SPD_TILE_RUNS * SPD_STRIP_ROWS, sizeof(float));
    s->o_t = take(a, dim * rows, sizeof(float));
    s->rows = take(a, SPD_STRIP_ROWS * dim, sizeof(float));
    if (!level->pairs) {
        s->k_tile = take(a, keys * dim, sizeof(float));
        s->v_tile = take(a, keys * dim, sizeof(float));
    }
    s->top = take(a, rows, sizeof(float));
    s->old_top = take(a, rows, sizeof(float));
    s->tile_top = take(a, rows, sizeof(float));
    s->sum = take(a, rows, sizeof(float));
    s->score_sum = take(a, rows, sizeof(float));
    s->factor = take(a, rows, sizeof(float));
    s->blocks = take(a, spd_max(p->k_blocks, spd_ceil_div(p->desc.kv_len, keys)), sizeof(uint32_t));
    if (p->has_select && spd_mode_is_scored(p->select.mode))
        take_build(a, p, level, s);
}

static sparsed_status create_threads(spd_cpu_kernel *kernel, const spd_problem *problem,
                                     uint64_t *bytes, sparsed_message *message) {
    const sparsed_allocator *allocator = &kernel->state->allocator;
    uint32_t threads = kernel->state->threads;
    spd_cpu_scratch counted;
    arena a = {NULL, 0};
    take_all(&a, problem, kernel->level, &counted);
    uint64_t each_bytes = a.used_bytes;
    kernel->scratch = spd_allocate(allocator, threads, sizeof *kernel->scratch);
    kernel->memory = spd_allocate(allocator, threads, each_bytes);
    if (!kernel->scratch || !kernel->memory)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for scratch: %u threads of %llu bytes",
                        threads, (unsigned long long)each_bytes);
    for (uint32_t t = 0; t < threads; t++) {
        a = (arena){(unsigned char *)kernel->memory + t * each_bytes, 0};
        take_all(&a, problem, kernel->level, &kernel->scratch[t]);
    }
    *bytes += threads * each_bytes;
    return SPARSED_OK;
}

sparsed_status spd_cpu_scratch_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                      uint64_t *bytes, sparsed_message *message) {
    *bytes = 0;
    sparsed_status status = create_threads(kernel, problem, bytes, message);
    if (status == SPARSED_OK)
        status = spd_cpu_groups_create(kernel, problem, bytes, message);
    if (status == SPARSED_OK)
        status = spd_cpu_parts_create(kernel, problem, bytes, message);
    return status;
}

void spd_cpu_scratch_destroy(spd_cpu_kernel *kernel) {
    spd_release(&kernel->state->allocator, kernel->scratch);
    spd_release(&kernel->state->allocator, kernel->memory);
    spd_release(&kernel->state->allocator, kernel->v_groups);
    spd_release(&kernel->state->allocator, kernel->parts);
}
