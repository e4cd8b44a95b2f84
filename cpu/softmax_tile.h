/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The softmax of a transposed score tile S^T [keys][rows]: lanes are query rows, so maximum, sum
 * and rescaling run down the columns and a compiler vectorises them without reordering a sum. rows
 * is the tile's stride too, a multiple of SPD_LANES. Every arithmetic step rounds by itself (no
 * contraction), so all vector widths give the same bits: softmax_tile.c is compiled once for each.
 */
#ifndef SPD_CPU_SOFTMAX_TILE_H
#define SPD_CPU_SOFTMAX_TILE_H

#include "products.h"

#include <stdint.h>

typedef struct spd_softmax {
    /* top[r] = max(top[r], max over keys of s[key][r]); NaN is passed over. */
    void (*raise_top)(const float *s, uint32_t keys, uint32_t rows, float *top);

    /* s[key][r] = 2^((s[key][r] - top[r]) * scale_log2); sum[r] = their sum over the keys. */
    void (*exp_in_place)(float *s, uint32_t keys, uint32_t rows, const float *top, float scale_log2,
                         float *sum);

    /* The same sums; s is only read. */
    void (*exp_sum)(const float *s, uint32_t keys, uint32_t rows, const float *top,
                    float scale_log2, float *sum);

    /* factor[r] = 2^((from[r] - to[r]) * scale_log2). */
    void (*factors)(const float *from, const float *to, uint32_t rows, float scale_log2,
                    float *factor);

    /* o[d][r] *= factor[r]. */
    void (*scale)(float *o, uint32_t dim, uint32_t rows, const float *factor);
} spd_softmax;

/* Compiled for any processor of the target, and for two levels of x86-64. */
extern const spd_softmax spd_softmax_baseline;
#if defined(SPD_X86_LEVELS)
extern const spd_softmax spd_softmax_avx2;
extern const spd_softmax spd_softmax_avx512;
#endif

/* The widest that this processor and system run (cpu_info.c). */
const spd_softmax *spd_softmax_best(void);

#endif
