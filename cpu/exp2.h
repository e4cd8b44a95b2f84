/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The end of an exponential in float, without branches, so that loops over it vectorise: a power of
 * two as an integer part n and a fraction f. Every step rounds by itself, so all vector widths give
 * the same bits.
 */
#ifndef SPD_CPU_EXP2_H
#define SPD_CPU_EXP2_H

#include "../src/half.h"

/* Adding it rounds to an integer n, kept in the low bits; subtracting it again gives n. */
#define SPD_EXP2_BIAS 0x1.8p23f

/*
 * 2^(n + f) for n from -127 to 127, given as n + SPD_EXP2_BIAS, and f in [-1/2, 1/2]: to 2e-8 before
 * rounding; exactly 2^n at f = 0, exactly 0 for n = -127. The polynomial is a minimax fit of 2^f
 * with the constant term fixed at 1.
 */
static inline float spd_exp2_of_parts(float biased_n, float f) {
    float p = 0x1.41fbbcp-13f;
    p = p * f + 0x1.5f3e52p-10f;
    p = p * f + 0x1.3b2d4cp-7f;
    p = p * f + 0x1.c6aee8p-5f;
    p = p * f + 0x1.ebfbdcp-3f;
    p = p * f + 0x1.62e430p-1f;
    p = p * f + 1.0f;
    return p * spd_float_from_bits((spd_float_bits(biased_n) + 127u) << 23);
}

#endif
