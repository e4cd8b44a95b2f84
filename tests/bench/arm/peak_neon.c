/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../peaks.h"

#include <arm_neon.h>

enum { SUMS = 16, LANES = 4 };

double bench_peak_neon(const void *data, uint64_t turns, float *sink) {
    const float *values = data;
    const float32x4_t a = vld1q_f32(values), b = vld1q_f32(values + LANES);
    float32x4_t sum[SUMS];
    for (int i = 0; i < SUMS; i++)
        sum[i] = vld1q_f32(values + (2 + i) * LANES);
    for (uint64_t n = 0; n < turns; n++)
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] = vfmaq_f32(sum[i], a, b);
    for (int i = 1; i < SUMS; i++)
        sum[0] = vaddq_f32(sum[0], sum[i]);
    *sink += vgetq_lane_f32(sum[0], 0);
    return 2.0 * SUMS * LANES * (double)turns;
}
