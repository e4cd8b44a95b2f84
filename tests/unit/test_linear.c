/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Linear layers against a double loop, in every stored form and with any number of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dlm/linear.h"
#include "dlm/widen.h"
#include "support/random.h"

typedef struct layer_case {
    size_t rows;
    uint32_t in, out;
    safetensors_dtype dtype;
    size_t misalign; /* bytes */
    bool bias, accumulate;
} layer_case;

typedef struct layer_data {
    dlm_linear linear;
    unsigned char *stored; /* the weights, misaligned */
    float *weights, *x, *y, *before;
} layer_data;

static float *random_floats(size_t count, uint64_t *state) {
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = random_float(state);
    }
    return values;
}

/* Random weights as stored: for the halves, any code with an exponent near 1. */
static void fill_weights(const layer_case *c, unsigned char *to, uint64_t *state) {
    for (size_t i = 0; i < (size_t)c->in * c->out; i++) {
        float value = random_float(state);
        uint16_t code = (uint16_t)(random_bits(state) & 0x83ff);
        code |= c->dtype == SAFETENSORS_F16 ? 0x3400 : 0x3c00;
        if (c->dtype == SAFETENSORS_F32) {
            memcpy(to + 4 * i, &value, sizeof value);
        } else {
            memcpy(to + 2 * i, &code, sizeof code);
        }
    }
}

static layer_data new_layer(const layer_case *c) {
    uint64_t state = c->rows + c->in + c->out;
    const size_t weights = (size_t)c->in * c->out;
    layer_data data = {.stored = malloc(weights * sizeof(float) + c->misalign)};
    assert_non_null(data.stored);
    fill_weights(c, data.stored + c->misalign, &state);
    data.weights = random_floats(weights, &state);
    dlm_widen(c->dtype, data.stored + c->misalign, 0, weights, data.weights);
    data.x = random_floats(c->rows * c->in, &state);
    data.y = random_floats(c->rows * c->out, &state);
    data.before = malloc(c->rows * c->out * sizeof(float));
    assert_non_null(data.before);
    memcpy(data.before, data.y, c->rows * c->out * sizeof(float));
    data.linear = (dlm_linear){.in = c->in,
                               .out = c->out,
                               .dtype = c->dtype,
                               .weight = data.stored + c->misalign,
                               .bias = c->bias ? random_floats(c->out, &state) : NULL};
    return data;
}

static void free_layer(layer_data *data) {
    free(data->linear.bias);
    free(data->stored);
    free(data->weights);
    free(data->x);
    free(data->y);
    free(data->before);
}

static void run_layer(const layer_case *c, layer_data *data, int threads) {
    dlm_linear_engine engine = {0};
    assert_true(dlm_linear_engine_init(&engine, threads, c->in));
    dlm_linear_apply(&engine, &data->linear, data->x, c->rows, c->accumulate, data->y);
    dlm_linear_engine_free(&engine);
}

static void check_layer(const layer_case *c) {
    layer_data data = new_layer(c);
    run_layer(c, &data, 2);
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t j = 0; j < c->out; j++) {
            const float *x = data.x + r * c->in, *w = data.weights + j * c->in;
            double sum = c->bias ? (double)data.linear.bias[j] : 0.0;
            sum += c->accumulate ? (double)data.before[r * c->out + j] : 0.0;
            double magnitude = fabs(sum);
            for (size_t i = 0; i < c->in; i++) {
                sum += (double)x[i] * (double)w[i];
                magnitude += fabs((double)x[i] * (double)w[i]);
            }
            double error = fabs(sum - (double)data.y[r * c->out + j]);
            if (!(error <= 1e-6 * magnitude)) {
                fail_msg("%zu rows, %u to %u: y[%zu][%zu] is off by %g", c->rows, c->in, c->out, r,
                         j, error);
            }
        }
    }
    free_layer(&data);
}

static void test_dlm_linear_apply__matches_double_loop(void **state) {
    (void)state;
    const layer_case cases[] = {
        {1, 1, 1, SAFETENSORS_F32, 0, true, false},
        {40, 64, 96, SAFETENSORS_BF16, 0, true, false},
        {40, 64, 96, SAFETENSORS_BF16, 1, false, true},
        {257, 33, 300, SAFETENSORS_F16, 1, true, true},
        {513, 17, 65, SAFETENSORS_F32, 0, false, false},
        {3, 50, 257, SAFETENSORS_F32, 2, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_layer(&cases[i]);
    }
}

static void test_dlm_linear_apply__cuts_large_matrices_into_panels(void **state) {
    (void)state;
    check_layer(&(layer_case){2, 2048, 4301, SAFETENSORS_BF16, 0, true, true});
    check_layer(&(layer_case){2, 20000, 300, SAFETENSORS_F16, 0, false, false});
}

static void test_dlm_linear_apply__takes_no_rows(void **state) {
    (void)state;
    const layer_case c = {0, 8, 8, SAFETENSORS_BF16, 0, true, false};
    layer_data data = new_layer(&c);
    run_layer(&c, &data, 2);
    free_layer(&data);
}

static void test_dlm_linear_apply__does_not_depend_on_threads(void **state) {
    (void)state;
    const layer_case c = {700, 96, 530, SAFETENSORS_BF16, 0, true, true};
    layer_data one = new_layer(&c);
    run_layer(&c, &one, 1);
    for (int threads = 2; threads <= 5; threads++) {
        layer_data many = new_layer(&c);
        run_layer(&c, &many, threads);
        assert_memory_equal(one.y, many.y, c.rows * c.out * sizeof(float));
        free_layer(&many);
    }
    free_layer(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_linear_apply__matches_double_loop),
        cmocka_unit_test(test_dlm_linear_apply__cuts_large_matrices_into_panels),
        cmocka_unit_test(test_dlm_linear_apply__takes_no_rows),
        cmocka_unit_test(test_dlm_linear_apply__does_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
