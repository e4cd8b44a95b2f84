/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Numbers of a file, byte by byte, lowest first: right on every host and at every alignment.
 */
#ifndef SPD_LITTLE_ENDIAN_H
#define SPD_LITTLE_ENDIAN_H

#include <stdint.h>
#include <string.h>

static inline uint32_t spd_get_u32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t spd_get_u64(const unsigned char *bytes) {
    return (uint64_t)spd_get_u32(bytes) | (uint64_t)spd_get_u32(bytes + 4) << 32;
}

static inline double spd_get_f64(const unsigned char *bytes) {
    uint64_t bits = spd_get_u64(bytes);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void spd_put_u32(unsigned char *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static inline void spd_put_u64(unsigned char *bytes, uint64_t value) {
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static inline void spd_put_f64(unsigned char *bytes, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    spd_put_u64(bytes, bits);
}

#endif
