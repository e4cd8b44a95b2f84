/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "crossover.h"

#include <math.h>

/* The length between two at which the ratio, on a line over logarithms, is 1; the longer one where the
 * shorter has no ratio. */
static double between(double low, double high, double above, double below) {
    if (isinf(above))
        return high;
    const double share = log(above) / (log(above) - log(below));
    return exp(log(low) + share * (log(high) - log(low)));
}

/* Whether a length that pays, or the last one that does not, may lie on the other side of 1. */
static bool is_within_noise(const double *ratios, const double *noise, size_t first, size_t count) {
    for (size_t i = first > 0 ? first - 1 : 0; i < count; i++)
        if (!isinf(ratios[i]) && fabs(ratios[i] - 1.0) < noise[i])
            return true;
    return false;
}

bench_crossover bench_find_crossover(const uint64_t *lengths, const double *ratios,
                                     const double *noise, size_t count) {
    size_t first = count; /* of those that pay, up to the longest */
    while (first > 0 && ratios[first - 1] < 1.0)
        first--;
    const bool noisy = is_within_noise(ratios, noise, first, count);
    if (first == count)
        return (bench_crossover){BENCH_PAYS_NOWHERE, (double)lengths[count - 1], noisy};
    if (first == 0)
        return (bench_crossover){BENCH_PAYS_EVERYWHERE, (double)lengths[0], noisy};
    return (bench_crossover){BENCH_PAYS_FROM,
                             between((double)lengths[first - 1], (double)lengths[first],
                                     ratios[first - 1], ratios[first]),
                             noisy};
}
