/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every row of the CPU at 8192 keys, where errors that grow with the number of keys would show:
 * sampled query rows against double precision, for docs/accuracy.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/compare.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"
#include "support/random.h"

enum { LENGTH = 8192, SAMPLES = 24, BLOCK_Q = 128, BLOCK_K = 32 };

static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};
static const char *const dtype_names[] = {"f32", "f16", "bf16"};

/* ---- the reference ---- */

static double dot(const float *a, const float *b, uint32_t dim) {
    double sum = 0.0;
    for (uint32_t i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static bool is_kept(const attention_case *c, const uint8_t *mask, uint64_t row, uint64_t key) {
    return !mask || mask[row / BLOCK_Q * c->problem.k_blocks + key / BLOCK_K];
}

/* One row's output over the kept keys (mask NULL: all). */
static void reference_row(const attention_case *c, const uint8_t *mask, uint64_t row, double *out) {
    static double weight[LENGTH];
    const uint32_t dim = c->desc.head_dim;
    double top = -INFINITY, sum = 0.0;
    for (uint64_t j = 0; j < LENGTH; j++) {
        weight[j] = -INFINITY;
        if (is_kept(c, mask, row, j))
            weight[j] = dot(case_q_row(c, 0, 0, row), case_kv_row(c, c->k, 0, 0, j), dim) *
                        c->problem.desc.scale;
        top = fmax(top, weight[j]);
    }
    memset(out, 0, dim * sizeof *out);
    for (uint64_t j = 0; j < LENGTH; j++) {
        if (weight[j] == -INFINITY)
            continue;
        const double w = exp(weight[j] - top);
        const float *v = case_kv_row(c, c->v, 0, 0, j);
        sum += w;
        for (uint32_t i = 0; i < dim; i++)
            out[i] += w * (double)v[i];
    }
    for (uint32_t i = 0; i < dim; i++)
        out[i] /= sum;
}

/* Rows of all strips and lanes, the last one included. */
static uint64_t sampled_row(const attention_case *c, uint64_t i) {
    const uint64_t rows = c->problem.desc.q_len;
    return i + 1 < SAMPLES ? i * 347 % rows : rows - 1;
}

static double sampled_error(const attention_case *c, const attention_result *result,
                            const uint8_t *mask) {
    const uint32_t dim = c->desc.head_dim;
    double *actual = calloc((size_t)SAMPLES * dim, sizeof *actual);
    double *expected = calloc((size_t)SAMPLES * dim, sizeof *expected);
    assert_non_null(actual);
    assert_non_null(expected);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t row = sampled_row(c, i);
        memcpy(actual + i * dim, result->out + row * dim, dim * sizeof *actual);
        reference_row(c, mask, row, expected + i * dim);
    }
    double error = relative_error(actual, expected, (uint64_t)SAMPLES * dim);
    free(actual);
    free(expected);
    return error;
}

/* ---- the runs ---- */

/* Nearly normal, variance 1: as rows of a model's q, k and v after its norms. */
static void fill(float *values, uint64_t count, uint64_t seed) {
    for (uint64_t i = 0; i < count; i++) {
        float sum = 0.0f;
        for (int j = 0; j < 4; j++)
            sum += random_float(&seed);
        values[i] = sum * 0.8660254f;
    }
}

static attention_case new_case(uint64_t q_len, uint32_t dim, uint32_t dtype) {
    attention_case c = {.desc = case_desc(1, 1, 1, dim, LENGTH),
                        .select = case_select(SPARSED_MODE_JOINT, BLOCK_Q, BLOCK_K, 0, 0.3)};
    c.desc.q_len = q_len;
    c.desc.dtype = dtype;
    c.desc.out_dtype = SPARSED_F32;
    case_prepare(&c, 1);
    fill(c.q, q_len * dim, 2);
    fill(c.k, (uint64_t)LENGTH * dim, 3);
    fill(c.v, (uint64_t)LENGTH * dim, 4);
    case_store(&c);
    return c;
}

/* Of the relative Frobenius error on the stored inputs; the output is f32, so that its rounding is
 * no part of it. A row that takes bf16 alone multiplies in bf16. */
static double bound_of(const kernel_row *row) {
    return row->info.dtypes == 1u << SPARSED_BF16 ? 4e-3 : 1e-6;
}

static void check_type(const kernel_row *row, uint64_t q_len, uint32_t dim, int type) {
    attention_case c = new_case(q_len, dim, dtypes[type]);
    sparsed_plan *plan = case_plan(&c, row->context);
    sparsed_kept *kept = case_kept(plan);
    attention_result dense = case_run(&c, plan, SPARSED_DENSE_BUILD, kept);
    attention_result sparse = case_run(&c, plan, SPARSED_SPARSE, kept);
    double dense_error = sampled_error(&c, &dense, NULL);
    double sparse_error = sampled_error(&c, &sparse, sparse.mask);
    print_message("%s, %s, D %u, %llu x %d: dense %.1e, sparse %.1e\n", row->info.name,
                  dtype_names[type], dim, (unsigned long long)q_len, LENGTH, dense_error,
                  sparse_error);
    assert_error_within("dense out", dense_error, bound_of(row));
    assert_error_within("sparse out", sparse_error, bound_of(row));
    result_free(&dense);
    result_free(&sparse);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void check_rows(void **state, uint64_t q_len, uint32_t dim) {
    const kernel_row *row = usable_row(state);
    if (row->compiles)
        skip(); /* test_golden_attention holds those rows to long references */
    for (int type = 0; type < 3; type++) {
        if (!(row->info.dtypes >> dtypes[type] & 1))
            continue;
        check_type(row, q_len, dim, type);
        if (q_len == LENGTH)
            return; /* what else the row takes, it widens to this: a few rows will do */
    }
}

static void test_plan_run__accuracy_d64(void **state) {
    check_rows(state, LENGTH, 64);
}

static void test_plan_run__accuracy_d128(void **state) {
    check_rows(state, LENGTH, 128);
}

static void test_plan_run__accuracy_of_few_rows_d64(void **state) {
    check_rows(state, 40, 64);
}

static void test_plan_run__accuracy_of_few_rows_d128(void **state) {
    check_rows(state, 40, 128);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_run__accuracy_d64),
        cmocka_unit_test(test_plan_run__accuracy_d128),
        cmocka_unit_test(test_plan_run__accuracy_of_few_rows_d64),
        cmocka_unit_test(test_plan_run__accuracy_of_few_rows_d128),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
