/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The level of AVX-512's bf16 dot products (vdpbf16ps): two products and a float sum a lane. */
#include "avx512.h"

enum { PAIRS = 1 };

ALWAYS_INLINE __m512 multiply_add(__m512 sum, __m512 lanes, __m512 value) {
    return _mm512_dpbf16_ps(sum, (__m512bh)lanes, (__m512bh)value);
}

/* p_t NULL: sums alone, the same to the bit. */
ALWAYS_INLINE void exponentiate_tile(int vectors, const float *s_t, uint32_t keys, const float *top,
                                     __m512 scale_log2, void *p_t, float *sum) {
    const ptrdiff_t rows = (ptrdiff_t)vectors * SPD_ZMM_FLOATS;
    __m512 most[2], total[2];
    for (int v = 0; v < vectors; v++) {
        most[v] = _mm512_load_ps(top + v * SPD_ZMM_FLOATS);
        total[v] = _mm512_setzero_ps();
    }
    for (uint32_t key = 0; key < keys; key += 2, s_t += 2 * rows)
        for (int v = 0; v < vectors; v++) {
            const float *s = s_t + v * SPD_ZMM_FLOATS;
            const __m512 first = spd_weight(_mm512_load_ps(s), most[v], scale_log2, 4);
            __m512 second = _mm512_setzero_ps();
            if (key + 1 < keys)
                second = spd_weight(_mm512_load_ps(s + rows), most[v], scale_log2, 4);
            total[v] = _mm512_add_ps(total[v], _mm512_add_ps(first, second));
            if (p_t)
                _mm512_store_si512((uint32_t *)p_t + key / 2 * rows + v * SPD_ZMM_FLOATS,
                                   spd_pair_up(first, second));
        }
    for (int v = 0; v < vectors; v++)
        _mm512_store_ps(sum + v * SPD_ZMM_FLOATS, total[v]);
}

#include "avx512_level.h"

const spd_loops spd_loops_pairs = {.widen = spd_avx512_widen,
                                   .transpose = spd_avx512_transpose,
                                   .raise_top = spd_avx512_raise_top,
                                   .exponentiate = exponentiate,
                                   .exp_sum = exp_sum,
                                   .factors = spd_avx512_factors};

const spd_level spd_level_avx512_bf16 = {.pairs = true,
                                         .tile_keys = SPD_TILE_KEYS,
                                         .unit_rows = SPD_UNIT_ROWS,
                                         .loops = &spd_loops_pairs,
                                         .scores = scores,
                                         .output = output};
