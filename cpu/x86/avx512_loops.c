/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See avx512.h and spd_loops in level.h. */
#include "avx512.h"

#include <sparsed/sparsed.h>

static __m512 widen_16(uint32_t dtype, __m256i half) {
    return dtype == SPARSED_F16
               ? _mm512_cvtph_ps(half)
               : _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

void spd_avx512_widen(uint32_t dtype, const void *from, size_t count, float *to) {
    const char *bytes = from;
    size_t i = 0;
    for (; i + SPD_ZMM_FLOATS <= count; i += SPD_ZMM_FLOATS)
        _mm512_storeu_ps(to + i,
                         widen_16(dtype, _mm256_loadu_si256((const void *)(bytes + 2 * i))));
    if (i < count) {
        const __mmask16 rest = (__mmask16)((1u << (count - i)) - 1);
        const __m256i half = _mm256_maskz_loadu_epi16(rest, bytes + 2 * i);
        _mm512_mask_storeu_ps(to + i, rest, widen_16(dtype, half));
    }
}

/* Transposes 16 x 16 elements in registers. */
ALWAYS_INLINE void transpose_16(__m512i r[16]) {
    __m512i t[16];
    UNROLL
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
    }
    UNROLL
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
        r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
        r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
    }
}

ALWAYS_INLINE void transpose_block(const char *from, ptrdiff_t from_stride_bytes, uint32_t rows,
                                   uint32_t columns, uint32_t *to, ptrdiff_t to_stride) {
    const __mmask16 in = (__mmask16)((1u << columns) - 1), out = (__mmask16)((1u << rows) - 1);
    __m512i r[16];
    UNROLL
    for (uint32_t i = 0; i < 16; i++)
        r[i] = i < rows ? _mm512_maskz_loadu_epi32(in, from + i * from_stride_bytes)
                        : _mm512_setzero_si512();
    transpose_16(r);
    UNROLL
    for (uint32_t i = 0; i < 16; i++)
        if (i < columns)
            _mm512_mask_storeu_epi32(to + i * to_stride, out, r[i]);
}

void spd_avx512_transpose(const void *from, ptrdiff_t from_stride_bytes, uint32_t rows,
                          uint32_t columns, void *to, ptrdiff_t to_stride) {
    for (uint32_t r = 0; r < rows; r += 16)
        for (uint32_t c = 0; c < columns; c += 16) {
            const char *block = (const char *)from + r * from_stride_bytes + c * sizeof(uint32_t);
            uint32_t *target = (uint32_t *)to + c * to_stride + r;
            uint32_t block_rows = rows - r < 16 ? rows - r : 16;
            uint32_t block_columns = columns - c < 16 ? columns - c : 16;
            if (block_rows == 16 && block_columns == 16)
                transpose_block(block, from_stride_bytes, 16, 16, target, to_stride);
            else
                transpose_block(block, from_stride_bytes, block_rows, block_columns, target,
                                to_stride);
        }
}

void spd_avx512_raise_top(const float *s_t, uint32_t keys, uint32_t rows, float *top) {
    enum { CHAINS = 4 }; /* a maximum waits for the one before it */
    for (uint32_t r = 0; r < rows; r += SPD_ZMM_FLOATS) {
        __m512 most[CHAINS];
        for (int i = 0; i < CHAINS; i++)
            most[i] = _mm512_load_ps(top + r);
        size_t key = 0;
        for (; key + CHAINS <= keys; key += CHAINS) {
            UNROLL
            for (size_t i = 0; i < CHAINS; i++) /* the second one if either is NaN */
                most[i] = _mm512_max_ps(_mm512_load_ps(s_t + (key + i) * rows + r), most[i]);
        }
        for (; key < keys; key++)
            most[0] = _mm512_max_ps(_mm512_load_ps(s_t + key * rows + r), most[0]);
        _mm512_store_ps(top + r, _mm512_max_ps(_mm512_max_ps(most[0], most[1]),
                                               _mm512_max_ps(most[2], most[3])));
    }
}

void spd_avx512_factors(const float *from, const float *to, uint32_t rows, float scale_log2,
                        float *factor) {
    for (uint32_t r = 0; r < rows; r += SPD_ZMM_FLOATS)
        _mm512_store_ps(factor + r, spd_weight(_mm512_load_ps(from + r), _mm512_load_ps(to + r),
                                               _mm512_set1_ps(scale_log2), 5));
}
