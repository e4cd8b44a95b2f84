/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The JSON object of a record: docs/compare.md, "The record file". */
#include <inttypes.h>
#include <stdio.h>

#include "compare/record_file.h"
#include "device_options.h"
#include "json_print.h"
#include "selection.h"
#include "storage_convert.h"

static void add_count(cJSON *to, const char *key, uint64_t count) {
    cJSON_AddNumberToObject(to, key, (double)count);
}

static void add_counts(cJSON *to, const char *key, const uint64_t *counts, uint64_t n) {
    cJSON *array = cJSON_AddArrayToObject(to, key);
    for (uint64_t i = 0; i < n; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber((double)counts[i]));
}

static void add_digest(cJSON *to, const char *key, sparsed_fingerprint digest) {
    char text[33];
    snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
    cJSON_AddStringToObject(to, key, text);
}

/* ---- suite and environment ---- */

static void add_suite(cJSON *root, const record *r) {
    char seed[24];
    cJSON *suite = cJSON_AddObjectToObject(root, "suite");
    snprintf(seed, sizeof seed, "%" PRIu64, r->seed);
    cJSON_AddStringToObject(suite, "name", r->suite);
    add_count(suite, "version", r->suite_version);
    cJSON_AddStringToObject(suite, "seed", seed);
    cJSON_AddBoolToObject(suite, "self_check", r->self_check);
}

static void add_device(cJSON *to, const sparsed_device_info *d) {
    cJSON *device = cJSON_AddObjectToObject(to, "device");
    json_add_text(device, "selector", d->selector);
    cJSON_AddStringToObject(device, "kind", device_kind_name(d->kind));
    json_add_text(device, "name", d->name);
    json_add_text(device, "vendor", d->vendor);
    json_add_text(device, "driver", d->driver);
    json_add_text(device, "capabilities", d->capabilities);
    json_add_text(device, "isa", d->isa);
    json_add_text(device, "note", d->note);
    json_add_text(device, "reason", d->reason);
    add_count(device, "compute_units", d->compute_units);
    add_count(device, "memory_bytes", d->memory_bytes);
}

void record_add_given(cJSON *to, const record_environment *e) {
    cJSON *options = cJSON_AddObjectToObject(to, "options");
    json_add_text(options, "device", e->device_option);
    json_add_text(options, "kernel", e->kernel_option);
    add_count(options, "threads", e->threads_option);
    cJSON *variables = cJSON_AddObjectToObject(to, "variables");
    for (uint32_t i = 0; i < e->variable_count; i++)
        json_add_text(variables, e->variables[i].name, e->variables[i].value);
}

static void add_environment(cJSON *root, const record_environment *e) {
    cJSON *environment = cJSON_AddObjectToObject(root, "environment");
    json_add_text(environment, "library_version", e->library_version);
    json_add_text(environment, "created", e->created);
    json_add_text(environment, "system", e->system);
    json_add_text(environment, "processor", e->processor);
    add_device(environment, &e->device);
    record_add_given(environment, e);
}

/* ---- runs ---- */

static void add_errors(cJSON *to, const char *key, const record_errors *e) {
    cJSON *errors = cJSON_AddObjectToObject(to, key);
    add_count(errors, "count", e->count);
    add_count(errors, "nonfinite", e->nonfinite);
    cJSON_AddNumberToObject(errors, "max_abs", e->max_abs);
    cJSON_AddNumberToObject(errors, "relative", e->relative);
    cJSON_AddNumberToObject(errors, "nmse", e->nmse);
    cJSON *worst = cJSON_AddObjectToObject(errors, "worst");
    add_counts(worst, "at", e->worst, 4);
    cJSON_AddNumberToObject(worst, "got", e->got);
    cJSON_AddNumberToObject(worst, "expected", e->expected);
    add_counts(errors, "ulps", e->ulps, RECORD_ULP_BINS);
}

static void add_digest_of(cJSON *to, const char *key, const void *data, uint64_t size_bytes) {
    add_digest(to, key, sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, size_bytes));
}

/* Of the tensors as the file holds them, which may be some rows alone. */
static void add_stored_digests(cJSON *to, const record_case *c, record_op op) {
    const record_run *r = &c->runs[op];
    const uint64_t heads = (uint64_t)c->desc.batch * c->desc.heads, rows = heads * c->row_count;
    const uint64_t element = safetensors_dtype_bytes(record_storage(c->desc.out_dtype));
    cJSON *digests = cJSON_AddObjectToObject(to, "stored_digests");
    add_digest_of(digests, "out", r->out, rows * c->desc.head_dim * element);
    add_digest_of(digests, "lse", r->lse, rows * sizeof *r->lse);
    if (op == RECORD_BUILD)
        add_digest_of(digests, "scores", r->scores,
                      c->rankings * heads * c->query_block_count * c->k_blocks * sizeof *r->scores);
}

static void add_run(cJSON *runs, const record_case *c, record_op op) {
    const record_run *r = &c->runs[op];
    cJSON *run = cJSON_CreateObject();
    cJSON_AddItemToArray(runs, run);
    cJSON_AddStringToObject(run, "op", record_op_name(op));
    cJSON_AddBoolToObject(run, "repeatable", r->repeatable);
    cJSON *digests = cJSON_AddObjectToObject(run, "digests");
    add_digest(digests, "out", r->out_digest);
    add_digest(digests, "lse", r->lse_digest);
    if (op == RECORD_BUILD) {
        add_digest(digests, "scores", r->scores_digest);
        add_digest(digests, "pattern", r->pattern_digest);
    }
    add_stored_digests(run, c, op);
    cJSON *errors = cJSON_AddObjectToObject(run, "errors");
    add_errors(errors, "out", &r->out_errors);
    add_errors(errors, "lse", &r->lse_errors);
    if (op == RECORD_BUILD)
        add_errors(errors, "scores", &r->scores_errors);
    cJSON *seconds = cJSON_AddObjectToObject(run, "seconds");
    cJSON_AddNumberToObject(seconds, "first", r->seconds.first);
    cJSON_AddNumberToObject(seconds, "median", r->seconds.median);
    cJSON_AddNumberToObject(seconds, "fastest", r->seconds.fastest);
    add_count(seconds, "repeats", r->seconds.repeats);
}

