/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs the attention of a whole schedule on an OpenCL device, for docs/performance.md: one pipeline,
 * one call for each layer and step, tensors and all layers' patterns on the device. The layers share
 * one random q, k, v and out; nothing else of a model is there.
 *   usage: bench_schedule [OPTION...]    --help lists them
 * Prints what the library holds of the device's memory, the time of the steps by their kind (a step
 * ends when all its layers are done), and the wall time. Exit code 0: it ran; 1: it failed; 2: usage;
 * 77: there is no such device.
 */
#include <sparsed/pattern.h>

#include <stdio.h>
#include <stdlib.h>

#include "bench_resident.h"
#include "bench_tools.h"
#include "tools/selection.h"
#include "tools/storage_convert.h"

enum { KINDS = SPARSED_BUILD_SPARSE + 1 };

static const char *const kind_names[KINDS] = {"dense", "dense+build", "build", "sparse",
                                              "build+sparse"};

typedef struct schedule_options {
    const char *device, *kernel, *dtype, *schedule;
    selection_options selection;
    uint64_t heads, kv_heads, head_dim, length, gen_length, layers, steps, limit;
    double skip;
    bool help;
} schedule_options;

/* The steps of one kind. */
typedef struct kind_times {
    uint64_t steps, run; /* of the schedule; of those run */
    double sum_ms, least_ms, most_ms;
} kind_times;

typedef struct schedule_run {
    bench_resident *opencl;
    sparsed_context *context;
    sparsed_pipeline *pipeline;
    sparsed_desc desc;
    sparsed_select select;
    sparsed_io io;
    uint64_t tensor_bytes;
    kind_times kinds[KINDS];
} schedule_run;

static void stop(const char *text) {
    fprintf(stderr, "bench_schedule: %s\n", text);
    exit(1);
}

static void check(const schedule_run *r, sparsed_status status) {
    if (status != SPARSED_OK)
        stop(sparsed_context_error(r->context));
}

/* ---- options ---- */

