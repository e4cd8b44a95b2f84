/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Size arithmetic that cannot wrap: each function returns false if the result does not fit.
 */
#ifndef SPD_SIZE_H
#define SPD_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool spd_mul(uint64_t a, uint64_t b, uint64_t *product) {
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *product = a * b;
    return true;
}

static inline bool spd_add(uint64_t a, uint64_t b, uint64_t *sum) {
    if (a > UINT64_MAX - b)
        return false;
    *sum = a + b;
    return true;
}

static inline uint64_t spd_ceil_div(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0);
}

static inline uint64_t spd_min(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t spd_max(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

#endif
