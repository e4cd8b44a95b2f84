/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Storage types: all patterns, and rounding against a reference in double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/half.h"
#include "support/random.h"

/* A 16-bit binary format. */
typedef struct format {
    int mantissa_bits, min_exponent, max_exponent; /* of normal numbers 1.m * 2^e */
    uint16_t infinity;
} format;

static const format f16 = {10, -14, 15, 0x7c00};
static const format bf16 = {7, -126, 127, 0x7f80};

/* The value of a finite pattern, from the format's definition. */
static double value_of(const format *f, uint16_t pattern) {
    int exponent = (pattern & 0x7fff) >> f->mantissa_bits;
    double mantissa = pattern & ((1 << f->mantissa_bits) - 1);
    double hidden = exponent > 0 ? 1 << f->mantissa_bits : 0;
    int power = (exponent > 0 ? exponent - 1 : 0) + f->min_exponent - f->mantissa_bits;
    double magnitude = ldexp(mantissa + hidden, power);
    return pattern & 0x8000 ? -magnitude : magnitude;
}

/* The nearest pattern, ties to even, by scaling to an integer and rounding that. */
static uint16_t nearest(const format *f, float value) {
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs((double)value);
    int exponent = f->min_exponent;
    if (magnitude >= ldexp(1.0, f->min_exponent))
        exponent = ilogb(magnitude);
    double steps = nearbyint(ldexp(magnitude, f->mantissa_bits - exponent));
    int pattern = (exponent - f->min_exponent) * (1 << f->mantissa_bits) + (int)steps;
    return (uint16_t)(sign | (pattern >= f->infinity ? f->infinity : pattern));
}

static void test_float_from_f16__every_pattern(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        float value = spd_float_from_f16((uint16_t)i);
        uint32_t magnitude = i & 0x7fff;
        if (magnitude > f16.infinity)
            assert_true(isnan(value));
        else if (magnitude == f16.infinity)
            assert_true(isinf(value));
        else
            assert_true((double)value == value_of(&f16, (uint16_t)i));
        assert_int_equal(signbit(value) != 0, i >> 15);
    }
}

static void test_float_from_bf16__every_pattern(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        float value = spd_float_from_bf16((uint16_t)i);
        uint32_t magnitude = i & 0x7fff;
        if (magnitude > bf16.infinity)
            assert_true(isnan(value));
        else if (magnitude == bf16.infinity)
            assert_true(isinf(value));
        else
            assert_true((double)value == value_of(&bf16, (uint16_t)i));
        assert_int_equal(signbit(value) != 0, i >> 15);
    }
}

static void test_f16_from_float__every_pattern_comes_back(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint16_t back = spd_f16_from_float(spd_float_from_f16((uint16_t)i));
        if ((i & 0x7fff) > f16.infinity)
            assert_true((back & 0x7fff) > f16.infinity && back >> 15 == i >> 15);
        else
            assert_int_equal(back, i);
    }
}

static void test_bf16_from_float__every_pattern_comes_back(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint16_t back = spd_bf16_from_float(spd_float_from_bf16((uint16_t)i));
        if ((i & 0x7fff) > bf16.infinity)
            assert_true((back & 0x7fff) > bf16.infinity && back >> 15 == i >> 15);
        else
            assert_int_equal(back, i);
    }
}

static void check_rounding(float value) {
    uint16_t half = spd_f16_from_float(value), brain = spd_bf16_from_float(value);
    if (half != nearest(&f16, value))
        fail_msg("f16 of %a is 0x%04x, not 0x%04x", (double)value, half, nearest(&f16, value));
    if (brain != nearest(&bf16, value))
        fail_msg("bf16 of %a is 0x%04x, not 0x%04x", (double)value, brain, nearest(&bf16, value));
}

