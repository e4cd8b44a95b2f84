/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The functions of a level with AVX-512 for one kind of element. Products are made of blocks of
 * 8 x 32 sums, which start at zero for each tile and are added to the output at its end, so that
 * long sums are made of short ones. Included by a level's file, once, behind what says of its
 * elements
 *
 *     enum { PAIRS };                                         0 for floats, 1 for pairs of bf16
 *     __m512 multiply_add(__m512 sum, __m512 lanes, __m512 value);
 *     void exponentiate_tile(...);                            weights of vectors * 16 query rows
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

/* An element from any address, in all lanes. */
ALWAYS_INLINE __m512 broadcast(const char *from) {
    int element;
    memcpy(&element, from, sizeof element);
    return _mm512_castsi512_ps(_mm512_set1_epi32(element));
}

/* sum[i][r] += sum over n of a[i * a_row + n * a_step] * b[n][r]; strides of a in bytes. The sums
 * are copied: clang would leave those of an outer loop in memory. */
ALWAYS_INLINE void multiply(sums *s, int count, int vectors, const char *a, ptrdiff_t a_row,
                            ptrdiff_t a_step, uint32_t depth, const uint32_t *b) {
    sums near = *s;
    do { /* at least once: else clang copies all sums in each turn */
        const __m512 low = _mm512_load_ps(b);
        const __m512 high = vectors == 2 ? _mm512_load_ps(b + SPD_ZMM_FLOATS) : low;
        UNROLL
        for (int i = 0; i < count; i++) {
            const __m512 value = broadcast(a + i * a_row);
            near.of[i][0] = multiply_add(near.of[i][0], low, value);
            if (vectors == 2)
                near.of[i][1] = multiply_add(near.of[i][1], high, value);
        }
        a += a_step;
        b += vectors * SPD_ZMM_FLOATS;
    } while (--depth > 0);
    *s = near;
}

ALWAYS_INLINE void score_block(int count, int vectors, const char *k, ptrdiff_t k_stride,
                               uint32_t dim, const uint32_t *q_t, float *s_t, ptrdiff_t s_stride,
                               __m512 top[2]) {
    sums s;
    clear(&s, count);
    multiply(&s, count, vectors, k, k_stride, sizeof *q_t, PAIRS ? dim / 2 : dim, q_t);
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

/* sum[i][r] += v p for 8 dimensions from d on and the keys of a run; returns the rest of p_t. */
ALWAYS_INLINE const uint32_t *multiply_run(sums *s, int vectors, const spd_tile *v,
                                           const spd_run *run, uint32_t dim, uint32_t d,
                                           const uint32_t *p_t) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * SPD_ZMM_FLOATS;
    const ptrdiff_t pair_bytes = (ptrdiff_t)(v->group_pairs * sizeof *p_t);
    const char *from = (const char *)run->first + d * (PAIRS ? pair_bytes : (ptrdiff_t)sizeof *p_t);
    if (!PAIRS) {
        multiply(s, BLOCK, vectors, from, sizeof *p_t, v->stride_bytes, run->keys, p_t);
        return p_t + run->keys * rows;
    }
    for (uint32_t key = 0; key < run->keys; key += v->group_keys) {
        multiply(s, BLOCK, vectors, from, pair_bytes, sizeof *p_t, v->group_pairs, p_t);
        from += dim * pair_bytes;
        p_t += v->group_pairs * rows;
    }
    return p_t;
}

ALWAYS_INLINE void output_tile(int vectors, const spd_tile *v, uint32_t dim, const uint32_t *p_t,
                               const float *factor, float *o_t) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * SPD_ZMM_FLOATS;
    __m512 weight[2];
    for (int c = 0; c < vectors; c++)
        weight[c] = factor ? _mm512_load_ps(factor + c * SPD_ZMM_FLOATS) : _mm512_set1_ps(1.0f);
    for (uint32_t d = 0; d < dim; d += BLOCK) {
        const uint32_t *p = p_t;
        sums s;
        clear(&s, BLOCK);
        for (uint32_t i = 0; i < v->runs; i++)
            p = multiply_run(&s, vectors, v, &v->run[i], dim, d, p);
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
