/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * All levels of this build, fastest first: the rows of the CPU backend.
 */
#ifndef SPD_CPU_LEVELS_H
#define SPD_CPU_LEVELS_H

#include "level.h"
#include "processor.h"

enum {
#if defined(SPD_X86_LEVELS)
    SPD_LEVEL_AMX,
    SPD_LEVEL_AVX512_BF16,
    SPD_LEVEL_AVX512,
    SPD_LEVEL_AVX2,
#elif defined(SPD_ARM_LEVELS)
    SPD_LEVEL_NEON,
#endif
    SPD_LEVEL_BLAS,
    SPD_LEVEL_PLAIN,
    SPD_LEVELS
};

typedef struct spd_level_row {
    spd_isa isa;
    const spd_level *level;
} spd_level_row;

extern const spd_level_row spd_level_rows[SPD_LEVELS];

/* "amx", "avx512" ... "blas", "plain": what its registry row has behind "cpu-". */
const char *spd_level_row_name(size_t row);

/* Whether a row can be used: its level runs here (processor.h) and its library was found. why_not
 * (may be NULL) is set only where it cannot. */
bool spd_level_row_runs(size_t row, char *why_not, size_t size);

/* The fastest one that can be used for floats, or for pairs of bf16: NULL if none multiplies those
 * faster. */
const spd_level *spd_level_best(bool pairs);

/* The instruction sets of a level, which is a row's. */
spd_isa spd_level_isa(const spd_level *level);

#endif
