/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "generate_patterns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "model_fingerprint.h"
#include "number_list.h"
#include "pattern_cache.h"

static bool is_given(sparsed_fingerprint f) {
    return f.low != 0 || f.high != 0;
}

static generate_method *find_kind(generate_method *methods, size_t count, method_kind kind) {
    for (size_t i = 0; i < count; i++)
        if (methods[i].plan.kind == kind)
            return &methods[i];
    return NULL;
}

static bool set_path(pattern_report *report, pattern_use use, const char *path, tool_error *error) {
    size_t size = strlen(path) + 1;
    report->use = use;
    report->path = malloc(size);
    if (!report->path)
        return tool_fail(error, "%s: out of memory", path);
    memcpy(report->path, path, size);
    return true;
}

static bool make_entries(generate_patterns *p, const generate_problem *problem,
                         const method_plan *plan, tool_error *error) {
    uint32_t steps = problem->denoise->steps;
    if (!p->entries)
        p->entries = calloc(steps, sizeof *p->entries);
    if (!p->entries)
        return tool_fail(error, "out of memory for %u steps", steps);
    return method_schedule(plan, steps, p->entries, error);
}

/* The last step that builds; false if none does. */
static bool find_build(const generate_patterns *p, uint32_t steps, uint32_t *step) {
    for (uint32_t i = steps; i-- > 0;)
        if (p->entries[i].op == SPARSED_DENSE_BUILD || p->entries[i].op == SPARSED_BUILD_SPARSE) {
            *step = i;
            return true;
        }
    return false;
}

static bool builds_nothing(const char *option, const method_plan *plan,
                           const generate_problem *problem, tool_error *error) {
    return tool_fail_usage(error,
                           "--pattern-%s: schedule %s with skip %g builds no patterns in %u steps",
                           option, plan->schedule, plan->skip, problem->denoise->steps);
}

/* ---- --pattern-in ---- */

static bool match(const generate_patterns *p, const generate_problem *problem,
                  const method_plan *plan, tool_error *error) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_desc desc =
        method_desc(problem->config, problem->prompt->length + problem->denoise->gen_length,
                    plan->dtype, SPARSED_F32);
    sparsed_select select = plan->select;
    sparsed_message message;
    sparsed_pattern_match wanted = {.struct_size = sizeof wanted,
                                    .layers = problem->config->layers,
                                    .step = SPARSED_ANY_STEP,
                                    .desc = &desc,
                                    .select = &select};
    select.gen_len = problem->denoise->gen_length;
    sparsed_pattern_set_describe(p->set, &info, NULL);
    if (is_given(info.model) && !model_fingerprint(problem->model_dir, &wanted.model, error))
        return false;
    if (sparsed_pattern_set_match(p->set, &wanted, &message) == SPARSED_OK)
        return true;
    return tool_fail(error, "%s does not fit this run: %s", p->report.path, message.text);
}

static pattern_prompt compare_prompt(const sparsed_pattern_set *set, const dlm_prompt *prompt) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    const sparsed_fingerprint runs = prompt_fingerprint(prompt);
    sparsed_pattern_set_describe(set, &info, NULL);
    if (!is_given(info.prompt))
        return PATTERN_PROMPT_NOT_KNOWN;
    return info.prompt.low == runs.low && info.prompt.high == runs.high ? PATTERN_PROMPT_SAME
                                                                        : PATTERN_PROMPT_OTHER;
}

static bool has_one_step(const pattern_report *r, tool_error *error) {
    char steps[80];
    number_list_print(r->steps, r->step_count, steps, sizeof steps);
    return r->step_count == 1 ||
           tool_fail(
               error,
               "%s holds the patterns of steps %s: take one out with `sparsed pattern convert "
               "--steps N`",
               r->path, steps);
}

