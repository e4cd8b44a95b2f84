/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The products of attention as calls of a matrix product, for any processor. */
#include "../level.h"

#include "gemm.h"

static void scores(spd_gemm_fn *gemm, const spd_tile *k, uint32_t dim, const float *q_t,
                   uint32_t rows, float *s_t, ptrdiff_t s_stride, float *top) {
    int k_stride = (int)(k->stride_bytes / (ptrdiff_t)sizeof(float));
    float *to = s_t;
    for (uint32_t i = 0; i < k->runs; i++) {
        gemm(false, false, (int)k->run[i].keys, (int)rows, (int)dim, k->run[i].first, k_stride, q_t,
             (int)rows, 0.0f, to, (int)s_stride);
        to += k->run[i].keys * s_stride;
    }
    if (top)
        spd_loops_baseline.raise_top(s_t, k->keys, rows, top);
}

static void output(spd_gemm_fn *gemm, const spd_tile *v, uint32_t dim, const float *p_t,
                   uint32_t rows, const float *factor, float *o_t) {
    int v_stride = (int)(v->stride_bytes / (ptrdiff_t)sizeof(float));
    for (uint32_t d = 0; factor && d < dim; d++)
        for (uint32_t r = 0; r < rows; r++)
            o_t[d * rows + r] *= factor[r];
    for (uint32_t i = 0; i < v->runs; i++) {
        gemm(true, false, (int)dim, (int)rows, (int)v->run[i].keys, v->run[i].first, v_stride, p_t,
             (int)rows, 1.0f, o_t, (int)rows);
        p_t += (size_t)v->run[i].keys * rows;
    }
}

static void blas_scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                        ptrdiff_t s_stride, float *top) {
    scores(spd_gemm_openblas(), k, dim, q_t, rows, s_t, s_stride, top);
}

static void blas_output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                        const float *factor, float *o_t) {
    output(spd_gemm_openblas(), v, dim, p_t, rows, factor, o_t);
}

static void plain_scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows,
                         float *s_t, ptrdiff_t s_stride, float *top) {
    scores(spd_gemm_plain, k, dim, q_t, rows, s_t, s_stride, top);
}

static void plain_output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                         const float *factor, float *o_t) {
    output(spd_gemm_plain, v, dim, p_t, rows, factor, o_t);
}

const spd_level spd_level_blas = {.tile_keys = SPD_TILE_KEYS,
                                  .unit_rows = SPD_UNIT_ROWS,
                                  .loops = &spd_loops_baseline,
                                  .scores = blas_scores,
                                  .output = blas_output};
const spd_level spd_level_plain = {.tile_keys = SPD_TILE_KEYS,
                                   .unit_rows = SPD_UNIT_ROWS,
                                   .loops = &spd_loops_baseline,
                                   .scores = plain_scores,
                                   .output = plain_output};
