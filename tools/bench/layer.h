/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One layer's attention over random data on a device, ready to run.
 */
#ifndef TOOLS_BENCH_LAYER_H
#define TOOLS_BENCH_LAYER_H

#include "device.h"

/* What the sparse pass attends over. */
typedef enum bench_pattern {
    BENCH_BUILT,  /* what a build chose */
    BENCH_RANDOM, /* as many random key blocks for every query block, `ratio` of all */
    BENCH_SHARED  /* random ones, the same for the query blocks of 128 rows */
} bench_pattern;

/* q, k and v of normal data, and out: packed. */
typedef struct bench_tensors {
    sparsed_io io;
    uint64_t size_bytes; /* of all four */
} bench_tensors;

bool bench_tensors_create(const bench_device *device, const sparsed_desc *desc,
                          bench_tensors *tensors, tool_error *error);
void bench_tensors_release(const bench_device *device, bench_tensors *tensors);

typedef struct bench_layer {
    sparsed_plan *plan;
    sparsed_kept *built, *attended; /* the same, unless the pattern is random */
    sparsed_plan_info info;
} bench_layer;

/* The plan, which knows its scratch memory. select NULL: for dense passes alone. On failure nothing is left
 * to close. */
bool bench_layer_open(const bench_device *device, const sparsed_desc *desc,
                      const sparsed_select *select, bench_layer *layer, tool_error *error);

/* Its kept blocks, for passes other than dense. */
bool bench_layer_keep(const bench_device *device, const sparsed_desc *desc,
                      const sparsed_select *select, bench_pattern pattern, bench_layer *layer,
                      tool_error *error);
void bench_layer_close(bench_layer *layer);

/* Runs a pass once. SPARSED_SPARSE with a built pattern comes after a build. */
bool bench_layer_run(const bench_device *device, const bench_layer *layer,
                     const bench_tensors *tensors, sparsed_op op, double *ms, tool_error *error);

/* The density of what the sparse pass attends over. */
bool bench_layer_density(const bench_device *device, const bench_layer *layer, double *density,
                         tool_error *error);

#endif
