/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A comparison as one JSON object; docs/compare-report.schema.json describes it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/faults.h"
#include "compare/report_output.h"
#include "device_options.h"
#include "json_print.h"

enum { REPORT_VERSION = 1 };

static void add_count(cJSON *to, const char *key, uint64_t count) {
    cJSON_AddNumberToObject(to, key, (double)count);
}

/* null where it is not finite. */
static void add_real(cJSON *to, const char *key, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(to, key, value);
    else
        cJSON_AddNullToObject(to, key);
}

static void add_verdict(cJSON *to, verdict v) {
    cJSON_AddStringToObject(to, "verdict", verdict_name(v));
}

static void add_letter(cJSON *to, const char *key, size_t index) {
    const char letter[2] = {comparison_letter(index), '\0'};
    cJSON_AddStringToObject(to, key, letter);
}

static cJSON *append_object(cJSON *array) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    return object;
}

static void add_fault(void *context, verdict v, const finding *place, const char *text) {
    (void)place; /* among the findings */
    cJSON *fault = append_object(context);
    add_verdict(fault, v);
    json_add_text(fault, "text", text);
}

/* ---- records ---- */

static void add_device(cJSON *to, const sparsed_device_info *d) {
    cJSON *device = cJSON_AddObjectToObject(to, "device");
    json_add_text(device, "selector", d->selector);
    cJSON_AddStringToObject(device, "kind", device_kind_name(d->kind));
    json_add_text(device, "name", d->name);
    json_add_text(device, "vendor", d->vendor);
    json_add_text(device, "driver", d->driver);
    json_add_text(device, "isa", d->isa);
    add_count(device, "compute_units", d->compute_units);
}

static void add_records(cJSON *root, const comparison *c) {
    cJSON *array = cJSON_AddArrayToObject(root, "records");
    for (size_t i = 0; i < c->record_count; i++) {
        const record *r = &c->records[i];
        cJSON *object = append_object(array);
        char kernels[REPORT_KERNELS_BYTES];
        report_kernels(r, kernels);
        add_letter(object, "record", i);
        json_add_text(object, "file", c->paths[i]);
        json_add_text(object, "label", r->label);
        json_add_text(object, "library_version", r->environment.library_version);
        json_add_text(object, "created", r->environment.created);
        json_add_text(object, "system", r->environment.system);
        json_add_text(object, "processor", r->environment.processor);
        add_device(object, &r->environment.device);
        record_add_given(object, &r->environment);
        json_add_text(object, "kernels", kernels);
        cJSON_AddBoolToObject(object, "self_check", r->self_check);
        add_count(object, "cases", r->case_count);
        add_verdict(object, c->record_verdicts[i]);
        faults_of_record(r, add_fault, cJSON_AddArrayToObject(object, "faults"));
    }
}

/* ---- cases against the oracle ---- */

static void add_errors(cJSON *to, const char *key, const record_errors *e) {
    cJSON *errors = cJSON_AddObjectToObject(to, key);
    add_count(errors, "not_finite", e->nonfinite);
    add_real(errors, "relative", e->relative);
    add_real(errors, "nmse", e->nmse);
    add_real(errors, "max_abs", e->max_abs);
    cJSON *ulps = cJSON_AddArrayToObject(errors, "ulps");
    for (int i = 0; i < RECORD_ULP_BINS; i++)
        cJSON_AddItemToArray(ulps, cJSON_CreateNumber((double)e->ulps[i]));
}

static void add_own_runs(cJSON *to, const record_case *at, const own_case *own) {
    cJSON *runs = cJSON_AddArrayToObject(to, "runs");
    for (int op = 0; op < RECORD_OPS && !at->failure[0]; op++) {
        const record_run *run = &at->runs[op];
        cJSON *object = append_object(runs);
        cJSON_AddStringToObject(object, "op", record_op_name((record_op)op));
        add_verdict(object, own->runs[op]);
        cJSON_AddBoolToObject(object, "repeatable", run->repeatable);
        cJSON_AddNumberToObject(object, "seconds", run->seconds.median);
        add_errors(object, "out", &run->out_errors);
        add_errors(object, "lse", &run->lse_errors);
        if (op == RECORD_BUILD)
            add_errors(object, "scores", &run->scores_errors);
    }
}

static void add_own_case(cJSON *records, const comparison *c, size_t i, const char *name) {
    size_t index;
    const record_case *at = comparison_find(&c->records[i], name, &index);
    if (!at)
        return;
    cJSON *object = append_object(records);
    add_letter(object, "record", i);
    add_verdict(object, c->own[i][index].all);
    json_add_text(object, "kernel", at->kernel);
    json_add_text(object, "failure", at->failure);
    add_count(object, "choice_differs", at->choice_differs);
    add_count(object, "scores_differ", at->scores_differ);
    add_own_runs(object, at, &c->own[i][index]);
    faults_of_case(at, add_fault, cJSON_AddArrayToObject(object, "faults"));
}

static void add_cases(cJSON *root, const comparison *c, const report_names *names) {
    cJSON *array = cJSON_AddArrayToObject(root, "cases");
    for (size_t k = 0; k < names->count; k++) {
        cJSON *object = append_object(array);
        cJSON_AddStringToObject(object, "name", names->names[k]);
        cJSON *records = cJSON_AddArrayToObject(object, "records");
        for (size_t i = 0; i < c->record_count; i++)
            add_own_case(records, c, i, names->names[k]);
    }
}

/* ---- pairs ---- */