/* ---- cases ---- */

static void add_problem(cJSON *to, const sparsed_desc *d) {
    cJSON *problem = cJSON_AddObjectToObject(to, "problem");
    cJSON_AddStringToObject(problem, "dtype", storage_name((sparsed_dtype)d->dtype));
    cJSON_AddStringToObject(problem, "out_dtype", storage_name((sparsed_dtype)d->out_dtype));
    add_count(problem, "batch", d->batch);
    add_count(problem, "heads", d->heads);
    add_count(problem, "kv_heads", d->kv_heads);
    add_count(problem, "head_dim", d->head_dim);
    add_count(problem, "score_heads", d->score_heads);
    add_count(problem, "q_len", d->q_len);
    add_count(problem, "kv_len", d->kv_len);
    add_count(problem, "q_start", d->q_start);
    cJSON_AddNumberToObject(problem, "scale", d->scale);
}

static void add_select(cJSON *to, const sparsed_select *s) {
    cJSON *select = cJSON_AddObjectToObject(to, "select");
    cJSON_AddStringToObject(select, "mode", selection_mode_name(s->mode));
    cJSON_AddStringToObject(select, "score_reduce",
                            s->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum");
    add_count(select, "flags", s->flags);
    add_count(select, "block_q", s->block_q);
    add_count(select, "block_k", s->block_k);
    add_count(select, "always_first", s->always_first);
    add_count(select, "gen_len", s->gen_len);
    cJSON_AddNumberToObject(select, "ratio", s->ratio);
    cJSON_AddNumberToObject(select, "score_scale", s->score_scale);
}

static void add_bounds(cJSON *to, const record_bounds *b) {
    cJSON *bounds = cJSON_AddObjectToObject(to, "bounds");
    const struct {
        const char *name;
        const record_bound *bound;
    } all[] = {{"out", &b->out}, {"lse", &b->lse}, {"scores", &b->scores}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const double pair[2] = {all[i].bound->warn, all[i].bound->fail};
        cJSON_AddItemToObject(bounds, all[i].name, cJSON_CreateDoubleArray(pair, 2));
    }
    cJSON_AddNumberToObject(bounds, "out_absolute", b->out_absolute);
}

static void add_ranges(cJSON *to, const record_case *c) {
    cJSON *ranges = cJSON_AddArrayToObject(to, "ranges");
    for (uint32_t b = 0; b < c->desc.batch; b++) {
        const sparsed_pattern_range *r = &c->ranges[b];
        cJSON *range = cJSON_CreateObject();
        cJSON_AddItemToArray(ranges, range);
        add_count(range, "key_start", r->key_start);
        add_count(range, "keys", r->keys);
        add_count(range, "query_start", r->query_start);
        add_count(range, "queries", r->queries);
        add_count(range, "query_position", r->query_position);
        add_count(range, "q_blocks", r->q_blocks);
        add_count(range, "k_blocks", r->k_blocks);
        add_count(range, "split", r->split);
    }
}

static void add_results(cJSON *to, const record_case *c) {
    add_ranges(to, c);
    add_count(to, "q_blocks", c->q_blocks);
    add_count(to, "k_blocks", c->k_blocks);
    add_count(to, "rankings", c->rankings);
    add_counts(to, "rows", c->rows, c->row_count);
    add_counts(to, "query_blocks", c->query_blocks, c->query_block_count);
    add_count(to, "kept_blocks", c->kept_blocks);
    add_count(to, "fixed_kept_blocks", c->fixed_kept_blocks);
    add_count(to, "choice_differs", c->choice_differs);
    cJSON *scores = cJSON_AddObjectToObject(to, "all_scores");
    cJSON_AddStringToObject(scores, "held_to", record_scores_check_name(c->scores_check));
    add_count(scores, "differ", c->scores_differ);
    add_counts(scores, "first", c->scores_differ_at, 3);
    cJSON *runs = cJSON_AddArrayToObject(to, "runs");
    for (int op = 0; op < RECORD_OPS; op++)
        add_run(runs, c, (record_op)op);
}

static cJSON *case_json(const record_case *c) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", c->name);
    cJSON_AddStringToObject(one, "data", c->data);
    json_add_text(one, "kernel", c->kernel);
    json_add_text(one, "failure", c->failure);
    add_problem(one, &c->desc);
    add_select(one, &c->select);
    cJSON *digests = cJSON_AddObjectToObject(one, "input_digests");
    add_digest(digests, "q", c->q_digest);
    add_digest(digests, "k", c->k_digest);
    add_digest(digests, "v", c->v_digest);
    add_digest(digests, "fixed_pattern", c->fixed_digest);
    add_bounds(one, &c->bounds);
    if (!c->failure[0])
        add_results(one, c);
    return one;
}

cJSON *record_json(const record *r) {
    cJSON *root = cJSON_CreateObject();
    if (!root)
        return NULL;
    add_count(root, "record_version", RECORD_VERSION);
    json_add_text(root, "label", r->label);
    add_suite(root, r);
    add_environment(root, &r->environment);
    cJSON *cases = cJSON_AddArrayToObject(root, "cases");
    for (size_t i = 0; i < r->case_count; i++)
        cJSON_AddItemToArray(cases, case_json(&r->cases[i]));
    return root;
}