static bool prepare_in(generate_patterns *p, const pattern_in_words *words,
                       const generate_problem *problem, generate_method *methods, size_t count,
                       tool_error *error) {
    const char *path = words->given->in;
    generate_method *m = NULL;
    for (size_t i = 0; i < count && !m; i++)
        if (methods[i].plan.kind != METHOD_DENSE)
            m = &methods[i];
    if (!m)
        return tool_fail_usage(error, "--pattern-in goes with --attention sparsed, window or "
                                      "streaming, not dense");
    if (!set_path(&p->report, PATTERN_USE_IN, path, error))
        return false;
    p->set = pattern_in_load(path, error);
    p->method = m;
    if (p->set)
        p->report.prompt = compare_prompt(p->set, problem->prompt);
    return p->set && pattern_report_set(&p->report, p->set, error) &&
           has_one_step(&p->report, error) &&
           pattern_in_use(p->set, path, words, &m->plan, error) &&
           match(p, problem, &m->plan, error);
}

/* ---- what a saved set says ---- */

static bool describe_run(generate_patterns *p, const pattern_options *given,
                         const generate_problem *problem, method_plan *plan, tool_error *error) {
    const dlm_config *c = problem->config;
    snprintf(p->creator, sizeof p->creator, "sparsed %d.%d.%d", SPARSED_VERSION_MAJOR,
             SPARSED_VERSION_MINOR, SPARSED_VERSION_PATCH);
    plan->score_dtype = pattern_options_score_dtype(given);
    plan->saved_info = (sparsed_pattern_set_info){.struct_size = sizeof plan->saved_info,
                                                  .model_layers = c->layers,
                                                  .model_heads = c->heads,
                                                  .steps = problem->denoise->steps,
                                                  .skip = plan->skip,
                                                  .schedule = plan->schedule,
                                                  .creator = p->creator,
                                                  .tag = given->tag,
                                                  .prompt = prompt_fingerprint(problem->prompt)};
    return model_fingerprint(problem->model_dir, &plan->saved_info.model, error);
}

/* ---- --pattern-out ---- */

/* The first method that builds. */
static bool find_builder(generate_patterns *p, const generate_problem *problem,
                         generate_method *methods, size_t count, generate_method **found,
                         tool_error *error) {
    const method_plan *idle = NULL;
    uint32_t step;
    for (size_t i = 0; i < count; i++) {
        const method_plan *plan = &methods[i].plan;
        if (plan->kind == METHOD_DENSE)
            continue;
        if (!make_entries(p, problem, plan, error))
            return false;
        *found = &methods[i];
        if (find_build(p, problem->denoise->steps, &step))
            return true;
        idle = idle ? idle : plan;
    }
    if (idle)
        return builds_nothing("out", idle, problem, error);
    return tool_fail_usage(error, "--pattern-out: --attention dense builds no patterns");
}

/* The run stays dense; the steps listed build. */
static bool list_builds(generate_patterns *p, const pattern_options *given,
                        const generate_problem *problem, generate_method *m, tool_error *error) {
    uint32_t steps = problem->denoise->steps;
    number_list list;
    if (!m)
        return tool_fail_usage(error, "--pattern-out-steps goes with --attention sparsed");
    if (!number_list_parse("pattern-out-steps", given->out_steps, "0,4,8-11", steps, &list, error))
        return false;
    p->entries = calloc(steps, sizeof *p->entries);
    for (uint32_t i = 0; i < steps && p->entries; i++)
        p->entries[i].op = number_list_has(&list, i) ? SPARSED_DENSE_BUILD : SPARSED_DENSE;
    number_list_free(&list);
    m->plan.schedule = "dense";
    m->plan.skip = 0.0;
    return p->entries || tool_fail(error, "out of memory for %u steps", steps);
}

static bool prepare_out(generate_patterns *p, const pattern_options *given,
                        const generate_problem *problem, generate_method *methods, size_t count,
                        tool_error *error) {
    generate_method *m = find_kind(methods, count, METHOD_SPARSED);
    bool listed = given->out_steps != NULL;
    if (listed ? !list_builds(p, given, problem, m, error)
               : !find_builder(p, problem, methods, count, &m, error))
        return false;
    if (m->plan.kind != METHOD_SPARSED && pattern_options_score_dtype(given) != 0)
        return tool_fail_usage(error,
                               "--pattern-scores is %s, but --attention %s ranks no blocks: it "
                               "has no scores",
                               given->scores, method_name(m->plan.kind));
    m->plan.entries = p->entries;
    m->plan.saving = listed ? METHOD_SAVE_EVERY : METHOD_SAVE_LAST;
    p->method = m;
    return set_path(&p->report, PATTERN_USE_OUT, given->out, error) &&
           file_check_writable(given->out, error) &&
           describe_run(p, given, problem, &m->plan, error);
}

