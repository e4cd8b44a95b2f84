/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../peaks.h"

#include <immintrin.h>

enum { SUMS = 16, LANES = 16 };

double bench_peak_avx512(const void *data, uint64_t turns, float *sink) {
    const float *values = data;
    const __m512 a = _mm512_loadu_ps(values), b = _mm512_loadu_ps(values + LANES);
    __m512 sum[SUMS];
    for (int i = 0; i < SUMS; i++)
        sum[i] = _mm512_loadu_ps(values + (2 + i) * LANES);
    for (uint64_t n = 0; n < turns; n++)
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_fmadd_ps(a, b, sum[i]);
    for (int i = 0; i < SUMS; i++)
        *sink += _mm512_reduce_add_ps(sum[i]);
    return 2.0 * SUMS * LANES * (double)turns;
}
