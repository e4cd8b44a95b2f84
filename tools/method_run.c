/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "method_run.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "device_options.h"
#include "pattern_record.h"

static const char *const names[METHOD_KINDS] = {"dense", "sparsed", "window", "streaming"};

bool method_parse(const char *name, method_kind *kind) {
    for (int i = 0; i < METHOD_KINDS; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (method_kind)i;
            return true;
        }
    return false;
}

const char *method_name(method_kind kind) {
    return names[kind];
}

const char *method_plan_name(const method_plan *plan) {
    return plan->crossover ? "auto" : method_name(plan->kind);
}

double method_attention_seconds(const method_result *result) {
    return result->dense_seconds + result->build_seconds + result->sparse_seconds;
}

/* What the callbacks of one run share. */
typedef struct method_state {
    sparsed_context *context;
    sparsed_pipeline *pipeline;
    const dlm_config *config;
    const dlm_denoise_options *denoise;
    const method_plan *plan;
    method_result *result;
    uint32_t product_dtype; /* in which linear layers multiply */
    uint32_t len;
    uint32_t last_from; /* the first query row of the last layer */
    uint32_t step;
    sparsed_op op; /* of this step */
    uint32_t last_build;
    pattern_record record; /* with plan->saving */
} method_state;

static bool op_builds(sparsed_op op) {
    return op == SPARSED_DENSE_BUILD || op == SPARSED_BUILD_SPARSE;
}

/* Whether this step's patterns are to be saved. */
static bool records(const method_state *s) {
    return op_builds(s->op) && (s->plan->saving == METHOD_SAVE_EVERY ||
                                (s->plan->saving == METHOD_SAVE_LAST && s->step == s->last_build));
}

static bool before_step(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    method_state *s = user;
    method_result *r = s->result;
    s->step = step;
    if (!device_check(s->context, sparsed_pipeline_op(s->pipeline, step, &s->op), error))
        return false;
    if (s->op == SPARSED_DENSE)
        r->dense_steps++;
    else if (s->op == SPARSED_SPARSE)
        r->sparse_steps++;
    else
        r->build_steps++;
    r->sparse |= s->op == SPARSED_SPARSE || s->op == SPARSED_BUILD_SPARSE;
    return !s->denoise->before_step ||
           s->denoise->before_step(s->denoise->user, step, generated, error);
}

static void count_seconds(method_state *s, double seconds) {
    method_result *r = s->result;
    if (s->op == SPARSED_DENSE)
        r->dense_seconds += seconds;
    else if (s->op == SPARSED_SPARSE)
        r->sparse_seconds += seconds;
    else
        r->build_seconds += seconds;
}

static uint32_t first_query(const method_state *s, uint32_t layer) {
    return layer + 1 < s->config->layers ? 0 : s->last_from;
}

static size_t row_bytes(const method_state *s, uint32_t dtype) {
    size_t width = (size_t)s->config->heads * s->config->head_dim;
    return dlm_row_stride(width, dtype) * (dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t));
}

static bool attend(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                   void *out, uint32_t len, tool_error *error) {
    method_state *s = user;
    const uint32_t from = first_query(s, layer);
    /* The library only reads q, k and v. */
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = (char *)q + from * row_bytes(s, s->plan->dtype),
                           .k.mem = (void *)k,
                           .v.mem = (void *)v,
                           .out.mem = (char *)out + from * row_bytes(s, s->product_dtype),
                           .q_len = len - from,
                           .scores.mem = records(s) ? s->record.scores : NULL};
    double start = clock_seconds();
    sparsed_status status = sparsed_pipeline_attend(s->pipeline, s->step, layer, &io);
    count_seconds(s, clock_seconds() - start);
    return device_check(s->context, status, error) &&
           (!records(s) || pattern_record_add(&s->record, s->context, s->pipeline, layer, error));
}

/* The predictions are read at the end of the sequence: of the last layer no earlier query block is
 * needed. Saved patterns are whole, and so are those that come from a file. */
static uint32_t last_layer_from(const method_state *s, uint32_t prompt_length) {
    const uint32_t block = s->plan->kind == METHOD_DENSE ? 1 : s->plan->select.block_q;
    const uint32_t first = dlm_reading_position(s->config, prompt_length);
    bool whole = s->plan->saving != METHOD_SAVE_NONE || s->plan->patterns || block == 0;
    return whole ? 0 : first / block * block;
}

