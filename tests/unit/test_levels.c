/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every function of every level that this processor runs, against double precision. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/half.h"
#include "src/oracle.h"
#include "support/level_case.h"
#include "support/random.h"

/* Of 2^x; of a sum of products, against the sum of their sizes. */
static const double FLOAT_ULP = 2.1, PAIRS_RELATIVE = 4e-6, PRODUCT = 1e-6, BF16 = 0x1p-8;

static const uint32_t row_counts[] = {16, 32};
static const uint32_t key_counts[] = {1, 7, 8, 15, 16, 17, 31, 32, 100, 127, 128, 129, 250, 256};
static const uint32_t dims[] = {8, 40, 48, 64, 72, 128, 256};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- the state of a test: a level ---- */

static const spd_level *level; /* a group's setup has no argument of its own */

static int enter(void **state) {
    (void)state;
    level_enter(level);
    return 0;
}

static int leave(void **state) {
    (void)state;
    level_leave(level);
    return 0;
}

static double exp2_bound(void) {
    return level->pairs ? PAIRS_RELATIVE : FLOAT_ULP * 0x1p-23;
}

static void fail_case(const level_shape *s, const char *what, uint32_t i, uint32_t r, double actual,
                      double expected) {
    fail_msg("%s[%u][%u] is %.9g, expected %.9g: rows %u, keys %u, dim %u, runs %u, group %u, gap "
             "%u, offset %u, s_gap %u",
             what, i, r, actual, expected, s->rows, s->keys, s->dim, s->runs, s->group_keys,
             s->gap_bytes, s->offset, s->s_gap);
}

static void assert_near(const level_shape *s, const char *what, uint32_t i, uint32_t r,
                        double actual, double expected, double bound) {
    if (!(fabs(actual - expected) <= bound))
        fail_case(s, what, i, r, actual, expected);
}

static void assert_guards(const level_case *c) {
    if (!level_case_guards_hold(c))
        fail_case(&c->shape, "guard", 0, 0, 0.0, 0.0);
}

/* ---- shapes ---- */

/* Runs, gaps and alignments change from one shape to the next. */
static level_shape shape_of(uint32_t rows, uint32_t keys, uint32_t dim, unsigned number) {
    static const uint32_t runs[] = {1, 2, 4, 8, 3};
    static const uint32_t gaps[] = {0, 4, 12, 64};
    static const uint32_t offsets[] = {0, 4, 8, 60};
    level_shape s = {.rows = rows,
                     .keys = keys,
                     .dim = dim,
                     .runs = runs[number % 5],
                     .group_keys = number % 2 ? 32 : 16,
                     .gap_bytes = gaps[number % 4],
                     .offset = offsets[number / 2 % 4],
                     .q_offset = number % 3,
                     .s_gap = number % 7 == 6 ? 16 : 0};
    if (level->pairs && number % 3 == 2) { /* rows of bf16 may lie anywhere */
        s.gap_bytes += 3;
        s.offset += 1;
    }
    return s;
}

static void for_each_shape(void (*check)(level_case *c), bool packed) {
    unsigned number = 0;
    for (size_t r = 0; r < COUNT(row_counts); r++)
        for (size_t k = 0; k < COUNT(key_counts); k++)
            for (size_t d = 0; d < COUNT(dims); d++, number++) {
                level_shape shape = shape_of(row_counts[r], key_counts[k], dims[d], number);
                if (packed)
                    shape.s_gap = 0;
                level_case c = level_case_make(level, &shape, number);
                check(&c);
                assert_guards(&c);
                level_case_free(&c);
            }
}

/* ---- transpose ---- */

static void check_transpose(level_case *c) {
    const uint32_t columns = c->shape.dim / (level->pairs ? 2 : 1), rows = c->shape.rows;
    const unsigned char *from = c->q_rows + c->shape.q_offset;
    uint32_t *to = c->q_t;
    memset(to, 0, c->q_t_count * sizeof *to);
    level->loops->transpose(from, c->q_stride_bytes, rows, columns, to, rows);
    for (uint32_t i = 0; i < columns; i++)
        for (uint32_t r = 0; r < rows; r++) {
            uint32_t expected;
            memcpy(&expected, from + r * c->q_stride_bytes + i * sizeof expected, sizeof expected);
            if (to[(size_t)i * rows + r] != expected)
                fail_case(&c->shape, "q_t", i, r, to[(size_t)i * rows + r], expected);
        }
}