static void test_from_float__rounds_to_nearest_even(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < 1000000; i++) {
        float value = spd_float_from_bits((uint32_t)random_bits(&random));
        if (isfinite(value))
            check_rounding(value);
    }
    /* Exponents of f16 and around, where most random patterns do not fall. */
    for (int i = 0; i < 1000000; i++)
        check_rounding(ldexpf(random_float(&random), (int)(random_bits(&random) % 50) - 30));
}

/* Between any two neighbours: the middle, and the floats next to it. */
static void test_from_float__middles_of_all_neighbours(void **state) {
    (void)state;
    for (uint16_t i = 0; i < f16.infinity; i++) {
        double next = i + 1 < f16.infinity ? value_of(&f16, (uint16_t)(i + 1)) : 65536.0;
        float middle = (float)((value_of(&f16, i) + next) / 2.0);
        check_rounding(middle);
        check_rounding(nextafterf(middle, 0.0f));
        check_rounding(-nextafterf(middle, INFINITY));
    }
    for (uint16_t i = 0; i + 1 < bf16.infinity; i++) {
        float middle = spd_float_from_bits(((uint32_t)i << 16) + 0x8000);
        check_rounding(middle);
        check_rounding(nextafterf(middle, 0.0f));
        check_rounding(-nextafterf(middle, INFINITY));
    }
}

static void test_from_float__nan_stays_nan(void **state) {
    (void)state;
    /* Payloads in the low bits, which a plain shift would turn into an infinity. */
    static const uint32_t nans[] = {0x7fc00000, 0x7f800001, 0x7f80ffff, 0xffc00000,
                                    0xff800001, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof nans / sizeof *nans; i++) {
        float value = spd_float_from_bits(nans[i]);
        assert_true(isnan(spd_float_from_f16(spd_f16_from_float(value))));
        assert_true(isnan(spd_float_from_bf16(spd_bf16_from_float(value))));
    }
}

static void test_from_float__overflow_gives_infinity(void **state) {
    (void)state;
    assert_int_equal(spd_f16_from_float(65504.0f), 0x7bff);
    assert_int_equal(spd_f16_from_float(nextafterf(65520.0f, 0.0f)), 0x7bff);
    assert_int_equal(spd_f16_from_float(65520.0f), 0x7c00);
    assert_int_equal(spd_f16_from_float(-1e30f), 0xfc00);
    assert_int_equal(spd_f16_from_float(INFINITY), 0x7c00);
    assert_int_equal(spd_bf16_from_float(spd_float_from_bits(0x7f7fffff)), 0x7f80);
    assert_int_equal(spd_bf16_from_float(-INFINITY), 0xff80);
}

static void test_from_float__denormals(void **state) {
    (void)state;
    assert_int_equal(spd_f16_from_float(0x1p-24f), 1);
    assert_int_equal(spd_f16_from_float(0x1p-25f), 0); /* half way: to even */
    assert_int_equal(spd_f16_from_float(0x1.000002p-25f), 1);
    assert_int_equal(spd_f16_from_float(-0x1.8p-24f), 0x8002); /* half way: to even */
    assert_int_equal(spd_f16_from_float(0x1.ffcp-15f), 0x400);
    assert_int_equal(spd_f16_from_float(-0.0f), 0x8000);
    assert_int_equal(spd_bf16_from_float(0x1p-133f), 1);
    assert_int_equal(spd_bf16_from_float(0x1p-149f), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_from_f16__every_pattern),
        cmocka_unit_test(test_float_from_bf16__every_pattern),
        cmocka_unit_test(test_f16_from_float__every_pattern_comes_back),
        cmocka_unit_test(test_bf16_from_float__every_pattern_comes_back),
        cmocka_unit_test(test_from_float__rounds_to_nearest_even),
        cmocka_unit_test(test_from_float__middles_of_all_neighbours),
        cmocka_unit_test(test_from_float__nan_stays_nan),
        cmocka_unit_test(test_from_float__overflow_gives_infinity),
        cmocka_unit_test(test_from_float__denormals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