sparsed_desc method_desc(const dlm_config *c, uint64_t len, sparsed_dtype dtype,
                         uint32_t out_dtype) {
    sparsed_desc d = SPARSED_DESC_INIT;
    const size_t q_width = (size_t)c->heads * c->head_dim;
    const size_t kv_row = dlm_row_stride((size_t)c->kv_heads * c->head_dim, dtype);
    const size_t q_row = dlm_row_stride(q_width, dtype);
    const size_t out_row = dlm_row_stride(q_width, out_dtype);
    d.dtype = dtype;
    d.out_dtype = out_dtype;
    d.batch = 1;
    d.heads = c->heads;
    d.kv_heads = c->kv_heads;
    d.head_dim = c->head_dim;
    d.q_len = d.kv_len = len;
    d.q = (sparsed_strides){len * q_row, c->head_dim, q_row};
    d.k = d.v = (sparsed_strides){len * kv_row, c->head_dim, kv_row};
    d.out = (sparsed_strides){len * out_row, c->head_dim, out_row};
    return d;
}

bool method_schedule(const method_plan *plan, uint32_t steps, sparsed_schedule_entry *entries,
                     tool_error *error) {
    const char *preset = plan->kind == METHOD_DENSE ? "dense" : plan->schedule;
    sparsed_message message;
    if (plan->entries) {
        memcpy(entries, plan->entries, steps * sizeof *entries);
        return true;
    }
    if (sparsed_schedule_preset(preset, plan->skip, entries, steps, &message) == SPARSED_OK)
        return true;
    device_fail(message.text, true, error);
    return false;
}

static bool create_pipeline(method_state *s, uint64_t len, const sparsed_schedule_entry *entries,
                            tool_error *error) {
    static const uint32_t flags[] = {[METHOD_SAVE_NONE] = 0,
                                     [METHOD_SAVE_LAST] = SPARSED_SCHEDULE_SAVE,
                                     [METHOD_SAVE_EVERY] = SPARSED_SCHEDULE_EVERY_BUILD};
    const sparsed_schedule schedule = {.struct_size = sizeof schedule,
                                       .flags = flags[s->plan->saving],
                                       .steps = s->denoise->steps,
                                       .entries = entries,
                                       .crossover = s->plan->crossover};
    sparsed_desc desc = method_desc(s->config, len, s->plan->dtype, s->product_dtype);
    sparsed_select select = s->plan->select;
    select.gen_len = s->denoise->gen_length;
    sparsed_status status =
        sparsed_pipeline_create(s->context, &desc, s->plan->kind == METHOD_DENSE ? NULL : &select,
                                &schedule, s->config->layers, &s->pipeline);
    if (status == SPARSED_OK && s->plan->patterns)
        status = sparsed_pipeline_set_patterns(s->pipeline, s->plan->patterns, SPARSED_ANY_STEP);
    s->result->choice.struct_size = sizeof s->result->choice;
    if (status == SPARSED_OK && s->plan->crossover)
        status = sparsed_pipeline_choice(s->pipeline, &s->result->choice);
    return device_check(s->context, status, error);
}

static bool open_pipeline(method_state *s, uint64_t len, tool_error *error) {
    sparsed_schedule_entry *entries = calloc(s->denoise->steps, sizeof *entries);
    if (!entries)
        return tool_fail(error, "out of memory for %u steps", s->denoise->steps);
    bool done = method_schedule(s->plan, s->denoise->steps, entries, error) &&
                create_pipeline(s, len, entries, error);
    free(entries);
    return done;
}

/* Room for the patterns that are saved, once the pipeline can tell which steps build. */
static bool open_record(method_state *s, tool_error *error) {
    const sparsed_select *select = &s->plan->select;
    uint64_t builds = 0;
    if (s->plan->saving == METHOD_SAVE_NONE)
        return true;
    for (uint32_t i = 0; i < s->denoise->steps; i++) {
        sparsed_op op;
        if (!device_check(s->context, sparsed_pipeline_op(s->pipeline, i, &op), error))
            return false;
        if (op_builds(op)) {
            builds++;
            s->last_build = i;
        }
    }
    if (s->plan->saving == METHOD_SAVE_LAST && builds > 1)
        builds = 1;
    sparsed_plan_info info = {.struct_size = sizeof info};
    return device_check(s->context, sparsed_pipeline_describe(s->pipeline, &info), error) &&
           pattern_record_open(&s->record, builds * s->config->layers, s->config->heads, &info,
                               select->mode, s->plan->score_dtype, error);
}

