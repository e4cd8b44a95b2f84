/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Floats of 16 bits. */
#include "emulated/ptx_core.h"

#include <math.h>
#include <string.h>

float ptx_of_bf16(uint16_t bits) {
    return ptx_float((uint32_t)bits << 16);
}

/* To the nearest, ties to even. */
uint16_t ptx_to_bf16(float x) {
    const uint32_t bits = ptx_bits(x);
    return x != x ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float ptx_of_f16(uint16_t bits) {
    const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float x = exponent == 0    ? (float)fraction * 0x1p-24f
                    : exponent == 31 ? (fraction ? NAN : INFINITY)
                                     : ptx_float((exponent + 112) << 23 | fraction << 13);
    return bits >> 15 ? -x : x;
}

uint16_t ptx_to_f16(float x) {
    const uint16_t sign = (uint16_t)(ptx_bits(x) >> 16 & 0x8000);
    int exponent;
    if (x != x)
        return 0x7fff;
    x = fabsf(x);
    if (x >= 65520.0f)
        return sign | 0x7c00;
    if (x == 0.0f)
        return sign;
    frexpf(x, &exponent);
    const int unit = (exponent < -13 ? -13 : exponent) - 11; /* the last bit is worth 2^unit */
    const int fraction = (int)nearbyintf(ldexpf(x, -unit));
    return (uint16_t)(sign + (exponent < -13 ? fraction : ((unit + 24) << 10) + fraction));
}
