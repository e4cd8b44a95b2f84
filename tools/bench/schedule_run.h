/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs the attention of a whole schedule: one pipeline, one call for each layer and step. The layers
 * share one q, k, v and out; nothing else of a model is there.
 */
#ifndef TOOLS_BENCH_SCHEDULE_RUN_H
#define TOOLS_BENCH_SCHEDULE_RUN_H

#include "layer.h"
#include "schedule_cost.h"

/* The steps of one kind; a step ends when all its layers are done. */
typedef struct bench_kind_times {
    uint64_t steps, run; /* of the schedule; of those run */
    double sum_ms, least_ms, most_ms;
} bench_kind_times;

typedef struct bench_schedule_run {
    bench_kind_times kinds[BENCH_STEP_KINDS]; /* by sparsed_op */
    double wall_ms;                           /* of what was run */
    double whole_ms;                          /* of all steps, those not run at their kind's mean */
    uint64_t scratch_bytes, patterns_bytes;   /* that the library holds, patterns of all layers */
} bench_schedule_run;

typedef struct bench_schedule_request {
    sparsed_desc desc;
    sparsed_select select;
    const char *schedule;
    double skip;
    uint32_t steps, layers;
    uint64_t limit; /* only the first so many steps of each kind */
} bench_schedule_request;

bool bench_run_schedule(const bench_device *device, const bench_schedule_request *request,
                        bench_schedule_run *run, tool_error *error);

#endif