/* ---- --pattern-cache ---- */

/* Takes what the folder has for this run; else notes why not. */
static bool look_up(generate_patterns *p, const generate_problem *problem, const char *dir,
                    method_plan *plan, uint32_t build, tool_error *error) {
    const dlm_config *c = problem->config;
    uint32_t steps = problem->denoise->steps;
    sparsed_desc desc = method_desc(c, problem->prompt->length + problem->denoise->gen_length,
                                    plan->dtype, SPARSED_F32);
    const pattern_cache_run run = {.model = plan->saved_info.model,
                                   .prompt = plan->saved_info.prompt,
                                   .plan = plan,
                                   .denoise = problem->denoise,
                                   .mask_token = c->mask_token};
    p->report.path = pattern_cache_path(dir, &run, error);
    if (!p->report.path)
        return false;
    p->set = pattern_cache_find(p->report.path, &run, &desc, c->layers, build, &p->report.reason);
    plan->entries = p->entries;
    if (!p->set) {
        plan->saving = METHOD_SAVE_LAST;
        return true;
    }
    pattern_cache_leave_out_builds(p->entries, steps);
    plan->patterns = p->set;
    p->report.hit = true;
    return pattern_report_set(&p->report, p->set, error);
}

static bool prepare_cache(generate_patterns *p, const pattern_options *given,
                          const generate_problem *problem, generate_method *methods, size_t count,
                          tool_error *error) {
    generate_method *m = find_kind(methods, count, METHOD_SPARSED);
    if (!m)
        return tool_fail_usage(error, "--pattern-cache goes with --attention sparsed, not %s",
                               method_name(methods[0].plan.kind));
    if (!make_entries(p, problem, &m->plan, error))
        return false;
    uint32_t build = 0;
    if (!find_build(p, problem->denoise->steps, &build))
        return builds_nothing("cache", &m->plan, problem, error);
    p->report.use = PATTERN_USE_CACHE;
    p->method = m;
    return pattern_cache_open(given->cache, error) &&
           describe_run(p, given, problem, &m->plan, error) &&
           look_up(p, problem, given->cache, &m->plan, build, error);
}

/* ---- all of them ---- */

bool generate_patterns_prepare(generate_patterns *p, const pattern_in_words *words,
                               const generate_problem *problem, generate_method *methods,
                               size_t count, tool_error *error) {
    *p = (generate_patterns){.set = NULL};
    if (words->given->in)
        return prepare_in(p, words, problem, methods, count, error);
    if (words->given->out)
        return prepare_out(p, words->given, problem, methods, count, error);
    if (words->given->cache)
        return prepare_cache(p, words->given, problem, methods, count, error);
    return true;
}

void generate_patterns_save(generate_patterns *p, const generate_method *m) {
    const sparsed_pattern_set *set = m->result.patterns;
    sparsed_message message;
    if (m != p->method || !set)
        return;
    if (sparsed_pattern_set_save(set, p->report.path, &message) == SPARSED_OK)
        pattern_report_set(&p->report, set, &p->failure);
    else if (p->report.use == PATTERN_USE_CACHE) /* only the next run has to build again */
        tool_fail(&p->report.reason, "%s", message.text);
    else
        tool_fail(&p->failure, "%s", message.text);
}

bool generate_patterns_saved(const generate_patterns *p, tool_error *error) {
    return !p->failure.text[0] || tool_fail(error, "%s", p->failure.text);
}

void generate_patterns_free(generate_patterns *p) {
    sparsed_pattern_set_release(p->set);
    free(p->entries);
    pattern_report_free(&p->report);
    *p = (generate_patterns){.set = NULL};
}
