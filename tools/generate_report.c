/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "generate_report.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "crossover_table.h"
#include "device_options.h"
#include "json_print.h"
#include "selection.h"
#include "storage_convert.h"

enum { LABEL_COLUMNS = 30, VALUE_COLUMNS = 12 };

static const generate_method *find(const generate_report *r, method_kind kind) {
    for (size_t i = 0; i < r->count; i++)
        if (r->methods[i].plan.kind == kind)
            return &r->methods[i];
    return NULL;
}

static uint32_t equal_tokens(const generate_report *r, const generate_method *a,
                             const generate_method *b) {
    uint32_t equal = 0;
    for (uint32_t i = 0; i < r->denoise->gen_length; i++)
        equal += a->result.tokens[i] == b->result.tokens[i];
    return equal;
}

static bool was_sparse(const generate_method *m) {
    return m->result.sparse;
}

static bool is_right(const generate_report *r, const generate_method *m) {
    return dlm_example_found(r->example, m->text) == r->example->ref_count;
}

/* Writes a cell after columns that are `due`, and returns those due after it: blanks wait for text,
 * so that no line ends in them. */
static int print_cell(int due, const char *text) {
    due += VALUE_COLUMNS;
    return text[0] ? due - fprintf(stderr, "%*s", due, text) : due;
}

/* A row of the table: a label, and per method what `cell` writes. */
static void print_row(const generate_report *r, const char *label,
                      void (*cell)(const generate_report *, const generate_method *, char *,
                                   size_t)) {
    int due = LABEL_COLUMNS - fprintf(stderr, "%s", label);
    for (size_t i = 0; i < r->count; i++) {
        char text[32] = "";
        cell(r, &r->methods[i], text, sizeof text);
        due = print_cell(due, text);
    }
    fputc('\n', stderr);
}

static void cell_name(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%s", method_plan_name(&m->plan));
}

static void cell_answer(const generate_report *r, const generate_method *m, char *to, size_t size) {
    uint32_t found = dlm_example_found(r->example, m->text);
    if (is_right(r, m))
        snprintf(to, size, "right");
    else
        snprintf(to, size, "wrong %u/%u", found, r->example->ref_count);
}

static void cell_equal(const generate_report *r, const generate_method *m, char *to, size_t size) {
    const generate_method *dense = find(r, METHOD_DENSE);
    if (m != dense)
        snprintf(to, size, "%u/%u", equal_tokens(r, m, dense), r->denoise->gen_length);
}

static void cell_density(const generate_report *r, const generate_method *m, char *to,
                         size_t size) {
    (void)r;
    if (was_sparse(m))
        snprintf(to, size, "%.3f", m->result.density);
}

static void cell_work(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.3f", m->result.attention_work);
}

static void cell_last_rows(const generate_report *r, const generate_method *m, char *to,
                           size_t size) {
    (void)r;
    snprintf(to, size, "%u", m->result.last_layer_rows);
}

static void cell_steps(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%u+%u+%u", m->result.dense_steps, m->result.build_steps,
             m->result.sparse_steps);
}

static void cell_total(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f", m->result.total_seconds);
}

static void cell_linear(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f", m->result.linear_seconds);
}

static void cell_dense(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f", m->result.dense_seconds);
}

static void cell_build(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f", m->result.build_seconds);
}

static void cell_sparse(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f", m->result.sparse_seconds);
}

static void cell_other(const generate_report *r, const generate_method *m, char *to, size_t size) {
    (void)r;
    snprintf(to, size, "%.2f",
             m->result.total_seconds - m->result.linear_seconds -
                 method_attention_seconds(&m->result));
}

/* dense / m; 0 where there is nothing to divide by. */
static double attention_speed_up(const generate_method *dense, const generate_method *m) {
    double seconds = method_attention_seconds(&m->result);
    return seconds > 0.0 ? method_attention_seconds(&dense->result) / seconds : 0.0;
}

