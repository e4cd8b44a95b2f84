/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See level_case.h. */
#include "support/level_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/blas/gemm.h"
#include "src/half.h"
#include "support/random.h"

static const float GUARD = 12345.75f;

/* ---- memory ---- */

static void *need(void *memory) {
    if (!memory) {
        fprintf(stderr, "no memory for a case of a level\n");
        abort();
    }
    return memory;
}

/* `count` elements of 32 bits on 64 bytes, guards behind them. */
static void *new_strip(size_t count) {
    size_t all = count + LEVEL_CASE_GUARD;
    float *strip = need(aligned_alloc(64, (all * sizeof *strip + 63) / 64 * 64));
    for (size_t i = 0; i < all; i++)
        strip[i] = GUARD;
    return strip;
}

static bool guards_hold(const void *strip, size_t count) {
    const float *floats = strip;
    for (size_t i = count; i < count + LEVEL_CASE_GUARD; i++)
        if (floats[i] != GUARD)
            return false;
    return true;
}

/* ---- values ---- */

/* As the level's elements hold it. */
static float rounded(const level_case *c, float x) {
    return c->level->pairs ? spd_float_from_bf16(spd_bf16_from_float(x)) : x;
}

static float *new_values(const level_case *c, size_t count, bool positive, uint64_t *random) {
    float *values = need(malloc(count * sizeof *values));
    for (size_t i = 0; i < count; i++) {
        float x = random_float(random);
        values[i] = rounded(c, positive ? 0.5f + 0.5f * x : 2.0f * x);
    }
    return values;
}

static size_t element_bytes(const level_case *c) {
    return c->level->pairs ? sizeof(uint16_t) : sizeof(float);
}

static void store(const level_case *c, unsigned char *to, float x) {
    const uint16_t half = spd_bf16_from_float(x);
    if (c->level->pairs)
        memcpy(to, &half, sizeof half);
    else
        memcpy(to, &x, sizeof x);
}

static uint32_t pair_of(float low, float high) {
    return spd_bf16_from_float(low) | (uint32_t)spd_bf16_from_float(high) << 16;
}

/* ---- operands ---- */

static ptrdiff_t row_bytes(const level_case *c) {
    return (ptrdiff_t)(c->shape.dim * element_bytes(c) + c->shape.gap_bytes);
}

/* Rows of elements, not a byte more than they need. */
static unsigned char *new_rows(const level_case *c, const float *values, uint32_t count,
                               uint32_t offset) {
    const uint32_t dim = c->shape.dim;
    const size_t stride = (size_t)row_bytes(c);
    size_t size_bytes = offset + (count - 1) * stride + dim * element_bytes(c);
    unsigned char *memory = need(malloc(size_bytes));
    memset(memory, 0xff, size_bytes); /* NaN between the rows */
    for (uint32_t r = 0; r < count; r++)
        for (uint32_t d = 0; d < dim; d++)
            store(c, memory + offset + r * stride + d * element_bytes(c),
                  values[(size_t)r * dim + d]);
    return memory;
}

/* values [steps][lanes], or its transpose, as a strip [steps][lanes] of floats, or of pairs along
 * the steps: whole groups of steps in group_pairs pairs each, with zeros where there is no step. */
static void *new_summed(const level_case *c, const float *values, uint32_t steps, uint32_t lanes,
                        bool transposed, uint32_t group, uint32_t group_pairs, size_t *count) {
    const uint32_t depth = c->level->pairs ? (steps + group - 1) / group * group_pairs : steps;
    *count = (size_t)depth * lanes;
    uint32_t *strip = new_strip(*count);
    for (uint32_t i = 0; i < depth; i++)
        for (uint32_t r = 0; r < lanes; r++) {
            float x[2] = {0.0f, 0.0f};
            for (uint32_t half = 0; half < 2; half++) {
                uint32_t inside = 2 * (i % group_pairs) + half;
                uint32_t step = c->level->pairs ? i / group_pairs * group + inside : i;
                if (step < steps && (inside < group || !c->level->pairs))
                    x[half] = transposed ? values[(size_t)r * steps + step]
                                         : values[(size_t)step * lanes + r];
            }
            uint32_t bits = pair_of(x[0], x[1]);
            if (!c->level->pairs)
                memcpy(&bits, &x[0], sizeof bits);
            strip[(size_t)i * lanes + r] = bits;
        }
    return strip;
}

