/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A level of the processor: the loops over numbers that the CPU backend is made of, written once
 * for each instruction set. The driver above them (attend.c, tile.c) is the same for all.
 *
 * Scores are transposed, S^T = K Q^T and O^T += V^T P^T: lanes are query rows, `rows` of them, a
 * multiple of SPD_LANES up to SPD_STRIP_ROWS. K and V are read where they lie; q_t, s_t, p_t and
 * o_t are the strip's own, packed and aligned to 64 bytes.
 *
 * The operands of the products are elements of 32 bits: floats, or (`pairs`) two neighbours along
 * the summed dimension as bf16, the first in the low half, summed in float. So of a head of dim:
 *
 *              floats                       pairs
 *   q_t        [dim][rows]                  [dim / 2][rows], zeros up to whole SPD_PAIRS_STEP
 *   k          rows of dim floats           rows of dim bf16 (any alignment)
 *   p_t        [keys][rows], may be s_t     groups of keys: [group_pairs][rows]
 *   v          rows of dim floats           groups of keys, transposed: [dim][group_pairs]
 *   s_t, o_t   float [keys][rows], float [dim][rows]
 *
 * Groups of keys are padded with zeros, and what lies behind the last one may be read.
 */
#ifndef SPD_CPU_LEVEL_H
#define SPD_CPU_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPD_LANES = 16,
    SPD_STRIP_ROWS = 32,
    SPD_TILE_KEYS = 128,     /* keys of one tile at most, of most levels ... */
    SPD_TILE_KEYS_MAX = 256, /* ... and of any */
    SPD_UNIT_ROWS = 128,     /* unit_rows of most levels, and of any where units are few */
    SPD_TILE_RUNS = 16,      /* blocks of a tile at most: none is smaller than 16 keys */
    SPD_PAIRS_STEP = 16
};

/* Keys of K or V as one tile: runs of neighbours, all rows `stride_bytes` apart. */
typedef struct spd_run {
    const void *first;
    uint32_t keys;
} spd_run;

typedef struct spd_tile {
    spd_run run[SPD_TILE_RUNS];
    uint32_t runs, keys;
    ptrdiff_t stride_bytes; /* of k, and of v as floats */
    uint32_t group_keys;    /* of v in groups: 16 or 32 ... */
    uint32_t group_pairs;   /* ... in so many pairs, or half of them and zeros */
} spd_tile;

/* What surrounds the products. `top` are running maxima of raw scores, NaN passed over. */
typedef struct spd_loops {
    /* to[i] = from[i] as a float; from: `count` f16 or bf16 of any alignment. */
    void (*widen)(uint32_t dtype, const void *from, size_t count, float *to);

    /* to[c][r] = from[r][c], elements of 32 bits; rows of `from` (any alignment) are
     * from_stride_bytes apart, of `to` to_stride elements. */
    void (*transpose)(const void *from, ptrdiff_t from_stride_bytes, uint32_t rows,
                      uint32_t columns, void *to, ptrdiff_t to_stride);

    /* top[r] = max(top[r], max over keys of s_t[key][r]). */
    void (*raise_top)(const float *s_t, uint32_t keys, uint32_t rows, float *top);

    /* p_t[key][r] = 2^((s_t[key][r] - top[r]) * scale_log2); sum[r] = their sum over the keys,
     * before any rounding to bf16. In pairs an odd last key is paired with 0. */
    void (*exponentiate)(const float *s_t, uint32_t keys, uint32_t rows, const float *top,
                         float scale_log2, void *p_t, float *sum);

    /* The same sums alone, to the bit. */
    void (*exp_sum)(const float *s_t, uint32_t keys, uint32_t rows, const float *top,
                    float scale_log2, float *sum);

    /* factor[r] = 2^((from[r] - to[r]) * scale_log2). */
    void (*factors)(const float *from, const float *to, uint32_t rows, float scale_log2,
                    float *factor);
} spd_loops;

/* How a strip's scores of one tile become weights. */
typedef struct spd_weighing {
    const float *top; /* running maxima ... */
    float slack;      /* ... that no score may exceed by more than this */
    float scale_log2;
    uint32_t sum_keys; /* a multiple of 32 */
    float *s_t;        /* room for [keys][rows] */
    void *p_t;
    float *sums; /* [keys / sum_keys, rounded up][rows] */
} spd_weighing;

typedef struct spd_level {
    bool pairs;
    uint32_t group_pairs; /* of a group at least */
    uint32_t tile_keys;   /* SPD_TILE_KEYS, or SPD_TILE_KEYS_MAX */
    uint32_t unit_rows;   /* query rows of a unit of work where blocks play no part and such units
                             are many; SPD_UNIT_ROWS or more */
    const spd_loops *loops;

    /* s_t[key][r] = sum over d of k[key][d] * q[r][d]; rows of s_t are s_stride floats apart.
     * top as raise_top (s_stride is rows then), or NULL. */
    void (*scores)(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows, float *s_t,
                   ptrdiff_t s_stride, float *top);

    /* o_t[d][r] = o_t[d][r] * factor[r] + sum over keys of v[key][d] * p_t[key][r]; no factor
     * (NULL): 1. */
    void (*output)(const spd_tile *v, uint32_t dim, const void *p_t, uint32_t rows,
                   const float *factor, float *o_t);

    /* The weights and sums that exponentiate makes of the scores, every sum_keys keys, to the bit:
     * a few keys at a time, while their scores are near. False, and all is of no use, if a score
     * is above top + slack (NaN is not). All runs but the last have whole groups of 32 keys. NULL
     * where a level gains nothing by it. */
    bool (*score_and_weigh)(const spd_tile *k, uint32_t dim, const void *q_t, uint32_t rows,
                            const spd_weighing *weighing);

    /* Around the work of a thread, where the processor's state must be set; else NULL. */
    void (*enter)(void);
    void (*leave)(void);
} spd_level;

extern const spd_level spd_level_blas, spd_level_plain; /* OpenBLAS's products; plain C */
#if defined(SPD_X86_LEVELS)
extern const spd_level spd_level_avx2, spd_level_avx512, spd_level_avx512_bf16, spd_level_amx;
#endif
#if defined(SPD_ARM_LEVELS)
extern const spd_level spd_level_neon;
#endif

/* Loops that compilers vectorise well by themselves: level_loops.c, compiled for any processor of
 * the target, and once more with AVX2. */
extern const spd_loops spd_loops_baseline;
#if defined(SPD_X86_LEVELS)
extern const spd_loops spd_loops_avx2;
#endif

#endif
