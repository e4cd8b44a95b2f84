/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Times dense attention of one layer, and its builds and sparse passes under some selections, in turns
 * on one device.
 */
#ifndef TOOLS_BENCH_MEASURE_H
#define TOOLS_BENCH_MEASURE_H

#include "layer.h"
#include "statistics.h"
#include "watch.h"

/* Selections that are measured beside one another. */
enum { BENCH_MAX_SELECTIONS = 64 };

typedef struct bench_request {
    sparsed_desc desc;
    const sparsed_select *selects; /* [count]: block sizes, ratio, mode, gen_len */
    size_t count;                  /* 1 to BENCH_MAX_SELECTIONS */
    bench_pattern pattern;
    uint32_t rounds;  /* timed, 1 to BENCH_MAX_ROUNDS, of every pass ... */
    uint32_t warm_up; /* ... after so many that are not; at least 1 */
    double seconds;   /* after the third round no other one begins once they took so long */
    void (*progress)(void *user, uint32_t round, uint32_t rounds); /* before a round; may be NULL */
    void *user;
} bench_request;

typedef struct bench_pass {
    bench_statistics ms;
    double of_dense; /* median of the rounds' ratios */
} bench_pass;

/* The passes under one selection. */
typedef struct bench_selected {
    sparsed_select select;
    sparsed_plan_info info;
    double density; /* of the sparse pass */
    bench_pass dense_build, build, sparse;
} bench_selected;

typedef struct bench_measured {
    sparsed_desc desc;
    bench_pattern pattern;
    sparsed_plan_info info; /* of the plan that ran the dense pass, which has no selection */
    uint64_t tensor_bytes;
    bench_pass dense;
    bench_selected *selected; /* [count] */
    size_t count;
    bench_conditions conditions;
} bench_measured;

/* In every round each pass runs once, in turn forwards and backwards. On failure nothing is left to
 * free. */
bool bench_measure(const bench_device *device, const bench_request *request,
                   bench_measured *measured, tool_error *error);
void bench_measured_free(bench_measured *measured);

/* Operations of a pass over all heads, two for each product and sum: 4 D a query-key pair that is
 * attended, of a build alone 2 D a pair. */
double bench_operations(const sparsed_desc *desc, sparsed_op op, double density);

#endif
