/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The products of attention with NEON: blocks of 8 x 8 sums, 16 registers, as many as the widest
 * cores need in flight (4 units, 4 cycles). The other factors are read 4 to a register and taken
 * from there lane by lane, as a load that broadcasts would occupy a unit that multiplies. Sums start
 * at zero for each tile and are added to the output at its end, so that long sums are made of short
 * ones.
 */
#include "../level.h"
#include "../unrolled.h"

#include <arm_neon.h>

enum { BLOCK = 8, WIDTH = 4, COLUMNS = 2 * WIDTH };

/* `count` values, which is a constant where these are called, and 8 query rows. */
typedef struct sums {
    float32x4_t of[BLOCK][2];
} sums;

ALWAYS_INLINE void clear(sums *s, int count) {
    UNROLL
    for (int i = 0; i < count; i++)
        s->of[i][0] = s->of[i][1] = vdupq_n_f32(0.0f);
}

/* Four floats of any alignment. */
ALWAYS_INLINE float32x4_t load_any(const char *from) {
    return vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)from));
}

/* sum + values * factors[lane]; the instruction holds the lane, a constant where this is called. */
ALWAYS_INLINE float32x4_t add_product(float32x4_t sum, float32x4_t values, float32x4_t factors,
                                      int lane) {
    switch (lane) {
    case 0:
        return vfmaq_laneq_f32(sum, values, factors, 0);
    case 1:
        return vfmaq_laneq_f32(sum, values, factors, 1);
    case 2:
        return vfmaq_laneq_f32(sum, values, factors, 2);
    default:
        return vfmaq_laneq_f32(sum, values, factors, 3);
    }
}

/* sum[i][r] += sum over d of k[i][d] * q_t[d][r]; dim is a multiple of 4. */
ALWAYS_INLINE void multiply_keys(sums *s, int count, const char *k, ptrdiff_t k_stride,
                                 uint32_t dim, const float *q_t, ptrdiff_t rows) {
    for (uint32_t d = 0; d < dim; d += WIDTH, k += WIDTH * sizeof(float)) {
        float32x4_t key[BLOCK];
        UNROLL
        for (int i = 0; i < count; i++)
            key[i] = load_any(k + i * k_stride);
        UNROLL
        for (int n = 0; n < WIDTH; n++, q_t += rows) {
            const float32x4_t low = vld1q_f32(q_t), high = vld1q_f32(q_t + WIDTH);
            UNROLL
            for (int i = 0; i < count; i++) {
                s->of[i][0] = add_product(s->of[i][0], low, key[i], n);
                s->of[i][1] = add_product(s->of[i][1], high, key[i], n);
            }
        }
    }
}

ALWAYS_INLINE void score_block(int count, const char *k, ptrdiff_t k_stride, uint32_t dim,
                               const float *q_t, ptrdiff_t rows, float *s_t, ptrdiff_t s_stride,
                               float *top) {
    sums s;
    clear(&s, count);
    multiply_keys(&s, count, k, k_stride, dim, q_t, rows);
    UNROLL
    for (int i = 0; i < count; i++)
        for (int v = 0; v < 2; v++)
            vst1q_f32(s_t + i * s_stride + v * WIDTH, s.of[i][v]);
    if (!top)
        return;
    UNROLL
    for (int v = 0; v < 2; v++) { /* rolled, it would need the sums in memory */
        float32x4_t most = vld1q_f32(top + v * WIDTH);
        UNROLL
        for (int i = 0; i < count; i++)
            most = vmaxnmq_f32(most, s.of[i][v]); /* the other one if either is NaN */
        vst1q_f32(top + v * WIDTH, most);
    }
}

/* A block of keys meets all rows while it is in the nearest cache. */
static void scores(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                   ptrdiff_t s_stride, float *top) {
    const float *q = q_t;
    for (uint32_t i = 0; i < k->runs; i++) {
        const char *from = k->run[i].first;
        uint32_t left = k->run[i].keys;
        for (; left >= BLOCK;
             left -= BLOCK, from += BLOCK * k->stride_bytes, s_t += BLOCK * s_stride)
            for (uint32_t r = 0; r < rows; r += COLUMNS)
                score_block(BLOCK, from, k->stride_bytes, dim, q + r, rows, s_t + r, s_stride,
                            top ? top + r : NULL);
        for (; left > 0; left--, from += k->stride_bytes, s_t += s_stride)
            for (uint32_t r = 0; r < rows; r += COLUMNS)
                score_block(1, from, k->stride_bytes, dim, q + r, rows, s_t + r, s_stride,
                            top ? top + r : NULL);
    }
}

/* sum[i][r] += sum over keys of v[key][i] * p_t[key][r]. */
ALWAYS_INLINE void multiply_values(sums *s, const char *v, ptrdiff_t v_stride, uint32_t keys,
                                   const float *p_t, ptrdiff_t rows) {
    for (uint32_t n = 0; n < keys; n++, v += v_stride, p_t += rows) {
        const float32x4_t value[2] = {load_any(v), load_any(v + WIDTH * sizeof(float))};
        const float32x4_t low = vld1q_f32(p_t), high = vld1q_f32(p_t + WIDTH);
        UNROLL
        for (int i = 0; i < BLOCK; i++) {
            s->of[i][0] = add_product(s->of[i][0], low, value[i / WIDTH], i % WIDTH);
            s->of[i][1] = add_product(s->of[i][1], high, value[i / WIDTH], i % WIDTH);
        }
    }
}

ALWAYS_INLINE void output_block(const spd_tile *v, uint32_t d, const float *p_t, ptrdiff_t rows,
                                const float *factor, float *o_t) {
    const float32x4_t one = vdupq_n_f32(1.0f);
    const float32x4_t weight[2] = {factor ? vld1q_f32(factor) : one,
                                   factor ? vld1q_f32(factor + WIDTH) : one};
    sums s;
    clear(&s, BLOCK);
    for (uint32_t i = 0; i < v->runs; p_t += v->run[i++].keys * rows)
        multiply_values(&s, (const char *)v->run[i].first + d * sizeof(float), v->stride_bytes,
                        v->run[i].keys, p_t, rows);
    UNROLL
    for (int i = 0; i < BLOCK; i++)
        for (int c = 0; c < 2; c++) {
            float *to = o_t + i * rows + c * WIDTH;
            vst1q_f32(to, vfmaq_f32(s.of[i][c], vld1q_f32(to), weight[c]));
        }
}

/* dim is a multiple of 8. */
static void output(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                   const float *factor, float *o_t) {
    for (uint32_t d = 0; d < dim; d += BLOCK)
        for (uint32_t r = 0; r < rows; r += COLUMNS)
            output_block(v, d, (const float *)p_t + r, rows, factor ? factor + r : NULL,
                         o_t + d * rows + r);
}

const spd_level spd_level_neon = {.tile_keys = SPD_TILE_KEYS,
                                  .unit_rows = SPD_UNIT_ROWS,
                                  .loops = &spd_loops_baseline,
                                  .scores = scores,
                                  .output = output};
