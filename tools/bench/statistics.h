/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a few timings come to.
 */
#ifndef TOOLS_BENCH_STATISTICS_H
#define TOOLS_BENCH_STATISTICS_H

#include <stddef.h>

enum { BENCH_MAX_ROUNDS = 256 };

typedef struct bench_statistics {
    size_t count;
    double median, least, most;
    double spread; /* the middle half's width as a share of the median */
} bench_statistics;

/* A spread above it is warned of, and no ground for a row of a crossover table. */
extern const double bench_most_spread;

/* Of 1 to BENCH_MAX_ROUNDS values above 0. */
bench_statistics bench_statistics_of(const double *values, size_t count);

#endif
