/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "statistics.h"

#include <stdlib.h>
#include <string.h>

const double bench_most_spread = 0.10;

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two values that the share of them falls between. */
static double quantile(const double *sorted, size_t count, double share) {
    const double at = share * (double)(count - 1);
    const size_t below = (size_t)at;
    const size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

bench_statistics bench_statistics_of(const double *values, size_t count) {
    double sorted[BENCH_MAX_ROUNDS];
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    const double median = quantile(sorted, count, 0.5);
    return (bench_statistics){
        .count = count,
        .median = median,
        .least = sorted[0],
        .most = sorted[count - 1],
        .spread = (quantile(sorted, count, 0.75) - quantile(sorted, count, 0.25)) / median};
}
