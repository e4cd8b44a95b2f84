/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Axes of charts: where values and ticks fall. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page/chart_scale.h"

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-6 * (1.0 + fabs(should))))
        fail_msg("%.9g, not %.9g", is, should);
}

static void test_chart_scale_at__ends_and_middle(void **state) {
    (void)state;
    chart_scale linear = chart_scale_over(CHART_LINEAR, 0.0, 10.0, 100.0, 0.0);
    assert_near(chart_scale_at(&linear, 0.0), 100.0);
    assert_near(chart_scale_at(&linear, 10.0), 0.0);
    assert_near(chart_scale_at(&linear, 5.0), 50.0);
    chart_scale log2 = chart_scale_over(CHART_LOG2, 1024.0, 4096.0, 0.0, 100.0);
    assert_near(chart_scale_at(&log2, 1024.0), 0.0);
    assert_near(chart_scale_at(&log2, 2048.0), 50.0);
    chart_scale log10 = chart_scale_over(CHART_LOG10, 0.01, 100.0, 0.0, 100.0);
    assert_near(chart_scale_at(&log10, 1.0), 50.0);
}

static void test_chart_scale_over__holds_all_values(void **state) {
    static const chart_steps all[] = {CHART_LINEAR, CHART_LOG10, CHART_LOG2};
    static const double pairs[][2] = {{3.0, 3.0},      {0.07, 0.93},   {1e-9, 2e-9},
                                      {17.0, 65536.0}, {1.0, 1000.01}, {1e6, 1e12}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < sizeof pairs / sizeof *pairs; j++) {
            chart_scale s = chart_scale_over(all[i], pairs[j][0], pairs[j][1], 0.0, 1.0);
            assert_true(s.low < s.high);
            assert_true(s.low <= pairs[j][0] && s.high >= pairs[j][1] * (1.0 - 1e-9));
        }
}

static void test_chart_scale_over__linear_begins_at_zero(void **state) {
    (void)state;
    assert_near(chart_scale_over(CHART_LINEAR, 90.0, 100.0, 0.0, 1.0).low, 0.0);
    assert_true(chart_scale_over(CHART_LINEAR, -3.0, 100.0, 0.0, 1.0).low <= -3.0);
    chart_scale zeros = chart_scale_over(CHART_LINEAR, 0.0, 0.0, 0.0, 1.0);
    assert_true(zeros.low <= 0.0 && zeros.high > 0.0);
}

static void test_chart_scale_has__what_a_logarithm_has_not(void **state) {
    (void)state;
    chart_scale linear = {.steps = CHART_LINEAR}, log10 = {.steps = CHART_LOG10};
    assert_true(chart_scale_has(&linear, 0.0) && chart_scale_has(&linear, -1.0));
    assert_false(chart_scale_has(&linear, NAN) || chart_scale_has(&linear, INFINITY));
    assert_false(chart_scale_has(&log10, 0.0) || chart_scale_has(&log10, -1.0));
    assert_true(chart_scale_has(&log10, 1e-300));
}

static void test_chart_scale_ticks__are_inside_and_rise(void **state) {
    static const chart_steps all[] = {CHART_LINEAR, CHART_LOG10, CHART_LOG2};
    static const double mosts[] = {1.5, 10.0, 99.0, 65536.0, 1e15};
    double ticks[CHART_MAX_TICKS];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t j = 0; j < sizeof mosts / sizeof *mosts; j++) {
            chart_scale s = chart_scale_over(all[i], 1.0, mosts[j], 0.0, 1.0);
            size_t count = chart_scale_ticks(&s, ticks);
            assert_in_range(count, 2, 20);
            for (size_t n = 0; n < count; n++) {
                assert_true(ticks[n] >= s.low * (1 - 1e-9) && ticks[n] <= s.high * (1 + 1e-9));
                assert_true(n == 0 || ticks[n] > ticks[n - 1]);
            }
        }
}

static void test_chart_scale_ticks__lengths_are_powers_of_two(void **state) {
    double ticks[CHART_MAX_TICKS];
    (void)state;
    chart_scale s = chart_scale_over(CHART_LOG2, 1024.0, 8192.0, 0.0, 1.0);
    assert_int_equal(chart_scale_ticks(&s, ticks), 4);
    for (int i = 0; i < 4; i++)
        assert_near(ticks[i], 1024.0 * (1 << i));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chart_scale_at__ends_and_middle),
        cmocka_unit_test(test_chart_scale_over__holds_all_values),
        cmocka_unit_test(test_chart_scale_over__linear_begins_at_zero),
        cmocka_unit_test(test_chart_scale_has__what_a_logarithm_has_not),
        cmocka_unit_test(test_chart_scale_ticks__are_inside_and_rise),
        cmocka_unit_test(test_chart_scale_ticks__lengths_are_powers_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