static void test_transpose__all_shapes(void **state) {
    (void)state;
    for_each_shape(check_transpose, true);
}

/* Any number of rows and columns, into wider rows; what lies between is left alone. */
static void test_transpose__any_size(void **state) {
    enum { FROM_STRIDE = 77, TO_STRIDE = 48, MAX = 37 };
    static unsigned char from[MAX * FROM_STRIDE * 4 + 1];
    _Alignas(64) static uint32_t to[MAX * TO_STRIDE];
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (unsigned char)random_bits(&random);
    for (uint32_t rows = 1; rows <= 32; rows++)
        for (uint32_t columns = 1; columns <= MAX; columns += rows % 3 + 1) {
            memset(to, 0xee, sizeof to);
            level->loops->transpose(from + 1, FROM_STRIDE, rows, columns, to, TO_STRIDE);
            for (uint32_t c = 0; c < MAX; c++)
                for (uint32_t r = 0; r < TO_STRIDE; r++) {
                    uint32_t expected = 0xeeeeeeee;
                    if (r < rows && c < columns)
                        memcpy(&expected, from + 1 + r * FROM_STRIDE + c * 4, 4);
                    assert_int_equal(to[c * TO_STRIDE + r], expected);
                }
        }
}

/* ---- widen ---- */

static void test_widen__any_count_and_alignment(void **state) {
    enum { MAX = 70, GUARDS = 16 };
    static unsigned char from[2 * MAX + 3];
    static float to[MAX + GUARDS];
    uint64_t random = 1;
    (void)state;
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (unsigned char)random_bits(&random);
    for (uint32_t count = 0; count <= MAX; count++)
        for (uint32_t offset = 0; offset < 3; offset++) {
            const uint32_t dtype = count % 2 ? SPARSED_F16 : SPARSED_BF16;
            for (int i = 0; i < MAX + GUARDS; i++)
                to[i] = 0.5f;
            level->loops->widen(dtype, from + offset, count, to);
            for (uint32_t i = 0; i < count; i++) {
                const float expected = (float)spd_oracle_load(from + offset, dtype, i);
                assert_true(to[i] == expected || (isnan(to[i]) && isnan(expected)));
            }
            for (uint32_t i = count; i < count + GUARDS; i++)
                assert_true(to[i] == 0.5f);
        }
}

/* ---- scores ---- */

static void check_scores(level_case *c) {
    const uint32_t rows = c->shape.rows, dim = c->shape.dim;
    const bool raises = c->shape.s_gap == 0;
    float top[SPD_STRIP_ROWS];
    for (uint32_t r = 0; r < rows; r++)
        top[r] = c->top[r];
    level->scores(&c->k_tile, dim, c->q_t, rows, c->s_t, c->s_stride, raises ? c->top : NULL);
    for (uint32_t key = 0; key < c->shape.keys; key++)
        for (uint32_t r = 0; r < rows; r++) {
            const float *k = c->k + (size_t)key * dim, *q = c->q + (size_t)r * dim;
            double sum = 0.0, size = 0.0;
            for (uint32_t d = 0; d < dim; d++) {
                sum += (double)k[d] * (double)q[d];
                size += fabs((double)k[d] * (double)q[d]);
            }
            const float actual = c->s_t[key * c->s_stride + r];
            assert_near(&c->shape, "s_t", key, r, (double)actual, sum, PRODUCT * size);
            if (raises && actual > top[r])
                top[r] = actual;
        }
    for (uint32_t r = 0; r < rows; r++)
        if (c->top[r] != top[r])
            fail_case(&c->shape, "top", 0, r, (double)c->top[r], (double)top[r]);
}

static void test_scores__all_shapes(void **state) {
    (void)state;
    for_each_shape(check_scores, false);
}

