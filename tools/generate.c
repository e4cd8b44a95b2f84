/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed generate`: a diffusion language model's answer, dense or sparse, and what it cost. */
#include <sparsed/sparsed.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "crossover_table.h"
#include "dlm/prompt.h"
#include "file.h"
#include "generate_options.h"
#include "generate_patterns.h"
#include "model_dir.h"
#include "progress.h"
#include "storage_convert.h"
#include "utf8.h"

enum { MAX_PROMPT_BYTES = 64 << 20 };

static const char default_example[] = "var_track-2048";

/* Everything one call holds. */
typedef struct generate_state {
    generate_options options;
    char *model_dir;
    dlm_tokenizer *tokenizer;
    dlm_model *model;
    sparsed_context *context;
    dlm_example example;
    const char *example_name; /* NULL: the caller's own prompt */
    dlm_prompt prompt;
    dlm_denoise_options denoise;
    progress bar;
    generate_method methods[METHOD_KINDS];
    size_t method_count;
    crossover_table crossover; /* empty without --attention auto */
    generate_patterns patterns;
} generate_state;

/* The text of the prompt: the caller's, a file's, or an example's. */
static bool find_prompt(generate_state *s, char **text, size_t *size, tool_error *error) {
    const generate_options *o = &s->options;
    *text = NULL;
    if (o->prompt_file) {
        *text = file_read(o->prompt_file, MAX_PROMPT_BYTES, size, error);
        if (!*text)
            return false;
        *size -= *size > 0 && (*text)[*size - 1] == '\n';
        return true;
    }
    const char *source = o->prompt;
    if (!source) {
        s->example_name = o->example ? o->example : default_example;
        if (!dlm_example_load(s->model_dir, s->example_name, &s->example, error))
            return o->example ? false
                              : tool_fail_usage(error,
                                                "give --prompt or --prompt-file: %s has no "
                                                "example questions",
                                                s->model_dir);
        source = s->example.prompt;
    }
    *size = strlen(source);
    *text = malloc(*size + 1);
    if (!*text)
        return tool_fail(error, "out of memory for the prompt");
    memcpy(*text, source, *size + 1);
    return true;
}

static bool encode_prompt(generate_state *s, tool_error *error) {
    char *text;
    size_t size = 0;
    if (!find_prompt(s, &text, &size, error))
        return false;
    bool done = size > 0;
    if (!done)
        tool_fail_usage(error, "%s: the prompt is empty",
                        s->options.prompt_file ? s->options.prompt_file : "--prompt");
    done = done && dlm_prompt_encode(s->tokenizer, dlm_model_config(s->model), text, size,
                                     s->options.raw_prompt, &s->prompt, error);
    free(text);
    return done;
}

static bool set_denoise(generate_state *s, tool_error *error) {
    const generate_options *o = &s->options;
    const dlm_config *c = dlm_model_config(s->model);
    dlm_denoise_options *d = &s->denoise;
    const char *sampler = o->sampler ? o->sampler : c->sampler;
    if (!dlm_sampler_parse(sampler, &d->sampler))
        return tool_fail_usage(
            error, "--sampler is '%s', not low_confidence, maskgit_plus or entropy", sampler);
    bool own_length = !o->gen_length_given && !s->example_name;
    d->gen_length = o->gen_length_given ? (uint32_t)o->gen_length
                    : s->example_name   ? s->example.gen_length
                                        : c->gen_length;
    d->steps = o->steps_given ? (uint32_t)o->steps : own_length ? c->steps : d->gen_length;
    d->block_length = (uint32_t)o->block_length;
    return dlm_denoise_check(c, d, s->prompt.length, error);
}

static bool load(generate_state *s, tool_error *error) {
    const generate_options *o = &s->options;
    s->model_dir = model_dir_find(o->model, error);
    if (!s->model_dir)
        return false;
    s->context = device_open(&o->device, error);
    char *path = s->context ? file_join(s->model_dir, "tokenizer.json", error) : NULL;
    s->model = path ? dlm_model_load(s->model_dir, (uint32_t)o->device.threads, error) : NULL;
    s->tokenizer = s->model ? dlm_tokenizer_load(path, error) : NULL;
    free(path);
    if (s->tokenizer && dlm_tokenizer_size(s->tokenizer) > dlm_model_config(s->model)->vocab)
        return tool_fail(error, "%s: the tokenizer has %u ids, the model's vocabulary only %u",
                         s->model_dir, dlm_tokenizer_size(s->tokenizer),
                         dlm_model_config(s->model)->vocab);
    return s->tokenizer && encode_prompt(s, error) && set_denoise(s, error);
}

static bool add_method(generate_state *s, method_kind kind, tool_error *error) {
    const generate_options *o = &s->options;
    const dlm_config *c = dlm_model_config(s->model);
    for (size_t i = 0; i < s->method_count; i++)
        if (s->methods[i].plan.kind == kind)
            return true;
    bool fixed = kind == METHOD_WINDOW || kind == METHOD_STREAMING;
    bool warm = o->pattern.in != NULL; /* of one method alone: generate_patterns_prepare */
    uint32_t mode = kind == METHOD_WINDOW          ? SPARSED_MODE_WINDOW
                    : kind == METHOD_STREAMING     ? SPARSED_MODE_STREAMING
                    : c->architecture == DLM_LLADA ? SPARSED_MODE_UPSTREAM_LLADA
                                                   : SPARSED_MODE_UPSTREAM_DREAM;
    method_plan *plan = &s->methods[s->method_count].plan;
    *plan = (method_plan){.kind = kind,
                          .skip = o->skip,
                          .schedule = o->schedule && !warm ? o->schedule
                                      : fixed              ? "no-dense"
                                                           : "upstream"};
    if (!storage_parse(o->dtype, &plan->dtype, error) ||
        !selection_make(&o->selection, mode, &plan->select, error))
        return false;
    if (fixed)
        plan->select.mode = mode;
    plan->select.sinks = kind == METHOD_STREAMING ? o->selection.sinks : 0;
    plan->select.window = o->selection.window;
    plan->crossover = kind == METHOD_SPARSED && s->crossover.rows ? &s->crossover.table : NULL;
    s->method_count++;
    return true;
}

/* Those that --compare names. */
static bool add_compared(generate_state *s, tool_error *error) {
    method_kind kind;
    for (const char *name = s->options.compare; *name;) {
        char word[32];
        size_t length = strcspn(name, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), name);
        if (!method_parse(word, &kind))
            return tool_fail_usage(
                error, "--compare names '%s', not dense, sparsed, window or streaming", word);
        if (kind == METHOD_SPARSED && s->crossover.rows)
            return tool_fail_usage(error, "--compare names sparsed, which --attention auto runs");
        if (!add_method(s, kind, error))
            return false;
        name += length + (name[length] == ',');
    }
    return true;
}

/* The method asked for, dense beside it with --compare, and those that --compare names. */
static bool list_methods(generate_state *s, tool_error *error) {
    const generate_options *o = &s->options;
    method_kind kind = METHOD_SPARSED;
    bool is_auto = strcmp(o->attention, "auto") == 0;
    if (!is_auto && !method_parse(o->attention, &kind))
        return tool_fail_usage(error,
                               "--attention is '%s', not dense, sparsed, window, streaming or auto",
                               o->attention);
    if (is_auto && !crossover_table_load(&s->crossover, error))
        return false;
    if (!add_method(s, kind, error))
        return false;
    method_kind other = kind == METHOD_DENSE && !o->compare[0] ? METHOD_SPARSED : METHOD_DENSE;
    if (o->compare_given && (!add_method(s, other, error) || !add_compared(s, error)))
        return false;
    bool runs[METHOD_KINDS] = {false};
    for (size_t i = 0; i < s->method_count; i++)
        runs[s->methods[i].plan.kind] = true;
    return selection_check_used(&o->selection, runs[METHOD_SPARSED], runs[METHOD_WINDOW],
                                runs[METHOD_STREAMING], o->attention, error);
}

static bool draw_step(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    (void)error;
    progress_draw(user, step, generated);
    return true;
}

/* The answer: up to the first end-of-text token. */
static bool decode_answer(const generate_state *s, generate_method *m, tool_error *error) {
    const uint32_t *tokens = m->result.tokens;
    uint32_t n = 0;
    while (n < s->denoise.gen_length && tokens[n] != dlm_model_config(s->model)->eos_token)
        n++;
    m->answer = dlm_tokenizer_decode(s->tokenizer, tokens, n, &m->answer_bytes);
    m->text = m->answer ? utf8_repair(m->answer, m->answer_bytes) : NULL;
    return m->text ? true : tool_fail(error, "out of memory for the answer");
}

static bool run_method(generate_state *s, generate_method *m, tool_error *error) {
    const dlm_config *c = dlm_model_config(s->model);
    progress_start(&s->bar, method_plan_name(&m->plan), s->tokenizer, s->denoise.steps,
                   s->denoise.gen_length, c->mask_token, c->eos_token);
    s->denoise.before_step = draw_step;
    s->denoise.user = &s->bar;
    bool done = method_run(s->context, s->model, s->prompt.ids, s->prompt.length, &s->denoise,
                           &m->plan, &m->result, error);
    progress_end(&s->bar);
    if (!done || !decode_answer(s, m, error))
        return false;
    generate_patterns_save(&s->patterns, m);
    return true;
}

/* One dense forward pass that nobody sees, so that no method of a comparison pays for memory that
 * is touched for the first time. */
static bool warm_up(generate_state *s, tool_error *error) {
    dlm_denoise_options denoise = s->denoise;
    const method_plan plan = {.kind = METHOD_DENSE, .dtype = s->methods[0].plan.dtype};
    method_result result;
    denoise.steps = 1;
    denoise.block_length = 0;
    denoise.before_step = NULL;
    if (!method_run(s->context, s->model, s->prompt.ids, s->prompt.length, &denoise, &plan, &result,
                    error))
        return false;
    method_result_free(&result);
    return true;
}

/* Fixed patterns run last: they get the density that SparseD had, or --select's without it. */
static bool run_methods(generate_state *s, tool_error *error) {
    double density = s->options.selection.ratio;
    if (s->method_count > 1 && !warm_up(s, error))
        return false;
    for (size_t i = 0; i < s->method_count; i++) {
        generate_method *m = &s->methods[i];
        if (m->plan.kind > METHOD_SPARSED)
            continue;
        if (!run_method(s, m, error))
            return false;
        if (m->plan.kind == METHOD_SPARSED && (m->result.build_steps > 0 || m->plan.patterns))
            density = m->result.density;
    }
    for (size_t i = 0; i < s->method_count; i++) {
        generate_method *m = &s->methods[i];
        if (m->plan.kind <= METHOD_SPARSED)
            continue;
        if (!s->options.selection.window_given && !m->plan.patterns)
            m->plan.select.window = sparsed_fixed_window(s->prompt.length + s->denoise.gen_length,
                                                         m->plan.select.sinks, density);
        if (!run_method(s, m, error))
            return false;
    }
    return true;
}

static bool report(const generate_state *s, tool_error *error) {
    sparsed_device_info device = {.struct_size = sizeof device};
    if (!device_check(s->context, sparsed_context_device(s->context, &device), error))
        return false;
    const generate_report r = {
        .model_dir = s->model_dir,
        .example_name = s->example_name,
        .example = s->example_name ? &s->example : NULL,
        .prompt_length = s->prompt.length,
        .denoise = &s->denoise,
        .layers = dlm_model_config(s->model)->layers,
        .product_isa = dlm_model_product_isa(s->model, s->methods[0].result.product_dtype),
        .device = &device,
        .patterns = &s->patterns.report,
        .methods = s->methods,
        .count = s->method_count};
    if (s->options.json)
        return generate_print_json(&r, error);
    const generate_method *m = &s->methods[0];
    if (fwrite(m->answer, 1, m->answer_bytes, stdout) != m->answer_bytes || putchar('\n') < 0 ||
        fflush(stdout) != 0)
        return tool_fail(error, "standard output: could not write the answer");
    generate_print_table(&r);
    return true;
}

static bool prepare_patterns(generate_state *s, tool_error *error) {
    const pattern_in_words words = {&s->options.selection, &s->options.pattern};
    const generate_problem problem = {s->model_dir, dlm_model_config(s->model), &s->prompt,
                                      &s->denoise};
    if (!generate_patterns_prepare(&s->patterns, &words, &problem, s->methods, s->method_count,
                                   error))
        return false;
    pattern_report_note(&s->patterns.report, stderr);
    return true;
}

static void release(generate_state *s) {
    for (size_t i = 0; i < s->method_count; i++) {
        method_result_free(&s->methods[i].result);
        free(s->methods[i].answer);
        free(s->methods[i].text);
    }
    generate_patterns_free(&s->patterns);
    crossover_table_free(&s->crossover);
    dlm_example_free(&s->example);
    dlm_prompt_free(&s->prompt);
    dlm_tokenizer_free(s->tokenizer);
    dlm_model_free(s->model);
    sparsed_context_destroy(s->context);
    free(s->model_dir);
}

bool command_generate(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    generate_state s = {.model_dir = NULL};
    bool help;
    generate_options_add(&s.options, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        printf("usage: sparsed generate [OPTIONS]\n\nRuns a diffusion language model. The answer "
               "goes to stdout, a table of its cost to stderr.\n\n");
        cli_print_options(&list, stdout);
        return true;
    }
    bool done = generate_options_check(&s.options, error) && load(&s, error) &&
                list_methods(&s, error) && prepare_patterns(&s, error) && run_methods(&s, error) &&
                report(&s, error) && generate_patterns_saved(&s.patterns, error);
    release(&s);
    return done;
}
