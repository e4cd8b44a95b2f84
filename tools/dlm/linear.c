/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See linear.h. */
#include "linear.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "linear_pack.h"

enum {
    CHUNK_STRIPS = 8,  /* of a piece of work at most: its rows of x are read from a near cache */
    THREAD_PIECES = 4, /* of work for each thread at least, where there are so many groups */
    PANEL_WORDS = 1 << 22, /* the least of a panel (16 MiB) */
    TILE_SUMS = SPD_TILE_KEYS * DLM_MAX_GROUP,
    APPLY_GROUP = 128, /* long enough pieces of rows of y for a cache's read-ahead */
    ALIGNMENT = 64
};

/* A job on its rows, while the groups from `first` on are in the panel. */
typedef struct run {
    dlm_linear_engine *engine;
    const dlm_job *job;
    const spd_level *level;
    const unsigned char *x;
    size_t x_row_bytes, rows, first, groups;
    uint32_t in, group_strips;
    size_t strip_words;
} run;

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t divide_up(size_t a, size_t b) {
    return (a + b - 1) / b;
}

bool dlm_linear_engine_init(dlm_linear_engine *engine, const spd_level *floats,
                            const spd_level *pairs, int threads, uint32_t widest_in) {
    const size_t least = (size_t)DLM_MAX_GROUP * widest_in;
    *engine = (dlm_linear_engine){.floats = floats, .pairs = pairs, .threads = threads};
    engine->elementwise = dlm_elementwise_for(floats);
    engine->panel_words = least > PANEL_WORDS ? least : PANEL_WORDS;
    size_t words = engine->panel_words + (size_t)threads * TILE_SUMS;
    engine->memory = malloc(words * sizeof(uint32_t) + ALIGNMENT);
    if (!engine->memory) {
        return false;
    }
    size_t past = (uintptr_t)engine->memory % ALIGNMENT;
    engine->panel = (void *)((unsigned char *)engine->memory + (ALIGNMENT - past));
    engine->sums = (void *)(engine->panel + engine->panel_words);
    return true;
}

void dlm_linear_engine_free(dlm_linear_engine *engine) {
    free(engine->memory);
    *engine = (dlm_linear_engine){0};
}

/* The layer that group `group` begins in, and its first output there. */
static uint32_t locate(const dlm_job *job, size_t group, size_t *output) {
    uint32_t linear = 0;
    while (!job->together && linear + 1 < job->linears &&
           group >= divide_up(job->linear[linear]->out, job->group)) {
        group -= divide_up(job->linear[linear]->out, job->group);
        linear++;
    }
    *output = group * job->group;
    return linear;
}

static size_t count_groups(const dlm_job *job) {
    size_t groups = 0;
    for (uint32_t i = 0; i < (job->together ? 1 : job->linears); i++) {
        groups += divide_up(job->linear[i]->out, job->group);
    }
    return groups;
}

/* Packs strip `strip` of the panel. */
static void pack(const run *r, size_t strip) {
    const dlm_job *job = r->job;
    const uint32_t of_linear = (uint32_t)divide_up(job->group, SPD_STRIP_ROWS);
    size_t output, in_group = strip % r->group_strips;
    uint32_t linear = locate(job, r->first + strip / r->group_strips, &output);
    uint32_t *to = r->engine->panel + strip * r->strip_words;
    const dlm_linear *from = job->linear[linear + in_group / of_linear];
    size_t first = in_group % of_linear * SPD_STRIP_ROWS,
           end = min_size(from->out - output, job->group);
    size_t count = first < end ? min_size(end - first, SPD_STRIP_ROWS) : 0;
    dlm_pack_strip(r->level, from, output + first, (uint32_t)count, to);
}

/* sums[row][output] += what the level's product leaves over: the last few inputs. */
static void add_rest(const run *r, const unsigned char *x, uint32_t rows, const uint32_t *strip,
                     float *sums, size_t stride) {
    const uint32_t main = dlm_pack_main(r->in), rest = r->in - main;
    const safetensors_dtype dtype = r->level->pairs ? SAFETENSORS_BF16 : SAFETENSORS_F32;
    const float *weights = (const float *)(strip + dlm_pack_main_words(r->level, r->in));
    float values[DLM_PACK_MULTIPLE];
    for (uint32_t i = 0; rest > 0 && i < rows; i++, sums += stride) {
        dlm_widen(dtype, x + i * r->x_row_bytes, main, rest, values);
        for (uint32_t d = 0; d < rest; d++) {
            for (uint32_t j = 0; j < SPD_STRIP_ROWS; j++) {
                sums[j] += values[d] * weights[d * SPD_STRIP_ROWS + j];
            }
        }
    }
}

/* sums[rows][32] = rows of x times a packed strip. */
static void multiply(const run *r, const unsigned char *x, uint32_t rows, const uint32_t *strip,
                     float *sums, size_t stride) {
    const uint32_t main = dlm_pack_main(r->in);
    const uint32_t keys = (uint32_t)divide_up(rows, DLM_ROWS_STEP) * DLM_ROWS_STEP;
    const spd_tile tile = {
        .run[0] = {x, keys}, .runs = 1, .keys = keys, .stride_bytes = (ptrdiff_t)r->x_row_bytes};
    if (main > 0) {
        r->level->scores(&tile, main, strip, SPD_STRIP_ROWS, sums, (ptrdiff_t)stride, NULL);
    } else {
        for (uint32_t i = 0; i < rows; i++) {
            memset(sums + i * stride, 0, SPD_STRIP_ROWS * sizeof *sums);
        }
    }
    add_rest(r, x, rows, strip, sums, stride);
}

