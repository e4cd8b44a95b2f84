/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which levels of instruction sets run here: asked of the processor and the system, and limited by
 * the environment variable SPARSED_CPU_ISA. Nothing is kept: asking costs microseconds.
 */
#ifndef SPD_CPU_PROCESSOR_H
#define SPD_CPU_PROCESSOR_H

#include <sparsed/sparsed.h>

#include <stdbool.h>
#include <stddef.h>

/* Of one architecture, each has what those before it have. */
typedef enum spd_isa {
    SPD_ISA_BASELINE, /* plain C, OpenBLAS */
    SPD_ISA_AVX2,     /* x86-64-v3: with FMA, F16C and BMI2 */
    SPD_ISA_AVX512,   /* x86-64-v4: F, BW, CD, DQ and VL */
    SPD_ISA_AVX512_BF16,
    SPD_ISA_AMX, /* AMX-BF16 */
    SPD_ISA_NEON,
    SPD_ISA_COUNT
} spd_isa;

/* "baseline", "avx2", "avx512", "avx512-bf16", "amx", "neon". */
const char *spd_isa_name(spd_isa isa);

/* SPARSED_CPU_ISA is unset, empty, or names a level that this processor and system have. If not,
 * the message names its value and what there is. */
sparsed_status spd_isa_check_environment(sparsed_message *message);

/* Whether a level is to be used: the processor and the system have it, SPARSED_CPU_ISA is right and
 * names none below, and it is faster than the one below or is the one named. why_not (may be NULL)
 * is set only where it is not. */
bool spd_isa_runs(spd_isa isa, char *why_not, size_t size);

/* The highest level that is to be used. */
spd_isa spd_isa_highest(void);

/* ---- of the processor and the system alone; each architecture has its own ---- */

/* What is missing for a level; NULL: nothing is. On Linux a process has to ask before it uses AMX:
 * this asks, and the answer holds as long as the process. */
const char *spd_processor_lacks(spd_isa isa);

/* Whether the level, which this processor has, is faster than the one below it. */
bool spd_processor_gains(spd_isa isa);

#endif
