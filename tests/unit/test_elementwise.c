/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* RMSNorm and SwiGLU against double precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/elementwise.h"
#include "support/random.h"

enum { ROWS = 5, WIDTH = 515 };

static void assert_close(float actual, double expected) {
    if (!(fabs((double)actual - expected) <= 5e-7 * fabs(expected) + 1e-30)) {
        fail_msg("%.9g, not %.9g", (double)actual, expected);
    }
}

static void test_dlm_rms_norm__matches_double(void **state) {
    (void)state;
    uint64_t random = 3;
    float x[ROWS * WIDTH], weight[WIDTH], y[ROWS * WIDTH];
    const double eps = 1e-2; /* large, so that it shows */
    for (int i = 0; i < ROWS * WIDTH; i++) {
        x[i] = 0.1f * random_float(&random);
    }
    for (int i = 0; i < WIDTH; i++) {
        weight[i] = random_float(&random);
    }
    dlm_rms_norm(x, weight, (float)eps, ROWS, WIDTH, 2, y);
    for (int r = 0; r < ROWS; r++) {
        double sum = 0.0;
        for (int i = 0; i < WIDTH; i++) {
            sum += (double)x[r * WIDTH + i] * (double)x[r * WIDTH + i];
        }
        for (int i = 0; i < WIDTH; i++) {
            double normed = (double)x[r * WIDTH + i] / sqrt(sum / WIDTH + eps);
            assert_close(y[r * WIDTH + i], normed * (double)weight[i]);
        }
    }
}

static void test_dlm_rms_norm__works_in_place(void **state) {
    (void)state;
    float x[] = {3.0f, -4.0f}, weight[] = {1.0f, 2.0f};
    dlm_rms_norm(x, weight, 0.0f, 1, 2, 1, x);
    assert_close(x[0], 3.0 / sqrt(12.5));
    assert_close(x[1], -8.0 / sqrt(12.5));
}

static void test_dlm_swiglu__matches_double(void **state) {
    (void)state;
    uint64_t random = 4;
    float gate[ROWS * WIDTH], up[ROWS * WIDTH], before[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++) {
        gate[i] = 20.0f * random_float(&random);
        up[i] = random_float(&random);
    }
    memcpy(before, gate, sizeof gate);
    dlm_swiglu(gate, up, ROWS, WIDTH, 2);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        double g = (double)before[i];
        assert_close(gate[i], g / (1.0 + exp(-g)) * (double)up[i]);
    }
}

static void test_dlm_swiglu__is_finite_far_out(void **state) {
    (void)state;
    float gate[] = {-1000.0f, 1000.0f, 0.0f}, up[] = {1.0f, 2.0f, 3.0f};
    dlm_swiglu(gate, up, 1, 3, 1);
    assert_true(gate[0] == 0.0f && gate[1] == 2000.0f && gate[2] == 0.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_rms_norm__matches_double),
        cmocka_unit_test(test_dlm_rms_norm__works_in_place),
        cmocka_unit_test(test_dlm_swiglu__matches_double),
        cmocka_unit_test(test_dlm_swiglu__is_finite_far_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
