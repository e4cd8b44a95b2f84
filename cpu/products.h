/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The two matrix products of attention on one strip of query rows and one tile of keys, both
 * transposed: lanes are query rows. K and V are read as they lie, q_t, s_t (p_t) and o_t are the
 * strip's own, [dim or keys][rows] without gaps, aligned to 64 bytes. rows is a multiple of
 * SPD_LANES up to SPD_STRIP_ROWS, dim one of 8.
 */
#ifndef SPD_CPU_PRODUCTS_H
#define SPD_CPU_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPD_LANES = 16, SPD_STRIP_ROWS = 32 };

typedef struct spd_products {
    /* s_t[key][r] = sum over d of k[key][d] * q_t[d][r]. */
    void (*scores)(const float *k, ptrdiff_t k_stride, uint32_t keys, uint32_t dim,
                   const float *q_t, uint32_t rows, float *s_t);

    /* o_t[d][r] += sum over keys of v[key][d] * p_t[key][r]. */
    void (*output)(const float *v, ptrdiff_t v_stride, uint32_t keys, uint32_t dim,
                   const float *p_t, uint32_t rows, float *o_t);
} spd_products;

/* By matrix products of OpenBLAS, or in plain C. */
extern const spd_products spd_products_blas, spd_products_plain;
#if defined(SPD_X86_LEVELS)
extern const spd_products spd_products_avx2, spd_products_avx512;
#endif

#endif
