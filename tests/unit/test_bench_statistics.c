/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a few timings come to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/statistics.h"

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-9 * (1.0 + fabs(should))))
        fail_msg("%.12g, not %.12g", is, should);
}

static void test_bench_statistics_of__median_of_odd_and_even_counts(void **state) {
    (void)state;
    assert_near(bench_statistics_of((const double[]){3.0, 1.0, 2.0}, 3).median, 2.0);
    assert_near(bench_statistics_of((const double[]){4.0, 1.0, 3.0, 2.0}, 4).median, 2.5);
    assert_near(bench_statistics_of((const double[]){7.0}, 1).median, 7.0);
}

static void test_bench_statistics_of__ends_and_spread(void **state) {
    const double values[] = {5.0, 1.0, 4.0, 2.0, 3.0};
    (void)state;
    const bench_statistics s = bench_statistics_of(values, 5);
    assert_int_equal(s.count, 5);
    assert_near(s.least, 1.0);
    assert_near(s.most, 5.0);
    assert_near(s.spread, (4.0 - 2.0) / 3.0); /* quartiles 2 and 4 */
    assert_near(values[0], 5.0);              /* left as they were */
}

static void test_bench_statistics_of__one_outlier_is_not_spread(void **state) {
    double values[16];
    (void)state;
    for (int i = 0; i < 16; i++)
        values[i] = i == 5 ? 100.0 : 1.0;
    const bench_statistics s = bench_statistics_of(values, 16);
    assert_near(s.median, 1.0);
    assert_near(s.spread, 0.0);
    assert_near(s.most, 100.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_statistics_of__median_of_odd_and_even_counts),
        cmocka_unit_test(test_bench_statistics_of__ends_and_spread),
        cmocka_unit_test(test_bench_statistics_of__one_outlier_is_not_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
