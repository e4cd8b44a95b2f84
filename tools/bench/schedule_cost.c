/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "schedule_cost.h"

#include <stdlib.h>

#include "../src/unused_builds.h"
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

bool bench_count_steps(const char *schedule, double skip, uint32_t steps, bench_step_counts *counts,
                       tool_error *error) {
    *counts = (bench_step_counts){{0}};
    sparsed_schedule_entry *entries = bench_schedule_entries(schedule, skip, steps, error);
    if (!entries)
        return false;
    spd_drop_unused_builds(entries, steps, 0);
    for (uint32_t step = 0; step < steps; step++)
        counts->steps[entries[step].op]++;
    free(entries);
    return true;
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
