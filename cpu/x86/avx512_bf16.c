/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention with AVX-512's bf16 dot products (vdpbf16ps: two products and a float
 * sum a lane): blocks of 8 x 32 accumulators as in avx512.c, with pairs for elements.
 */
#include "avx512.h"

#include <string.h>

enum { BLOCK = 8 };

/* `count` values and `vectors` * 16 query rows; both are constants where these are called. */
typedef struct sums {
    __m512 of[BLOCK][2];
} sums;

ALWAYS_INLINE void clear(sums *s, int count) {
    UNROLL
    for (int i = 0; i < count; i++)
        s->of[i][0] = s->of[i][1] = _mm512_setzero_ps();
}

/* A pair from any address, in all lanes. */
ALWAYS_INLINE __m512bh pair_at(const char *from) {
    int pair;
    memcpy(&pair, from, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* sum[i][r] += sum over pairs n of a[i * a_row][n] . b[n][r]; a_row in bytes. */
ALWAYS_INLINE void multiply(sums *s, int count, int vectors, const char *a, ptrdiff_t a_row,
                            uint32_t pairs, const uint32_t *b) {
    do { /* at least once: else clang copies all sums in each turn */
        const __m512bh low = (__m512bh)_mm512_load_si512(b);
        const __m512bh high = vectors == 2 ? (__m512bh)_mm512_load_si512(b + SPD_ZMM_FLOATS) : low;
        UNROLL
        for (int i = 0; i < count; i++) {
            const __m512bh value = pair_at(a + i * a_row);
            s->of[i][0] = _mm512_dpbf16_ps(s->of[i][0], low, value);
            if (vectors == 2)
                s->of[i][1] = _mm512_dpbf16_ps(s->of[i][1], high, value);
        }
        a += sizeof *b;
        b += vectors * SPD_ZMM_FLOATS;
    } while (--pairs > 0);
}

ALWAYS_INLINE void score_block(int count, int vectors, const char *k, ptrdiff_t k_stride,
                               uint32_t dim, const uint32_t *q_t, float *s_t, ptrdiff_t s_stride,
                               __m512 top[2]) {
    sums s;
    clear(&s, count);
    multiply(&s, count, vectors, k, k_stride, dim / 2, q_t);
    UNROLL
    for (int i = 0; i < count; i++)
        for (int v = 0; v < vectors; v++) {
            _mm512_storeu_ps(s_t + i * s_stride + v * SPD_ZMM_FLOATS, s.of[i][v]);
            top[v] = _mm512_max_ps(s.of[i][v], top[v]); /* the second one if either is NaN */
        }
}

ALWAYS_INLINE void score_tile(int vectors, const spd_tile *k, uint32_t dim, const uint32_t *q_t,
                              float *s_t, ptrdiff_t s_stride, float *top) {
    __m512 most[2];
    for (int v = 0; v < vectors; v++)
        most[v] = top ? _mm512_load_ps(top + v * SPD_ZMM_FLOATS) : _mm512_setzero_ps();
    for (uint32_t i = 0; i < k->runs; i++) {
        const char *from = k->run[i].first;
        uint32_t left = k->run[i].keys;
        for (; left >= BLOCK;
             left -= BLOCK, from += BLOCK * k->stride_bytes, s_t += BLOCK * s_stride)
            score_block(BLOCK, vectors, from, k->stride_bytes, dim, q_t, s_t, s_stride, most);
        for (; left > 0; left--, from += k->stride_bytes, s_t += s_stride)
            score_block(1, vectors, from, k->stride_bytes, dim, q_t, s_t, s_stride, most);
    }
    for (int v = 0; top && v < vectors; v++)
        _mm512_store_ps(top + v * SPD_ZMM_FLOATS, most[v]);
}

static void scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                   ptrdiff_t s_stride, float *top) {
    if (rows == SPD_STRIP_ROWS)
        score_tile(2, k, dim, q_t, s_t, s_stride, top);
    else
        score_tile(1, k, dim, q_t, s_t, s_stride, top);
}

ALWAYS_INLINE void output_tile(int vectors, const spd_tile *v, uint32_t dim, const uint32_t *p_t,
                               const float *factor, float *o_t) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * SPD_ZMM_FLOATS;
    const uint32_t pairs = v->group_pairs;
    const ptrdiff_t row_bytes = (ptrdiff_t)(pairs * sizeof(uint32_t));
    __m512 weight[2];
    for (int c = 0; c < vectors; c++)
        weight[c] = factor ? _mm512_load_ps(factor + c * SPD_ZMM_FLOATS) : _mm512_set1_ps(1.0f);
    for (uint32_t d = 0; d < dim; d += BLOCK) {
        const uint32_t *p = p_t;
        sums s;
        clear(&s, BLOCK);
        for (uint32_t i = 0; i < v->runs; i++) {
            const char *group = (const char *)v->run[i].first + d * row_bytes;
            for (uint32_t key = 0; key < v->run[i].keys; key += v->group_keys) {
                multiply(&s, BLOCK, vectors, group, row_bytes, pairs, p);
                group += dim * row_bytes;
                p += pairs * rows;
            }
        }
        UNROLL
        for (int i = 0; i < BLOCK; i++)
            for (int c = 0; c < vectors; c++) {
                float *to = o_t + (d + (uint32_t)i) * rows + c * SPD_ZMM_FLOATS;
                _mm512_store_ps(to, _mm512_fmadd_ps(_mm512_load_ps(to), weight[c], s.of[i][c]));
            }
    }
}

