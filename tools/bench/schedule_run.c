/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "schedule_run.h"

#include <math.h>
#include <stdlib.h>

#include "../src/size.h"
#include "clock.h"
#include "need.h"

static bool create_pipeline(const bench_device *device, const bench_schedule_request *request,
                            sparsed_pipeline **pipeline, tool_error *error) {
    sparsed_schedule_entry *entries =
        bench_schedule_entries(request->schedule, request->skip, request->steps, error);
    if (!entries)
        return false;
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = request->steps, .entries = entries};
    const bool done =
        device_check(device->context,
                     sparsed_pipeline_create(device->context, &request->desc, &request->select,
                                             &schedule, request->layers, pipeline),
                     error);
    free(entries);
    return done;
}

static bool attend(const bench_device *device, sparsed_pipeline *pipeline, uint32_t step,
                   uint32_t layer, const sparsed_io *io, tool_error *error) {
    const sparsed_status status =
        device->resident ? bench_resident_attend(device->resident, pipeline, step, layer, io)
                         : sparsed_pipeline_attend(pipeline, step, layer, io);
    return device_check(device->context, status, error);
}

static bool finish(const bench_device *device, tool_error *error) {
    return !device->resident || bench_resident_finish(device->resident, error);
}

static bool run_step(const bench_device *device, sparsed_pipeline *pipeline, uint32_t step,
                     uint32_t layers, const sparsed_io *io, bench_kind_times *kind,
                     tool_error *error) {
    const double start = clock_seconds();
    for (uint32_t layer = 0; layer < layers; layer++)
        if (!attend(device, pipeline, step, layer, io, error))
            return false;
    if (!finish(device, error))
        return false;
    const double ms = (clock_seconds() - start) * 1e3;
    kind->sum_ms += ms;
    kind->least_ms = kind->run == 0 ? ms : fmin(kind->least_ms, ms);
    kind->most_ms = fmax(kind->most_ms, ms);
    kind->run++;
    return true;
}

static bool run_steps(const bench_device *device, const bench_schedule_request *request,
                      sparsed_pipeline *pipeline, const sparsed_io *io, bench_schedule_run *run,
                      tool_error *error) {
    if (!finish(device, error))
        return false;
    const double start = clock_seconds();
    for (uint32_t step = 0; step < request->steps; step++) {
        sparsed_op op;
        if (!device_check(device->context, sparsed_pipeline_op(pipeline, step, &op), error))
            return false;
        bench_kind_times *kind = &run->kinds[op];
        if (kind->run < request->limit &&
            !run_step(device, pipeline, step, request->layers, io, kind, error))
            return false;
        kind->steps++;
    }
    run->wall_ms = (clock_seconds() - start) * 1e3;
    return true;
}

static void add_up(bench_schedule_run *run) {
    for (int i = 0; i < BENCH_STEP_KINDS; i++)
        if (run->kinds[i].run > 0)
            run->whole_ms +=
                run->kinds[i].sum_ms / (double)run->kinds[i].run * (double)run->kinds[i].steps;
}

/* The layers' patterns come on top of what one layer was measured with. */
static bool check_room(const bench_schedule_request *request, uint64_t scratch_bytes,
                       uint64_t left_bytes, tool_error *error) {
    uint64_t bytes;
    if (!spd_mul(bench_kept_bytes(&request->desc, &request->select), request->layers, &bytes))
        bytes = UINT64_MAX;
    return bench_check_need(&request->desc, scratch_bytes, bytes, left_bytes, error);
}

bool bench_run_schedule(const bench_device *device, const bench_schedule_request *request,
                        bench_schedule_run *run, tool_error *error) {
    sparsed_pipeline *pipeline = NULL;
    sparsed_plan_info info = {.struct_size = sizeof info};
    bench_tensors tensors = {.size_bytes = 0};
    const uint64_t left_bytes = bench_memory_left(device);
    *run = (bench_schedule_run){.wall_ms = 0.0};
    const bool done =
        check_room(request, 0, left_bytes, error) &&
        create_pipeline(device, request, &pipeline, error) &&
        device_check(device->context, sparsed_pipeline_describe(pipeline, &info), error) &&
        check_room(request, info.scratch_bytes, left_bytes, error) &&
        bench_tensors_create(device, &request->desc, &tensors, error) &&
        run_steps(device, request, pipeline, &tensors.io, run, error);
    run->scratch_bytes = info.scratch_bytes;
    run->patterns_bytes = info.kept_bytes * request->layers;
    add_up(run);
    sparsed_pipeline_destroy(pipeline);
    bench_tensors_release(device, &tensors);
    return done;
}
