/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "need.h"
#include "storage_convert.h"

/* ---- one problem ---- */

typedef struct progress_line {
    const char *device, *shape;
    uint64_t length;
} progress_line;

static void show_progress(void *user, uint32_t round, uint32_t rounds) {
    const progress_line *line = user;
    fprintf(stderr, "\r\033[K%s, %s, %llu rows: round %u of %u", line->device, line->shape,
            (unsigned long long)line->length, round, rounds);
}

static void clear_progress(void) {
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static bool measure(const bench_options *o, const bench_device *device, bench_problem *p,
                    tool_error *error) {
    sparsed_select selects[BENCH_MAX_SELECTIONS];
    progress_line line = {device->info.selector, p->shape->name, p->length};
    for (size_t i = 0; i < o->select_count; i++)
        selects[i] = bench_select(o, p->shape, p->length, i);
    const bench_request request = {.desc = bench_desc(p->shape, p->dtype, p->length),
                                   .selects = selects,
                                   .count = o->select_count,
                                   .pattern = o->pattern,
                                   .rounds = (uint32_t)o->words.rounds,
                                   .warm_up = (uint32_t)o->words.warm_up,
                                   .seconds = o->seconds,
                                   .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
                                   .user = &line};
    const bool done = bench_measure(device, &request, &p->measured, error);
    clear_progress();
    return done;
}

static bool run_schedules(const bench_options *o, const bench_device *device, bench_problem *p,
                          tool_error *error) {
    p->runs = calloc(o->select_count, sizeof *p->runs);
    if (!p->runs)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < o->select_count; i++) {
        const bench_schedule_request request = {
            .desc = p->measured.desc,
            .select = p->measured.selected[i].select,
            .schedule = o->schedule,
            .skip = o->skip,
            .steps = (uint32_t)o->words.steps,
            .layers = p->shape->layers,
            .limit = o->words.limit_steps_given ? o->words.limit_steps : UINT64_MAX};
        if (!bench_run_schedule(device, &request, &p->runs[i], error))
            return false;
    }
    return true;
}

/* ---- memory ---- */

/* scratch_bytes: of one plan; 0 before there is one. */
static bool check_room(const bench_options *o, const bench_device *device, const bench_problem *p,
                       uint64_t scratch_bytes, tool_error *error) {
    const sparsed_desc desc = bench_desc(p->shape, p->dtype, p->length);
    uint64_t kept_bytes = 0;
    for (size_t i = 0; i < o->select_count; i++) {
        const sparsed_select select = bench_select(o, p->shape, p->length, i);
        kept_bytes = bench_add_bytes(kept_bytes, bench_layer_bytes(&desc, &select, o->pattern));
    }
    return bench_check_need(&desc, scratch_bytes, kept_bytes, bench_memory_left(device), error);
}

/* ---- peaks ---- */

static size_t peak_index(const bench_device_results *d, const char *kernel, uint32_t dtype) {
    size_t i = 0;
    while (i < d->peak_count &&
           (strcmp(d->peaks[i].kernel, kernel) != 0 || d->peaks[i].dtype != dtype))
        i++;
    return i;
}

const bench_kernel_peak *bench_find_peak(const bench_device_results *device, const char *kernel,
                                         uint32_t dtype) {
    const size_t i = peak_index(device, kernel, dtype);
    return i < device->peak_count ? &device->peaks[i] : NULL;
}

static bool measure_again(const bench_device *device, bench_kernel_peak *peak, tool_error *error) {
    bench_peak_rate rate;
    if (!bench_peak(device, peak->kernel, peak->dtype, peak->threads, &rate, error))
        return false;
    if (!peak->best.how[0] || rate.flops < peak->least_flops)
        peak->least_flops = rate.flops;
    if (!peak->best.how[0] || rate.flops > peak->best.flops)
        peak->best = rate;
    return true;
}

