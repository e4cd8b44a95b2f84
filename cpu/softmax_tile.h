/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The softmax of a transposed score tile S^T [keys][rows]: lanes are query rows, so maximum, sum
 * and rescaling run down the columns and a compiler vectorises them without reordering a sum. rows
 * is the tile's stride too, a multiple of SPD_LANES. Every arithmetic step rounds by itself (no
 * contraction), so all vector widths give the same bits.
 */
#ifndef SPD_CPU_SOFTMAX_TILE_H
#define SPD_CPU_SOFTMAX_TILE_H

#include <stdint.h>

enum { SPD_LANES = 16 };

/* top[r] = max(top[r], max over keys of s[key][r]); NaN is passed over. */
void spd_tile_max(const float *s, uint32_t keys, uint32_t rows, float *top);

/* s[key][r] = 2^((s[key][r] - top[r]) * scale_log2); sum[r] = their sum over the keys. */
void spd_tile_exp(float *s, uint32_t keys, uint32_t rows, const float *top, float scale_log2,
                  float *sum);

/* The same sums; s is only read. */
void spd_tile_exp_sum(const float *s, uint32_t keys, uint32_t rows, const float *top,
                      float scale_log2, float *sum);

/* factor[r] = 2^((from[r] - to[r]) * scale_log2). */
void spd_rescale_factors(const float *from, const float *to, uint32_t rows, float scale_log2,
                         float *factor);

/* o[d][r] *= factor[r]. */
void spd_tile_scale(float *o, uint32_t dim, uint32_t rows, const float *factor);

#endif
