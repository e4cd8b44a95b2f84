/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the model does with one row of floats between its products. elementwise.c is compiled once
 * for each vector width; all give the same bits.
 */
#ifndef TOOLS_DLM_ELEMENTWISE_H
#define TOOLS_DLM_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "../../cpu/level.h"

typedef struct dlm_elementwise {
    /* y = x / sqrt(mean(x^2) + eps) * weight, stored as dtype (a sparsed_dtype). */
    void (*rms_norm)(const float *x, const float *weight, float eps, size_t width, uint32_t dtype,
                     void *y);

    /* gate = silu(gate) * up, silu(x) = x / (1 + exp(-x)). */
    void (*swiglu)(float *gate, const float *up, size_t width);

    /* Rotates the pairs (x[i], x[i + half]); angles: `half` cosines, then the sines. */
    void (*rotate)(float *x, const float *angles, size_t half);

    /* to += from. */
    void (*add)(const float *from, size_t width, float *to);

    /* to[0 .. width-1] = from in dtype, rounded to nearest even. */
    void (*store)(const float *from, size_t width, uint32_t dtype, void *to);
} dlm_elementwise;

extern const dlm_elementwise dlm_elementwise_baseline;
#if defined(SPD_X86_LEVELS)
extern const dlm_elementwise dlm_elementwise_avx2, dlm_elementwise_avx512;
#endif

/* Those for a processor that runs `level`. */
const dlm_elementwise *dlm_elementwise_for(const spd_level *level);

#endif
