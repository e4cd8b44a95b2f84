/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "storage_convert.h"

#include <math.h>
#include <string.h>

#include "../src/half.h"

static const char *const names[] = {
    [SPARSED_F32] = "f32", [SPARSED_F16] = "f16", [SPARSED_BF16] = "bf16"};

bool storage_parse(const char *name, sparsed_dtype *dtype, tool_error *error) {
    for (int i = SPARSED_F32; i <= SPARSED_BF16; i++)
        if (strcmp(name, names[i]) == 0) {
            *dtype = (sparsed_dtype)i;
            return true;
        }
    return tool_fail_usage(error, "--dtype is '%s', not f32, f16 or bf16", name);
}

const char *storage_name(sparsed_dtype dtype) {
    return names[dtype];
}

bool storage_holds(float value, sparsed_dtype dtype) {
    const float stored = dtype == SPARSED_F32   ? value
                         : dtype == SPARSED_F16 ? spd_float_from_f16(spd_f16_from_float(value))
                                                : spd_float_from_bf16(spd_bf16_from_float(value));
    return isfinite(stored) || !isfinite(value);
}

void storage_from_floats(const float *from, size_t count, sparsed_dtype dtype, void *to) {
    uint16_t *half = to;
    if (dtype == SPARSED_F32)
        memcpy(to, from, count * sizeof *from);
    else if (dtype == SPARSED_F16)
        for (size_t i = 0; i < count; i++)
            half[i] = spd_f16_from_float(from[i]);
    else
        for (size_t i = 0; i < count; i++)
            half[i] = spd_bf16_from_float(from[i]);
}
