/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed bench --tune`: what was measured as rows of the user's crossover table, by which
 * `--attention auto` stays dense.
 */
#ifndef TOOLS_BENCH_TUNE_H
#define TOOLS_BENCH_TUNE_H

#include <sparsed/sparsed.h>

#include <stdio.h>

#include "results.h"

/* Something that was not stored, or was replaced. */
typedef struct bench_tune_note {
    char text[320];
} bench_tune_note;

typedef struct bench_tuning {
    char path[4096];             /* of the user's table */
    sparsed_crossover_row *rows; /* [count] that were stored; owned */
    size_t count;
    bench_tune_note *notes; /* [note_count]; owned */
    size_t note_count;
} bench_tuning;

/* Before the run: that the user has a table, and that it can be read and written. */
bool bench_tune_check(tool_error *error);

/*
 * Makes rows of the results and stores them in the place of older ones for the same. Left out are lengths at
 * which the dense or the sparse pass spread too far, and rows of which the table has one over a wider range of
 * lengths: the notes say so. Where nothing is left out, a sparse pass never pays. On failure, which is also
 * that nothing was measured, nothing is left to free.
 */
bool bench_tune(const bench_results *results, bench_tuning *tuning, tool_error *error);
void bench_tune_print(const bench_tuning *tuning, FILE *to);
void bench_tune_free(bench_tuning *tuning);

/* The row of one selection over lengths that rise: ratios[i] is sparse's time as a share of dense's.
 * Fills shortest, longest and length. count at least 1. */
void bench_tune_row(const uint64_t *lengths, const double *ratios, size_t count,
                    sparsed_crossover_row *row);

/* Whether two rows are about the same: all but lengths and source. */
bool bench_tune_same(const sparsed_crossover_row *a, const sparsed_crossover_row *b);

#endif