static void test_scores__top_passes_over_nan(void **state) {
    (void)state;
    level_shape shape = shape_of(32, 40, 64, 0);
    level_case c = level_case_make(level, &shape, 1);
    const float nan_value = NAN;
    const uint16_t half = spd_bf16_from_float(NAN);
    unsigned char *k = c.k_run[0] + 3 * c.k_tile.stride_bytes; /* one key of not a number */
    memcpy(k, level->pairs ? (const void *)&half : &nan_value, level->pairs ? 2 : 4);
    for (uint32_t r = 0; r < 32; r++)
        c.top[r] = -FLT_MAX;
    level->scores(&c.k_tile, 64, c.q_t, 32, c.s_t, c.s_stride, c.top);
    for (uint32_t r = 0; r < 32; r++) {
        float expected = -FLT_MAX;
        for (uint32_t key = 0; key < 40; key++) {
            const float s = c.s_t[key * c.s_stride + r];
            assert_int_equal(isnan(s) != 0, key == 3);
            expected = s > expected ? s : expected;
        }
        assert_true(c.top[r] == expected);
    }
    level_case_free(&c);
}

/* ---- output ---- */

static void check_output_with(level_case *c, const float *factor) {
    const uint32_t rows = c->shape.rows, keys = c->shape.keys, dim = c->shape.dim;
    static float before[256 * SPD_STRIP_ROWS];
    memcpy(before, c->o_t, (size_t)dim * rows * sizeof *before);
    level->output(&c->v_tile, dim, c->p_t, rows, factor, c->o_t);
    for (uint32_t d = 0; d < dim; d++)
        for (uint32_t r = 0; r < rows; r++) {
            double sum = (double)before[(size_t)d * rows + r] * (factor ? (double)factor[r] : 1.0);
            double size = fabs(sum);
            for (uint32_t key = 0; key < keys; key++) {
                const double term =
                    (double)c->v[(size_t)key * dim + d] * (double)c->p[(size_t)key * rows + r];
                sum += term;
                size += fabs(term);
            }
            assert_near(&c->shape, "o_t", d, r, (double)c->o_t[(size_t)d * rows + r], sum,
                        PRODUCT * size);
        }
}

static void check_output(level_case *c) {
    check_output_with(c, c->factor);
}

static void check_output_without_factors(level_case *c) {
    check_output_with(c, NULL);
}

static void test_output__all_shapes(void **state) {
    (void)state;
    for_each_shape(check_output, true);
}

static void test_output__without_factors(void **state) {
    (void)state;
    for_each_shape(check_output_without_factors, true);
}

/* A factor of 1 and weights of 0 leave the output as it is, to the bit. */
static void test_output__no_weight_changes_nothing(void **state) {
    (void)state;
    static float before[64 * 32];
    level_shape shape = shape_of(32, 48, 64, 0);
    level_case c = level_case_make(level, &shape, 1);
    memset(c.p_t, 0, c.p_t_count * sizeof(uint32_t));
    for (uint32_t r = 0; r < 32; r++)
        c.factor[r] = 1.0f;
    memcpy(before, c.o_t, sizeof before);
    level->output(&c.v_tile, 64, c.p_t, 32, c.factor, c.o_t);
    assert_memory_equal(c.o_t, before, sizeof before);
    level_case_free(&c);
}

/* ---- softmax ---- */

/* Random scores with values at the ends of the range, rows x keys packed. */
static void fill_scores(level_case *c, uint64_t seed) {
    const size_t count = (size_t)c->shape.keys * c->shape.rows;
    for (size_t i = 0; i < count; i++)
        c->s_t[i] = 20.0f * random_float(&seed);
}

static double p_of(const level_case *c, uint32_t key, uint32_t r) {
    const uint32_t rows = c->shape.rows, *pairs = c->p_t;
    if (!level->pairs)
        return (double)((const float *)c->p_t)[(size_t)key * rows + r];
    const uint32_t pair = pairs[(size_t)(key / 2) * rows + r];
    return (double)spd_float_from_bf16((uint16_t)(key % 2 ? pair >> 16 : pair & 0xffff));
}

