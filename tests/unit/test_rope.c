/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Rotary position embedding. What PyTorch computes is pinned by the q and k of test_model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/rope.h"

enum { DIM = 64, LEN = 300 };

static dlm_rope new_rope(size_t positions) {
    dlm_rope rope = {.head_dim = DIM, .theta = 1e6f};
    assert_true(dlm_rope_reserve(&rope, positions));
    return rope;
}

static void test_dlm_rope_reserve__fills_in_cosines_and_sines(void **state) {
    (void)state;
    dlm_rope rope = new_rope(LEN);
    for (int p = 0; p < LEN; p++) {
        for (int i = 0; i < DIM / 2; i++) {
            double angle = p * pow(1e6, -2.0 * i / DIM);
            /* The angle is rounded to float: up to 2^-24 of 300. */
            assert_true(fabs((double)rope.table[p * DIM + i] - cos(angle)) < 1e-4);
            assert_true(fabs((double)rope.table[p * DIM + DIM / 2 + i] - sin(angle)) < 1e-4);
        }
    }
    dlm_rope_free(&rope);
}

static void test_dlm_rope_reserve__extends_as_one_table(void **state) {
    (void)state;
    dlm_rope grown = new_rope(7), whole = new_rope(LEN);
    assert_true(dlm_rope_reserve(&grown, LEN));
    assert_true(dlm_rope_reserve(&grown, 3));
    assert_int_equal(grown.positions, LEN);
    assert_memory_equal(grown.table, whole.table, sizeof(float) * LEN * DIM);
    dlm_rope_free(&grown);
    dlm_rope_free(&whole);
}

static void test_dlm_rope_reserve__refuses_overflow(void **state) {
    (void)state;
    dlm_rope rope = new_rope(1);
    assert_false(dlm_rope_reserve(&rope, SIZE_MAX / 8));
    assert_int_equal(rope.positions, 1);
    dlm_rope_free(&rope);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_rope_reserve__fills_in_cosines_and_sines),
        cmocka_unit_test(test_dlm_rope_reserve__extends_as_one_table),
        cmocka_unit_test(test_dlm_rope_reserve__refuses_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
