/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a whole schedule takes, composed of the times of its passes.
 */
#ifndef TOOLS_BENCH_SCHEDULE_COST_H
#define TOOLS_BENCH_SCHEDULE_COST_H

#include <sparsed/sparsed.h>

#include "error.h"

enum { BENCH_STEP_KINDS = SPARSED_BUILD_SPARSE + 1 };

/* How many steps run what, by sparsed_op. */
typedef struct bench_step_counts {
    uint64_t steps[BENCH_STEP_KINDS];
} bench_step_counts;

/* Of a preset, as a pipeline runs it: a build that nothing uses is dense. */
bool bench_count_steps(const char *schedule, double skip, uint32_t steps, bench_step_counts *counts,
                       tool_error *error);

/* A schedule's entries, malloc'd; NULL on failure. */
sparsed_schedule_entry *bench_schedule_entries(const char *schedule, double skip, uint32_t steps,
                                               tool_error *error);

/* Milliseconds of one layer's passes. */
typedef struct bench_pass_times {
    double dense, dense_build, build, sparse;
} bench_pass_times;

/* Milliseconds of one layer's attention over all steps. */
double bench_schedule_ms(const bench_step_counts *counts, const bench_pass_times *times);

/* How many times as fast a model is as with dense attention in all steps, if all the rest of a layer takes
 * rest_ms in each: an estimate. */
double bench_model_gain(const bench_step_counts *counts, const bench_pass_times *times,
                        double rest_ms);

uint64_t bench_all_steps(const bench_step_counts *counts);

#endif
