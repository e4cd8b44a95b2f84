/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "../peaks.h"

#include <immintrin.h>

enum { SUMS = 16, LANES = 16 };

double bench_peak_avx512_bf16(const void *data, uint64_t turns, float *sink) {
    const uint16_t *values = data;
    const __m512bh a = (__m512bh)_mm512_loadu_si512(values);
    const __m512bh b = (__m512bh)_mm512_loadu_si512(values + 2 * LANES);
    __m512 sum[SUMS];
    for (int i = 0; i < SUMS; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (uint64_t n = 0; n < turns; n++)
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
    for (int i = 0; i < SUMS; i++)
        *sink += _mm512_reduce_add_ps(sum[i]);
    return 4.0 * SUMS * LANES * (double)turns;
}
