/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * From which length on sparse attention pays.
 */
#ifndef TOOLS_BENCH_CROSSOVER_H
#define TOOLS_BENCH_CROSSOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum bench_crossover_kind {
    BENCH_PAYS_EVERYWHERE, /* at the shortest length measured already */
    BENCH_PAYS_FROM,       /* between two lengths measured */
    BENCH_PAYS_NOWHERE     /* not at the longest length measured */
} bench_crossover_kind;

typedef struct bench_crossover {
    bench_crossover_kind kind;
    double length;     /* PAYS_FROM: where the ratio is 1 on the line between the two lengths, both
                      logarithmic; else the shortest or the longest length measured */
    bool within_noise; /* another measurement may say another thing */
} bench_crossover;

/*
 * It pays from where no longer length measured has a ratio of 1 or more.
 *   lengths  rising, at least 1
 *   ratios   the sparse side's time as a share of the dense side's, above 0; infinity: nothing was left out,
 *            which never pays
 *   noise    what a ratio may be off by, as a share
 */
bench_crossover bench_find_crossover(const uint64_t *lengths, const double *ratios,
                                     const double *noise, size_t count);

#endif
