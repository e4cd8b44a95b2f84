/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Tensors of a file in another storage type, rounded to nearest even.
 */
#ifndef TOOLS_STORAGE_CONVERT_H
#define TOOLS_STORAGE_CONVERT_H

#include <sparsed/sparsed.h>

#include <stddef.h>

#include "error.h"
#include "safetensors.h"

/* "f32", "f16" or "bf16". */
bool storage_parse(const char *name, sparsed_dtype *dtype, tool_error *error);
const char *storage_name(sparsed_dtype dtype);

/* Whether a number stays one in dtype. A NaN or an infinity does fit. */
bool storage_holds(float value, sparsed_dtype dtype);

/* to[0 .. count-1] in dtype = from[0 .. count-1]. */
void storage_from_floats(const float *from, size_t count, sparsed_dtype dtype, void *to);

#endif
