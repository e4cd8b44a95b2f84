/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention with AVX2 and FMA: blocks of 6 x 16 accumulators, which start at zero
 * for each tile and are added to the output at its end, so that long sums are made of short ones.
 */
#include "../level.h"
#include "../unrolled.h"

#include <immintrin.h>

enum { BLOCK = 6, WIDTH = 8, COLUMNS = 2 * WIDTH };

/* `count` values and 16 query rows; count is a constant where these are called. */
typedef struct sums {
    __m256 of[BLOCK][2];
} sums;

ALWAYS_INLINE void clear(sums *s, int count) {
    UNROLL
    for (int i = 0; i < count; i++)
        s->of[i][0] = s->of[i][1] = _mm256_setzero_ps();
}

/* sum[i][r] += sum over n of a[i * a_row + n * a_step] * b[n][r]; strides of a in bytes. */
ALWAYS_INLINE void multiply(sums *s, int count, const char *a, ptrdiff_t a_row, ptrdiff_t a_step,
                            uint32_t depth, const float *b, ptrdiff_t rows) {
    do { /* at least once: else clang copies all sums in each turn */
        const __m256 low = _mm256_load_ps(b), high = _mm256_load_ps(b + WIDTH);
        UNROLL
        for (int i = 0; i < count; i++) {
            const __m256 value = _mm256_broadcast_ss((const float *)(const void *)(a + i * a_row));
            s->of[i][0] = _mm256_fmadd_ps(value, low, s->of[i][0]);
            s->of[i][1] = _mm256_fmadd_ps(value, high, s->of[i][1]);
        }
        a += a_step;
        b += rows;
    } while (--depth > 0);
}

ALWAYS_INLINE void score_block(int count, const char *k, ptrdiff_t k_stride, uint32_t dim,
                               const float *q_t, ptrdiff_t rows, float *s_t, ptrdiff_t s_stride,
                               float *top) {
    sums s;
    clear(&s, count);
    multiply(&s, count, k, k_stride, sizeof(float), dim, q_t, rows);
    UNROLL
    for (int i = 0; i < count; i++)
        for (int v = 0; v < 2; v++)
            _mm256_storeu_ps(s_t + i * s_stride + v * WIDTH, s.of[i][v]);
    if (!top)
        return;
    UNROLL
    for (int v = 0; v < 2; v++) { /* rolled, it would need the sums in memory */
        __m256 most = _mm256_load_ps(top + v * WIDTH);
        UNROLL
        for (int i = 0; i < count; i++)
            most = _mm256_max_ps(s.of[i][v], most); /* the second one if either is NaN */
        _mm256_store_ps(top + v * WIDTH, most);
    }
}

static void scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                   ptrdiff_t s_stride, float *top) {
    for (uint32_t i = 0; i < k->runs; s_t += k->run[i++].keys * s_stride)
        for (uint32_t r = 0; r < rows; r += COLUMNS) {
            const float *q = (const float *)q_t + r;
            const char *from = k->run[i].first;
            float *to = s_t + r, *most = top ? top + r : NULL;
            uint32_t left = k->run[i].keys;
            for (; left >= BLOCK;
                 left -= BLOCK, from += BLOCK * k->stride_bytes, to += BLOCK * s_stride)
                score_block(BLOCK, from, k->stride_bytes, dim, q, rows, to, s_stride, most);
            for (; left > 0; left--, from += k->stride_bytes, to += s_stride)
                score_block(1, from, k->stride_bytes, dim, q, rows, to, s_stride, most);
        }
}

ALWAYS_INLINE void output_block(int count, const spd_tile *v, uint32_t d, const float *p_t,
                                ptrdiff_t rows, const float *factor, float *o_t) {
    sums s;
    clear(&s, count);
    for (uint32_t i = 0; i < v->runs; p_t += v->run[i++].keys * rows)
        multiply(&s, count, (const char *)v->run[i].first + d * sizeof(float), sizeof(float),
                 v->stride_bytes, v->run[i].keys, p_t, rows);
    UNROLL
    for (int i = 0; i < count; i++)
        for (int c = 0; c < 2; c++) {
            float *to = o_t + i * rows + c * WIDTH;
            const __m256 weight =
                factor ? _mm256_load_ps(factor + c * WIDTH) : _mm256_set1_ps(1.0f);
            _mm256_store_ps(to, _mm256_fmadd_ps(_mm256_load_ps(to), weight, s.of[i][c]));
        }
}

static void output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                   const float *factor, float *o_t) {
    for (uint32_t r = 0; r < rows; r += COLUMNS) {
        const float *p = (const float *)p_t + r;
        float *to = o_t + r;
        uint32_t d = 0;
        for (; d + BLOCK <= dim; d += BLOCK)
            output_block(BLOCK, v, d, p, rows, factor ? factor + r : NULL, to + d * rows);
        for (; d < dim; d += 2)
            output_block(2, v, d, p, rows, factor ? factor + r : NULL, to + d * rows);
    }
}

const spd_level spd_level_avx2 = {.tile_keys = SPD_TILE_KEYS,
                                  .unit_rows = SPD_UNIT_ROWS,
                                  .loops = &spd_loops_avx2,
                                  .scores = scores,
                                  .output = output};
