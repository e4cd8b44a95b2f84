/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The results as one table, a row for each pass of each problem, with other libraries' rows among them:
 * what all reports show.
 */
#ifndef TOOLS_BENCH_ROWS_H
#define TOOLS_BENCH_ROWS_H

#include "baseline.h"
#include "peers.h"
#include "results.h"

typedef struct bench_row {
    const char *source;           /* "sparsed", or a peer's name */
    const char *device;           /* its name */
    const char *selector, *shape; /* of a peer: those of the problem that it is beside */
    const char *dtype, *kernel, *pass;
    const char *mode, *pattern; /* "": a dense pass, or a peer's */
    const char *tensors;        /* "host" or "device" */
    uint32_t threads;           /* compute units, on OpenCL; 0: unknown */
    uint32_t heads, kv_heads, head_dim;
    uint64_t length, gen_length;
    uint32_t block_q, block_k; /* 0: no blocks */
    double ratio, density;     /* ratio 0: none. density 1: all pairs */
    bench_statistics ms;
    double flops, flops_as_dense;                     /* a second */
    double of_peak, of_dense;                         /* NaN: unknown */
    uint64_t tensor_bytes, scratch_bytes, kept_bytes; /* 0: unknown, or none */
    double before_ms;                                 /* of the baseline; NaN: it has no such row */
    double change;                                    /* ms / before_ms; NaN */
    bench_change verdict;
    size_t device_index, problem_index; /* in the results */
} bench_row;

typedef struct bench_table {
    bench_row *rows;
    size_t count;
} bench_table;

/* The rows of the results, the peers' (NULL: none) behind those of their problem, held against the
 * baseline (NULL: none). The strings live as long as these. */
bool bench_table_make(const bench_results *results, const bench_peers *peers,
                      const bench_baseline *baseline, bench_table *table, tool_error *error);
void bench_table_free(bench_table *table);

/* What a run of the schedule comes to under one selection. */
typedef struct bench_schedule_row {
    size_t device_index, problem_index, selection;
    double dense_s, sparsed_s; /* attention of all layers and steps, composed; dense in all steps */
    double attention_gain;     /* dense_s / sparsed_s */
    double model_gain;         /* with the rest of a layer: an estimate; NaN without --rest-ms */
    double run_s;              /* measured by --run-schedule; NaN without */
    bool run_whole;            /* all steps were run */
} bench_schedule_row;

bench_schedule_row bench_schedule_row_of(const bench_results *results, size_t device,
                                         size_t problem, size_t selection);

/* Whether the rows are of one problem: device, shape, type and length. */
bool bench_same_problem(const bench_row *a, const bench_row *b);

/* "dense", "dense+build", "build", "sparse". */
const char *bench_pass_name(sparsed_op op);

/* A number as text; "" for NaN. */
typedef struct bench_number {
    char text[32];
} bench_number;
bench_number bench_number_of(const char *format, double value);

#endif