static void check_exponentiate(level_case *c) {
    const float scale = 0.37f;
    const uint32_t rows = c->shape.rows, keys = c->shape.keys;
    _Alignas(64) float alone[SPD_STRIP_ROWS];
    fill_scores(c, keys);
    for (uint32_t r = 0; r < rows; r++)
        c->top[r] = r % 2 ? 20.0f : 0.0f; /* or of an earlier tile */
    level->loops->exp_sum(c->s_t, keys, rows, c->top, scale, alone);
    level->loops->exponentiate(c->s_t, keys, rows, c->top, scale, c->p_t, c->sum);
    for (uint32_t r = 0; r < rows; r++) {
        double total = 0.0;
        for (uint32_t key = 0; key < keys; key++) {
            const float s = c->s_t[(size_t)key * rows + r];
            const float x = (s - c->top[r]) * scale; /* its rounding is the definition's */
            const double exact = exp2((double)x);
            const double bound = (exp2_bound() + (level->pairs ? BF16 : 0.0)) * exact;
            assert_near(&c->shape, "p_t", key, r, p_of(c, key, r), exact, bound);
            total += exact;
        }
        assert_near(&c->shape, "sum", 0, r, (double)c->sum[r], total,
                    (exp2_bound() + 1e-6) * total);
        if (c->sum[r] != alone[r]) /* a build ranks by what attention weighs */
            fail_case(&c->shape, "exp_sum", 0, r, (double)alone[r], (double)c->sum[r]);
        if (level->pairs && keys % 2)
            assert_near(&c->shape, "p_t behind an odd key", keys, r, p_of(c, keys, r), 0.0, 0.0);
    }
}

static void test_exponentiate__all_shapes(void **state) {
    (void)state;
    for_each_shape(check_exponentiate, true);
}

/* p_t may be s_t where both are floats. */
static void test_exponentiate__in_place(void **state) {
    (void)state;
    if (level->pairs)
        skip();
    _Alignas(64) static float apart[128 * SPD_STRIP_ROWS];
    level_shape shape = shape_of(32, 100, 8, 0);
    level_case c = level_case_make(level, &shape, 1);
    fill_scores(&c, 9);
    for (uint32_t r = 0; r < 32; r++)
        c.top[r] = 20.0f;
    level->loops->exponentiate(c.s_t, 100, 32, c.top, 1.0f, apart, c.sum);
    level->loops->exponentiate(c.s_t, 100, 32, c.top, 1.0f, c.s_t, c.sum);
    assert_memory_equal(c.s_t, apart, 100 * 32 * sizeof(float));
    level_case_free(&c);
}

static void test_exp2__accuracy(void **state) {
    (void)state;
    const level_exp2_error error = level_measure_exp2(level, 1e-4);
    print_message("2^x for x in [-126, 8]: %.2f ulp, relative %.1e\n", error.ulp, error.relative);
    if (level->pairs)
        assert_true(error.relative <= PAIRS_RELATIVE);
    else
        assert_true(error.ulp <= FLOAT_ULP);
}

/* By each function that has exponentials of its own. */
static float exp2_by_factors(const spd_level *l, float x) {
    _Alignas(64) float from[SPD_LANES] = {x}, to[SPD_LANES] = {0.0f}, factor[SPD_LANES];
    l->loops->factors(from, to, SPD_LANES, 1.0f, factor);
    return factor[0];
}

static float exp2_by_exp_sum(const spd_level *l, float x) {
    _Alignas(64) float s[SPD_LANES] = {x}, top[SPD_LANES] = {0.0f}, sum[SPD_LANES];
    l->loops->exp_sum(s, 1, SPD_LANES, top, 1.0f, sum);
    return sum[0];
}

static void test_exp2__exact_values(void **state) {
    (void)state;
    float (*const functions[])(const spd_level *, float) = {level_exp2, exp2_by_factors,
                                                            exp2_by_exp_sum};
    for (size_t f = 0; f < COUNT(functions); f++) {
        assert_true(functions[f](level, 0.0f) == 1.0f);
        assert_true(functions[f](level, -0.0f) == 1.0f);
        for (int n = -126; n <= 8; n++)
            assert_true(functions[f](level, (float)n) == ldexpf(1.0f, n));
        assert_true(functions[f](level, -1000.0f) == 0.0f);
        assert_true(functions[f](level, -1e30f) == 0.0f);
        assert_true(functions[f](level, -FLT_MAX) == 0.0f);
        assert_true(functions[f](level, -INFINITY) == 0.0f);
        assert_true(isnan(functions[f](level, NAN)));
    }
}

/* A larger score never weighs less, but for the error of either. */
static void test_exp2__is_monotonic(void **state) {
    (void)state;
    const float slack = level->pairs ? 4e-6f : 2e-7f;
    float before = 0.0f;
    for (int i = 1300000; i >= -80000; i -= 3) {
        const float now = level_exp2(level, -(float)i * 1e-4f);
        assert_true(now >= before * (1.0f - slack));
        before = now;
    }
}

