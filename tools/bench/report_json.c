/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The report as one JSON object; docs/bench.md has its keys. What is unknown is null. */
#include <math.h>
#include <stdio.h>

#include "json_print.h"
#include "report.h"
#include "selection.h"
#include "storage_convert.h"

static void add_number(cJSON *object, const char *key, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

static void add_bytes(cJSON *object, const char *key, uint64_t bytes) {
    add_number(object, key, bytes > 0 ? (double)bytes : NAN);
}

/* ---- devices ---- */

static cJSON *peak_json(const bench_kernel_peak *p) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "kernel", p->kernel);
    cJSON_AddStringToObject(o, "dtype", storage_name((sparsed_dtype)p->dtype));
    cJSON_AddNumberToObject(o, "threads", p->threads);
    add_number(o, "flops_per_s", p->best.flops > 0.0 ? p->best.flops : NAN);
    add_number(o, "least_flops_per_s", p->best.flops > 0.0 ? p->least_flops : NAN);
    cJSON_AddStringToObject(o, "how", p->best.how);
    return o;
}

static cJSON *device_json(const bench_device_results *d) {
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "selector", d->info.selector);
    json_add_text(o, "name", d->info.name);
    json_add_text(o, "vendor", d->info.vendor);
    json_add_text(o, "driver", d->info.driver);
    cJSON_AddStringToObject(o, "isa", d->info.isa);
    device_units_json(&d->info, o);
    cJSON_AddStringToObject(o, "tensors", d->resident ? "device" : "host");
    json_add_text(o, "failure", d->failure.text);
    cJSON *peaks = cJSON_AddArrayToObject(o, "peaks");
    for (size_t i = 0; i < d->peak_count; i++)
        cJSON_AddItemToArray(peaks, peak_json(&d->peaks[i]));
    cJSON *refused = cJSON_AddArrayToObject(o, "refused");
    for (size_t i = 0; i < d->refused_count; i++) {
        cJSON *kernel = cJSON_CreateObject();
        cJSON_AddStringToObject(kernel, "kernel", d->refused[i].name);
        json_add_text(kernel, "reason", d->refused[i].verdict);
        cJSON_AddItemToArray(refused, kernel);
    }
    return o;
}

/* ---- rows ---- */

static void add_timing(cJSON *o, const bench_statistics *ms) {
    cJSON_AddNumberToObject(o, "rounds", (double)ms->count);
    cJSON *times = cJSON_AddObjectToObject(o, "ms");
    add_number(times, "median", ms->median);
    add_number(times, "least", ms->least);
    add_number(times, "most", ms->most);
    add_number(times, "spread", ms->spread);
}

static cJSON *row_json(const bench_report *r, const bench_row *row) {
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "source", row->source);
    json_add_text(o, "device", row->device);
    json_add_text(o, "selector", row->selector);
    cJSON_AddStringToObject(o, "tensors", row->tensors);
    cJSON_AddStringToObject(o, "shape", row->shape);
    cJSON_AddStringToObject(o, "dtype", row->dtype);
    cJSON_AddStringToObject(o, "pass", row->pass);
    cJSON_AddStringToObject(o, "kernel", row->kernel ? row->kernel : "");
    cJSON_AddStringToObject(o, "mode", row->mode);
    cJSON_AddStringToObject(o, "pattern", row->pattern);
    cJSON_AddNumberToObject(o, "threads", row->threads);
    cJSON_AddNumberToObject(o, "heads", row->heads);
    cJSON_AddNumberToObject(o, "kv_heads", row->kv_heads);
    cJSON_AddNumberToObject(o, "head_dim", row->head_dim);
    cJSON_AddNumberToObject(o, "length", (double)row->length);
    cJSON_AddNumberToObject(o, "gen_length", (double)row->gen_length);
    cJSON_AddNumberToObject(o, "block_q", row->block_q);
    cJSON_AddNumberToObject(o, "block_k", row->block_k);
    cJSON_AddNumberToObject(o, "ratio", row->ratio);
    cJSON_AddNumberToObject(o, "density", row->density);
    add_timing(o, &row->ms);
    add_number(o, "flops_per_s", row->flops);
    add_number(o, "flops_per_s_as_dense", row->flops_as_dense);
    add_number(o, "of_peak", row->of_peak);
    add_number(o, "of_dense", row->of_dense);
    add_bytes(o, "tensor_bytes", row->tensor_bytes);
    add_bytes(o, "scratch_bytes", row->scratch_bytes);
    add_bytes(o, "kept_bytes", row->kept_bytes);
    if (r->baseline) {
        add_number(o, "before_ms", row->before_ms);
        add_number(o, "change", row->change);
        cJSON_AddStringToObject(o, "verdict", bench_change_name(row->verdict));
    }
    return o;
}

