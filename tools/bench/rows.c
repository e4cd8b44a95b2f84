/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selection.h"
#include "storage_convert.h"

/* What rows are made from. */
typedef struct row_maker {
    const bench_results *results;
    const bench_peers *peers;
    const bench_baseline *baseline;
    bench_table *table;
} row_maker;

static const char *const pass_names[] = {[SPARSED_DENSE] = "dense",
                                         [SPARSED_DENSE_BUILD] = "dense+build",
                                         [SPARSED_BUILD] = "build",
                                         [SPARSED_SPARSE] = "sparse"};

const char *bench_pass_name(sparsed_op op) {
    return pass_names[op];
}

/* What all rows of a problem share. */
static bench_row problem_row(const row_maker *m, size_t device, size_t problem) {
    const bench_device_results *d = &m->results->devices[device];
    const bench_problem *p = &d->problems[problem];
    return (bench_row){.source = "sparsed",
                       .device = d->info.name,
                       .selector = d->info.selector,
                       .shape = p->shape->name,
                       .dtype = storage_name((sparsed_dtype)p->dtype),
                       .mode = "",
                       .pattern = "",
                       .tensors = d->resident ? "device" : "host",
                       .threads = p->measured.info.threads,
                       .heads = p->shape->heads,
                       .kv_heads = p->shape->kv_heads,
                       .head_dim = p->shape->head_dim,
                       .length = p->length,
                       .density = 1.0,
                       .of_peak = NAN,
                       .of_dense = NAN,
                       .before_ms = NAN,
                       .change = NAN,
                       .device_index = device,
                       .problem_index = problem};
}

static void find_rates(bench_row *row, const sparsed_desc *desc, sparsed_op op,
                       const bench_device_results *d) {
    const bench_kernel_peak *peak =
        row->kernel ? bench_find_peak(d, row->kernel, desc->dtype) : NULL;
    const double seconds = row->ms.median * 1e-3;
    row->flops = bench_operations(desc, op, row->density) / seconds;
    row->flops_as_dense = bench_operations(desc, op, 1.0) / seconds;
    if (peak && peak->best.flops > 0.0)
        row->of_peak = row->flops / peak->best.flops;
}

static void hold_against_baseline(const bench_baseline *baseline, bench_row *row) {
    const bench_key key = {.device = row->device,
                           .tensors = row->tensors,
                           .dtype = row->dtype,
                           .pass = row->pass,
                           .mode = row->mode,
                           .pattern = row->pattern,
                           .threads = row->threads,
                           .heads = row->heads,
                           .kv_heads = row->kv_heads,
                           .head_dim = row->head_dim,
                           .block_q = row->block_q,
                           .block_k = row->block_k,
                           .length = row->length,
                           .ratio = row->ratio};
    bench_statistics before;
    const char *kernel;
    if (!baseline || !bench_baseline_find(baseline, &key, &before, &kernel))
        return;
    row->before_ms = before.median;
    row->change = row->ms.median / before.median;
    row->verdict = bench_compare(&before, &row->ms);
}

static const bench_pass *pass_of(const bench_selected *selected, sparsed_op op) {
    switch (op) {
    case SPARSED_DENSE_BUILD:
        return &selected->dense_build;
    case SPARSED_BUILD:
        return &selected->build;
    default:
        return &selected->sparse;
    }
}

/* selected NULL: the dense pass. */
static void add_pass(const row_maker *m, size_t device, size_t problem, sparsed_op op,
                     const bench_selected *selected) {
    const bench_device_results *d = &m->results->devices[device];
    const bench_problem *p = &d->problems[problem];
    const sparsed_plan_info *info = selected ? &selected->info : &p->measured.info;
    const bench_pass *pass = selected ? pass_of(selected, op) : &p->measured.dense;
    bench_row row = problem_row(m, device, problem);
    row.pass = bench_pass_name(op);
    row.kernel = info->kernel;
    row.ms = pass->ms;
    row.of_dense = pass->of_dense;
    row.tensor_bytes = p->measured.tensor_bytes;
    row.scratch_bytes = info->scratch_bytes;
    if (selected) {
        row.mode = selection_mode_name(selected->select.mode);
        row.pattern = bench_pattern_name(p->measured.pattern);
        row.block_q = selected->select.block_q;
        row.block_k = selected->select.block_k;
        row.ratio = selected->select.ratio;
        row.gen_length = selected->select.gen_len;
        row.density = op == SPARSED_SPARSE ? selected->density : 1.0;
        row.kept_bytes = info->kept_bytes;
    }
    find_rates(&row, &p->measured.desc, op, d);
    hold_against_baseline(m->baseline, &row);
    m->table->rows[m->table->count++] = row;
}

/* Peers ran on this device, or on the processor that it is. */
static bool is_same_device(const row_maker *m, const bench_device_results *d) {
    return strcmp(m->peers->device, d->info.name) == 0 ||
           (d->info.kind != SPARSED_DEVICE_GPU &&
            strcmp(m->peers->device, m->results->processor) == 0);
}