static void add_options(schedule_options *o, cli_options *list) {
    *o = (schedule_options){.dtype = "bf16",
                            .schedule = "upstream",
                            .heads = 32,
                            .kv_heads = 32,
                            .head_dim = 128,
                            .length = 65536,
                            .layers = 32,
                            .steps = 128,
                            .limit = UINT64_MAX,
                            .skip = 0.2};
    selection_add_options(&o->selection, "ranking of the blocks (upstream-llada)", list);
    const cli_option own[] = {
        {"device", CLI_STRING, &o->device, NULL, "NAME", "as for the library (opencl)"},
        {"kernel", CLI_STRING, &o->kernel, NULL, "ROW", "the registry row to run"},
        {"dtype", CLI_STRING, &o->dtype, NULL, "TYPE", "f32, f16 or bf16 (bf16)"},
        {"heads", CLI_UINT, &o->heads, NULL, "N", "query heads (32)"},
        {"kv-heads", CLI_UINT, &o->kv_heads, NULL, "N", "(32)"},
        {"dim", CLI_UINT, &o->head_dim, NULL, "N", "head dimension (128)"},
        {"length", CLI_UINT, &o->length, NULL, "N", "rows (65536)"},
        {"gen-length", CLI_UINT, &o->gen_length, NULL, "N",
         "rows of the generation region (a 16th of all)"},
        {"layers", CLI_UINT, &o->layers, NULL, "N", "(32)"},
        {"steps", CLI_UINT, &o->steps, NULL, "N", "of the schedule (128)"},
        {"schedule", CLI_STRING, &o->schedule, NULL, "NAME", "a preset (upstream)"},
        {"skip", CLI_REAL, &o->skip, NULL, "X", "share of the steps before the build (0.2)"},
        {"limit-steps", CLI_UINT, &o->limit, NULL, "N", "run only the first N steps of each kind"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cli_add(list, own[i]);
}

static bool find_problem(const schedule_options *o, schedule_run *r, tool_error *error) {
    sparsed_dtype dtype;
    if (!storage_parse(o->dtype, &dtype, error) ||
        !selection_make(&o->selection, SPARSED_MODE_UPSTREAM_LLADA, &r->select, error))
        return false;
    if (o->steps < 1 || o->steps > 1 << 20)
        return tool_fail_usage(error, "--steps is %llu, not 1 to %d", (unsigned long long)o->steps,
                               1 << 20);
    r->select.gen_len = o->gen_length ? o->gen_length : o->length / 16;
    r->desc = (sparsed_desc){.struct_size = sizeof r->desc,
                             .dtype = (uint32_t)dtype,
                             .batch = 1,
                             .heads = (uint32_t)o->heads,
                             .kv_heads = (uint32_t)o->kv_heads,
                             .head_dim = (uint32_t)o->head_dim,
                             .q_len = o->length,
                             .kv_len = o->length};
    return true;
}

/* ---- the problem on the device ---- */

static void create_pipeline(schedule_run *r, const schedule_options *o) {
    sparsed_message message;
    sparsed_schedule_entry *entries = calloc(o->steps, sizeof *entries);
    if (!entries)
        stop("no memory for the schedule");
    const uint32_t steps = (uint32_t)o->steps;
    if (sparsed_schedule_preset(o->schedule, o->skip, entries, steps, &message) != SPARSED_OK)
        stop(message.text);
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = steps, .entries = entries};
    check(r, sparsed_pipeline_create(r->context, &r->desc, &r->select, &schedule,
                                     (uint32_t)o->layers, &r->pipeline));
    free(entries);
}

/* Random, or zeros if seed is 0. */
static void *tensor(schedule_run *r, uint32_t heads, uint32_t seed) {
    const uint64_t count = heads * r->desc.q_len * r->desc.head_dim;
    const size_t size_bytes = (size_t)count * (r->desc.dtype == SPARSED_F32 ? 4 : 2);
    void *data = seed ? bench_random((size_t)count, seed, r->desc.dtype) : NULL;
    if (seed && !data)
        stop("no memory for a tensor");
    void *buffer = bench_resident_buffer(r->opencl, data, size_bytes);
    free(data);
    r->tensor_bytes += size_bytes;
    return buffer;
}

static void create_tensors(schedule_run *r) {
    r->io = (sparsed_io){.struct_size = sizeof r->io,
                         .q.mem = tensor(r, r->desc.heads, 1),
                         .k.mem = tensor(r, r->desc.kv_heads, 2),
                         .v.mem = tensor(r, r->desc.kv_heads, 3),
                         .out.mem = tensor(r, r->desc.heads, 0)};
}

static void release(schedule_run *r) {
    void *const buffers[] = {r->io.q.mem, r->io.k.mem, r->io.v.mem, r->io.out.mem};
    sparsed_pipeline_destroy(r->pipeline);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        bench_resident_release(buffers[i]);
    bench_resident_close(r->opencl, r->context);
}

/* ---- the run ---- */

static void run_step(schedule_run *r, uint32_t step, uint32_t layers, kind_times *kind) {
    const double start = bench_now_ms();
    for (uint32_t layer = 0; layer < layers; layer++)
        check(r, bench_resident_attend(r->opencl, r->pipeline, step, layer, &r->io));
    bench_resident_finish(r->opencl);
    const double ms = bench_now_ms() - start;
    kind->sum_ms += ms;
    kind->least_ms = kind->run == 0 || ms < kind->least_ms ? ms : kind->least_ms;
    kind->most_ms = ms > kind->most_ms ? ms : kind->most_ms;
    kind->run++;
}

/* The milliseconds of all of it. */
static double run_steps(schedule_run *r, const schedule_options *o) {
    bench_resident_finish(r->opencl);
    const double start = bench_now_ms();
    for (uint32_t step = 0; step < o->steps; step++) {
        sparsed_op op;
        check(r, sparsed_pipeline_op(r->pipeline, step, &op));
        kind_times *kind = &r->kinds[op];
        if (kind->run < o->limit)
            run_step(r, step, (uint32_t)o->layers, kind);
        kind->steps++;
    }
    return bench_now_ms() - start;
}

/* ---- what is printed ---- */

static void print_problem(schedule_run *r, const schedule_options *o) {
    sparsed_device_info device = {.struct_size = sizeof device};
    sparsed_plan_info plan = {.struct_size = sizeof plan};
    check(r, sparsed_context_device(r->context, &device));
    check(r, sparsed_pipeline_describe(r->pipeline, &plan));
    const uint64_t patterns = plan.kept_bytes * o->layers;
    printf("%s, %s; %s\n", device.name, device.driver, plan.kernel);
    printf("%s, H %u, Hk %u, L %llu, D %u, %s, blocks %u x %u, ratio %g; %s with skip %g, "
           "%llu steps, %llu layers\n",
           o->dtype, r->desc.heads, r->desc.kv_heads, (unsigned long long)r->desc.q_len,
           r->desc.head_dim, selection_mode_name(r->select.mode), r->select.block_q,
           r->select.block_k, r->select.ratio, o->schedule, o->skip, (unsigned long long)o->steps,
           (unsigned long long)o->layers);
    printf("library's memory on the device: scratch %.1f MiB + patterns of %llu layers %.1f MiB = "
           "%.1f MiB; q, k, v, out: %.1f MiB\n",
           (double)plan.scratch_bytes * 0x1p-20, (unsigned long long)o->layers,
           (double)patterns * 0x1p-20, (double)(plan.scratch_bytes + patterns) * 0x1p-20,
           (double)r->tensor_bytes * 0x1p-20);
    fflush(stdout);
}

static void print_density(schedule_run *r) {
    sparsed_pattern *pattern;
    if (r->kinds[SPARSED_DENSE_BUILD].run + r->kinds[SPARSED_BUILD_SPARSE].run == 0)
        return;
    check(r, sparsed_pipeline_get_pattern(r->pipeline, 0, &pattern));
    printf("density of the built patterns: %.4f\n", sparsed_pattern_density(pattern, UINT32_MAX));
    sparsed_pattern_release(pattern);
}

static void print_times(const schedule_run *r, const schedule_options *o, double wall_ms) {
    double whole_ms = 0.0;
    uint64_t run = 0;
    for (int i = 0; i < KINDS; i++) {
        const kind_times *kind = &r->kinds[i];
        if (kind->run == 0)
            continue;
        const double mean_ms = kind->sum_ms / (double)kind->run;
        printf("%-12s %5llu of %llu steps, mean %.3f ms (%.3f to %.3f), %.4f ms a layer\n",
               kind_names[i], (unsigned long long)kind->run, (unsigned long long)kind->steps,
               mean_ms, kind->least_ms, kind->most_ms, mean_ms / (double)o->layers);
        whole_ms += mean_ms * (double)kind->steps;
        run += kind->run;
    }
    printf("wall time: %.3f s for %llu of %llu steps", wall_ms * 1e-3, (unsigned long long)run,
           (unsigned long long)o->steps);
    if (run < o->steps)
        printf("; all of them at these means: %.3f s", whole_ms * 1e-3);
    putchar('\n');
}

int main(int argc, char **argv) {
    static cli_options list;
    schedule_options o;
    schedule_run r = {.tensor_bytes = 0};
    tool_error error = {false, ""};
    add_options(&o, &list);
    const bool parsed = cli_parse(&list, argc - 1, argv + 1, &o.help, &error);
    if (parsed && o.help) {
        cli_print_options(&list, stdout);
        return 0;
    }
    if (!parsed || !find_problem(&o, &r, &error)) {
        fprintf(stderr, "bench_schedule: %s\n", error.text);
        return 2;
    }
    r.opencl = bench_resident_open(o.device, o.kernel, &r.context);
    create_pipeline(&r, &o);
    create_tensors(&r);
    print_problem(&r, &o);
    const double wall_ms = run_steps(&r, &o);
    print_times(&r, &o, wall_ms);
    print_density(&r);
    release(&r);
    return 0;
}
