/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Stored weights (bf16, f16, f32, little-endian) as floats. Every bf16 and f16 value is exact in
 * float, infinities and NaN included.
 */
#ifndef TOOLS_DLM_WIDEN_H
#define TOOLS_DLM_WIDEN_H

#include "../safetensors.h"

/* to[0 .. count-1] = the elements from `first` on. data may have any alignment; dtype is one of
 * those three. */
void dlm_widen(safetensors_dtype dtype, const void *data, size_t first, size_t count, float *to);

#endif
