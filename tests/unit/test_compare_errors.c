/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* compare/errors.c, bounds.c, pattern_bytes.c: what a record says of a distance. */
#include "compare/errors.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compare/bounds.h"
#include "compare/pattern_bytes.h"
#include "src/half.h"

static record_errors measure(const float *got, const double *expected, uint64_t count) {
    const uint64_t shape[4] = {1, 1, 1, count}, rows[1] = {0};
    record_errors errors;
    errors_measure(got, SPARSED_F32, expected, shape, rows, false, &errors);
    return errors;
}

static void test_errors_measure__of_equal_values_is_zero(void **state) {
    (void)state;
    const float got[3] = {1.0f, -0.0f, 3.5f};
    const double expected[3] = {1.0, 0.0, 3.5};
    record_errors e = measure(got, expected, 3);
    assert_int_equal(e.count, 3);
    assert_true(e.max_abs == 0.0 && e.relative == 0.0 && e.nmse == 0.0);
    assert_int_equal(e.ulps[0], 3);
    assert_int_equal(e.nonfinite, 0);
}

static void test_errors_measure__is_the_frobenius_norm_over_that_of_the_expected(void **state) {
    (void)state;
    const float got[2] = {3.5f, 4.0f};
    const double expected[2] = {3.0, 4.0};
    record_errors e = measure(got, expected, 2);
    assert_true(fabs(e.relative - 0.1) < 1e-15);
    assert_true(fabs(e.nmse - 0.01) < 1e-15);
    assert_true(e.max_abs == 0.5 && e.got == 3.5 && e.expected == 3.0);
}

static void test_errors_measure__of_an_expected_zero_is_absolute(void **state) {
    (void)state;
    const float got[2] = {0.5f, 0.0f};
    const double expected[2] = {0.0, 0.0};
    record_errors e = measure(got, expected, 2);
    assert_true(e.relative == 0.5 && e.nmse == 0.25);
}

static void test_errors_measure__names_the_worst_element(void **state) {
    (void)state;
    enum { B = 2, H = 3, R = 2, D = 4 };
    const uint64_t shape[4] = {B, H, R, D}, rows[R] = {5, 90};
    float got[B * H * R * D] = {0.0f};
    double expected[B * H * R * D] = {0.0};
    record_errors e;
    got[((1 * H + 2) * R + 1) * D + 3] = -1.0f;
    got[0] = 0.5f;
    errors_measure(got, SPARSED_F32, expected, shape, rows, false, &e);
    const uint64_t worst[4] = {1, 2, 90, 3};
    assert_memory_equal(e.worst, worst, sizeof worst);
    assert_true(e.got == -1.0);
}

static void test_errors_measure__names_the_worst_for_its_head(void **state) {
    (void)state;
    const uint64_t shape[4] = {1, 2, 1, 2}, rows[1] = {7}, worst[4] = {0, 1, 7, 0};
    const float got[4] = {100.5f, 50.0f, 0.875f, 1.0f};
    const double expected[4] = {100.0, 50.0, 1.0, 1.0};
    record_errors e;
    errors_measure(got, SPARSED_F32, expected, shape, rows, true, &e);
    assert_memory_equal(e.worst, worst, sizeof worst);
    assert_true(e.got == 0.875 && e.expected == 1.0);
    assert_true(e.max_abs == 0.5);
}

/* One NaN must not hide in, or spoil, the other figures. */
static void test_errors_measure__counts_what_is_not_finite_apart(void **state) {
    (void)state;
    const float got[6] = {NAN, NAN, -INFINITY, INFINITY, 1.0f, 2.0f};
    const double expected[6] = {NAN, 0.0, -INFINITY, -INFINITY, INFINITY, 2.0};
    record_errors e = measure(got, expected, 6);
    assert_int_equal(e.nonfinite, 3);
    assert_true(e.relative == 0.0 && e.max_abs == 0.0);
    assert_int_equal(e.ulps[0], 1);
}

/* The value `steps` floats above another. */
static float above(float value, uint32_t steps) {
    return spd_float_from_bits(spd_float_bits(value) + steps);
}

static void test_errors_measure__counts_steps_of_the_stored_type(void **state) {
    (void)state;
    const uint32_t steps[] = {0, 1, 2, 3, 4, 5, 8, 9, 4097, 8192, 8193, 1u << 30};
    const int bins[] = {0, 1, 2, 3, 3, 4, 4, 5, 14, 14, 15, 15};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const float got = above(0x1p-60f, steps[i]);
        const double expected = 0x1p-60;
        record_errors e = measure(&got, &expected, 1);
        assert_int_equal(e.ulps[bins[i]], 1);
    }
    /* Across zero: the two smallest denormals are two steps apart. */
    const float tiny = -0x1p-149f;
    const double expected = 0x1p-149;
    assert_int_equal(measure(&tiny, &expected, 1).ulps[2], 1);
}

