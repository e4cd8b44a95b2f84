/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the levels with AVX-512 share. Included by files that are compiled for it only. */
#ifndef SPD_CPU_X86_AVX512_H
#define SPD_CPU_X86_AVX512_H

#include "../level.h"
#include "../unrolled.h"

#include <immintrin.h>

enum { SPD_ZMM_FLOATS = 16 };

/* 2^z: exactly 1 at 0, 0 at -inf, NaN for NaN. The polynomials are minimax fits of 2^f with the
 * constant term 1: degree 5 in ulp over [-1/2, 1/2], where f is exact, within 1.8; degree 4 over
 * [0, 1), which saves an instruction, within 3.0e-6. */
ALWAYS_INLINE __m512 spd_exp2(__m512 z, int degree) {
    __m512 f, p, whole = z;
    if (degree == 5) {
        f = _mm512_reduce_ps(z, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        whole = _mm512_sub_ps(z, f);
        p = _mm512_set1_ps(1.32257e-3f);
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.67176e-3f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.550891e-2f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022237e-1f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314683e-1f));
    } else {
        f = _mm512_reduce_ps(z, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
        p = _mm512_set1_ps(1.342668477e-2f);
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.224247277e-2f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.412801981e-1f));
        p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.930448413e-1f));
    }
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, whole); /* by 2^floor(whole) */
}

/* 2^((s - top) * scale): the difference first, so that the largest score weighs exactly 1. */
ALWAYS_INLINE __m512 spd_weight(__m512 s, __m512 top, __m512 scale_log2, int degree) {
    return spd_exp2(_mm512_mul_ps(_mm512_sub_ps(s, top), scale_log2), degree);
}

#if defined(__AVX512BF16__)
/* Two keys' weights of 16 rows as pairs, rounded to nearest even. */
ALWAYS_INLINE __m512i spd_pair_up(__m512 first, __m512 second) {
    static const uint16_t interleave[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                            21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                            11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return _mm512_permutexvar_epi16(_mm512_loadu_si512(interleave),
                                    (__m512i)_mm512_cvtne2ps_pbh(second, first));
}
#endif

/* The members of spd_loops for all levels with AVX-512 (avx512_loops.c). */
void spd_avx512_widen(uint32_t dtype, const void *from, size_t count, float *to);
void spd_avx512_transpose(const void *from, ptrdiff_t from_stride_bytes, uint32_t rows,
                          uint32_t columns, void *to, ptrdiff_t to_stride);
void spd_avx512_raise_top(const float *s_t, uint32_t keys, uint32_t rows, float *top);
void spd_avx512_factors(const float *from, const float *to, uint32_t rows, float scale_log2,
                        float *factor);

/* For the levels that multiply pairs of bf16 (avx512_bf16.c). */
extern const spd_loops spd_loops_pairs;

#endif