/* The kernel that a plan of the problem gets is known only once there is one. */
static bool measure_peak(const bench_device *device, bench_device_results *d,
                         const bench_options *o, const bench_problem *p, tool_error *error) {
    const sparsed_desc desc = bench_desc(p->shape, p->dtype, p->length);
    sparsed_plan_info info = {.struct_size = sizeof info};
    sparsed_plan *plan = NULL;
    const sparsed_select select = bench_select(o, p->shape, p->length, 0);
    bool done = device_check(device->context,
                             sparsed_plan_create(device->context, &desc, &select, &plan), error) &&
                device_check(device->context, sparsed_plan_describe(plan, &info), error);
    sparsed_plan_destroy(plan);
    if (!done || !check_room(o, device, p, info.scratch_bytes, error))
        return false;
    const size_t index = peak_index(d, info.kernel, p->dtype);
    if (index == BENCH_MAX_KERNELS)
        return true;
    bench_kernel_peak *peak = &d->peaks[index];
    if (index == d->peak_count) {
        *peak = (bench_kernel_peak){.dtype = p->dtype, .threads = info.threads};
        memcpy(peak->kernel, info.kernel, sizeof peak->kernel);
        d->peak_count++;
    }
    return measure_again(device, peak, error);
}

/* What was measured stays, whatever happens here. */
static void measure_peaks_at_the_end(const bench_device *device, bench_device_results *d) {
    for (size_t i = 0; i < d->peak_count && !d->failure.text[0]; i++)
        measure_again(device, &d->peaks[i], &d->failure);
}

/* ---- one device ---- */

static void list_problems(const bench_options *o, bench_problem *problems) {
    size_t n = 0;
    for (size_t s = 0; s < o->shape_count; s++)
        for (size_t t = 0; t < o->dtype_count; t++)
            for (size_t l = 0; l < o->lengths.count; l++) {
                const double rest = o->rest_ms.count == 0   ? NAN
                                    : o->rest_ms.count == 1 ? o->rest_ms.numbers[0]
                                                            : o->rest_ms.numbers[l];
                problems[n++] = (bench_problem){.shape = &o->shapes[s],
                                                .dtype = o->dtypes[t],
                                                .length = o->lengths.numbers[l],
                                                .rest_ms = rest};
            }
}

/* A fault of the command line ends all; what a problem meets is its own. */
static bool run_problem(const bench_options *o, const bench_device *device, bench_device_results *d,
                        bench_problem *p, tool_error *error) {
    tool_error failure = {false, ""};
    bool done = check_room(o, device, p, 0, &failure) && measure_peak(device, d, o, p, &failure) &&
                measure(o, device, p, &failure);
    if (done && o->run_schedule && !run_schedules(o, device, p, &failure)) {
        bench_measured_free(&p->measured);
        done = false;
    }
    if (done)
        return true;
    p->failure = failure;
    if (failure.usage)
        *error = failure;
    return !failure.usage;
}

static bool run_problems(const bench_options *o, const bench_device *device,
                         bench_device_results *d, tool_error *error) {
    d->problems = calloc(o->shape_count * o->dtype_count * o->lengths.count, sizeof *d->problems);
    if (!d->problems)
        return tool_fail(error, "out of memory");
    d->problem_count = o->shape_count * o->dtype_count * o->lengths.count;
    list_problems(o, d->problems);
    for (size_t i = 0; i < d->problem_count; i++)
        if (!run_problem(o, device, d, &d->problems[i], error))
            return false;
    measure_peaks_at_the_end(device, d);
    return true;
}

/* What the choices of the problems' kernels have found. */
static void note_refused(const bench_device *device, bench_device_results *d) {
    sparsed_kernel_info kernels[BENCH_MAX_KERNELS];
    size_t count = BENCH_MAX_KERNELS;
    for (size_t i = 0; i < BENCH_MAX_KERNELS; i++)
        kernels[i].struct_size = sizeof kernels[i];
    if (sparsed_kernel_list(device->context, kernels, &count) != SPARSED_OK)
        return;
    for (size_t i = 0; i < count && i < BENCH_MAX_KERNELS; i++)
        if (kernels[i].failed > 0)
            d->refused[d->refused_count++] = kernels[i];
}

