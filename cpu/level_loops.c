/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Loops for any vector width: compiled for any processor of the target and for AVX2, SPD_LOOPS
 * names the table. Every arithmetic step rounds by itself (no contraction), so both give the same
 * bits.
 */
#include "../src/half.h"
#include "exp2.h"
#include "level.h"

#include <sparsed/sparsed.h>

#ifndef SPD_LOOPS
#define SPD_LOOPS spd_loops_baseline
#endif

/* 2^x for x up to 127; exactly 1 at 0, exactly 0 below -126.5, NaN for NaN. Exactly 1 matters: a
 * block that does not raise the maximum must leave the older blocks as they are. */
static inline float exp2_of(float x) {
    float clamped = x < -127.0f ? -127.0f : x;
    float biased = clamped + SPD_EXP2_BIAS;
    return spd_exp2_of_parts(biased, clamped - (biased - SPD_EXP2_BIAS));
}

static void widen(uint32_t dtype, const void *from, size_t count, float *to) {
    const unsigned char *bytes = from;
    uint16_t half[SPD_LANES];
    for (size_t i = 0; i < count; i += SPD_LANES) {
        size_t n = count - i < SPD_LANES ? count - i : SPD_LANES;
        memcpy(half, bytes + i * sizeof *half, n * sizeof *half);
        if (dtype == SPARSED_F16)
            for (size_t j = 0; j < n; j++)
                to[i + j] = spd_float_from_f16(half[j]);
        else
            for (size_t j = 0; j < n; j++)
                to[i + j] = spd_float_from_bf16(half[j]);
    }
}

static void transpose(const void *from, ptrdiff_t from_stride_bytes, uint32_t rows,
                      uint32_t columns, void *to, ptrdiff_t to_stride) {
    for (uint32_t r = 0; r < rows; r++) {
        const unsigned char *row = (const unsigned char *)from + r * from_stride_bytes;
        for (uint32_t c = 0; c < columns; c++)
            memcpy((uint32_t *)to + c * to_stride + r, row + c * sizeof(uint32_t),
                   sizeof(uint32_t));
    }
}

static void raise_top(const float *s_t, uint32_t keys, uint32_t rows, float *restrict top) {
    for (uint32_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r++) {
            float value = s_t[(size_t)key * rows + r];
            top[r] = value > top[r] ? value : top[r];
        }
}

/* One key's exponentials for SPD_LANES rows, which may go where the scores are. */
static inline void exp_lanes(const float *s, const float *top, float scale_log2, float *p,
                             float *sum) {
    float e[SPD_LANES];
    for (int r = 0; r < SPD_LANES; r++)
        e[r] = exp2_of((s[r] - top[r]) * scale_log2);
    for (int r = 0; r < SPD_LANES; r++)
        sum[r] += e[r];
    memcpy(p, e, sizeof e);
}

static void exponentiate(const float *s_t, uint32_t keys, uint32_t rows, const float *top,
                         float scale_log2, void *p_t, float *sum) {
    memset(sum, 0, rows * sizeof *sum);
    for (size_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r += SPD_LANES)
            exp_lanes(s_t + key * rows + r, top + r, scale_log2, (float *)p_t + key * rows + r,
                      sum + r);
}

static void exp_sum(const float *s_t, uint32_t keys, uint32_t rows, const float *restrict top,
                    float scale_log2, float *restrict sum) {
    memset(sum, 0, rows * sizeof *sum);
    for (uint32_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r++)
            sum[r] += exp2_of((s_t[(size_t)key * rows + r] - top[r]) * scale_log2);
}

static void factors(const float *from, const float *to, uint32_t rows, float scale_log2,
                    float *restrict factor) {
    for (uint32_t r = 0; r < rows; r++)
        factor[r] = exp2_of((from[r] - to[r]) * scale_log2);
}

const spd_loops SPD_LOOPS = {widen, transpose, raise_top, exponentiate, exp_sum, factors};