/* Pairs of a group of keys. */
static uint32_t group_pairs_of(const level_case *c) {
    const uint32_t half = c->shape.group_keys / 2;
    return half > c->level->group_pairs ? half : c->level->group_pairs;
}

/* Keys of v as groups of pairs [dim][group_pairs], one group after the other, and NaN behind. */
static unsigned char *new_groups(const level_case *c, const float *values, uint32_t keys) {
    const uint32_t group = c->shape.group_keys, dim = c->shape.dim, pairs = group_pairs_of(c);
    const uint32_t groups = (keys + group - 1) / group;
    const size_t bytes = ((size_t)groups * dim + 31) * pairs * 4;
    uint32_t *memory = need(aligned_alloc(64, (bytes + 63) / 64 * 64));
    memset(memory, 0xff, bytes);
    for (uint32_t g = 0; g < groups; g++)
        for (uint32_t d = 0; d < dim; d++)
            for (uint32_t j = 0; j < pairs; j++) {
                const uint32_t key = 2 * j < group ? g * group + 2 * j : keys;
                float low = key < keys ? values[(size_t)key * dim + d] : 0.0f;
                float high = key + 1 < keys ? values[(size_t)(key + 1) * dim + d] : 0.0f;
                memory[((size_t)g * dim + d) * pairs + j] = pair_of(low, high);
            }
    return (unsigned char *)memory;
}

/* Divides the keys among runs that lie apart. */
static void make_tiles(level_case *c) {
    const level_shape *s = &c->shape;
    uint32_t share = (s->keys + s->runs - 1) / s->runs;
    uint32_t length = (share + s->group_keys - 1) / s->group_keys * s->group_keys;
    spd_tile tile = {.keys = s->keys,
                     .stride_bytes = row_bytes(c),
                     .group_keys = s->group_keys,
                     .group_pairs = group_pairs_of(c)};
    c->k_tile = c->v_tile = tile;
    for (uint32_t first = 0; first < s->keys; first += length) {
        const uint32_t run = c->k_tile.runs++;
        const uint32_t keys = s->keys - first < length ? s->keys - first : length;
        const float *k = c->k + (size_t)first * s->dim, *v = c->v + (size_t)first * s->dim;
        c->k_run[run] = new_rows(c, k, keys, s->offset);
        c->v_run[run] = c->level->pairs ? new_groups(c, v, keys) : new_rows(c, v, keys, s->offset);
        c->k_tile.run[run] = (spd_run){c->k_run[run] + s->offset, keys};
        c->v_tile.run[run] = (spd_run){c->v_run[run] + (c->level->pairs ? 0 : s->offset), keys};
    }
    c->v_tile.runs = c->k_tile.runs;
}

level_case level_case_make(const spd_level *level, const level_shape *shape, uint64_t seed) {
    level_case c = {.level = level, .shape = *shape, .s_stride = shape->rows + shape->s_gap};
    const uint32_t rows = shape->rows, keys = shape->keys, dim = shape->dim;
    c.q = new_values(&c, (size_t)rows * dim, false, &seed);
    c.k = new_values(&c, (size_t)keys * dim, false, &seed);
    c.v = new_values(&c, (size_t)keys * dim, false, &seed);
    c.p = new_values(&c, (size_t)keys * rows, true, &seed);
    c.q_stride_bytes = row_bytes(&c);
    c.q_rows = new_rows(&c, c.q, rows, shape->q_offset);
    c.q_t = new_summed(&c, c.q, dim, rows, true, 2 * SPD_PAIRS_STEP, SPD_PAIRS_STEP, &c.q_t_count);
    c.p_t =
        new_summed(&c, c.p, keys, rows, false, shape->group_keys, group_pairs_of(&c), &c.p_t_count);
    make_tiles(&c);
    c.s_t = new_strip(keys * (size_t)c.s_stride);
    c.o_t = new_strip((size_t)dim * rows);
    c.top = new_strip(rows);
    c.sum = new_strip(rows);
    c.factor = new_strip(rows);
    for (size_t i = 0; i < (size_t)dim * rows; i++)
        c.o_t[i] = random_float(&seed);
    for (uint32_t r = 0; r < rows; r++) {
        c.factor[r] = 0.5f + 0.5f * random_float(&seed);
        c.top[r] = 5.0f * random_float(&seed);
    }
    return c;
}

