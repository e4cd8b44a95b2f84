/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every bf16 and f16 value, widened, against its definition. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/widen.h"

enum { VALUES = 1 << 16 };

static double value_of_half(uint32_t half) {
    const int exponent = (int)(half >> 10 & 31), mantissa = (int)(half & 1023);
    const double sign = half >> 15 ? -1.0 : 1.0;
    if (exponent == 31) {
        return mantissa ? (double)NAN : sign * (double)INFINITY;
    }
    return exponent ? sign * ldexp(1024 + mantissa, exponent - 25) : sign * ldexp(mantissa, -24);
}

static void assert_same_value(float actual, double expected, uint32_t code) {
    bool same = isnan(expected) ? isnan(actual) : (double)actual == expected;
    if (!same || (signbit(actual) != 0) != (code >> 15 != 0)) {
        fail_msg("0x%04x became %g, not %g", code, (double)actual, expected);
    }
}

/* All codes in order, at an odd address. */
static unsigned char *all_codes(void) {
    unsigned char *codes = malloc(1 + 2 * VALUES);
    assert_non_null(codes);
    for (uint32_t i = 0; i < VALUES; i++) {
        uint16_t code = (uint16_t)i;
        memcpy(codes + 1 + 2 * i, &code, sizeof code);
    }
    return codes;
}

static void test_dlm_widen__f16_is_exact(void **state) {
    (void)state;
    unsigned char *codes = all_codes();
    float *wide = malloc(VALUES * sizeof *wide);
    assert_non_null(wide);
    dlm_widen(SAFETENSORS_F16, codes + 1, 0, VALUES, wide);
    for (uint32_t i = 0; i < VALUES; i++) {
        assert_same_value(wide[i], value_of_half(i), i);
    }
    free(wide);
    free(codes);
}

static void test_dlm_widen__bf16_is_the_upper_half(void **state) {
    (void)state;
    unsigned char *codes = all_codes();
    float *wide = malloc(VALUES * sizeof *wide);
    assert_non_null(wide);
    dlm_widen(SAFETENSORS_BF16, codes + 1, 0, VALUES, wide);
    for (uint32_t i = 0; i < VALUES; i++) {
        uint32_t bits;
        memcpy(&bits, &wide[i], sizeof bits);
        assert_int_equal(bits, i << 16);
    }
    free(wide);
    free(codes);
}

static void test_dlm_widen__begins_at_first(void **state) {
    (void)state;
    const float stored[] = {1.0f, -2.0f, 3.0f, 0.5f};
    unsigned char unaligned[1 + sizeof stored];
    float wide[2];
    memcpy(unaligned + 1, stored, sizeof stored);
    dlm_widen(SAFETENSORS_F32, unaligned + 1, 1, 2, wide);
    assert_true(wide[0] == -2.0f && wide[1] == 3.0f);

    const uint16_t halves[] = {0x3c00, 0xc000, 0x4200};
    dlm_widen(SAFETENSORS_F16, halves, 1, 2, wide);
    assert_true(wide[0] == -2.0f && wide[1] == 3.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_widen__f16_is_exact),
        cmocka_unit_test(test_dlm_widen__bf16_is_the_upper_half),
        cmocka_unit_test(test_dlm_widen__begins_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