/* The saved patterns as a set; none if no step built any. */
static bool close_record(method_state *s, tool_error *error) {
    return s->record.count == 0 ||
           pattern_record_finish(&s->record, &s->plan->saved_info, &s->result->patterns, error);
}

static bool allocate(method_state *s, uint64_t len, tool_error *error) {
    const dlm_config *c = s->config;
    method_result *r = s->result;
    r->tokens = calloc(s->denoise->gen_length, sizeof *r->tokens);
    r->layer_density = calloc(c->layers, sizeof *r->layer_density);
    return r->tokens && r->layer_density
               ? true
               : tool_fail(error, "out of memory for a run over %llu tokens",
                           (unsigned long long)len);
}

/* Densities, once the run is done. */
static bool measure_density(method_state *s, tool_error *error) {
    method_result *r = s->result;
    uint32_t layers = s->config->layers;
    double all_rows = 0.0;
    for (uint32_t i = 0; i < layers; i++) {
        sparsed_pattern *pattern = NULL;
        r->layer_density[i] = 1.0;
        if (r->build_steps > 0 || s->plan->patterns) {
            sparsed_status status = sparsed_pipeline_get_pattern(s->pipeline, i, &pattern);
            if (!device_check(s->context, status, error))
                return false;
            r->layer_density[i] = sparsed_pattern_density(pattern, UINT32_MAX);
            sparsed_pattern_release(pattern);
        }
        double rows = s->len - first_query(s, i);
        r->density += r->layer_density[i] * rows;
        all_rows += rows;
    }
    r->density /= all_rows;
    return true;
}

/* Steps that attend sparsely: the sparse ones, and those that build and use the pattern at once. */
static bool measure_work(method_state *s, tool_error *error) {
    method_result *r = s->result;
    double pairs = 0.0;
    for (uint32_t i = 0; i < s->denoise->steps; i++) {
        sparsed_op op;
        if (!device_check(s->context, sparsed_pipeline_op(s->pipeline, i, &op), error))
            return false;
        pairs += op == SPARSED_DENSE || op == SPARSED_DENSE_BUILD ? 1.0 : r->density;
    }
    r->attention_work = pairs / s->denoise->steps;
    sparsed_plan_info info = {.struct_size = sizeof info};
    if (!device_check(s->context, sparsed_pipeline_describe(s->pipeline, &info), error))
        return false;
    memcpy(r->kernel, info.kernel, sizeof r->kernel);
    r->scratch_bytes = info.scratch_bytes;
    r->pattern_bytes = info.kept_bytes * s->config->layers;
    return true;
}

bool method_run(sparsed_context *context, dlm_model *model, const uint32_t *prompt,
                size_t prompt_length, const dlm_denoise_options *denoise, const method_plan *plan,
                method_result *result, tool_error *error) {
    method_state s = {.context = context,
                      .config = dlm_model_config(model),
                      .denoise = denoise,
                      .plan = plan,
                      .result = result,
                      .product_dtype = dlm_model_product_dtype(model, plan->dtype)};
    uint64_t len = prompt_length + denoise->gen_length;
    *result = (method_result){
        .tokens = NULL, .window = plan->select.window, .product_dtype = s.product_dtype};
    s.len = (uint32_t)len;
    s.last_from = last_layer_from(&s, (uint32_t)prompt_length);
    result->last_layer_rows = s.len - s.last_from;
    bool done = allocate(&s, len, error) && open_pipeline(&s, len, error) && open_record(&s, error);
    if (done) {
        const dlm_attention attention = {attend,          &s,    plan->dtype,
                                         s.product_dtype, false, s.last_from};
        dlm_denoise_options options = *denoise;
        options.before_step = before_step;
        options.user = &s;
        double start = clock_seconds(), linear = dlm_model_linear_seconds(model);
        done =
            dlm_denoise(model, prompt, prompt_length, &options, &attention, result->tokens, error);
        result->total_seconds = clock_seconds() - start;
        result->linear_seconds = dlm_model_linear_seconds(model) - linear;
    }
    done = done && measure_density(&s, error) && measure_work(&s, error) && close_record(&s, error);
    pattern_record_free(&s.record);
    sparsed_pipeline_destroy(s.pipeline);
    if (!done)
        method_result_free(result);
    return done;
}

void method_result_free(method_result *result) {
    free(result->tokens);
    free(result->layer_density);
    sparsed_pattern_set_release(result->patterns);
    *result = (method_result){.tokens = NULL};
}
