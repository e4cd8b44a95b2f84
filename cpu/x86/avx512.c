/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The level of AVX-512: products of floats. */
#include "avx512.h"

enum { PAIRS = 0 };

ALWAYS_INLINE __m512 multiply_add(__m512 sum, __m512 lanes, __m512 value) {
    return _mm512_fmadd_ps(value, lanes, sum);
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
    for (uint32_t key = 0; key < keys; key++, s_t += rows)
        for (int v = 0; v < vectors; v++) {
            const __m512 s = _mm512_load_ps(s_t + v * SPD_ZMM_FLOATS);
            const __m512 weight = spd_weight(s, most[v], scale_log2, 5);
            total[v] = _mm512_add_ps(total[v], weight);
            if (p_t)
                _mm512_store_ps((float *)p_t + key * rows + v * SPD_ZMM_FLOATS, weight);
        }
    for (int v = 0; v < vectors; v++)
        _mm512_store_ps(sum + v * SPD_ZMM_FLOATS, total[v]);
}

#include "avx512_level.h"

static const spd_loops loops = {.widen = spd_avx512_widen,
                                .transpose = spd_avx512_transpose,
                                .raise_top = spd_avx512_raise_top,
                                .exponentiate = exponentiate,
                                .exp_sum = exp_sum,
                                .factors = spd_avx512_factors};

const spd_level spd_level_avx512 = {.tile_keys = SPD_TILE_KEYS,
                                    .unit_rows = SPD_UNIT_ROWS,
                                    .loops = &loops,
                                    .scores = scores,
                                    .output = output};