static void output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                   const float *factor, float *o_t) {
    if (rows == SPD_STRIP_ROWS)
        output_tile(2, v, dim, p_t, factor, o_t);
    else
        output_tile(1, v, dim, p_t, factor, o_t);
}

/* p_t NULL: sums alone, the same to the bit. */
ALWAYS_INLINE void exponentiate_tile(int vectors, const float *s_t, uint32_t keys, const float *top,
                                     __m512 scale_log2, uint32_t *p_t, float *sum) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * SPD_ZMM_FLOATS;
    __m512 most[2], total[2];
    for (int v = 0; v < vectors; v++) {
        most[v] = _mm512_load_ps(top + v * SPD_ZMM_FLOATS);
        total[v] = _mm512_setzero_ps();
    }
    for (uint32_t key = 0; key < keys; key += 2, s_t += 2 * rows)
        for (int v = 0; v < vectors; v++) {
            const float *s = s_t + v * SPD_ZMM_FLOATS;
            const __m512 first = spd_weight(_mm512_load_ps(s), most[v], scale_log2, 4);
            __m512 second = _mm512_setzero_ps();
            if (key + 1 < keys)
                second = spd_weight(_mm512_load_ps(s + rows), most[v], scale_log2, 4);
            total[v] = _mm512_add_ps(total[v], _mm512_add_ps(first, second));
            if (p_t)
                _mm512_store_si512(p_t + key / 2 * rows + v * SPD_ZMM_FLOATS,
                                   spd_pair_up(first, second));
        }
    for (int v = 0; v < vectors; v++)
        _mm512_store_ps(sum + v * SPD_ZMM_FLOATS, total[v]);
}

static void exponentiate(const float *s_t, uint32_t keys, uint32_t rows, const float *top,
                         float scale_log2, void *p_t, float *sum) {
    if (rows == SPD_STRIP_ROWS)
        exponentiate_tile(2, s_t, keys, top, _mm512_set1_ps(scale_log2), p_t, sum);
    else
        exponentiate_tile(1, s_t, keys, top, _mm512_set1_ps(scale_log2), p_t, sum);
}

static void exp_sum(const float *s_t, uint32_t keys, uint32_t rows, const float *top,
                    float scale_log2, float *sum) {
    if (rows == SPD_STRIP_ROWS)
        exponentiate_tile(2, s_t, keys, top, _mm512_set1_ps(scale_log2), NULL, sum);
    else
        exponentiate_tile(1, s_t, keys, top, _mm512_set1_ps(scale_log2), NULL, sum);
}

const spd_loops spd_loops_pairs = {.widen = spd_avx512_widen,
                                   .transpose = spd_avx512_transpose,
                                   .raise_top = spd_avx512_raise_top,
                                   .exponentiate = exponentiate,
                                   .exp_sum = exp_sum,
                                   .factors = spd_avx512_factors};

const spd_level spd_level_avx512_bf16 = {
    .pairs = true, .loops = &spd_loops_pairs, .scores = scores, .output = output};
