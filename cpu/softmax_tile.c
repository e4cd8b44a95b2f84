/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "softmax_tile.h"

#include <string.h>

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

void spd_tile_max(const float *s, uint32_t keys, uint32_t rows, float *top) {
    for (uint32_t r0 = 0; r0 < rows; r0 += SPD_LANES) {
        float lane[SPD_LANES];
        memcpy(lane, top + r0, sizeof lane);
        for (uint32_t key = 0; key < keys; key++) {
            const float *row = s + (uint64_t)key * rows + r0;
            for (uint32_t r = 0; r < SPD_LANES; r++)
                lane[r] = row[r] > lane[r] ? row[r] : lane[r];
        }
        memcpy(top + r0, lane, sizeof lane);
    }
}

void spd_tile_exp(float *s, uint32_t keys, uint32_t rows, const float *top, float scale_log2,
                  float *sum) {
    for (uint32_t r0 = 0; r0 < rows; r0 += SPD_LANES) {
        float lane[SPD_LANES] = {0.0f}, peak[SPD_LANES];
        memcpy(peak, top + r0, sizeof peak);
        for (uint32_t key = 0; key < keys; key++) {
            float *row = s + (uint64_t)key * rows + r0;
            for (uint32_t r = 0; r < SPD_LANES; r++) {
                row[r] = exp2_of((row[r] - peak[r]) * scale_log2);
                lane[r] += row[r];
            }
        }
        memcpy(sum + r0, lane, sizeof lane);
    }
}

void spd_tile_exp_sum(const float *s, uint32_t keys, uint32_t rows, const float *top,
                      float scale_log2, float *sum) {
    for (uint32_t r0 = 0; r0 < rows; r0 += SPD_LANES) {
        float lane[SPD_LANES] = {0.0f}, peak[SPD_LANES];
        memcpy(peak, top + r0, sizeof peak);
        for (uint32_t key = 0; key < keys; key++) {
            const float *row = s + (uint64_t)key * rows + r0;
            for (uint32_t r = 0; r < SPD_LANES; r++)
                lane[r] += exp2_of((row[r] - peak[r]) * scale_log2);
        }
        memcpy(sum + r0, lane, sizeof lane);
    }
}

void spd_rescale_factors(const float *from, const float *to, uint32_t rows, float scale_log2,
                         float *factor) {
    for (uint32_t r = 0; r < rows; r++)
        factor[r] = exp2_of((from[r] - to[r]) * scale_log2);
}

void spd_tile_scale(float *o, uint32_t dim, uint32_t rows, const float *factor) {
    for (uint32_t d = 0; d < dim; d++)
        for (uint32_t r = 0; r < rows; r++)
            o[(uint64_t)d * rows + r] *= factor[r];
}