static void add_agreement(cJSON *to, const pattern_agreement *p) {
    add_real(to, "jaccard", pattern_agreement_jaccard(p));
    add_count(to, "both", p->both);
    add_count(to, "only_a", p->only_a);
    add_count(to, "only_b", p->only_b);
    add_count(to, "ties", p->ties);
    add_count(to, "real", p->real);
    add_count(to, "undecided", p->undecided);
    add_real(to, "largest_distance", p->largest);
}

static void add_difference(cJSON *to, const char *key, const value_difference *d, verdict v) {
    cJSON *difference = cJSON_AddObjectToObject(to, key);
    add_verdict(difference, v);
    add_count(difference, "unequal", d->unequal);
    add_count(difference, "beyond", d->beyond);
    add_count(difference, "not_finite", d->odd);
    add_real(difference, "relative", d->relative);
    add_real(difference, "max_abs", d->largest);
}

static void add_run_pairs(cJSON *to, const case_pair *at) {
    cJSON *runs = cJSON_AddArrayToObject(to, "runs");
    for (int op = 0; op < RECORD_OPS; op++) {
        const run_pair *run = &at->runs[op];
        cJSON *object = append_object(runs);
        cJSON_AddStringToObject(object, "op", record_op_name((record_op)op));
        add_verdict(object, run->all);
        cJSON_AddBoolToObject(object, "equal", run->bitwise);
        add_count(object, "rows", run->rows);
        add_count(object, "rows_left_out", run->left_out);
        add_difference(object, "out", &run->out, run->out_verdict);
        add_difference(object, "lse", &run->lse, run->lse_verdict);
        if (op == RECORD_BUILD)
            add_difference(object, "scores", &run->scores, run->scores_verdict);
    }
}

static void add_finding(cJSON *to, const case_pair *at, const finding *f) {
    cJSON *object = append_object(to);
    cJSON_AddStringToObject(object, "kind", finding_kind_name(f->kind));
    add_verdict(object, case_pair_finding_verdict(at, f));
    cJSON_AddStringToObject(object, "op", f->run);
    cJSON_AddStringToObject(object, "tensor", finding_part_name(f->part));
    add_count(object, "ranking", f->ranking);
    add_count(object, "batch", f->batch);
    add_count(object, "head", f->head);
    if (finding_of_head(f->kind) || f->q_block == FINDING_PADDING)
        cJSON_AddNullToObject(object, "query_block");
    else
        add_count(object, "query_block", f->q_block);
    if (finding_of_values(f)) {
        add_count(object, "row", f->row);
        add_count(object, "column", f->element);
        add_real(object, "value_a", f->a);
        add_real(object, "value_b", f->b);
    }
    if (f->kind == FINDING_OVERALL) {
        const bool fails = case_pair_finding_verdict(at, f) == VERDICT_FAIL;
        add_real(object, "error", f->error);
        add_real(object, "bound", fails ? f->bound.fail : f->bound.warn);
    }
    if (finding_of_other_place(f->kind)) {
        cJSON_AddNumberToObject(object, "from", (double)f->from);
        cJSON_AddStringToObject(object, "held_by", f->in_a ? "a" : "b");
    }
    add_count(object, "count", f->count);
}

static void add_case_pair(cJSON *cases, const comparison *c, const record_pair *p,
                          const case_pair *at) {
    cJSON *object = append_object(cases);
    cJSON_AddStringToObject(object, "name", c->records[p->a].cases[at->a].name);
    add_verdict(object, at->all);
    add_run_pairs(object, at);
    cJSON *pattern = cJSON_AddObjectToObject(object, "pattern");
    add_verdict(pattern, at->pattern_verdict);
    add_agreement(pattern, &at->pattern);
    cJSON *found = cJSON_AddArrayToObject(object, "findings");
    for (size_t i = 0; i < at->found.count; i++)
        add_finding(found, at, &at->found.list[i]);
    add_count(object, "findings_left_out", at->found.more);
    faults_of_pair(at, comparison_letter(p->a), comparison_letter(p->b), add_fault,
                   cJSON_AddArrayToObject(object, "faults"));
}

static void add_pairs(cJSON *root, const comparison *c) {
    cJSON *array = cJSON_AddArrayToObject(root, "pairs");
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *p = &c->pairs[i];
        cJSON *object = append_object(array);
        add_letter(object, "a", p->a);
        add_letter(object, "b", p->b);
        add_verdict(object, p->all);
        add_count(object, "runs", p->runs);
        add_count(object, "runs_equal", p->bitwise_runs);
        add_real(object, "out_share", p->outputs.share);
        add_agreement(cJSON_AddObjectToObject(object, "pattern"), &p->pattern);
        cJSON *cases = cJSON_AddArrayToObject(object, "cases");
        for (size_t k = 0; k < p->count; k++)
            add_case_pair(cases, c, p, &p->cases[k]);
    }
}

bool report_print_json(const comparison *c, tool_error *error) {
    report_names names;
    char seed[24];
    if (!report_names_make(&names, c, error))
        return false;
    cJSON *root = cJSON_CreateObject();
    snprintf(seed, sizeof seed, "%" PRIu64, c->records[0].seed);
    add_count(root, "report_version", REPORT_VERSION);
    cJSON *suite = cJSON_AddObjectToObject(root, "suite");
    json_add_text(suite, "name", c->records[0].suite);
    add_count(suite, "version", c->records[0].suite_version);
    cJSON_AddStringToObject(suite, "seed", seed);
    cJSON_AddNumberToObject(root, "tie_tolerance", c->tolerance);
    add_verdict(root, c->all);
    cJSON_AddBoolToObject(root, "versions_differ", c->versions_differ);
    add_records(root, c);
    add_cases(root, c, &names);
    add_pairs(root, c);
    free(names.names);
    return json_print(root, error);
}
