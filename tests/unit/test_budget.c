/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a number of blocks catches of a row's scores. Expected sums are worked out by hand; the
 * scores are powers of two, so that a sum tells which blocks are in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pattern/budget.h"

static const float powers[8] = {1, 2, 4, 8, 16, 32, 64, 128};

static double nearest(size_t keep, size_t sinks, double centre) {
    return budget_nearest(powers, 8, keep, sinks, (budget_place){centre, 16});
}

static int falling(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x > y ? -1 : x < y;
}

static void test_budget_best__any_order_gives_the_largest(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (size_t count = 1; count <= 40; count++)
        for (size_t keep = 0; keep <= count; keep++) {
            float scores[40], sorted[40];
            double expected = 0.0;
            for (size_t i = 0; i < count; i++) {
                seed = seed * 1664525u + 1013904223u;
                scores[i] = sorted[i] = (float)(seed >> 24 & 15u);
            }
            qsort(sorted, count, sizeof *sorted, falling);
            for (size_t i = 0; i < keep; i++)
                expected += (double)sorted[i];
            assert_true(budget_best(scores, count, keep) == expected);
        }
}

static void test_budget_best__equal_scores(void **state) {
    (void)state;
    float scores[6] = {2, 2, 2, 2, 2, 2};
    assert_true(budget_best(scores, 6, 4) == 8.0);
}

static void test_budget_nearest__from_the_middle_outwards_lower_first(void **state) {
    (void)state;
    /* Rows 48 to 63: the middle of block 3; then 2 before 4, 1 before 5, ... */
    assert_true(nearest(0, 0, 56.0) == 0.0);
    assert_true(nearest(1, 0, 56.0) == 8.0);
    assert_true(nearest(2, 0, 56.0) == 12.0);
    assert_true(nearest(3, 0, 56.0) == 28.0);
    assert_true(nearest(4, 0, 56.0) == 30.0);
    assert_true(nearest(8, 0, 56.0) == 255.0);
}

static void test_budget_nearest__between_two_blocks(void **state) {
    (void)state;
    /* 64 query rows over key blocks 4 to 7 have their middle between 5 and 6. */
    assert_true(nearest(1, 0, 96.0) == 32.0);
    assert_true(nearest(4, 0, 96.0) == 240.0);
    /* A little behind it, 6 is nearer. */
    assert_true(nearest(1, 0, 97.0) == 64.0);
}

static void test_budget_nearest__edges(void **state) {
    (void)state;
    assert_true(nearest(3, 0, 8.0) == 7.0);
    assert_true(nearest(3, 0, 0.5) == 7.0);
    assert_true(nearest(3, 0, 120.0) == 224.0);
    assert_true(nearest(3, 0, 127.9) == 224.0);
    assert_true(nearest(2, 0, 1000.0) == 192.0);
}

static void test_budget_nearest__sinks_come_first(void **state) {
    (void)state;
    assert_true(nearest(1, 1, 56.0) == 1.0);
    assert_true(nearest(3, 1, 56.0) == 13.0);
    assert_true(nearest(1, 2, 56.0) == 1.0);
    /* Near the beginning the window goes on behind them. */
    assert_true(nearest(3, 1, 8.0) == 7.0);
    assert_true(nearest(4, 2, 8.0) == 15.0);
    assert_true(nearest(8, 2, 56.0) == 255.0);
    assert_true(nearest(8, 8, 56.0) == 255.0);
}

static void test_budget_ordered__takes_the_first(void **state) {
    (void)state;
    const uint32_t order[3] = {7, 0, 2};
    assert_true(budget_ordered(powers, order, 0) == 0.0);
    assert_true(budget_ordered(powers, order, 2) == 129.0);
    assert_true(budget_ordered(powers, order, 3) == 133.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget_best__any_order_gives_the_largest),
        cmocka_unit_test(test_budget_best__equal_scores),
        cmocka_unit_test(test_budget_nearest__from_the_middle_outwards_lower_first),
        cmocka_unit_test(test_budget_nearest__between_two_blocks),
        cmocka_unit_test(test_budget_nearest__edges),
        cmocka_unit_test(test_budget_nearest__sinks_come_first),
        cmocka_unit_test(test_budget_ordered__takes_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
