/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* RMSNorm and SwiGLU over rows of floats; OpenMP threads share the rows. */
#ifndef TOOLS_DLM_ELEMENTWISE_H
#define TOOLS_DLM_ELEMENTWISE_H

#include <stddef.h>

/* y = x / sqrt(mean(x^2) + eps) * weight for each of `rows` rows of `width`. y may be x. */
void dlm_rms_norm(const float *x, const float *weight, float eps, size_t rows, size_t width,
                  int threads, float *y);

/* gate = silu(gate) * up, silu(x) = x / (1 + exp(-x)), over rows of `width`. */
void dlm_swiglu(float *gate, const float *up, size_t rows, size_t width, int threads);

#endif