static void add_bias(const run *r, const dlm_linear *linear, const dlm_sums *s, float *sums) {
    for (uint32_t i = 0; linear->bias && i < s->rows; i++) {
        r->engine->elementwise->add(linear->bias + s->output, s->outputs, sums + i * s->stride);
    }
}

/* One group of outputs for one tile of rows. */
static void do_group(const run *r, size_t row, size_t in_panel, float *sums) {
    const dlm_job *job = r->job;
    const uint32_t *strip = r->engine->panel + in_panel * r->group_strips * r->strip_words;
    const unsigned char *x = r->x + row * r->x_row_bytes;
    dlm_sums s = {.row = row, .sums = sums, .stride = (size_t)r->group_strips * SPD_STRIP_ROWS};
    s.linear = locate(job, r->first + in_panel, &s.output);
    s.rows = (uint32_t)min_size(SPD_TILE_KEYS, r->rows - row);
    s.outputs = (uint32_t)min_size(job->group, job->linear[s.linear]->out - s.output);
    s.next = divide_up(job->group, SPD_STRIP_ROWS) * SPD_STRIP_ROWS;
    for (uint32_t i = 0; i < r->group_strips; i++, strip += r->strip_words) {
        multiply(r, x, s.rows, strip, sums + (size_t)i * SPD_STRIP_ROWS, s.stride);
    }
    add_bias(r, job->linear[s.linear], &s, sums);
    for (uint32_t i = 1; job->together && i < job->linears; i++) {
        add_bias(r, job->linear[i], &s, sums + i * s.next);
    }
    job->finish(job->user, &s);
}

/* Groups of a piece of work. Results do not depend on it. */
static size_t chunk_groups(const run *r, size_t groups) {
    const size_t tiles = divide_up(r->rows, SPD_TILE_KEYS);
    const size_t wanted = (size_t)r->engine->threads * THREAD_PIECES;
    size_t chunk = r->group_strips < CHUNK_STRIPS ? CHUNK_STRIPS / r->group_strips : 1;
    while (chunk > 1 && tiles * divide_up(groups, chunk) < wanted) {
        chunk /= 2;
    }
    return chunk;
}

/* Packs the panel, then multiplies by it. */
static void do_panel(const run *r, size_t groups) {
    const size_t strips = groups * r->group_strips, chunk = chunk_groups(r, groups);
#pragma omp parallel num_threads(r->engine->threads)
    {
        float *sums = r->engine->sums + (size_t)omp_get_thread_num() * TILE_SUMS;
        if (r->level->enter) {
            r->level->enter();
        }
#pragma omp for schedule(dynamic)
        for (size_t strip = 0; strip < strips; strip++) {
            pack(r, strip);
        }
#pragma omp for schedule(dynamic) collapse(2) nowait
        for (size_t row = 0; row < r->rows; row += SPD_TILE_KEYS) {
            for (size_t first = 0; first < groups; first += chunk) {
                for (size_t i = first; i < min_size(first + chunk, groups); i++) {
                    do_group(r, row, i, sums);
                }
            }
        }
        if (r->level->leave) {
            r->level->leave();
        }
    }
}

void dlm_linear_run(dlm_linear_engine *engine, const dlm_job *job, const void *x, size_t x_stride,
                    size_t rows) {
    run r = {.engine = engine,
             .job = job,
             .level = job->pairs ? engine->pairs : engine->floats,
             .x = x,
             .x_row_bytes = x_stride * (job->pairs ? sizeof(uint16_t) : sizeof(float)),
             .rows = rows,
             .groups = count_groups(job),
             .in = job->linear[0]->in};
    r.group_strips =
        (uint32_t)divide_up(job->group, SPD_STRIP_ROWS) * (job->together ? job->linears : 1);
    r.strip_words = dlm_pack_words(r.level, r.in);
    const size_t panel_groups = engine->panel_words / (r.strip_words * r.group_strips);
    for (; rows > 0 && r.first < r.groups; r.first += panel_groups) {
        do_panel(&r, min_size(panel_groups, r.groups - r.first));
    }
}

/* Where dlm_linear_apply puts its sums. */
typedef struct matrix {
    const dlm_elementwise *elementwise;
    float *rows;
    size_t width;
    bool accumulate;
} matrix;

static void put(void *user, const dlm_sums *s) {
    const matrix *y = user;
    for (uint32_t r = 0; r < s->rows; r++) {
        const float *from = s->sums + r * s->stride;
        float *to = y->rows + (s->row + r) * y->width + s->output;
        if (y->accumulate) {
            y->elementwise->add(from, s->outputs, to);
        } else {
            memcpy(to, from, s->outputs * sizeof *to);
        }
    }
}

void dlm_linear_apply(dlm_linear_engine *engine, const dlm_linear *linear, bool pairs,
                      const void *x, size_t x_stride, size_t rows, bool accumulate, float *y) {
    matrix to = {engine->elementwise, y, linear->out, accumulate};
    const dlm_job job = {.linear = {linear},
                         .linears = 1,
                         .group = APPLY_GROUP,
                         .pairs = pairs,
                         .finish = put,
                         .user = &to};
    dlm_linear_run(engine, &job, x, x_stride, rows);
}
