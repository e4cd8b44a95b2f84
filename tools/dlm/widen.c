/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See widen.h. The loops are free of branches, so that compilers vectorise them. */
#include "widen.h"

#include <string.h>

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void widen_bf16(const unsigned char *from, size_t count, float *restrict to) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + 2 * i, sizeof half);
        to[i] = float_of_bits((uint32_t)half << 16);
    }
}

/* Exponent and mantissa moved to float's places are the value times 2^-112, denormals too. */
static void widen_f16(const unsigned char *from, size_t count, float *restrict to) {
    const float two_to_112 = 0x1p112f;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + 2 * i, sizeof half);
        uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
        uint32_t magnitude = half & 0x7fffu;
        uint32_t bits;
        float scaled = float_of_bits(magnitude << 13) * two_to_112;
        memcpy(&bits, &scaled, sizeof bits);
        bits |= magnitude >= 0x7c00u ? 0x7f800000u : 0u; /* infinity and NaN */
        to[i] = float_of_bits(bits | sign);
    }
}

void dlm_widen(safetensors_dtype dtype, const void *data, size_t first, size_t count, float *to) {
    const unsigned char *from =
        (const unsigned char *)data + first * safetensors_dtype_bytes(dtype);
    switch (dtype) {
    case SAFETENSORS_BF16:
        widen_bf16(from, count, to);
        break;
    case SAFETENSORS_F16:
        widen_f16(from, count, to);
        break;
    default:
        memcpy(to, from, count * sizeof *to);
        break;
    }
}