static void test_factors__accuracy(void **state) {
    (void)state;
    _Alignas(64) float from[SPD_STRIP_ROWS], to[SPD_STRIP_ROWS], factor[SPD_STRIP_ROWS];
    const float scale = 0.19f;
    uint64_t random = 1;
    for (int i = 0; i < 2000; i++) {
        for (int r = 0; r < SPD_STRIP_ROWS; r++) {
            to[r] = 300.0f * random_float(&random);
            from[r] = to[r] - (r == 5 ? 0.0f : 300.0f + 300.0f * random_float(&random));
        }
        const uint32_t rows = i % 2 ? SPD_STRIP_ROWS : SPD_LANES;
        level->loops->factors(from, to, rows, scale, factor);
        assert_true(factor[5] == 1.0f);
        for (uint32_t r = 0; r < rows; r++) {
            const double exact = exp2((double)((from[r] - to[r]) * scale));
            assert_true(fabs((double)factor[r] - exact) <= exp2_bound() * exact);
        }
    }
    /* The first tile of a row, whose maximum was that of nothing. */
    from[0] = -FLT_MAX, to[0] = 3.0f;
    from[1] = -FLT_MAX, to[1] = -FLT_MAX;
    from[2] = -FLT_MAX, to[2] = FLT_MAX;
    level->loops->factors(from, to, SPD_LANES, scale, factor);
    assert_true(factor[0] == 0.0f && factor[1] == 1.0f && factor[2] == 0.0f);
}

/* Not a number stays one; what is infinitely far below the maximum weighs nothing. */
static void test_exponentiate__values_at_the_ends(void **state) {
    (void)state;
    level_shape shape = shape_of(32, 7, 8, 0);
    level_case c = level_case_make(level, &shape, 1);
    fill_scores(&c, 2);
    for (uint32_t r = 0; r < 32; r++)
        c.top[r] = 20.0f;
    c.s_t[2 * 32 + 3] = NAN;
    c.s_t[4 * 32 + 5] = -INFINITY;
    c.s_t[6 * 32 + 7] = -FLT_MAX;
    c.top[9] = FLT_MAX;
    for (uint32_t key = 0; key < 7; key++) {
        c.s_t[key * 32 + 11] = -FLT_MAX; /* a row whose maximum is that of nothing */
        c.s_t[key * 32 + 13] = INFINITY;
    }
    c.top[11] = -FLT_MAX;
    c.top[13] = INFINITY;
    level->loops->exponentiate(c.s_t, 7, 32, c.top, 1.0f, c.p_t, c.sum);
    assert_true(isnan(p_of(&c, 2, 3)) && isnan(c.sum[3]));
    assert_true(p_of(&c, 4, 5) == 0.0 && isfinite(c.sum[5]));
    assert_true(p_of(&c, 6, 7) == 0.0 && isfinite(c.sum[7]));
    assert_true(c.sum[9] == 0.0f);
    assert_true(c.sum[11] == 7.0f);
    assert_true(isnan(c.sum[13]));
    for (uint32_t r = 14; r < 32; r++)
        assert_true(isfinite(c.sum[r]));
    level_case_free(&c);
}

static void test_exponentiate__rows_do_not_mix(void **state) {
    (void)state;
    enum { KEYS = 19 };
    _Alignas(64) static float s[KEYS * 32], half[KEYS * 16], top[32], p[(KEYS + 1) * 32];
    _Alignas(64) float sum[32], part[16];
    uint64_t random = 3;
    for (int i = 0; i < KEYS * 32; i++)
        s[i] = 20.0f * random_float(&random);
    for (int r = 0; r < 32; r++)
        top[r] = 20.0f;
    for (int key = 0; key < KEYS; key++)
        memcpy(half + key * 16, s + key * 32 + 16, 16 * sizeof *half);
    level->loops->exponentiate(s, KEYS, 32, top, 1.0f, p, sum);
    level->loops->exponentiate(half, KEYS, 16, top, 1.0f, p, part);
    assert_memory_equal(part, sum + 16, sizeof part);
}