static double total_speed_up(const generate_method *dense, const generate_method *m) {
    return m->result.total_seconds > 0.0 ? dense->result.total_seconds / m->result.total_seconds
                                         : 0.0;
}

static void cell_attention_gain(const generate_report *r, const generate_method *m, char *to,
                                size_t size) {
    const generate_method *dense = find(r, METHOD_DENSE);
    if (m != dense)
        snprintf(to, size, "%.2fx", attention_speed_up(dense, m));
}

static void cell_total_gain(const generate_report *r, const generate_method *m, char *to,
                            size_t size) {
    const generate_method *dense = find(r, METHOD_DENSE);
    if (m != dense)
        snprintf(to, size, "%.2fx", total_speed_up(dense, m));
}

static void print_settings(const generate_report *r) {
    const generate_method *m = &r->methods[0];
    char units[32];
    device_units_text(r->device, units, sizeof units);
    fprintf(stderr,
            "\n%s, %zu + %u tokens, %u steps, %s; attention stores %s, linear layers multiply "
            "%s (%s); kernel %s on %s, %s\n",
            r->model_dir, r->prompt_length, r->denoise->gen_length, r->denoise->steps,
            dlm_sampler_name(r->denoise->sampler), storage_name(m->plan.dtype),
            storage_name((sparsed_dtype)m->result.product_dtype), r->product_isa, m->result.kernel,
            r->device->selector, units);
    for (size_t i = 0; i < r->count; i++) {
        const method_plan *p = &r->methods[i].plan;
        const sparsed_select *s = &p->select;
        if (p->kind == METHOD_SPARSED)
            fprintf(stderr, "%s: mode %s, select %g, blocks %u x %u, schedule %s, skip %g\n",
                    method_plan_name(p), selection_mode_name(s->mode), s->ratio, s->block_q,
                    s->block_k, p->schedule, p->skip);
        else if (p->kind != METHOD_DENSE)
            fprintf(stderr, "%s: %llu keys on either side, %llu first keys, schedule %s\n",
                    method_name(p->kind), (unsigned long long)s->window,
                    (unsigned long long)s->sinks, p->schedule);
        if (p->crossover)
            fprintf(stderr, "auto: %s\n", r->methods[i].result.choice.reason);
    }
    pattern_report_print(r->patterns, stderr);
    fputc('\n', stderr);
}

static void print_layers(const generate_report *r) {
    for (uint32_t layer = 0; layer < r->layers; layer++) {
        int due = LABEL_COLUMNS - fprintf(stderr, "  layer %u", layer);
        for (size_t i = 0; i < r->count; i++) {
            char text[32] = "";
            if (was_sparse(&r->methods[i]))
                snprintf(text, sizeof text, "%.3f", r->methods[i].result.layer_density[layer]);
            due = print_cell(due, text);
        }
        fputc('\n', stderr);
    }
}

/* Says where SparseD does not pay, or was not used at all. */
static void print_verdict(const generate_report *r) {
    const generate_method *dense = find(r, METHOD_DENSE), *sparsed = find(r, METHOD_SPARSED);
    if (sparsed && sparsed->plan.saving == METHOD_SAVE_EVERY)
        fprintf(stderr, "\nNo step was sparse: the run recorded what its steps would choose.\n");
    else if (sparsed && sparsed->plan.crossover && sparsed->result.choice.dense &&
             sparsed->result.choice.source != SPARSED_CROSSOVER_NONE)
        fprintf(stderr, "\nNo step was sparse: auto stayed dense.\n");
    else if (sparsed && !was_sparse(sparsed))
        fprintf(stderr, "\nNo step was sparse: schedule %s, skip %g leaves none of %u steps.\n",
                sparsed->plan.schedule, sparsed->plan.skip, r->denoise->steps);
    else if (dense && sparsed && total_speed_up(dense, sparsed) < 1.0)
        fprintf(stderr,
                "\nSparseD does not pay at this length: the whole run took %.2f times as "
                "long as dense.\n",
                1.0 / total_speed_up(dense, sparsed));
}

