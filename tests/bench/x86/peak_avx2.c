/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../peaks.h"

#include <immintrin.h>

enum { SUMS = 12, LANES = 8 };

double bench_peak_avx2(const void *data, uint64_t turns, float *sink) {
    const float *values = data;
    const __m256 a = _mm256_loadu_ps(values), b = _mm256_loadu_ps(values + LANES);
    __m256 sum[SUMS];
    float lanes[LANES];
    for (int i = 0; i < SUMS; i++)
        sum[i] = _mm256_loadu_ps(values + (2 + i) * LANES);
    for (uint64_t n = 0; n < turns; n++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm256_fmadd_ps(a, b, sum[i]);
    for (int i = 1; i < SUMS; i++)
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    _mm256_storeu_ps(lanes, sum[0]);
    *sink += lanes[0];
    return 2.0 * SUMS * LANES * (double)turns;
}