static void test_raise_top__running_maximum(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(key_counts); k++)
        for (size_t n = 0; n < COUNT(row_counts); n++) {
            const uint32_t keys = key_counts[k], rows = row_counts[n];
            level_shape shape = shape_of(rows, keys, 8, 0);
            level_case c = level_case_make(level, &shape, k);
            fill_scores(&c, k);
            for (uint32_t r = 0; r < rows; r++)
                c.top[r] = r % 2 ? 100.0f : -FLT_MAX;
            c.s_t[(size_t)(keys - 1) * rows + 2] = NAN;
            c.s_t[(size_t)(keys / 2) * rows + 4] = INFINITY;
            level->loops->raise_top(c.s_t, keys, rows, c.top);
            for (uint32_t r = 0; r < rows; r++) {
                float expected = r % 2 ? 100.0f : -FLT_MAX;
                for (uint32_t key = 0; key < keys; key++)
                    if (c.s_t[(size_t)key * rows + r] > expected)
                        expected = c.s_t[(size_t)key * rows + r];
                assert_true(c.top[r] == expected);
            }
            assert_guards(&c);
            level_case_free(&c);
        }
}

/* ---- scores and weights at once ---- */

/* A case as the tiles of the driver are: runs of whole groups of 32 keys, packed scores. */
static level_case new_weighing_case(uint32_t rows, uint32_t keys, uint32_t dim, unsigned number) {
    level_shape shape = shape_of(rows, keys, dim, number);
    shape.group_keys = 32;
    shape.s_gap = 0;
    return level_case_make(level, &shape, number);
}

/* Scores by themselves; their largest in c->top. */
static void find_scores(level_case *c, float *s_t) {
    for (uint32_t r = 0; r < c->shape.rows; r++)
        c->top[r] = -FLT_MAX;
    level->scores(&c->k_tile, c->shape.dim, c->q_t, c->shape.rows, c->s_t, c->s_stride, c->top);
    memcpy(s_t, c->s_t, (size_t)c->shape.keys * c->shape.rows * sizeof *s_t);
}

enum {
    WEIGHED = SPD_TILE_KEYS_MAX * SPD_STRIP_ROWS,
    SUMS = SPD_TILE_KEYS_MAX / 32 * SPD_STRIP_ROWS
};

static bool weigh_at_once(level_case *c, float slack, uint32_t sum_keys, float *sums) {
    const spd_weighing w = {c->top, slack, 0.37f, sum_keys, c->s_t, c->p_t, sums};
    return level->score_and_weigh(&c->k_tile, c->shape.dim, c->q_t, c->shape.rows, &w);
}

static void check_score_and_weigh(level_case *c, uint32_t sum_keys) {
    _Alignas(64) static float s_t[WEIGHED], sums[SUMS + 1], expected_sums[SUMS];
    _Alignas(64) static uint32_t expected_p[WEIGHED / 2];
    const uint32_t rows = c->shape.rows, keys = c->shape.keys;
    const uint32_t sum_count = (keys + sum_keys - 1) / sum_keys * rows;
    find_scores(c, s_t);
    for (uint32_t r = 0; r < rows; r++)
        c->top[r] += r % 3 == 0 ? -3.0f : r % 3 == 1 ? 0.0f : 7.0f;
    for (uint32_t key = 0; key < keys; key += sum_keys)
        level->loops->exponentiate(s_t + (size_t)key * rows,
                                   keys - key < sum_keys ? keys - key : sum_keys, rows, c->top,
                                   0.37f, expected_p + (size_t)key / 2 * rows,
                                   expected_sums + (size_t)key / sum_keys * rows);
    sums[sum_count] = 0.5f;
    if (!weigh_at_once(c, 4.0f, sum_keys, sums))
        fail_case(&c->shape, "score_and_weigh", 0, 0, 0.0, 1.0);
    assert_memory_equal(c->p_t, expected_p, (keys + 1) / 2 * rows * sizeof *expected_p);
    assert_memory_equal(sums, expected_sums, sum_count * sizeof *sums);
    assert_true(sums[sum_count] == 0.5f);
    assert_guards(c);
}

static void test_score_and_weigh__all_shapes(void **state) {
    (void)state;
    if (!level->score_and_weigh)
        skip();
    unsigned number = 0;
    for (size_t r = 0; r < COUNT(row_counts); r++)
        for (size_t k = 0; k < COUNT(key_counts); k++)
            for (size_t d = 0; d < COUNT(dims); d++, number++) {
                level_case c = new_weighing_case(row_counts[r], key_counts[k], dims[d], number);
                for (uint32_t sum_keys = 32; sum_keys <= SPD_TILE_KEYS_MAX; sum_keys += 32)
                    check_score_and_weigh(&c, sum_keys);
                level_case_free(&c);
            }
}