/* The last line of the prompt, which is the question. */
static const char *question_of(const dlm_example *example) {
    const char *line = strrchr(example->prompt, '\n');
    return line ? line + 1 : example->prompt;
}

static void print_answers(const generate_report *r) {
    if (r->example)
        fprintf(stderr, "\n%-10s %s\n%-10s %s\n", "question:", question_of(r->example),
                "expected:", r->example->answer);
    for (size_t i = 0; i < r->count; i++)
        fprintf(stderr, "%s:%*s %s\n", method_plan_name(&r->methods[i].plan),
                9 - (int)strlen(method_plan_name(&r->methods[i].plan)), "", r->methods[i].text);
}

void generate_print_table(const generate_report *r) {
    bool dense = find(r, METHOD_DENSE) != NULL && r->count > 1;
    print_settings(r);
    print_row(r, "", cell_name);
    if (r->example)
        print_row(r, "answer", cell_answer);
    if (dense)
        print_row(r, "tokens equal to dense", cell_equal);
    print_row(r, "steps dense+build+sparse", cell_steps);
    print_row(r, "attention work (dense 1)", cell_work);
    print_row(r, "query rows of the last layer", cell_last_rows);
    print_row(r, "seconds, total", cell_total);
    print_row(r, "  linear layers", cell_linear);
    print_row(r, "  dense attention", cell_dense);
    print_row(r, "  attention of build steps", cell_build);
    print_row(r, "  sparse attention", cell_sparse);
    print_row(r, "  all else", cell_other);
    if (dense) {
        print_row(r, "speed-up of attention", cell_attention_gain);
        print_row(r, "speed-up of the whole", cell_total_gain);
    }
    if (was_sparse(&r->methods[0]) || r->count > 1) {
        print_row(r, "density of sparse steps", cell_density);
        print_layers(r);
    }
    print_verdict(r);
    print_answers(r);
}

/* The keys that every method has. */
static void add_method(cJSON *to, const generate_report *r, const generate_method *m) {
    const method_result *result = &m->result;
    cJSON *tokens = cJSON_AddArrayToObject(to, "tokens");
    for (uint32_t i = 0; i < r->denoise->gen_length; i++)
        cJSON_AddItemToArray(tokens, cJSON_CreateNumber(result->tokens[i]));
    cJSON_AddStringToObject(to, "text", m->text);
    if (r->example) {
        cJSON_AddBoolToObject(to, "answer_correct", is_right(r, m));
        cJSON_AddNumberToObject(to, "answer_refs_found", dlm_example_found(r->example, m->text));
    }
    cJSON_AddNumberToObject(to, "density", result->density);
    cJSON_AddNumberToObject(to, "attention_work", result->attention_work);
    cJSON *layers = cJSON_AddArrayToObject(to, "layers");
    for (uint32_t i = 0; i < r->layers; i++) {
        cJSON *layer = cJSON_CreateObject();
        cJSON_AddNumberToObject(layer, "density", result->layer_density[i]);
        cJSON_AddNumberToObject(layer, "query_rows",
                                i + 1 < r->layers
                                    ? (double)(r->prompt_length + r->denoise->gen_length)
                                    : (double)result->last_layer_rows);
        cJSON_AddItemToArray(layers, layer);
    }
    cJSON *steps = cJSON_AddObjectToObject(to, "steps");
    cJSON_AddNumberToObject(steps, "dense", result->dense_steps);
    cJSON_AddNumberToObject(steps, "build", result->build_steps);
    cJSON_AddNumberToObject(steps, "sparse", result->sparse_steps);
    cJSON *seconds = cJSON_AddObjectToObject(to, "seconds");
    cJSON_AddNumberToObject(seconds, "total", result->total_seconds);
    cJSON_AddNumberToObject(seconds, "linear", result->linear_seconds);
    cJSON_AddNumberToObject(seconds, "dense", result->dense_seconds);
    cJSON_AddNumberToObject(seconds, "build", result->build_seconds);
    cJSON_AddNumberToObject(seconds, "sparse", result->sparse_seconds);
    cJSON_AddStringToObject(to, "kernel", result->kernel);
    cJSON_AddNumberToObject(to, "scratch_bytes", (double)result->scratch_bytes);
    cJSON_AddNumberToObject(to, "pattern_bytes", (double)result->pattern_bytes);
    cJSON_AddStringToObject(to, "product_dtype",
                            storage_name((sparsed_dtype)result->product_dtype));
    if (m->plan.kind == METHOD_WINDOW || m->plan.kind == METHOD_STREAMING)
        cJSON_AddNumberToObject(to, "window", (double)result->window);
}

