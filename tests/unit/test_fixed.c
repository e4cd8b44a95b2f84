/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Densities of the fixed patterns, against counting; the window for a density. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/select.h"

static bool is_kept(uint64_t row, uint64_t key, uint64_t window, uint64_t sinks) {
    uint64_t distance = row > key ? row - key : key - row;
    return distance <= window || key < sinks;
}

static double count_density(uint64_t len, uint64_t window, uint64_t sinks) {
    uint64_t pairs = 0;
    for (uint64_t r = 0; r < len; r++)
        for (uint64_t k = 0; k < len; k++)
            pairs += is_kept(r, k, window, sinks);
    return (double)pairs / ((double)len * (double)len);
}

static void test_fixed_density__equals_counting(void **state) {
    (void)state;
    static const uint64_t lens[] = {1, 2, 3, 7, 32, 61};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
        for (uint64_t window = 0; window <= lens[i] + 1; window++)
            for (uint64_t sinks = 0; sinks <= lens[i] + 1; sinks++)
                assert_true(fabs(sparsed_fixed_density(lens[i], window, sinks) -
                                 count_density(lens[i], window, sinks)) < 1e-15);
}

static void test_fixed_density__edges(void **state) {
    (void)state;
    assert_true(sparsed_fixed_density(0, 3, 3) == 0.0);
    assert_true(sparsed_fixed_density(10, UINT64_MAX, 0) == 1.0);
    assert_true(sparsed_fixed_density(10, 0, UINT64_MAX) == 1.0);
    assert_true(sparsed_fixed_density(10, UINT64_MAX, UINT64_MAX) == 1.0);
    /* A diagonal of 2^31 - 1: no product wraps. */
    assert_true(fabs(sparsed_fixed_density(2147483647, 0, 0) * 2147483647.0 - 1.0) < 1e-12);
}

static void test_fixed_window__is_the_smallest_that_suffices(void **state) {
    (void)state;
    for (uint64_t len = 1; len <= 80; len += 13)
        for (uint64_t sinks = 0; sinks <= 8; sinks += 4)
            for (double density = 0.01; density <= 1.0; density += 0.07) {
                uint64_t window = sparsed_fixed_window(len, sinks, density);
                assert_true(window < len);
                assert_true(count_density(len, window, sinks) >= density || window == len - 1);
                if (window > 0)
                    assert_true(count_density(len, window - 1, sinks) < density);
            }
}

static void test_fixed_window__edges(void **state) {
    (void)state;
    assert_int_equal(sparsed_fixed_window(0, 0, 0.5), 0);
    assert_int_equal(sparsed_fixed_window(1, 0, 0.5), 0);
    assert_int_equal(sparsed_fixed_window(100, 0, 1.0), 99);
    assert_int_equal(sparsed_fixed_window(100, 0, 2.0), 99);
    assert_int_equal(sparsed_fixed_window(100, 0, (double)NAN), 99);
    assert_int_equal(sparsed_fixed_window(100, 0, 0.0), 0);
}

static void test_window_of__clips_to_the_keys(void **state) {
    (void)state;
    static const uint64_t windows[] = {0, 1, 5, 19, 20, 1000, UINT64_MAX};
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++)
        for (uint64_t position = 0; position < 20; position++) {
            uint64_t first, end;
            spd_window_of(position, windows[w], 20, &first, &end);
            for (uint64_t key = 0; key < 20; key++)
                assert_int_equal(key >= first && key < end, is_kept(position, key, windows[w], 0));
            assert_true(end <= 20);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_density__equals_counting),
        cmocka_unit_test(test_fixed_density__edges),
        cmocka_unit_test(test_fixed_window__is_the_smallest_that_suffices),
        cmocka_unit_test(test_fixed_window__edges),
        cmocka_unit_test(test_window_of__clips_to_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
