/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Linear layers against a double loop: every level of this processor, every stored form, any number
 * of threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/levels.h"
#include "dlm/linear.h"
#include "dlm/widen.h"
#include "src/half.h"
#include "support/random.h"

enum { GAP = 3 }; /* elements between rows of x */

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
    uint16_t *x_bf16; /* x, whose values are bf16, as such */
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
    const size_t x_rows = (c->rows + DLM_ROWS_STEP - 1) / DLM_ROWS_STEP * DLM_ROWS_STEP;
    const size_t count = x_rows * (c->in + GAP);
    data.x = random_floats(count, &state);
    data.x_bf16 = malloc(count * sizeof(uint16_t) + 1);
    assert_non_null(data.x_bf16);
    for (size_t i = 0; i < count; i++) {
        data.x_bf16[i] = spd_bf16_from_float(data.x[i]);
        data.x[i] = spd_float_from_bf16(data.x_bf16[i]);
    }
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
    free(data->x_bf16);
    free(data->y);
    free(data->before);
}

static dlm_linear_engine new_engine(const spd_level *level, int threads, uint32_t widest_in) {
    dlm_linear_engine engine;
    const spd_level *floats = level->pairs ? spd_level_best(false) : level;
    assert_true(
        dlm_linear_engine_init(&engine, floats, level->pairs ? level : NULL, threads, widest_in));
    return engine;
}

static const void *input(const layer_data *data, const spd_level *level) {
    return level->pairs ? (const void *)data->x_bf16 : data->x;
}

static void run_layer(const spd_level *level, const layer_case *c, layer_data *data, int threads) {
    dlm_linear_engine engine = new_engine(level, threads, c->in);
    dlm_linear_apply(&engine, &data->linear, level->pairs, input(data, level), c->in + GAP, c->rows,
                     c->accumulate, data->y);
    dlm_linear_engine_free(&engine);
}

static void check_results(const layer_case *c, const layer_data *data) {
    for (size_t r = 0; r < c->rows; r++) {
        for (size_t j = 0; j < c->out; j++) {
            const float *x = data->x + r * (c->in + GAP), *w = data->weights + j * c->in;
            double sum = c->bias ? (double)data->linear.bias[j] : 0.0;
            sum += c->accumulate ? (double)data->before[r * c->out + j] : 0.0;
            double magnitude = fabs(sum);
            for (size_t i = 0; i < c->in; i++) {
                sum += (double)x[i] * (double)w[i];
                magnitude += fabs((double)x[i] * (double)w[i]);
            }
            double error = fabs(sum - (double)data->y[r * c->out + j]);
            if (!(error <= 1e-6 * magnitude)) {
                fail_msg("%zu rows, %u to %u: y[%zu][%zu] is off by %g", c->rows, c->in, c->out, r,
                         j, error);
            }
        }
    }
}

/* Whether the level can be used here, for weights of that type. */
static bool takes(size_t row, safetensors_dtype dtype) {
    return spd_level_row_runs(row, NULL, 0) &&
           (!spd_level_rows[row].level->pairs || dtype == SAFETENSORS_BF16);
}

/* On every level. */
static void check_layer(const layer_case *c) {
    for (size_t row = 0; row < SPD_LEVELS; row++) {
        if (takes(row, c->dtype)) {
            layer_data data = new_layer(c);
            run_layer(spd_level_rows[row].level, c, &data, 2);
            check_results(c, &data);
            free_layer(&data);
        }
    }
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
        {129, 95, 33, SAFETENSORS_BF16, 1, true, false},
        {128, 288, 31, SAFETENSORS_BF16, 0, false, true},
        {130, 160, 64, SAFETENSORS_F16, 0, true, false},
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
    run_layer(spd_level_best(false), &c, &data, 2);
    free_layer(&data);
}

static void test_dlm_linear_apply__does_not_depend_on_threads(void **state) {
    (void)state;
    const layer_case c = {700, 96, 530, SAFETENSORS_BF16, 0, true, true};
    for (size_t row = 0; row < SPD_LEVELS; row++) {
        if (!takes(row, c.dtype)) {
            continue;
        }
        layer_data one = new_layer(&c);
        run_layer(spd_level_rows[row].level, &c, &one, 1);
        for (int threads = 2; threads <= 5; threads++) {
            layer_data many = new_layer(&c);
            run_layer(spd_level_rows[row].level, &c, &many, threads);
            assert_memory_equal(one.y, many.y, c.rows * c.out * sizeof(float));
            free_layer(&many);
        }
        free_layer(&one);
    }
}

