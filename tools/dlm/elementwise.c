/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See elementwise.h. DLM_ELEMENTWISE names the table of this compilation. */
#include "elementwise.h"

#include <math.h>
#include <string.h>

#include <sparsed/sparsed.h>

#include "../../cpu/exp2.h"

#ifndef DLM_ELEMENTWISE
#define DLM_ELEMENTWISE dlm_elementwise_baseline
#endif

enum { LANES = 16, CHUNK = 256 };

/* In lanes, whose number does not depend on the vector width, so that the sum does not either. */
static double mean_of_squares(const float *x, size_t width) {
    double lane[LANES] = {0.0}, sum = 0.0;
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            lane[j] += (double)x[i + j] * (double)x[i + j];
        }
    }
    for (size_t j = 0; i + j < width; j++) {
        lane[j] += (double)x[i + j] * (double)x[i + j];
    }
    for (size_t j = 0; j < LANES; j++) {
        sum += lane[j];
    }
    return sum / (double)width;
}

static void store(const float *restrict from, size_t width, uint32_t dtype, void *restrict to) {
    uint16_t *half = to;
    if (dtype == SPARSED_F32) {
        memcpy(to, from, width * sizeof *from);
    } else if (dtype == SPARSED_F16) {
        for (size_t i = 0; i < width; i++) {
            half[i] = spd_f16_from_float(from[i]);
        }
    } else {
        for (size_t i = 0; i < width; i++) {
            half[i] = spd_bf16_from_float(from[i]);
        }
    }
}

static void rms_norm(const float *restrict x, const float *restrict weight, float eps, size_t width,
                     uint32_t dtype, void *restrict y) {
    const float scale = 1.0f / sqrtf((float)mean_of_squares(x, width) + eps);
    const size_t element = dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
    float chunk[CHUNK];
    for (size_t first = 0; first < width; first += CHUNK) {
        size_t count = width - first < CHUNK ? width - first : CHUNK;
        for (size_t i = 0; i < count; i++) {
            chunk[i] = x[first + i] * scale * weight[first + i];
        }
        store(chunk, count, dtype, (unsigned char *)y + first * element);
    }
}

/* e^-|x|, within 2e-7 of it; 0 where it is below 2^-126. -|x| = n ln 2 + f with ln 2 in two parts,
 * of which the first times n is exact. */
static inline float exp_of_minus(float x) {
    const float least = 0x1.5f0p6f; /* 87.75: n is -127 at the least */
    const float magnitude = fabsf(x);
    const float clamped = magnitude < least ? -magnitude : -least;
    const float biased = clamped * 0x1.715476p0f + SPD_EXP2_BIAS;
    const float n = biased - SPD_EXP2_BIAS;
    const float t = ((clamped - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f) * 0x1.715476p0f;
    return spd_exp2_of_parts(biased, t);
}

static void swiglu(float *restrict gate, const float *restrict up, size_t width) {
    for (size_t i = 0; i < width; i++) {
        const float g = gate[i], e = exp_of_minus(g);
        const float numerator = g < 0.0f ? e : 1.0f; /* of 1 / (1 + exp(-g)), without overflow */
        gate[i] = g * (numerator / (1.0f + e)) * up[i];
    }
}

static void rotate(float *restrict x, const float *restrict angles, size_t half) {
    const float *restrict sines = angles + half;
    float *restrict last = x + half;
    for (size_t i = 0; i < half; i++) {
        const float first = x[i], second = last[i];
        x[i] = first * angles[i] - second * sines[i];
        last[i] = second * angles[i] + first * sines[i];
    }
}

static void add(const float *restrict from, size_t width, float *restrict to) {
    for (size_t i = 0; i < width; i++) {
        to[i] += from[i];
    }
}

const dlm_elementwise DLM_ELEMENTWISE = {rms_norm, swiglu, rotate, add, store};