/* All scores but one are at their row's bound or below; that one a bit above. */
static void test_score_and_weigh__one_score_too_large(void **state) {
    (void)state;
    if (!level->score_and_weigh)
        skip();
    _Alignas(64) static float s_t[WEIGHED], sums[SUMS];
    for (unsigned i = 0; i < 8 * 3; i++) {
        static const uint32_t key_tails[] = {100, 256, 33};
        const uint32_t rows = row_counts[i % 2];
        level_case c = new_weighing_case(rows, key_tails[i % 3], 64, i);
        find_scores(&c, s_t);
        assert_true(weigh_at_once(&c, 0.0f, 32, sums));
        for (uint32_t r = 0; r < rows; r++) {
            const float top = c.top[r];
            c.top[r] = nextafterf(top, -INFINITY);
            assert_false(weigh_at_once(&c, 0.0f, 32, sums));
            c.top[r] = top - 2.0f;
            assert_false(weigh_at_once(&c, 1.75f, 32, sums));
            assert_true(weigh_at_once(&c, 2.25f, 32, sums));
            c.top[r] = -FLT_MAX; /* that of nothing */
            assert_false(weigh_at_once(&c, 1000.0f, 32, sums));
            c.top[r] = top;
        }
        assert_guards(&c);
        level_case_free(&c);
    }
}

/* As raise_top passes over it. */
static void test_score_and_weigh__nan_is_not_too_large(void **state) {
    (void)state;
    if (!level->score_and_weigh)
        skip();
    _Alignas(64) static float s_t[WEIGHED], sums[SUMS];
    for (uint32_t key = 0; key < 40; key++) {
        level_case c = new_weighing_case(32, 40, 64, 0);
        const uint16_t half = spd_bf16_from_float(NAN);
        memcpy(c.k_run[0] + c.shape.offset + (ptrdiff_t)key * c.k_tile.stride_bytes, &half,
               sizeof half);
        find_scores(&c, s_t);
        assert_true(weigh_at_once(&c, 0.0f, 64, sums));
        for (uint32_t r = 0; r < 32; r++) {
            assert_true(isnan(p_of(&c, key, r)) && isnan(sums[r]));
            assert_true(!isnan(p_of(&c, key ^ 1, r)));
            const float top = c.top[r];
            c.top[r] = nextafterf(top, -INFINITY);
            assert_false(weigh_at_once(&c, 0.0f, 64, sums));
            c.top[r] = top;
            assert_true(weigh_at_once(&c, 0.0f, 64, sums));
        }
        level_case_free(&c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transpose__all_shapes),
        cmocka_unit_test(test_transpose__any_size),
        cmocka_unit_test(test_widen__any_count_and_alignment),
        cmocka_unit_test(test_scores__all_shapes),
        cmocka_unit_test(test_scores__top_passes_over_nan),
        cmocka_unit_test(test_output__all_shapes),
        cmocka_unit_test(test_output__without_factors),
        cmocka_unit_test(test_output__no_weight_changes_nothing),
        cmocka_unit_test(test_exponentiate__all_shapes),
        cmocka_unit_test(test_exponentiate__in_place),
        cmocka_unit_test(test_exponentiate__values_at_the_ends),
        cmocka_unit_test(test_exponentiate__rows_do_not_mix),
        cmocka_unit_test(test_score_and_weigh__all_shapes),
        cmocka_unit_test(test_score_and_weigh__one_score_too_large),
        cmocka_unit_test(test_score_and_weigh__nan_is_not_too_large),
        cmocka_unit_test(test_exp2__accuracy),
        cmocka_unit_test(test_exp2__exact_values),
        cmocka_unit_test(test_exp2__is_monotonic),
        cmocka_unit_test(test_factors__accuracy),
        cmocka_unit_test(test_raise_top__running_maximum),
    };
    named_level levels[SPD_LEVELS];
    const size_t count = list_levels(levels);
    int failed = count == 0;
    for (size_t i = 0; i < count; i++) {
        level = levels[i].level;
        print_message("level %s\n", levels[i].name);
        failed += _cmocka_run_group_tests(levels[i].name, tests, COUNT(tests), enter, leave);
    }
    return failed;
}
