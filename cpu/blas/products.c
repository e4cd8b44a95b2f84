/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The products of attention as calls of a matrix product. */
#include "../products.h"

#include "gemm.h"

static void scores(spd_gemm_fn *gemm, const float *k, ptrdiff_t k_stride, uint32_t keys,
                   uint32_t dim, const float *q_t, uint32_t rows, float *s_t) {
    gemm(false, false, (int)keys, (int)rows, (int)dim, k, (int)k_stride, q_t, (int)rows, 0.0f, s_t,
         (int)rows);
}

static void output(spd_gemm_fn *gemm, const float *v, ptrdiff_t v_stride, uint32_t keys,
                   uint32_t dim, const float *p_t, uint32_t rows, float *o_t) {
    gemm(true, false, (int)dim, (int)rows, (int)keys, v, (int)v_stride, p_t, (int)rows, 1.0f, o_t,
         (int)rows);
}

static void blas_scores(const float *k, ptrdiff_t k_stride, uint32_t keys, uint32_t dim,
                        const float *q_t, uint32_t rows, float *s_t) {
    scores(spd_gemm_openblas(), k, k_stride, keys, dim, q_t, rows, s_t);
}

static void blas_output(const float *v, ptrdiff_t v_stride, uint32_t keys, uint32_t dim,
                        const float *p_t, uint32_t rows, float *o_t) {
    output(spd_gemm_openblas(), v, v_stride, keys, dim, p_t, rows, o_t);
}

static void plain_scores(const float *k, ptrdiff_t k_stride, uint32_t keys, uint32_t dim,
                         const float *q_t, uint32_t rows, float *s_t) {
    scores(spd_gemm_plain, k, k_stride, keys, dim, q_t, rows, s_t);
}

static void plain_output(const float *v, ptrdiff_t v_stride, uint32_t keys, uint32_t dim,
                         const float *p_t, uint32_t rows, float *o_t) {
    output(spd_gemm_plain, v, v_stride, keys, dim, p_t, rows, o_t);
}

const spd_products spd_products_blas = {blas_scores, blas_output};
const spd_products spd_products_plain = {plain_scores, plain_output};