static void test_errors_measure__rounds_the_expected_to_the_stored_type(void **state) {
    (void)state;
    const uint64_t shape[4] = {1, 1, 1, 2}, rows[1] = {0};
    const double expected[2] = {1.0 + 0x1p-11 + 0x1p-20, 1.0 + 0x1p-8 + 0x1p-20};
    const uint16_t f16[2] = {spd_f16_from_float(1.0f + 0x1p-10f), spd_f16_from_float(1.0f)};
    const uint16_t bf16[2] = {spd_bf16_from_float(1.0f), spd_bf16_from_float(1.0f)};
    record_errors e;
    errors_measure(f16, SPARSED_F16, expected, shape, rows, false, &e);
    assert_int_equal(e.ulps[0], 1); /* the first */
    assert_int_equal(e.ulps[3], 1); /* four steps of 2^-10 */
    errors_measure(bf16, SPARSED_BF16, expected, shape, rows, false, &e);
    assert_int_equal(e.ulps[0], 1);
    assert_int_equal(e.ulps[1], 1);
}

static void test_bounds_of__grow_with_logits_and_keys(void **state) {
    (void)state;
    const sparsed_select select = {.score_scale = 0.25};
    sparsed_desc desc = {.dtype = SPARSED_F32, .kv_len = 200, .scale = 0.125};
    const double small[3] = {1.0, -INFINITY, NAN}, large[2] = {1.0, -1000.0};
    record_bounds plain = bounds_of(&desc, &select, small, 3);
    record_bounds logits = bounds_of(&desc, &select, large, 2);
    assert_true(plain.out.warn > 2e-6 && plain.out.warn < 3e-6);
    assert_true(plain.out.fail > 1e-5 && plain.out.fail < 2e-5);
    assert_true(logits.lse.warn > 4e-4 && logits.lse.warn < 6e-4);
    /* Where one key takes all, outputs and scores follow with the root. */
    assert_true(logits.out.warn > 8e-5 && logits.out.warn < 9e-5);
    assert_true(logits.scores.warn > 1.4 * logits.out.warn && logits.scores.warn < 1.3e-4);
    const double few = 32.0, more = 32.001;
    const record_bounds at = bounds_of(&desc, &select, &few, 1);
    const record_bounds above = bounds_of(&desc, &select, &more, 1);
    assert_true(above.out.fail > at.out.fail && above.out.fail < 1.001 * at.out.fail);
    desc.kv_len = 8192;
    record_bounds keys = bounds_of(&desc, &select, small, 3);
    assert_true(keys.out.warn > plain.out.warn + 1e-6);
    desc.dtype = SPARSED_BF16;
    assert_true(bounds_of(&desc, &select, small, 3).out.warn > 3e-3);
}

static void test_pattern_bytes_unpack__gives_back_what_was_packed(void **state) {
    (void)state;
    enum { ROWS = 3, K_BLOCKS = 19 };
    uint8_t mask[ROWS * K_BLOCKS], back[ROWS * K_BLOCKS], bytes[ROWS * 3];
    for (int i = 0; i < ROWS * K_BLOCKS; i++)
        mask[i] = (uint8_t)(i * i % 3 == 1);
    assert_int_equal(pattern_bytes_of_row(K_BLOCKS), 3);
    memset(bytes, 0xff, sizeof bytes);
    pattern_bytes_pack(mask, ROWS, K_BLOCKS, bytes);
    for (int r = 0; r < ROWS; r++)
        assert_int_equal(bytes[r * 3 + 2] >> 3, 0); /* past the last block */
    assert_int_equal(bytes[0] & 7, mask[0] | mask[1] << 1 | mask[2] << 2);
    pattern_bytes_unpack(bytes, ROWS, K_BLOCKS, back);
    assert_memory_equal(back, mask, sizeof mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_measure__of_equal_values_is_zero),
        cmocka_unit_test(test_errors_measure__is_the_frobenius_norm_over_that_of_the_expected),
        cmocka_unit_test(test_errors_measure__of_an_expected_zero_is_absolute),
        cmocka_unit_test(test_errors_measure__names_the_worst_element),
        cmocka_unit_test(test_errors_measure__names_the_worst_for_its_head),
        cmocka_unit_test(test_errors_measure__counts_what_is_not_finite_apart),
        cmocka_unit_test(test_errors_measure__counts_steps_of_the_stored_type),
        cmocka_unit_test(test_errors_measure__rounds_the_expected_to_the_stored_type),
        cmocka_unit_test(test_bounds_of__grow_with_logits_and_keys),
        cmocka_unit_test(test_pattern_bytes_unpack__gives_back_what_was_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