static bool run_device(const bench_options *o, const device_options *which, bench_device_results *d,
                       tool_error *error) {
    bench_device device;
    if (!bench_device_open(which, o->host_tensors, &device, error))
        return false;
    d->info = device.info;
    d->resident = device.resident != NULL;
    const bool done = run_problems(o, &device, d, error);
    note_refused(&device, d);
    bench_device_close(&device);
    return done;
}

/* ---- all devices ---- */

enum { MAX_DEVICES = 64 };

/* The devices that can be used, and the CPU, which is always there: where SPARSED_CPU_ISA makes it unusable,
 * the report says so. */
static bool list_devices(sparsed_device_info infos[MAX_DEVICES], size_t *count, tool_error *error) {
    sparsed_message message;
    size_t listed = MAX_DEVICES;
    for (size_t i = 0; i < MAX_DEVICES; i++)
        infos[i].struct_size = sizeof infos[i];
    if (sparsed_device_list(infos, &listed, &message) != SPARSED_OK)
        return tool_fail(error, "%s", message.text);
    *count = 0;
    for (size_t i = 0; i < listed && i < MAX_DEVICES; i++)
        if (infos[i].usable || infos[i].kind == SPARSED_DEVICE_CPU)
            infos[(*count)++] = infos[i];
    return *count > 0 ? true : tool_fail(error, "no device can be used");
}

/* Each of these devices; one that fails has its failure in the results. */
static bool run_each(const bench_options *o, const sparsed_device_info *infos, size_t count,
                     bench_results *r, tool_error *error) {
    r->devices = calloc(count, sizeof *r->devices);
    if (!r->devices)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < count; i++) {
        device_options which = o->device;
        bench_device_results *d = &r->devices[r->device_count++];
        which.device = infos[i].selector;
        d->info = infos[i];
        if (!d->info.usable)
            tool_fail(&d->failure, "%s", d->info.note);
        else if (!run_device(o, &which, d, &d->failure) && d->failure.usage) {
            *error = d->failure;
            return false;
        }
    }
    return true;
}

static bool run_all(const bench_options *o, bench_results *r, tool_error *error) {
    sparsed_device_info *infos = calloc(MAX_DEVICES, sizeof *infos);
    size_t count = 0;
    if (!infos)
        return tool_fail(error, "out of memory");
    const bool done = list_devices(infos, &count, error) && run_each(o, infos, count, r, error);
    free(infos);
    return done;
}

static bool run_one(const bench_options *o, bench_results *r, tool_error *error) {
    r->devices = calloc(1, sizeof *r->devices);
    if (!r->devices)
        return tool_fail(error, "out of memory");
    r->device_count = 1;
    return run_device(o, &o->device, r->devices, error);
}

bool bench_run(const bench_options *options, bench_results *results, tool_error *error) {
    *results = (bench_results){.options = options};
    bench_processor_name(results->processor, sizeof results->processor);
    bool done = bench_count_steps(options->schedule, options->skip, (uint32_t)options->words.steps,
                                  &results->steps, error);
    if (done)
        done = options->all_devices ? run_all(options, results, error)
                                    : run_one(options, results, error);
    if (!done)
        bench_results_free(results);
    return done;
}

void bench_results_free(bench_results *results) {
    for (size_t i = 0; i < results->device_count; i++) {
        bench_device_results *d = &results->devices[i];
        for (size_t n = 0; n < d->problem_count; n++) {
            bench_measured_free(&d->problems[n].measured);
            free(d->problems[n].runs);
        }
        free(d->problems);
    }
    free(results->devices);
    *results = (bench_results){.device_count = 0};
}

bench_pass_times bench_times_of(const bench_measured *measured, size_t selection) {
    const bench_selected *s = &measured->selected[selection];
    return (bench_pass_times){.dense = measured->dense.ms.median,
                              .dense_build = s->dense_build.ms.median,
                              .build = s->build.ms.median,
                              .sparse = s->sparse.ms.median};
}

size_t bench_failures(const bench_results *results) {
    size_t count = 0;
    for (size_t i = 0; i < results->device_count; i++) {
        const bench_device_results *d = &results->devices[i];
        count += d->failure.text[0] != '\0';
        for (size_t n = 0; n < d->problem_count; n++)
            count += d->problems[n].failure.text[0] != '\0';
    }
    return count;
}
