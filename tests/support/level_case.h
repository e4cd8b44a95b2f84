/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One strip of query rows and one tile of keys for the functions of cpu/level.h: operands in the
 * level's own layout beside their values, and outputs with guard values behind them. For the test
 * of the levels and their benchmark.
 */
#ifndef TESTS_SUPPORT_LEVEL_CASE_H
#define TESTS_SUPPORT_LEVEL_CASE_H

#include "cpu/levels.h"

enum { LEVEL_CASE_GUARD = 64 };

typedef struct named_level {
    const char *name;
    const spd_level *level;
} named_level;

/* All levels that this processor and system have, simplest first, those too that are not faster
 * than the ones below them; their number. */
size_t list_levels(named_level levels[SPD_LEVELS]);

typedef struct level_shape {
    uint32_t rows, keys, dim;
    uint32_t runs;             /* at most so many, each but the last a multiple of group_keys */
    uint32_t group_keys;       /* 16 or 32 */
    uint32_t gap_bytes;        /* between rows of q, k and v */
    uint32_t offset, q_offset; /* bytes by which k and v, and q, miss an alignment */
    uint32_t s_gap;            /* floats between rows of s_t */
} level_shape;

typedef struct level_case {
    const spd_level *level;
    level_shape shape;
    ptrdiff_t s_stride;

    /* Values as stored, packed rows: q [rows][dim], k and v [keys][dim], p [keys][rows]. */
    float *q, *k, *v, *p;

    /* The level's operands. */
    unsigned char *q_rows; /* elements, rows q_stride_bytes apart */
    ptrdiff_t q_stride_bytes;
    void *q_t, *p_t; /* transposed; p_t with guards, an output too */
    size_t q_t_count, p_t_count;
    spd_tile k_tile, v_tile;
    unsigned char *k_run[SPD_TILE_RUNS], *v_run[SPD_TILE_RUNS];

    /* Outputs, LEVEL_CASE_GUARD guards behind each. */
    float *s_t, *o_t;
    float *top, *sum, *factor;
} level_case;

/* All allocated and filled from the seed; sets q_t and p_t as a transpose and an exponentiate
 * would. Out of memory ends the program. */
level_case level_case_make(const spd_level *level, const level_shape *shape, uint64_t seed);
void level_case_free(level_case *c);

/* Whether what lies behind the outputs, and between rows of s_t, is untouched. */
bool level_case_guards_hold(const level_case *c);

/* Around all calls of a level's functions. */
void level_enter(const spd_level *level);
void level_leave(const spd_level *level);

/* 2^x by the level's exponentials, before any rounding to bf16. Maxima may lag behind: x is
 * up to 8. */
float level_exp2(const spd_level *level, float x);

/* Largest error of 2^x over x in [-126, 8] in steps of `step`, and of a hundredth of it in [-1, 0]:
 * in units of the last place of the exact result, and relative. */
typedef struct level_exp2_error {
    double ulp, relative;
} level_exp2_error;
level_exp2_error level_measure_exp2(const spd_level *level, double step);

#endif