/* What a job's function saw: each sum into the y of its layer, and how often. */
typedef struct collected {
    layer_data *data; /* [linears] */
    const layer_case *cases;
    uint8_t *times[DLM_MAX_LINEARS]; /* [rows][out] */
    bool together;
} collected;

static void collect(void *user, const dlm_sums *s) {
    collected *c = user;
    for (uint32_t i = 0; i < (c->together ? 2u : 1u); i++) {
        const uint32_t linear = s->linear + i;
        for (size_t r = 0; r < s->rows; r++) {
            for (size_t j = 0; j < s->outputs; j++) {
                size_t at = (s->row + r) * c->cases[linear].out + s->output + j;
                c->data[linear].y[at] = s->sums[r * s->stride + i * s->next + j];
                c->times[linear][at]++;
            }
        }
    }
}

/* Layers of one input as one job, on every level. */
static void check_job(const layer_case *cases, uint32_t linears, bool together, uint32_t group) {
    for (size_t row = 0; row < SPD_LEVELS; row++) {
        const spd_level *level = spd_level_rows[row].level;
        layer_data data[DLM_MAX_LINEARS];
        collected c = {.data = data, .cases = cases, .together = together};
        dlm_job job = {.linears = linears,
                       .together = together,
                       .group = group,
                       .pairs = level->pairs,
                       .finish = collect,
                       .user = &c};
        if (!takes(row, cases[0].dtype)) {
            continue;
        }
        for (uint32_t i = 0; i < linears; i++) {
            data[i] = new_layer(&cases[i]);
            memcpy(data[i].x, data[0].x, cases[0].rows * (cases[0].in + GAP) * sizeof(float));
            c.times[i] = calloc(cases[i].rows * cases[i].out, 1);
            assert_non_null(c.times[i]);
            job.linear[i] = &data[i].linear;
        }
        dlm_linear_engine engine = new_engine(level, 3, cases[0].in);
        dlm_linear_run(&engine, &job, input(&data[0], level), cases[0].in + GAP, cases[0].rows);
        dlm_linear_engine_free(&engine);
        for (uint32_t i = 0; i < linears; i++) {
            check_results(&cases[i], &data[i]);
            for (size_t at = 0; at < cases[i].rows * cases[i].out; at++) {
                assert_int_equal(c.times[i][at], 1);
            }
            free(c.times[i]);
            free_layer(&data[i]);
        }
    }
}

static void test_dlm_linear_run__hands_over_heads(void **state) {
    (void)state;
    const uint32_t heads[] = {64, 8, 72, 256};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const layer_case cases[] = {
            {131, 64, 4 * heads[i], SAFETENSORS_BF16, 0, true, false},
            {131, 64, 2 * heads[i], SAFETENSORS_BF16, 1, true, false},
        };
        check_job(cases, 2, false, heads[i]);
    }
}

static void test_dlm_linear_run__hands_over_two_layers_together(void **state) {
    (void)state;
    const layer_case cases[] = {
        {257, 96, 84, SAFETENSORS_BF16, 0, false, false},
        {257, 96, 84, SAFETENSORS_BF16, 0, true, false},
    };
    check_job(cases, 2, true, SPD_STRIP_ROWS);
    const layer_case large[] = {
        {2, 2048, 1500, SAFETENSORS_BF16, 0, false, false},
        {2, 2048, 1500, SAFETENSORS_BF16, 1, false, false},
    };
    check_job(large, 2, true, SPD_STRIP_ROWS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_linear_apply__matches_double_loop),
        cmocka_unit_test(test_dlm_linear_apply__cuts_large_matrices_into_panels),
        cmocka_unit_test(test_dlm_linear_apply__takes_no_rows),
        cmocka_unit_test(test_dlm_linear_apply__does_not_depend_on_threads),
        cmocka_unit_test(test_dlm_linear_run__hands_over_heads),
        cmocka_unit_test(test_dlm_linear_run__hands_over_two_layers_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
