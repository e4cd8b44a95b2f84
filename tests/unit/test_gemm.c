/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Matrix products, plain and OpenBLAS's, against a double loop. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/blas/gemm.h"
#include "support/random.h"

/* Columns between a row's end and the next row; they must not be read nor written. */
enum { GAP = 3 };

typedef struct product {
    bool transpose_a, transpose_b;
    int m, n, k, lda, ldb, ldc;
    float beta;
    float *a, *b, *c, *expected, *magnitude;
} product;

static float *new_matrix(int rows, int cols, uint64_t *state, float in_gap) {
    float *matrix = malloc(((size_t)rows * (size_t)(cols + GAP) + 1) * sizeof *matrix);
    assert_non_null(matrix);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < cols + GAP; c++) {
            matrix[r * (cols + GAP) + c] = c < cols ? random_float(state) : in_gap;
        }
    }
    return matrix;
}

static product new_product(int m, int n, int k, int transposes, float beta, uint64_t seed) {
    product p = {.m = m, .n = n, .k = k, .beta = beta};
    p.transpose_a = transposes & 1;
    p.transpose_b = transposes >> 1 & 1;
    p.lda = (p.transpose_a ? m : k) + GAP;
    p.ldb = (p.transpose_b ? k : n) + GAP;
    p.ldc = n + GAP;
    p.a = new_matrix(p.transpose_a ? k : m, p.lda - GAP, &seed, NAN);
    p.b = new_matrix(p.transpose_b ? n : k, p.ldb - GAP, &seed, NAN);
    p.c = new_matrix(m, n, &seed, 7.0f);
    p.expected = new_matrix(m, n, &seed, 0.0f);
    p.magnitude = new_matrix(m, n, &seed, 0.0f);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float *c = &p.c[i * p.ldc + j];
            double sum = beta == 0.0f ? 0.0 : (double)*c, magnitude = fabs(sum);
            for (int q = 0; q < k; q++) {
                float a = p.transpose_a ? p.a[q * p.lda + i] : p.a[i * p.lda + q];
                float b = p.transpose_b ? p.b[j * p.ldb + q] : p.b[q * p.ldb + j];
                sum += (double)a * (double)b;
                magnitude += fabs((double)a * (double)b);
            }
            if (beta == 0.0f) {
                *c = NAN; /* must not be read */
            }
            p.expected[i * p.ldc + j] = (float)sum;
            p.magnitude[i * p.ldc + j] = (float)magnitude;
        }
    }
    return p;
}

static void free_product(product *p) {
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->expected);
    free(p->magnitude);
}

static void run_product(spd_gemm_fn *gemm, product *p) {
    gemm(p->transpose_a, p->transpose_b, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, p->beta,
         p->c, p->ldc);
}

static void check_product(spd_gemm_fn *gemm, int m, int n, int k, int transposes, float beta) {
    product p = new_product(m, n, k, transposes, beta, (uint64_t)(m + 131 * n + 17161 * k));
    run_product(gemm, &p);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float error = fabsf(p.c[i * p.ldc + j] - p.expected[i * p.ldc + j]);
            if (!(error <= 1e-6f * p.magnitude[i * p.ldc + j])) {
                fail_msg("%d x %d x %d, transposes %d, beta %g: C[%d][%d] is %g, not %g", m, n, k,
                         transposes, (double)beta, i, j, (double)p.c[i * p.ldc + j],
                         (double)p.expected[i * p.ldc + j]);
            }
        }
        for (int j = n; j < p.ldc; j++) {
            assert_true(p.c[i * p.ldc + j] == 7.0f);
        }
    }
    free_product(&p);
}

static void check_sizes(spd_gemm_fn *gemm) {
    static const int sizes[] = {0, 1, 2, 3, 5, 8, 17, 31, 64, 67, 131};
    const size_t count = sizeof sizes / sizeof sizes[0];
    for (size_t i = 0; i < count * count * count; i++) {
        int m = sizes[i % count], n = sizes[i / count % count], k = sizes[i / count / count];
        for (int transposes = 0; transposes < 4; transposes++) {
            check_product(gemm, m, n, k, transposes, 0.0f);
            check_product(gemm, m, n, k, transposes, 1.0f);
        }
    }
}

static spd_gemm_fn *openblas_or_skip(void) {
    spd_gemm_fn *gemm = spd_gemm_openblas();
    if (!gemm) {
        print_message("no OpenBLAS on this machine\n");
        skip();
    }
    return gemm;
}

static void test_spd_gemm_plain__matches_double_loop(void **state) {
    (void)state;
    check_sizes(spd_gemm_plain);
}

static void test_spd_gemm_openblas__matches_double_loop(void **state) {
    (void)state;
    check_sizes(openblas_or_skip());
}

static void check_empty_operands(spd_gemm_fn *gemm) {
    float c[2] = {NAN, 3.0f};
    gemm(false, true, 1, 1, 0, NULL, 0, NULL, 0, 0.0f, c, 2);
    assert_true(c[0] == 0.0f && c[1] == 3.0f);
    gemm(false, true, 1, 2, 0, NULL, 0, NULL, 0, 1.0f, c, 2);
    assert_true(c[0] == 0.0f && c[1] == 3.0f);
    gemm(false, false, 0, 2, 2, NULL, 2, c, 2, 0.0f, NULL, 2);
    gemm(false, false, 2, 0, 1, c, 1, NULL, 0, 0.0f, NULL, 0);
}

static void test_spd_gemm_plain__takes_empty_operands(void **state) {
    (void)state;
    check_empty_operands(spd_gemm_plain);
}

static void test_spd_gemm_openblas__takes_empty_operands(void **state) {
    (void)state;
    check_empty_operands(openblas_or_skip());
}

static void test_spd_gemm_openblas__is_the_same_on_many_threads(void **state) {
    (void)state;
    spd_gemm_fn *gemm = openblas_or_skip();
    enum { PRODUCTS = 8 };
    product products[PRODUCTS];
    for (int i = 0; i < PRODUCTS; i++) {
        products[i] = new_product(61 + i, 77, 130, 2, 1.0f, 5);
        product alone = products[i];
        alone.c = alone.expected;
        memcpy(alone.c, products[i].c, (size_t)(alone.m * alone.ldc) * sizeof(float));
        run_product(gemm, &alone);
    }
#pragma omp parallel for num_threads(4)
    for (int i = 0; i < PRODUCTS; i++) {
        run_product(gemm, &products[i]);
    }
    for (int i = 0; i < PRODUCTS; i++) {
        assert_memory_equal(products[i].c, products[i].expected,
                            (size_t)(products[i].m * products[i].ldc) * sizeof(float));
        free_product(&products[i]);
    }
}

static void test_spd_openblas_core__is_set_with_openblas(void **state) {
    (void)state;
    bool present = spd_gemm_openblas() != NULL;
    assert_int_equal(present, spd_openblas_config()[0] != '\0');
    assert_int_equal(present, spd_openblas_core()[0] != '\0');
    print_message("OpenBLAS: \"%s\", core \"%s\"\n", spd_openblas_config(), spd_openblas_core());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spd_gemm_plain__matches_double_loop),
        cmocka_unit_test(test_spd_gemm_openblas__matches_double_loop),
        cmocka_unit_test(test_spd_gemm_plain__takes_empty_operands),
        cmocka_unit_test(test_spd_gemm_openblas__takes_empty_operands),
        cmocka_unit_test(test_spd_gemm_openblas__is_the_same_on_many_threads),
        cmocka_unit_test(test_spd_openblas_core__is_set_with_openblas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
