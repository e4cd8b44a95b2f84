/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One body for all vector widths: compiled with each level's flags, SPD_SOFTMAX names the table. */
#include "softmax_tile.h"

#include <stddef.h>
#include <string.h>

#ifndef SPD_SOFTMAX
#define SPD_SOFTMAX spd_softmax_baseline
#endif

/*
 * 2^x for x <= 0, to 2e-8 before rounding; exactly 1 at 0, exactly 0 below -126.5, NaN for NaN.
 * Exactly 1 matters: a block that does not raise the maximum must leave the older blocks as they
 * are. The polynomial is a minimax fit of 2^x on [-0.5, 0.5] with the constant term fixed at 1.
 */
static inline float exp2_of(float x) {
    const float round_bias = 0x1.8p23f; /* adding it rounds to an integer, kept in the low bits */
    float clamped = x < -127.0f ? -127.0f : x;
    float biased = clamped + round_bias;
    float f = clamped - (biased - round_bias);
    float p = 0x1.41fbbcp-13f;
    p = p * f + 0x1.5f3e52p-10f;
    p = p * f + 0x1.3b2d4cp-7f;
    p = p * f + 0x1.c6aee8p-5f;
    p = p * f + 0x1.ebfbdcp-3f;
    p = p * f + 0x1.62e430p-1f;
    p = p * f + 1.0f;
    uint32_t bits;
    memcpy(&bits, &biased, sizeof bits);
    bits = (bits + 127u) << 23; /* the float 2^n; 0 for n = -127 */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static void raise_top(const float *restrict s, uint32_t keys, uint32_t rows, float *restrict top) {
    for (uint32_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r++) {
            float value = s[(size_t)key * rows + r];
            top[r] = value > top[r] ? value : top[r];
        }
}

static void exp_in_place(float *restrict s, uint32_t keys, uint32_t rows, const float *restrict top,
                         float scale_log2, float *restrict sum) {
    memset(sum, 0, rows * sizeof *sum);
    for (uint32_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r++) {
            float *value = &s[(size_t)key * rows + r];
            *value = exp2_of((*value - top[r]) * scale_log2);
            sum[r] += *value;
        }
}

static void exp_sum(const float *restrict s, uint32_t keys, uint32_t rows,
                    const float *restrict top, float scale_log2, float *restrict sum) {
    memset(sum, 0, rows * sizeof *sum);
    for (uint32_t key = 0; key < keys; key++)
        for (uint32_t r = 0; r < rows; r++)
            sum[r] += exp2_of((s[(size_t)key * rows + r] - top[r]) * scale_log2);
}

static void factors(const float *restrict from, const float *restrict to, uint32_t rows,
                    float scale_log2, float *restrict factor) {
    for (uint32_t r = 0; r < rows; r++)
        factor[r] = exp2_of((from[r] - to[r]) * scale_log2);
}

static void scale(float *restrict o, uint32_t dim, uint32_t rows, const float *restrict factor) {
    for (uint32_t d = 0; d < dim; d++)
        for (uint32_t r = 0; r < rows; r++)
            o[(size_t)d * rows + r] *= factor[r];
}

const spd_softmax SPD_SOFTMAX = {raise_top, exp_in_place, exp_sum, factors, scale};
