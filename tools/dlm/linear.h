/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Linear layers, y = x W^T + bias, over many rows. The weights stay as stored and are widened to
 * float a panel of outputs at a time; the product is cut into tiles of a fixed size that OpenMP
 * threads share, so results do not depend on the number of threads.
 */
#ifndef TOOLS_DLM_LINEAR_H
#define TOOLS_DLM_LINEAR_H

#include "../../cpu/blas/gemm.h"
#include "../safetensors.h"

typedef struct dlm_linear {
    uint32_t in, out;
    safetensors_dtype dtype; /* bf16, f16 or f32 */
    const void *weight;      /* [out][in]; any alignment; not owned */
    float *bias;             /* [out] or NULL */
} dlm_linear;

/* What all linear layers of a model share. */
typedef struct dlm_linear_engine {
    spd_gemm_fn *gemm;
    int threads;
    float *panel; /* widened weights */
    size_t panel_floats;
} dlm_linear_engine;

/* Takes OpenBLAS if there is one. widest_in: the largest `in` of the layers to come. False: out of
 * memory. */
bool dlm_linear_engine_init(dlm_linear_engine *engine, int threads, uint32_t widest_in);
void dlm_linear_engine_free(dlm_linear_engine *engine);

/* y[rows][out] = x[rows][in] * weight^T + bias; with `accumulate`, that is added to y. */
void dlm_linear_apply(dlm_linear_engine *engine, const dlm_linear *linear, const float *x,
                      size_t rows, bool accumulate, float *y);

#endif
