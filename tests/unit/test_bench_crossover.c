/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* From which length on sparse attention pays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/crossover.h"

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-9 * (1.0 + fabs(should))))
        fail_msg("%.12g, not %.12g", is, should);
}

static const uint64_t lengths[] = {512, 1024, 2048, 4096};
static const double noise[] = {0.02, 0.02, 0.02, 0.02};

static void test_bench_find_crossover__between_two_lengths(void **state) {
    (void)state;
    /* 2 at 1024 and 1/2 at 2048: 1 in the middle of the logarithms. */
    const bench_crossover c =
        bench_find_crossover(lengths, (const double[]){4.0, 2.0, 0.5, 0.4}, noise, 4);
    assert_int_equal(c.kind, BENCH_PAYS_FROM);
    assert_near(c.length, 1024.0 * sqrt(2.0));
}

static void test_bench_find_crossover__a_relapse_counts(void **state) {
    (void)state;
    const bench_crossover c =
        bench_find_crossover(lengths, (const double[]){0.5, 0.9, 1.0, 0.25}, noise, 4);
    assert_int_equal(c.kind, BENCH_PAYS_FROM);
    assert_near(c.length, 2048.0); /* where the ratio is 1 itself */
}

static void test_bench_find_crossover__everywhere_and_nowhere(void **state) {
    (void)state;
    bench_crossover c =
        bench_find_crossover(lengths, (const double[]){0.9, 0.8, 0.7, 0.6}, noise, 4);
    assert_int_equal(c.kind, BENCH_PAYS_EVERYWHERE);
    assert_near(c.length, 512.0);
    c = bench_find_crossover(lengths, (const double[]){0.9, 0.8, 0.7, 1.1}, noise, 4);
    assert_int_equal(c.kind, BENCH_PAYS_NOWHERE);
    assert_near(c.length, 4096.0);
    c = bench_find_crossover(lengths, (const double[]){1.0}, noise, 1);
    assert_int_equal(c.kind, BENCH_PAYS_NOWHERE);
}

/* Nothing is left out: whatever was measured, it does not pay, and there is no line to read a place off. */
static void test_bench_find_crossover__where_nothing_is_left_out(void **state) {
    (void)state;
    bench_crossover c =
        bench_find_crossover(lengths, (const double[]){INFINITY, INFINITY, 0.7, 0.6}, noise, 4);
    assert_int_equal(c.kind, BENCH_PAYS_FROM);
    assert_near(c.length, 2048.0);
    assert_false(c.within_noise);
    c = bench_find_crossover(lengths, (const double[]){INFINITY}, noise, 1);
    assert_int_equal(c.kind, BENCH_PAYS_NOWHERE);
    assert_false(c.within_noise);
}

/* Only of the lengths that decide. */
static void test_bench_find_crossover__within_the_noise(void **state) {
    static const struct {
        double ratios[4];
        bool within;
    } cases[] = {{{1.01, 1.1, 0.9, 0.8}, false}, {{1.1, 1.01, 0.9, 0.8}, true},
                 {{1.1, 1.1, 0.99, 0.8}, true},  {{0.9, 0.8, 0.99, 0.8}, true},
                 {{1.1, 1.1, 1.0, 1.03}, false}, {{1.1, 1.1, 1.1, 1.01}, true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (bench_find_crossover(lengths, cases[i].ratios, noise, 4).within_noise !=
            cases[i].within)
            fail_msg("case %zu", i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_find_crossover__between_two_lengths),
        cmocka_unit_test(test_bench_find_crossover__a_relapse_counts),
        cmocka_unit_test(test_bench_find_crossover__everywhere_and_nowhere),
        cmocka_unit_test(test_bench_find_crossover__where_nothing_is_left_out),
        cmocka_unit_test(test_bench_find_crossover__within_the_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
