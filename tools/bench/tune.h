/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed bench --tune`: what was measured as rows of the user's crossover table, by which
 * `--attention auto` stays dense.
 */
#ifndef TOOLS_BENCH_TUNE_H
#define TOOLS_BENCH_TUNE_H

#include <sparsed/sparsed.h>

#include "results.h"

/* What became of a row, by the table's row for the same. */
typedef enum bench_tune_fate {
    BENCH_TUNE_STORED,   /* there was none */
    BENCH_TUNE_REPLACED, /* it took that one's place */
    BENCH_TUNE_KEPT      /* that one stays, which is wider */
} bench_tune_fate;

typedef struct bench_tuned_row {
    sparsed_crossover_row row;
    const char *selector; /* of the device */
    bench_tune_fate fate;
    uint64_t old_shortest, old_longest; /* of the table's row; 0: there was none */
} bench_tuned_row;

/* Lengths that were left out: a pass spread too far. */
typedef struct bench_tune_noise {
    const char *selector, *kernel, *shape;
    uint32_t dtype;
    sparsed_select select;
    uint32_t lengths[BENCH_MAX_LENGTHS];
    size_t count;
    bool all; /* no length is left: there is no row */
} bench_tune_noise;

/* Its strings live as long as the results. */
typedef struct bench_tuning {
    char path[4096];       /* of the user's table; "" if there is no row */
    bench_tuned_row *rows; /* [count]; owned */
    size_t count;
    bench_tune_noise *noise; /* [noise_count]; owned */
    size_t noise_count;
} bench_tuning;

/* Before the run: that the user has a table, and that it can be read and written. */
bool bench_tune_check(tool_error *error);

/*
 * Makes rows of the results and stores them in the place of older ones for the same. Left out are lengths at
 * which the dense or the sparse pass spread too far, and rows of which the table has one over a wider range of
 * lengths. Where nothing is left out, a sparse pass never pays. On failure, which is also that nothing was
 * measured, nothing is left to free.
 */
bool bench_tune(const bench_results *results, bench_tuning *tuning, tool_error *error);
void bench_tune_free(bench_tuning *tuning);

/* How many rows are in the table now. */
size_t bench_tune_stored(const bench_tuning *tuning);

/* Sparse pays where it takes at most so much of the dense time: a tenth is what a build and the
 * noise of a measurement may cost. */
extern const double bench_tune_pays;

/* The row of one selection over lengths that rise: ratios[i] is sparse's time as a share of dense's.
 * Fills shortest, longest and length. count at least 1. */
void bench_tune_row(const uint64_t *lengths, const double *ratios, size_t count,
                    sparsed_crossover_row *row);

/* Whether two rows are about the same: all but lengths and source. */
bool bench_tune_same(const sparsed_crossover_row *a, const sparsed_crossover_row *b);

#endif
