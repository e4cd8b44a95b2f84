/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "crossover.h"

#include <math.h>

/* The length between two at which the ratio, on a line over logarithms, is 1. */
static double between(double low, double high, double above, double below) {
    const double share = log(above) / (log(above) - log(below));
    return exp(log(low) + share * (log(high) - log(low)));
}

bench_crossover bench_find_crossover(const uint64_t *lengths, const double *ratios, size_t count) {
    size_t first = count; /* of those that pay, up to the longest */
    while (first > 0 && ratios[first - 1] < 1.0)
        first--;
    if (first == count)
        return (bench_crossover){BENCH_PAYS_NOWHERE, (double)lengths[count - 1]};
    if (first == 0)
        return (bench_crossover){BENCH_PAYS_EVERYWHERE, (double)lengths[0]};
    return (bench_crossover){BENCH_PAYS_FROM,
                             between((double)lengths[first - 1], (double)lengths[first],
                                     ratios[first - 1], ratios[first])};
}
