/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The loops between the products against double precision, in every compilation of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/sparsed.h>

#include "cpu/processor.h"
#include "dlm/elementwise.h"
#include "src/half.h"
#include "support/random.h"

enum { WIDTH = 515, HALF = 37 };

/* Those that run here, baseline first. */
static size_t tables(const dlm_elementwise *list[3]) {
    size_t count = 0;
    list[count++] = &dlm_elementwise_baseline;
#if defined(SPD_X86_LEVELS)
    if (spd_isa_runs(SPD_ISA_AVX2, NULL, 0)) {
        list[count++] = &dlm_elementwise_avx2;
    }
    if (spd_isa_runs(SPD_ISA_AVX512, NULL, 0)) {
        list[count++] = &dlm_elementwise_avx512;
    }
#endif
    return count;
}

static void fill(float *to, size_t count, float scale, uint64_t seed) {
    for (size_t i = 0; i < count; i++) {
        to[i] = scale * random_float(&seed);
    }
}

static void assert_close(float actual, double expected) {
    if (!(fabs((double)actual - expected) <= 5e-7 * fabs(expected) + 1e-30)) {
        fail_msg("%.9g, not %.9g", (double)actual, expected);
    }
}

static void test_rms_norm__matches_double(void **state) {
    (void)state;
    float x[WIDTH], weight[WIDTH], y[WIDTH];
    uint16_t half[WIDTH];
    const double eps = 1e-2; /* large, so that it shows */
    const dlm_elementwise *list[3];
    double sum = 0.0;
    fill(x, WIDTH, 0.1f, 3);
    fill(weight, WIDTH, 1.0f, 4);
    for (int i = 0; i < WIDTH; i++) {
        sum += (double)x[i] * (double)x[i];
    }
    for (size_t t = tables(list); t-- > 0;) {
        list[t]->rms_norm(x, weight, (float)eps, WIDTH, SPARSED_F32, y);
        list[t]->rms_norm(x, weight, (float)eps, WIDTH, SPARSED_BF16, half);
        for (int i = 0; i < WIDTH; i++) {
            assert_close(y[i], (double)x[i] / sqrt(sum / WIDTH + eps) * (double)weight[i]);
            assert_int_equal(half[i], spd_bf16_from_float(y[i]));
        }
    }
}

static void test_rms_norm__takes_any_width(void **state) {
    (void)state;
    const float x[] = {3.0f, -4.0f}, weight[] = {1.0f, 2.0f};
    const dlm_elementwise *list[3];
    for (size_t t = tables(list); t-- > 0;) {
        float y[2];
        list[t]->rms_norm(x, weight, 0.0f, 2, SPARSED_F32, y);
        assert_close(y[0], 3.0 / sqrt(12.5));
        assert_close(y[1], -8.0 / sqrt(12.5));
    }
}

static void test_swiglu__matches_double(void **state) {
    (void)state;
    static float before[100 * WIDTH], gate[100 * WIDTH], up[100 * WIDTH];
    const dlm_elementwise *list[3];
    fill(before, 100 * WIDTH, 87.0f, 5);
    fill(up, 100 * WIDTH, 1.0f, 6);
    before[7] = 0.0f;
    for (size_t t = tables(list); t-- > 0;) {
        memcpy(gate, before, sizeof gate);
        list[t]->swiglu(gate, up, 100 * WIDTH);
        for (int i = 0; i < 100 * WIDTH; i++) {
            double g = (double)before[i];
            assert_close(gate[i], g / (1.0 + exp(-g)) * (double)up[i]);
        }
    }
}

static void test_swiglu__is_right_far_out(void **state) {
    (void)state;
    const dlm_elementwise *list[3];
    for (size_t t = tables(list); t-- > 0;) {
        float gate[] = {-1000.0f, 1000.0f, 0.0f, -INFINITY, INFINITY, NAN};
        const float up[] = {1.0f, 2.0f, 3.0f, 1.0f, 1.0f, 1.0f};
        list[t]->swiglu(gate, up, 6);
        assert_true(gate[0] == 0.0f && gate[1] == 2000.0f && gate[2] == 0.0f);
        assert_true(isnan(gate[3]) && gate[4] == INFINITY && isnan(gate[5])); /* -inf * 0 */
    }
}

static void test_rotate__turns_pairs(void **state) {
    (void)state;
    float before[2 * HALF], x[2 * HALF], angles[2 * HALF];
    const dlm_elementwise *list[3];
    fill(before, 2 * HALF, 1.0f, 7);
    for (int i = 0; i < HALF; i++) {
        angles[i] = cosf((float)i);
        angles[HALF + i] = sinf((float)i);
    }
    for (size_t t = tables(list); t-- > 0;) {
        memcpy(x, before, sizeof x);
        list[t]->rotate(x, angles, HALF);
        for (int i = 0; i < HALF; i++) {
            double a = (double)before[i], b = (double)before[HALF + i];
            assert_true(fabs((double)x[i] - (a * cos(i) - b * sin(i))) < 3e-7);
            assert_true(fabs((double)x[HALF + i] - (b * cos(i) + a * sin(i))) < 3e-7);
        }
    }
}

static void test_add_and_store__round_once(void **state) {
    (void)state;
    float from[WIDTH], to[WIDTH], stored[WIDTH];
    uint16_t half[WIDTH];
    const dlm_elementwise *list[3];
    for (size_t t = tables(list); t-- > 0;) {
        fill(from, WIDTH, 1.0f, 8);
        fill(to, WIDTH, 1.0f, 9);
        from[3] = NAN;
        list[t]->add(from, WIDTH, to);
        list[t]->store(to, WIDTH, SPARSED_F32, stored);
        assert_memory_equal(stored, to, sizeof to);
        list[t]->store(to, WIDTH, SPARSED_BF16, half);
        uint64_t seed = 9;
        for (int i = 0; i < WIDTH; i++) {
            const float sum = random_float(&seed) + from[i];
            assert_true(i == 3 ? isnan(to[i]) : to[i] == sum);
            assert_int_equal(half[i], spd_bf16_from_float(to[i]));
        }
        list[t]->store(to, WIDTH, SPARSED_F16, half);
        for (int i = 0; i < WIDTH; i++) {
            assert_int_equal(half[i], spd_f16_from_float(to[i]));
        }
    }
}

/* The vector width must not show. */
static void test_tables__agree_to_the_bit(void **state) {
    (void)state;
    float gate[3][WIDTH], x[WIDTH], weight[WIDTH], normed[3][WIDTH];
    const dlm_elementwise *list[3];
    const size_t count = tables(list);
    fill(x, WIDTH, 30.0f, 10);
    fill(weight, WIDTH, 1.0f, 11);
    for (size_t t = 0; t < count; t++) {
        memcpy(gate[t], x, sizeof x);
        list[t]->swiglu(gate[t], weight, WIDTH);
        list[t]->rms_norm(x, weight, 1e-6f, WIDTH, SPARSED_F32, normed[t]);
        assert_memory_equal(gate[t], gate[0], sizeof x);
        assert_memory_equal(normed[t], normed[0], sizeof x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rms_norm__matches_double),
        cmocka_unit_test(test_rms_norm__takes_any_width),
        cmocka_unit_test(test_swiglu__matches_double),
        cmocka_unit_test(test_swiglu__is_right_far_out),
        cmocka_unit_test(test_rotate__turns_pairs),
        cmocka_unit_test(test_add_and_store__round_once),
        cmocka_unit_test(test_tables__agree_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
