/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "random_data.h"

#include <sparsed/sparsed.h>

#include <math.h>
#include <stdlib.h>

#include "../src/half.h"

/* The middles of so many equal shares of the normal distribution, rising. */
enum { QUANTILES = 1 << 16 };

/* By Newton's method on the share that lies above, each from the one before it; the lower half are the
 * negatives of the upper. */
static void find_quantiles(float *quantiles) {
    const double root_of_half = 0.70710678118654752, root_of_two_pi = 2.5066282746310005;
    double x = 0.0;
    for (int i = QUANTILES / 2; i < QUANTILES; i++) {
        const double above = (QUANTILES - i - 0.5) / QUANTILES;
        for (int turn = 0; turn < 6; turn++)
            x += (0.5 * erfc(x * root_of_half) - above) * root_of_two_pi * exp(0.5 * x * x);
        quantiles[i] = (float)x;
        quantiles[QUANTILES - 1 - i] = (float)-x;
    }
}

uint64_t bench_random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void draw_floats(const float *quantiles, float *to, size_t count, uint64_t state) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++, bits >>= 16) {
        if (i % 4 == 0)
            bits = bench_random_bits(&state);
        to[i] = quantiles[bits % QUANTILES];
    }
}

static void draw_halves(const float *quantiles, uint32_t dtype, uint16_t *to, size_t count,
                        uint64_t state) {
    uint16_t stored[QUANTILES];
    uint64_t bits = 0;
    for (int i = 0; i < QUANTILES; i++)
        stored[i] = dtype == SPARSED_F16 ? spd_f16_from_float(quantiles[i])
                                         : spd_bf16_from_float(quantiles[i]);
    for (size_t i = 0; i < count; i++, bits >>= 16) {
        if (i % 4 == 0)
            bits = bench_random_bits(&state);
        to[i] = stored[bits % QUANTILES];
    }
}

void *bench_random(size_t count, uint32_t seed, uint32_t dtype) {
    float *quantiles = malloc(QUANTILES * sizeof *quantiles);
    void *data = malloc(count * (dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t)));
    if (!quantiles || !data) {
        free(quantiles);
        free(data);
        return NULL;
    }
    find_quantiles(quantiles);
    if (dtype == SPARSED_F32)
        draw_floats(quantiles, data, count, seed);
    else
        draw_halves(quantiles, dtype, data, count, seed);
    free(quantiles);
    return data;
}
