/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The softmax of a score tile, function by function, against double precision; at each vector width
 * that this processor runs, with the same bits. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/softmax_tile.h"
#include "support/random.h"

enum { KEYS = 19, ROWS = 3 * SPD_LANES };

static const spd_softmax *softmax; /* the widest */

static int find_best(void **state) {
    (void)state;
    softmax = spd_softmax_best();
    return softmax == NULL;
}

/* The widths, narrow to wide, as far as this processor goes. */
static size_t list_levels(const spd_softmax *levels[3]) {
    size_t count = 0;
    levels[count++] = &spd_softmax_baseline;
#if defined(SPD_X86_LEVELS)
    if (softmax == &spd_softmax_avx2 || softmax == &spd_softmax_avx512)
        levels[count++] = &spd_softmax_avx2;
    if (softmax == &spd_softmax_avx512)
        levels[count++] = &spd_softmax_avx512;
#endif
    assert_ptr_equal(levels[count - 1], softmax);
    return count;
}

/* 2^x through the tile's own function. */
static float exp2_of_tile(float x) {
    float from[SPD_LANES] = {x}, to[SPD_LANES] = {0.0f}, factor[SPD_LANES];
    softmax->factors(from, to, SPD_LANES, 1.0f, factor);
    return factor[0];
}

static void test_factors__accuracy(void **state) {
    (void)state;
    double worst = 0.0;
    for (int i = 0; i <= 1260000; i++) {
        float x = -(float)i * 1e-4f;
        double expected = exp2((double)x);
        double error = fabs((double)exp2_of_tile(x) - expected) / expected;
        worst = error > worst ? error : worst;
    }
    print_message("2^x for x in [-126, 0]: largest relative error %.2e\n", worst);
    assert_true(worst < 2e-7);
}

static void test_factors__exact_values(void **state) {
    (void)state;
    assert_true(exp2_of_tile(0.0f) == 1.0f);
    assert_true(exp2_of_tile(-0.0f) == 1.0f);
    for (int n = 1; n <= 126; n++)
        assert_true(exp2_of_tile((float)-n) == ldexpf(1.0f, -n));
    assert_true(exp2_of_tile(-127.0f) == 0.0f);
    assert_true(exp2_of_tile(-1e30f) == 0.0f);
    assert_true(exp2_of_tile(-FLT_MAX) == 0.0f);
    assert_true(exp2_of_tile(-INFINITY) == 0.0f);
    assert_true(isnan(exp2_of_tile(NAN)));
}

/* Values that rise with x: a larger score never weighs less. */
static void test_factors__is_monotonic(void **state) {
    (void)state;
    float before = 0.0f;
    for (int i = 1300000; i >= 0; i--) {
        float now = exp2_of_tile(-(float)i * 1e-4f);
        assert_true(now >= before * (1.0f - 1e-7f));
        before = now;
    }
}

static void fill(float *s, uint64_t seed) {
    for (int i = 0; i < KEYS * ROWS; i++)
        s[i] = 20.0f * random_float(&seed);
}

static void test_raise_top__running_maximum(void **state) {
    (void)state;
    float s[KEYS * ROWS], top[ROWS];
    fill(s, 1);
    for (int r = 0; r < ROWS; r++)
        top[r] = r % 2 ? 100.0f : -FLT_MAX;
    s[4 * ROWS + 2] = NAN; /* passed over */
    s[5 * ROWS + 4] = INFINITY;
    softmax->raise_top(s, KEYS, ROWS, top);
    for (int r = 0; r < ROWS; r++) {
        float expected = r % 2 ? 100.0f : -FLT_MAX;
        for (int key = 0; key < KEYS; key++)
            if (s[key * ROWS + r] > expected)
                expected = s[key * ROWS + r];
        assert_true(top[r] == expected);
    }
    assert_true(top[4] == INFINITY);
}

