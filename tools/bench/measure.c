/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "measure.h"

#include <stdlib.h>

#include "clock.h"
#include "need.h"

enum {
    PASSES = 3,      /* of each selection */
    LEAST_ROUNDS = 3 /* whatever they take */
};

static const sparsed_op ops[PASSES] = {SPARSED_DENSE_BUILD, SPARSED_BUILD, SPARSED_SPARSE};

/* What is timed: run 0 is the dense pass, then PASSES of each selection. */
typedef struct timing {
    const bench_device *device;
    const bench_request *request;
    bench_tensors tensors;
    bench_layer dense;   /* without a selection, whose blocks would cut its units */
    bench_layer *layers; /* [request->count] */
    size_t opened;
    double *ms; /* [runs][BENCH_MAX_ROUNDS] */
    size_t runs, rounds;
} timing;

static bool run_one(const timing *t, size_t run, double *ms, tool_error *error) {
    const bench_layer *layer = run > 0 ? &t->layers[(run - 1) / PASSES] : &t->dense;
    const sparsed_op op = run > 0 ? ops[(run - 1) % PASSES] : SPARSED_DENSE;
    return bench_layer_run(t->device, layer, &t->tensors, op, ms, error);
}

/* Every second round goes backwards, so that no pass always follows the same one. */
static bool run_round(timing *t, size_t round, bool kept, tool_error *error) {
    for (size_t i = 0; i < t->runs; i++) {
        const size_t run = kept && round % 2 == 1 ? t->runs - 1 - i : i;
        double ms;
        if (!run_one(t, run, &ms, error))
            return false;
        if (kept)
            t->ms[run * BENCH_MAX_ROUNDS + round] = ms;
    }
    return true;
}

static void tell(const bench_request *r, uint32_t round) {
    if (r->progress)
        r->progress(r->user, round, r->rounds);
}

static bool run_rounds(timing *t, bench_watch *watch, tool_error *error) {
    const bench_request *r = t->request;
    for (uint32_t i = 0; i < r->warm_up; i++) {
        tell(r, 0);
        if (!run_round(t, i, false, error))
            return false;
    }
    bench_watch_start(watch);
    const double start = clock_seconds();
    for (uint32_t i = 0; i < r->rounds; i++) {
        if (i >= LEAST_ROUNDS && clock_seconds() - start >= r->seconds)
            break;
        tell(r, i + 1);
        bench_watch_round(watch);
        if (!run_round(t, i, true, error))
            return false;
        t->rounds++;
    }
    return true;
}

/* ---- results ---- */

static bench_pass pass_of(const timing *t, size_t run) {
    double of_dense[BENCH_MAX_ROUNDS];
    const double *ms = t->ms + run * BENCH_MAX_ROUNDS;
    for (size_t i = 0; i < t->rounds; i++)
        of_dense[i] = ms[i] / t->ms[i];
    return (bench_pass){.ms = bench_statistics_of(ms, t->rounds),
                        .of_dense = bench_statistics_of(of_dense, t->rounds).median};
}

static bool collect(const timing *t, bench_measured *m, tool_error *error) {
    m->info = t->dense.info;
    m->tensor_bytes = t->tensors.size_bytes;
    m->dense = pass_of(t, 0);
    for (size_t i = 0; i < m->count; i++) {
        const size_t first = 1 + i * PASSES;
        m->selected[i] = (bench_selected){.select = t->request->selects[i],
                                          .info = t->layers[i].info,
                                          .dense_build = pass_of(t, first),
                                          .build = pass_of(t, first + 1),
                                          .sparse = pass_of(t, first + 2)};
        if (!bench_layer_density(t->device, &t->layers[i], &m->selected[i].density, error))
            return false;
    }
    return true;
}

/* With the kept blocks of all selections and the scratch memory of those that have a plan. */
static bool check_room(const timing *t, uint64_t left_bytes, tool_error *error) {
    const bench_request *r = t->request;
    uint64_t scratch_bytes = t->dense.info.scratch_bytes, kept_bytes = 0;
    for (size_t i = 0; i < t->opened; i++)
        scratch_bytes = bench_add_bytes(scratch_bytes, t->layers[i].info.scratch_bytes);
    for (size_t i = 0; i < r->count; i++)
        kept_bytes =
            bench_add_bytes(kept_bytes, bench_layer_bytes(&r->desc, &r->selects[i], r->pattern));
    return bench_check_need(&r->desc, scratch_bytes, kept_bytes, left_bytes, error);
}

/* Plans first: whether there is room for the rest is known before any of it is made. */
static bool prepare(timing *t, tool_error *error) {
    const bench_request *r = t->request;
    const uint64_t left_bytes = bench_memory_left(t->device);
    if (!t->layers || !t->ms)
        return tool_fail(error, "out of memory");
    if (!bench_layer_open(t->device, &r->desc, NULL, &t->dense, error))
        return false;
    while (t->opened < r->count) {
        if (!bench_layer_open(t->device, &r->desc, &r->selects[t->opened], &t->layers[t->opened],
                              error))
            return false;
        t->opened++;
        if (!check_room(t, left_bytes, error))
            return false;
    }
    for (size_t i = 0; i < r->count; i++)
        if (!bench_layer_keep(t->device, &r->desc, &r->selects[i], r->pattern, &t->layers[i],
                              error))
            return false;
    return bench_tensors_create(t->device, &r->desc, &t->tensors, error);
}

static void release(timing *t) {
    bench_tensors_release(t->device, &t->tensors);
    while (t->opened > 0)
        bench_layer_close(&t->layers[--t->opened]);
    bench_layer_close(&t->dense);
    free(t->layers);
    free(t->ms);
}

static bool time_all(timing *t, bench_measured *measured, tool_error *error) {
    bench_watch watch;
    if (!prepare(t, error) || !run_rounds(t, &watch, error))
        return false;
    measured->conditions = bench_watch_end(&watch);
    return collect(t, measured, error);
}

bool bench_measure(const bench_device *device, const bench_request *request,
                   bench_measured *measured, tool_error *error) {
    const size_t runs = 1 + PASSES * request->count;
    *measured = (bench_measured){.desc = request->desc,
                                 .pattern = request->pattern,
                                 .selected = calloc(request->count, sizeof *measured->selected),
                                 .count = request->count};
    if (!measured->selected)
        return tool_fail(error, "out of memory");
    timing t = {.device = device,
                .request = request,
                .layers = calloc(request->count, sizeof *t.layers),
                .ms = calloc(runs * BENCH_MAX_ROUNDS, sizeof *t.ms),
                .runs = runs};
    const bool done = time_all(&t, measured, error);
    release(&t);
    if (!done)
        bench_measured_free(measured);
    return done;
}

void bench_measured_free(bench_measured *measured) {
    free(measured->selected);
    *measured = (bench_measured){.count = 0};
}

double bench_operations(const sparsed_desc *desc, sparsed_op op, double density) {
    const double pairs = (double)desc->batch * desc->heads * (double)desc->q_len *
                         (double)desc->kv_len * (op == SPARSED_SPARSE ? density : 1.0);
    return pairs * desc->head_dim * (op == SPARSED_BUILD ? 2.0 : 4.0);
}