/* What the first method was asked to do. */
static void add_settings(cJSON *to, const generate_report *r) {
    const method_plan *plan = &r->methods[0].plan;
    const sparsed_select *s = &plan->select;
    cJSON_AddStringToObject(to, "model", r->model_dir);
    cJSON_AddStringToObject(to, "attention", method_plan_name(plan));
    if (plan->crossover)
        crossover_choice_json(&r->methods[0].result.choice, to);
    if (plan->kind == METHOD_DENSE)
        return;
    cJSON_AddStringToObject(to, "mode", selection_mode_name(s->mode));
    cJSON_AddNumberToObject(to, "select", s->ratio);
    cJSON_AddNumberToObject(to, "block_size_q", s->block_q);
    cJSON_AddNumberToObject(to, "block_size_k", s->block_k);
    cJSON_AddStringToObject(to, "score_reduce",
                            s->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum");
    cJSON_AddStringToObject(to, "schedule", plan->schedule);
    cJSON_AddNumberToObject(to, "skip", plan->skip);
}

/* compare.<method>: its own keys, and the main method measured against it. */
static void add_comparison(cJSON *to, const generate_report *r, const generate_method *m) {
    const generate_method *first = &r->methods[0];
    cJSON *o = cJSON_AddObjectToObject(to, method_name(m->plan.kind));
    add_method(o, r, m);
    cJSON_AddNumberToObject(o, "tokens_equal", equal_tokens(r, first, m));
    cJSON_AddNumberToObject(o, "speedup_attention", attention_speed_up(m, first));
    cJSON_AddNumberToObject(o, "speedup_total", total_speed_up(m, first));
}

bool generate_print_json(const generate_report *r, tool_error *error) {
    cJSON *root = cJSON_CreateObject();
    add_settings(root, r);
    pattern_report_json(r->patterns, root);
    add_method(root, r, &r->methods[0]);
    cJSON_AddNumberToObject(root, "prompt_tokens", (double)r->prompt_length);
    cJSON_AddNumberToObject(root, "gen_length", r->denoise->gen_length);
    cJSON_AddNumberToObject(root, "denoising_steps", r->denoise->steps);
    cJSON_AddStringToObject(root, "sampler", dlm_sampler_name(r->denoise->sampler));
    cJSON_AddStringToObject(root, "dtype", storage_name(r->methods[0].plan.dtype));
    cJSON_AddStringToObject(root, "product_isa", r->product_isa);
    cJSON_AddStringToObject(root, "device", r->device->selector);
    device_units_json(r->device, root);
    if (r->example) {
        cJSON_AddStringToObject(root, "example", r->example_name);
        cJSON_AddStringToObject(root, "answer_expected", r->example->answer);
    }
    if (r->count > 1) {
        cJSON *compare = cJSON_AddObjectToObject(root, "compare");
        for (size_t i = 1; i < r->count; i++)
            add_comparison(compare, r, &r->methods[i]);
    }
    return json_print(root, error);
}