/* Of its shape, type and length, and with as many threads. */
static bool is_beside(const bench_peer_row *peer, const bench_device_results *d,
                      const bench_problem *p) {
    const bool threads = d->info.kind == SPARSED_DEVICE_CPU && peer->threads > 0;
    return peer->heads == p->shape->heads && peer->kv_heads == p->shape->kv_heads &&
           peer->head_dim == p->shape->head_dim && peer->length == p->length &&
           strcmp(peer->dtype, storage_name((sparsed_dtype)p->dtype)) == 0 &&
           (!threads || peer->threads == p->measured.info.threads);
}

static void add_peer(const row_maker *m, size_t device, size_t problem,
                     const bench_peer_row *peer) {
    const bench_device_results *d = &m->results->devices[device];
    const bench_problem *p = &d->problems[problem];
    const sparsed_op op = strcmp(peer->pass, "sparse") == 0 ? SPARSED_SPARSE : SPARSED_DENSE;
    bench_row row = problem_row(m, device, problem);
    row.source = peer->name;
    row.device = m->peers->device;
    row.kernel = NULL;
    row.threads = peer->threads;
    row.pass = peer->pass;
    row.block_q = peer->block_q;
    row.block_k = peer->block_k;
    row.density = peer->density;
    row.ms = peer->ms;
    row.of_dense = peer->ms.median / p->measured.dense.ms.median;
    find_rates(&row, &p->measured.desc, op, d);
    m->table->rows[m->table->count++] = row;
}

static void add_problem(const row_maker *m, size_t device, size_t problem) {
    const bench_device_results *d = &m->results->devices[device];
    const bench_problem *p = &d->problems[problem];
    const bench_measured *measured = &p->measured;
    if (p->failure.text[0])
        return;
    add_pass(m, device, problem, SPARSED_DENSE, NULL);
    for (size_t i = 0; i < measured->count; i++) {
        const bench_selected *s = &measured->selected[i];
        add_pass(m, device, problem, SPARSED_DENSE_BUILD, s);
        add_pass(m, device, problem, SPARSED_BUILD, s);
        add_pass(m, device, problem, SPARSED_SPARSE, s);
    }
    for (size_t i = 0; m->peers && is_same_device(m, d) && i < m->peers->count; i++)
        if (is_beside(&m->peers->rows[i], d, p))
            add_peer(m, device, problem, &m->peers->rows[i]);
}

bool bench_table_make(const bench_results *results, const bench_peers *peers,
                      const bench_baseline *baseline, bench_table *table, tool_error *error) {
    const row_maker maker = {results, peers, baseline, table};
    size_t room = 1;
    for (size_t i = 0; i < results->device_count; i++)
        room += results->devices[i].problem_count *
                (1 + 3 * results->options->select_count + (peers ? peers->count : 0));
    *table = (bench_table){.rows = calloc(room, sizeof *table->rows)};
    if (!table->rows)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < results->device_count; i++)
        for (size_t n = 0; n < results->devices[i].problem_count; n++)
            add_problem(&maker, i, n);
    return true;
}

void bench_table_free(bench_table *table) {
    free(table->rows);
    *table = (bench_table){.count = 0};
}

bool bench_same_problem(const bench_row *a, const bench_row *b) {
    return a->device_index == b->device_index && a->problem_index == b->problem_index;
}

bench_schedule_row bench_schedule_row_of(const bench_results *results, size_t device,
                                         size_t problem, size_t selection) {
    const bench_problem *p = &results->devices[device].problems[problem];
    const bench_pass_times times = bench_times_of(&p->measured, selection);
    const double layers_s = p->shape->layers * 1e-3;
    const uint64_t steps = bench_all_steps(&results->steps);
    bench_schedule_row row = {.device_index = device,
                              .problem_index = problem,
                              .selection = selection,
                              .dense_s = layers_s * (double)steps * times.dense,
                              .sparsed_s = layers_s * bench_schedule_ms(&results->steps, &times),
                              .model_gain = NAN,
                              .run_s = NAN};
    row.attention_gain = row.dense_s / row.sparsed_s;
    if (isfinite(p->rest_ms))
        row.model_gain = bench_model_gain(&results->steps, &times, p->rest_ms);
    if (p->runs) {
        row.run_s = p->runs[selection].whole_ms * 1e-3;
        row.run_whole = true;
        for (int i = 0; i < BENCH_STEP_KINDS; i++)
            row.run_whole = row.run_whole &&
                            p->runs[selection].kinds[i].run == p->runs[selection].kinds[i].steps;
    }
    return row;
}

bench_number bench_number_of(const char *format, double value) {
    bench_number n = {""};
    if (!isnan(value))
        snprintf(n.text, sizeof n.text, format, value);
    return n;
}