void level_case_free(level_case *c) {
    void *memory[] = {c->q,   c->k,   c->v,   c->p,   c->q_rows, c->q_t,
                      c->p_t, c->s_t, c->o_t, c->top, c->sum,    c->factor};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
    for (uint32_t i = 0; i < SPD_TILE_RUNS; i++) {
        free(c->k_run[i]);
        free(c->v_run[i]);
    }
}

bool level_case_guards_hold(const level_case *c) {
    const level_shape *s = &c->shape;
    for (uint32_t key = 0; key < s->keys; key++)
        for (uint32_t i = s->rows; i < c->s_stride; i++)
            if (c->s_t[key * c->s_stride + i] != GUARD)
                return false;
    return guards_hold(c->s_t, s->keys * (size_t)c->s_stride) &&
           guards_hold(c->o_t, (size_t)s->dim * s->rows) && guards_hold(c->top, s->rows) &&
           guards_hold(c->sum, s->rows) && guards_hold(c->factor, s->rows) &&
           guards_hold(c->q_t, c->q_t_count) && guards_hold(c->p_t, c->p_t_count);
}

/* ---- levels ---- */

size_t list_levels(named_level levels[SPD_LEVELS]) {
    size_t count = 0;
    for (size_t row = SPD_LEVELS; row-- > 0;)
        if (!spd_processor_lacks(spd_level_rows[row].isa) &&
            (row != SPD_LEVEL_BLAS || spd_gemm_openblas()))
            levels[count++] = (named_level){spd_level_row_name(row), spd_level_rows[row].level};
    return count;
}

void level_enter(const spd_level *level) {
    if (level->enter)
        level->enter();
}

void level_leave(const spd_level *level) {
    if (level->leave)
        level->leave();
}

/* ---- 2^x ---- */

/* The sum over one key is its exponential. */
static void exp2_of_lanes(const spd_level *level, const float *x, float *result) {
    _Alignas(64) const float top[SPD_LANES] = {0.0f};
    _Alignas(64) float p[SPD_LANES];
    level->loops->exponentiate(x, 1, SPD_LANES, top, 1.0f, p, result);
}

float level_exp2(const spd_level *level, float x) {
    _Alignas(64) float lanes[SPD_LANES] = {x}, result[SPD_LANES];
    exp2_of_lanes(level, lanes, result);
    return result[0];
}

/* x = lowest, lowest + step ... highest, each rounded to float. */
static void measure_range(const spd_level *level, double lowest, double highest, double step,
                          level_exp2_error *worst) {
    _Alignas(64) float x[SPD_LANES], result[SPD_LANES];
    for (double first = lowest; first <= highest; first += SPD_LANES * step) {
        for (int i = 0; i < SPD_LANES; i++)
            x[i] = (float)fmin(first + i * step, highest);
        exp2_of_lanes(level, x, result);
        for (int i = 0; i < SPD_LANES; i++) {
            const double exact = exp2((double)x[i]), error = fabs((double)result[i] - exact);
            int exponent;
            frexp(exact, &exponent);
            worst->ulp = fmax(worst->ulp, error / ldexp(1.0, exponent - 24));
            worst->relative = fmax(worst->relative, error / exact);
        }
    }
}

level_exp2_error level_measure_exp2(const spd_level *level, double step) {
    level_exp2_error worst = {0.0, 0.0};
    measure_range(level, -126.0, 8.0, step, &worst);
    measure_range(level, -1.0, 0.0, step * 0.01, &worst); /* more bits than their fractions hold */
    return worst;
}