/* ---- problems ---- */

static cJSON *problem_json(const bench_device_results *d, const bench_problem *p) {
    const bench_conditions *c = &p->measured.conditions;
    const bool measured = !p->failure.text[0];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "selector", d->info.selector);
    cJSON_AddStringToObject(o, "shape", p->shape->name);
    cJSON_AddStringToObject(o, "dtype", storage_name((sparsed_dtype)p->dtype));
    cJSON_AddNumberToObject(o, "length", (double)p->length);
    json_add_text(o, "failure", p->failure.text);
    add_number(o, "others_cores", measured ? c->others : NAN);
    add_number(o, "speed_gap", measured ? c->speed_gap : NAN);
    add_number(o, "mhz_before", measured ? c->mhz[0] : NAN);
    add_number(o, "mhz_after", measured ? c->mhz[1] : NAN);
    return o;
}

static cJSON *problems_json(const bench_results *r) {
    cJSON *problems = cJSON_CreateArray();
    for (size_t i = 0; i < r->device_count; i++)
        for (size_t n = 0; n < r->devices[i].problem_count; n++)
            cJSON_AddItemToArray(problems,
                                 problem_json(&r->devices[i], &r->devices[i].problems[n]));
    return problems;
}

/* ---- schedules ---- */

static void add_selection(cJSON *o, const bench_device_results *d, const bench_problem *p,
                          const sparsed_select *select) {
    cJSON_AddStringToObject(o, "selector", d->info.selector);
    cJSON_AddStringToObject(o, "shape", p->shape->name);
    cJSON_AddStringToObject(o, "dtype", storage_name((sparsed_dtype)p->dtype));
    cJSON_AddNumberToObject(o, "block_q", select->block_q);
    cJSON_AddNumberToObject(o, "block_k", select->block_k);
    cJSON_AddNumberToObject(o, "ratio", select->ratio);
}

static cJSON *kinds_json(const bench_schedule_run *run) {
    static const char *const names[BENCH_STEP_KINDS] = {"dense", "dense_build", "build", "sparse",
                                                        "build_sparse"};
    cJSON *kinds = cJSON_CreateObject();
    for (int i = 0; i < BENCH_STEP_KINDS; i++) {
        const bench_kind_times *k = &run->kinds[i];
        if (k->run == 0)
            continue;
        cJSON *o = cJSON_AddObjectToObject(kinds, names[i]);
        cJSON_AddNumberToObject(o, "steps", (double)k->steps);
        cJSON_AddNumberToObject(o, "run", (double)k->run);
        cJSON_AddNumberToObject(o, "mean_ms", k->sum_ms / (double)k->run);
        cJSON_AddNumberToObject(o, "least_ms", k->least_ms);
        cJSON_AddNumberToObject(o, "most_ms", k->most_ms);
    }
    return kinds;
}