static void test_exp_in_place__exponentials_and_sums(void **state) {
    (void)state;
    float s[KEYS * ROWS], before[KEYS * ROWS], top[ROWS], sum[ROWS], read_only[ROWS];
    const float scale = 0.37f;
    fill(s, 2);
    memcpy(before, s, sizeof s);
    for (int r = 0; r < ROWS; r++)
        top[r] = -FLT_MAX;
    softmax->raise_top(s, KEYS, ROWS, top);
    softmax->exp_sum(s, KEYS, ROWS, top, scale, read_only);
    assert_memory_equal(s, before, sizeof s);
    softmax->exp_in_place(s, KEYS, ROWS, top, scale, sum);
    assert_memory_equal(sum, read_only, sizeof sum); /* the same bits in both ways */
    for (int r = 0; r < ROWS; r++) {
        double total = 0.0;
        for (int key = 0; key < KEYS; key++) {
            double x = ((double)before[key * ROWS + r] - (double)top[r]) * (double)scale;
            assert_true(fabs((double)s[key * ROWS + r] - exp2(x)) <= 1e-6 * exp2(x));
            total += (double)s[key * ROWS + r];
        }
        assert_true(fabs((double)sum[r] - total) <= 1e-6 * total);
    }
}

/* The lanes of one call do not depend on how many rows it has. */
static void test_exp_in_place__rows_do_not_mix(void **state) {
    (void)state;
    float wide[KEYS * ROWS], narrow[KEYS * SPD_LANES], top[ROWS] = {0.0f}, sum[ROWS], part[ROWS];
    fill(wide, 3);
    for (int key = 0; key < KEYS; key++)
        memcpy(narrow + key * SPD_LANES, wide + key * ROWS + SPD_LANES, SPD_LANES * sizeof(float));
    for (int i = 0; i < ROWS; i++)
        top[i] = 25.0f;
    softmax->exp_in_place(wide, KEYS, ROWS, top, 1.0f, sum);
    softmax->exp_in_place(narrow, KEYS, SPD_LANES, top, 1.0f, part);
    assert_memory_equal(part, sum + SPD_LANES, SPD_LANES * sizeof(float));
}

static void test_scale__multiplies_each_row(void **state) {
    (void)state;
    float o[5 * SPD_LANES], factor[SPD_LANES];
    for (int i = 0; i < 5 * SPD_LANES; i++)
        o[i] = (float)i;
    for (int r = 0; r < SPD_LANES; r++)
        factor[r] = (float)r * 0.5f;
    softmax->scale(o, 5, SPD_LANES, factor);
    for (int i = 0; i < 5 * SPD_LANES; i++)
        assert_true(o[i] == (float)i * ((float)(i % SPD_LANES) * 0.5f));
}

static void test_softmax__all_widths_give_the_same_bits(void **state) {
    (void)state;
    const spd_softmax *levels[3];
    size_t count = list_levels(levels);
    float s[KEYS * ROWS], first[KEYS * ROWS], top[ROWS], old_top[ROWS], sum[ROWS], factor[ROWS];
    float all[3][3 * ROWS];
    print_message("%zu of the vector widths run here\n", count);
    for (size_t i = 0; i < count; i++) {
        fill(s, 4);
        s[3] = NAN;
        s[ROWS + 5] = -INFINITY;
        for (int r = 0; r < ROWS; r++)
            top[r] = old_top[r] = r % 3 ? -FLT_MAX : 3.0f;
        levels[i]->raise_top(s, KEYS, ROWS, top);
        levels[i]->exp_sum(s, KEYS, ROWS, top, 0.77f, all[i]);
        levels[i]->exp_in_place(s, KEYS, ROWS, top, 0.77f, sum);
        levels[i]->factors(old_top, top, ROWS, 0.77f, factor);
        levels[i]->scale(s, KEYS, ROWS, factor);
        memcpy(all[i] + ROWS, sum, sizeof sum);
        memcpy(all[i] + 2 * ROWS, factor, sizeof factor);
        if (i == 0)
            memcpy(first, s, sizeof s);
        for (int j = 0; j < KEYS * ROWS; j++)
            assert_true(s[j] == first[j] || (isnan(s[j]) && isnan(first[j])));
        for (int j = 0; j < 3 * ROWS; j++)
            assert_true(all[i][j] == all[0][j] || (isnan(all[i][j]) && isnan(all[0][j])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors__accuracy),
        cmocka_unit_test(test_factors__exact_values),
        cmocka_unit_test(test_factors__is_monotonic),
        cmocka_unit_test(test_raise_top__running_maximum),
        cmocka_unit_test(test_exp_in_place__exponentials_and_sums),
        cmocka_unit_test(test_exp_in_place__rows_do_not_mix),
        cmocka_unit_test(test_scale__multiplies_each_row),
        cmocka_unit_test(test_softmax__all_widths_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, find_best, NULL);
}
