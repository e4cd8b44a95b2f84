/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See widen.h. */
#include "widen.h"

#include <string.h>

#include "../../src/half.h"

static uint16_t load_half(const unsigned char *from, size_t index) {
    uint16_t half;
    memcpy(&half, from + index * sizeof half, sizeof half);
    return half;
}

void dlm_widen(safetensors_dtype dtype, const void *data, size_t first, size_t count, float *to) {
    const unsigned char *from =
        (const unsigned char *)data + first * safetensors_dtype_bytes(dtype);
    if (dtype == SAFETENSORS_BF16)
        for (size_t i = 0; i < count; i++)
            to[i] = spd_float_from_bf16(load_half(from, i));
    else if (dtype == SAFETENSORS_F16)
        for (size_t i = 0; i < count; i++)
            to[i] = spd_float_from_f16(load_half(from, i));
    else
        memcpy(to, from, count * sizeof *to);
}
