/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention with AVX2 and FMA: blocks of 6 x 16 accumulators, which start at zero
 * for each tile and are added to the output at its end, so that long sums are made of short ones.
 */
#include "../products.h"

#include <immintrin.h>

enum { BLOCK = 6, WIDTH = 8, COLUMNS = 2 * WIDTH };

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 6")

/* c[i][r] (+)= sum over n of a[i * a_row + n * a_step] * b[n][r], for 16 columns r and `count` values
 * of i, a constant where this is called; rows of b and c are `rows` apart. */
ALWAYS_INLINE void block(int count, bool add, const float *a, ptrdiff_t a_row, ptrdiff_t a_step,
                         uint32_t depth, const float *b, float *c, ptrdiff_t rows) {
    __m256 sum[BLOCK][2];
    UNROLL
    for (int i = 0; i < count; i++)
        sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    for (uint32_t n = 0; n < depth; n++, a += a_step, b += rows) {
        const __m256 low = _mm256_load_ps(b), high = _mm256_load_ps(b + WIDTH);
        UNROLL
        for (int i = 0; i < count; i++) {
            const __m256 value = _mm256_broadcast_ss(a + i * a_row);
            sum[i][0] = _mm256_fmadd_ps(value, low, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(value, high, sum[i][1]);
        }
    }
    UNROLL
    for (int i = 0; i < count; i++)
        for (int v = 0; v < 2; v++) {
            float *to = c + i * rows + v * WIDTH;
            _mm256_store_ps(to, add ? _mm256_add_ps(_mm256_load_ps(to), sum[i][v]) : sum[i][v]);
        }
}

ALWAYS_INLINE void product(bool add, const float *a, ptrdiff_t a_row, ptrdiff_t a_step,
                           uint32_t count, uint32_t depth, const float *b, float *c,
                           uint32_t rows) {
    for (uint32_t r = 0; r < rows; r += COLUMNS) {
        uint32_t i = 0;
        for (; i + BLOCK <= count; i += BLOCK)
            block(BLOCK, add, a + i * a_row, a_row, a_step, depth, b + r,
                  c + (ptrdiff_t)i * rows + r, rows);
        for (; i + 2 <= count; i += 2)
            block(2, add, a + i * a_row, a_row, a_step, depth, b + r, c + (ptrdiff_t)i * rows + r,
                  rows);
        for (; i < count; i++)
            block(1, add, a + i * a_row, a_row, a_step, depth, b + r, c + (ptrdiff_t)i * rows + r,
                  rows);
    }
}

static void scores(const float *k, ptrdiff_t k_stride, uint32_t keys, uint32_t dim,
                   const float *q_t, uint32_t rows, float *s_t) {
    product(false, k, k_stride, 1, keys, dim, q_t, s_t, rows);
}

static void output(const float *v, ptrdiff_t v_stride, uint32_t keys, uint32_t dim,
                   const float *p_t, uint32_t rows, float *o_t) {
    product(true, v, 1, v_stride, dim, keys, p_t, o_t, rows);
}

const spd_products spd_products_avx2 = {scores, output};
