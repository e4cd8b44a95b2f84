/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a reader of the figures has to know: warnings about them, and from which length on sparse
 * attention pays.
 */
#ifndef TOOLS_BENCH_FINDINGS_H
#define TOOLS_BENCH_FINDINGS_H

#include "crossover.h"
#include "rows.h"

typedef struct bench_warning {
    const char *kind; /* "spread", "load", "clock", "peak", "peers", "baseline" */
    char text[320];
} bench_warning;

/* The crossovers of one shape and type under one selection on one device: of a sparse step, and of a whole
 * run of the schedule. */
typedef struct bench_crossover_row {
    size_t device_index, problem_index, selection; /* problem: the first of its lengths */
    bench_crossover step, schedule;
} bench_crossover_row;

typedef struct bench_findings {
    bench_warning *warnings;
    size_t warning_count, warning_room;
    bench_crossover_row *crossovers;
    size_t crossover_count;
} bench_findings;

bool bench_findings_make(const bench_results *results, const bench_table *table,
                         const bench_peers *peers, const bench_baseline *baseline,
                         bench_findings *findings, tool_error *error);
void bench_findings_free(bench_findings *findings);

enum { BENCH_CROSSOVER_BYTES = 112 };

/* A sentence's end, of at most BENCH_CROSSOVER_BYTES: "from about 1450 rows on", "at 512 rows already, the shortest measured". */
void bench_crossover_text(const bench_crossover *crossover, char *text, size_t size);
const char *bench_crossover_name(bench_crossover_kind kind); /* "everywhere", "from", "nowhere" */

#endif
