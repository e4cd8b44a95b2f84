/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Storage types to float and back, one element at a time. Written without branches, so that a
 * compiler can vectorise loops over them; rounding is to nearest, ties to even.
 */
#ifndef SPD_HALF_H
#define SPD_HALF_H

#include <stdint.h>
#include <string.h>

static inline float spd_float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t spd_float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float spd_float_from_bf16(uint16_t stored) {
    return spd_float_from_bits((uint32_t)stored << 16);
}

static inline uint16_t spd_bf16_from_float(float value) {
    uint32_t bits = spd_float_bits(value);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet_nan = (bits >> 16) | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded);
}

static inline float spd_float_from_f16(uint16_t stored) {
    /* Exponent and mantissa moved into place are 2^-112 of the value; denormals come out right
     * because the product is exact. Infinities and NaNs get the exponent that says so. */
    uint32_t magnitude = (uint32_t)(stored & 0x7fffu) << 13;
    uint32_t bits = spd_float_bits(spd_float_from_bits(magnitude) * 0x1p112f);
    uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0u;
    uint32_t sign = (uint32_t)(stored & 0x8000u) << 16;
    return spd_float_from_bits(sign | special | bits);
}

static inline uint16_t spd_f16_from_float(float value) {
    uint32_t bits = spd_float_bits(value);
    uint32_t magnitude = bits & 0x7fffffffu;
    /* Below 2^-14 the result is denormal: adding 0.5 lets the float unit round at bit 2^-24. */
    uint32_t denormal = spd_float_bits(spd_float_from_bits(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    uint32_t nan = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t result = magnitude < 0x38800000u ? denormal : normal;
    result = magnitude >= 0x477ff000u ? nan : result;
    return (uint16_t)((bits >> 16 & 0x8000u) | result);
}

#endif
