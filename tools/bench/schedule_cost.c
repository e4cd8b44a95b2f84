/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "schedule_cost.h"

#include <stdlib.h>
#include <string.h>

#include "device_options.h"

sparsed_schedule_entry *bench_schedule_entries(const char *schedule, double skip, uint32_t steps,
                                               tool_error *error) {
    sparsed_message message;
    sparsed_schedule_entry *entries = calloc(steps, sizeof *entries);
    if (!entries) {
        tool_fail(error, "no memory for a schedule of %u steps", steps);
        return NULL;
    }
    const sparsed_status status = sparsed_schedule_preset(schedule, skip, entries, steps, &message);
    if (status == SPARSED_OK)
        return entries;
    free(entries);
    device_fail(message.text, status == SPARSED_E_INVALID, error);
    return NULL;
}

/* A pipeline knows which builds it drops: one over a layer of a single block tells. */
static bool ask_pipeline(const sparsed_schedule *schedule, bench_step_counts *counts,
                         tool_error *error) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_select select = SPARSED_SELECT_INIT;
    sparsed_pipeline *pipeline = NULL;
    device_options cpu = {.device = "cpu", .threads = 1};
    sparsed_context *context = device_open(&cpu, error);
    desc.dtype = SPARSED_F32;
    desc.batch = desc.heads = desc.kv_heads = 1;
    desc.head_dim = 8;
    desc.q_len = desc.kv_len = 16;
    bool done = context && device_check(context,
                                        sparsed_pipeline_create(context, &desc, &select, schedule,
                                                                1, &pipeline),
                                        error);
    for (uint32_t step = 0; done && step < schedule->steps; step++) {
        sparsed_op op;
        done = device_check(context, sparsed_pipeline_op(pipeline, step, &op), error);
        if (done)
            counts->steps[op]++;
    }
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
    return done;
}

bool bench_count_steps(const char *schedule, double skip, uint32_t steps, bench_step_counts *counts,
                       tool_error *error) {
    *counts = (bench_step_counts){{0}};
    sparsed_schedule_entry *entries = bench_schedule_entries(schedule, skip, steps, error);
    if (!entries)
        return false;
    const sparsed_schedule all = {.struct_size = sizeof all, .steps = steps, .entries = entries};
    const bool done = ask_pipeline(&all, counts, error);
    free(entries);
    return done;
}

double bench_schedule_ms(const bench_step_counts *counts, const bench_pass_times *times) {
    const uint64_t *steps = counts->steps;
    return (double)steps[SPARSED_DENSE] * times->dense +
           (double)steps[SPARSED_DENSE_BUILD] * times->dense_build +
           (double)steps[SPARSED_SPARSE] * times->sparse +
           (double)steps[SPARSED_BUILD_SPARSE] * (times->build + times->sparse);
}

uint64_t bench_all_steps(const bench_step_counts *counts) {
    uint64_t all = 0;
    for (int i = 0; i < BENCH_STEP_KINDS; i++)
        all += counts->steps[i];
    return all;
}

double bench_model_gain(const bench_step_counts *counts, const bench_pass_times *times,
                        double rest_ms) {
    const double steps = (double)bench_all_steps(counts);
    return steps * (times->dense + rest_ms) / (bench_schedule_ms(counts, times) + steps * rest_ms);
}
