/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention with AVX-512: blocks of 8 x 32 accumulators, which start at zero for
 * each tile and are added to the output at its end, so that long sums are made of short ones.
 */
#include "../products.h"

#include <immintrin.h>

enum { BLOCK = 8, WIDTH = 16 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* c[i][r] (+)= sum over n of a[i * a_row + n * a_step] * b[n][r], for `count` values of i and
 * vectors * WIDTH of r: both are constants where this is called. */
ALWAYS_INLINE void block(int count, int vectors, bool add, const float *a, ptrdiff_t a_row,
                         ptrdiff_t a_step, uint32_t depth, const float *b, float *c) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * WIDTH;
    __m512 sum[BLOCK][2];
    UNROLL
    for (int i = 0; i < count; i++)
        sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (uint32_t n = 0; n < depth; n++, a += a_step, b += rows) {
        const __m512 low = _mm512_load_ps(b);
        const __m512 high = vectors == 2 ? _mm512_load_ps(b + WIDTH) : low;
        UNROLL
        for (int i = 0; i < count; i++) {
            const __m512 value = _mm512_set1_ps(a[i * a_row]);
            sum[i][0] = _mm512_fmadd_ps(value, low, sum[i][0]);
            if (vectors == 2)
                sum[i][1] = _mm512_fmadd_ps(value, high, sum[i][1]);
        }
    }
    UNROLL
    for (int i = 0; i < count; i++)
        for (int v = 0; v < vectors; v++) {
            float *to = c + i * rows + v * WIDTH;
            _mm512_store_ps(to, add ? _mm512_add_ps(_mm512_load_ps(to), sum[i][v]) : sum[i][v]);
        }
}

ALWAYS_INLINE void product(int vectors, bool add, const float *a, ptrdiff_t a_row, ptrdiff_t a_step,
                           uint32_t count, uint32_t depth, const float *b, float *c) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * WIDTH;
    uint32_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK)
        block(BLOCK, vectors, add, a + i * a_row, a_row, a_step, depth, b, c + i * rows);
    for (; i < count; i++)
        block(1, vectors, add, a + i * a_row, a_row, a_step, depth, b, c + i * rows);
}

static void scores(const float *k, ptrdiff_t k_stride, uint32_t keys, uint32_t dim,
                   const float *q_t, uint32_t rows, float *s_t) {
    if (rows == SPD_STRIP_ROWS)
        product(2, false, k, k_stride, 1, keys, dim, q_t, s_t);
    else
        product(1, false, k, k_stride, 1, keys, dim, q_t, s_t);
}

static void output(const float *v, ptrdiff_t v_stride, uint32_t keys, uint32_t dim,
                   const float *p_t, uint32_t rows, float *o_t) {
    if (rows == SPD_STRIP_ROWS)
        product(2, true, v, 1, v_stride, dim, keys, p_t, o_t);
    else
        product(1, true, v, 1, v_stride, dim, keys, p_t, o_t);
}

const spd_products spd_products_avx512 = {scores, output};