static void add_schedule(cJSON *list, const bench_results *r, size_t device, size_t problem,
                         size_t selection) {
    const bench_problem *p = &r->devices[device].problems[problem];
    const bench_schedule_row row = bench_schedule_row_of(r, device, problem, selection);
    cJSON *o = cJSON_CreateObject();
    add_selection(o, &r->devices[device], p, &p->measured.selected[selection].select);
    cJSON_AddNumberToObject(o, "length", (double)p->length);
    cJSON_AddNumberToObject(o, "layers", p->shape->layers);
    cJSON_AddNumberToObject(o, "attention_dense_s", row.dense_s);
    cJSON_AddNumberToObject(o, "attention_s", row.sparsed_s);
    cJSON_AddNumberToObject(o, "attention_gain", row.attention_gain);
    add_number(o, "rest_ms", p->rest_ms);
    add_number(o, "model_gain_estimate", row.model_gain);
    if (p->runs) {
        const bench_schedule_run *run = &p->runs[selection];
        cJSON *object = cJSON_AddObjectToObject(o, "run");
        cJSON_AddNumberToObject(object, "attention_s", row.run_s);
        cJSON_AddBoolToObject(object, "whole", row.run_whole);
        cJSON_AddNumberToObject(object, "wall_s", run->wall_ms * 1e-3);
        cJSON_AddNumberToObject(object, "scratch_bytes", (double)run->scratch_bytes);
        cJSON_AddNumberToObject(object, "patterns_bytes", (double)run->patterns_bytes);
        cJSON_AddItemToObject(object, "kinds", kinds_json(run));
    }
    cJSON_AddItemToArray(list, o);
}

static cJSON *schedules_json(const bench_results *r) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->device_count; i++)
        for (size_t n = 0; n < r->devices[i].problem_count; n++)
            for (size_t s = 0; s < r->devices[i].problems[n].measured.count; s++)
                add_schedule(list, r, i, n, s);
    return list;
}

/* ---- findings ---- */

static cJSON *crossover_json(const bench_crossover *c) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "pays", bench_crossover_name(c->kind));
    cJSON_AddNumberToObject(o, "length", c->length);
    cJSON_AddBoolToObject(o, "within_noise", c->within_noise);
    return o;
}

static cJSON *crossovers_json(const bench_report *r) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < r->findings->crossover_count; i++) {
        const bench_crossover_row *c = &r->findings->crossovers[i];
        const bench_device_results *d = &r->results->devices[c->device_index];
        cJSON *o = cJSON_CreateObject();
        add_selection(o, d, &d->problems[c->problem_index],
                      &r->results->options->selects[c->selection]);
        cJSON_AddItemToObject(o, "step", crossover_json(&c->step));
        cJSON_AddItemToObject(o, "schedule", crossover_json(&c->schedule));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *warnings_json(const bench_findings *f) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < f->warning_count; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "kind", f->warnings[i].kind);
        json_add_text(o, "text", f->warnings[i].text);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

bool bench_print_json(const bench_report *report, tool_error *error) {
    const bench_results *r = report->results;
    const uint32_t version = sparsed_version();
    char text[32];
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "sparsed_bench", BENCH_FORMAT);
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 255u, version & 255u);
    cJSON_AddStringToObject(root, "library", text);
    json_add_text(root, "processor", r->processor);
    cJSON *schedule = cJSON_AddObjectToObject(root, "schedule");
    json_add_text(schedule, "name", r->options->schedule);
    cJSON_AddNumberToObject(schedule, "steps", (double)r->options->words.steps);
    cJSON_AddNumberToObject(schedule, "skip", r->options->skip);
    cJSON *devices = cJSON_AddArrayToObject(root, "devices");
    for (size_t i = 0; i < r->device_count; i++)
        cJSON_AddItemToArray(devices, device_json(&r->devices[i]));
    cJSON_AddItemToObject(root, "problems", problems_json(r));
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (size_t i = 0; i < report->table->count; i++)
        cJSON_AddItemToArray(rows, row_json(report, &report->table->rows[i]));
    cJSON_AddItemToObject(root, "schedules", schedules_json(r));
    cJSON_AddItemToObject(root, "crossovers", crossovers_json(report));
    cJSON_AddItemToObject(root, "warnings", warnings_json(report->findings));
    if (report->baseline)
        json_add_text(root, "baseline", report->baseline->path);
    if (report->peers) {
        cJSON *peers = cJSON_AddObjectToObject(root, "peers");
        json_add_text(peers, "file", report->peers->path);
        json_add_text(peers, "device", report->peers->device);
        json_add_text(peers, "versions", report->peers->versions);
    }
    if (report->tuning)
        cJSON_AddItemToObject(root, "tune", bench_tune_json(report->tuning));
    return json_print(root, error);
}
