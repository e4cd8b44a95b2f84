/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Answers of the built-in model to its eval rows, held against reference answers: for
 * docs/accuracy.md and, with a few rows, for the tests. eval_rows MODEL_DIR REFERENCE.json LENGTH
 * ROWS_PER_TASK METHODS [THREADS] [PART/PARTS] METHODS: comma-separated names of the reference,
 * full | bBLOCK:RATIO | window | sinks, and behind any of them @bf16: run so, held to the same
 * reference. Runs rows 0 .. ROWS_PER_TASK-1 of each task (with
 * PART/PARTS every PARTS-th of them) with sampler low_confidence, steps = gen_length, skip 0.2.
 * Prints a line for each row, and per method at the end how many rows differ from the reference.
 * Exit code 0 even then: the tests judge by their own bound.
 */
#include <sparsed/sparsed.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlm/example.h"
#include "dlm/prompt.h"
#include "dlm/tokenizer.h"
#include "file.h"
#include "json_file.h"
#include "method_run.h"

enum { MAX_METHODS = 8, SINKS = 4 };

typedef struct eval_method {
    char name[32], reference[32];
    method_plan plan;
    unsigned rows, equal, equal_answers;
    double score, reference_score, seconds;
} eval_method;

typedef struct eval {
    dlm_model *model;
    dlm_tokenizer *tokenizer;
    sparsed_context *context;
    const char *model_dir;
    eval_method methods[MAX_METHODS];
    size_t method_count;
    tool_error error;
} eval;

static void die(const char *text) {
    fprintf(stderr, "eval_rows: %s\n", text);
    exit(1);
}

static void add_method(eval *e, const char *name) {
    eval_method *m = &e->methods[e->method_count++];
    unsigned block = 32;
    m->plan = (method_plan){.kind = METHOD_SPARSED,
                            .schedule = "upstream",
                            .skip = 0.2,
                            .select = SPARSED_SELECT_INIT,
                            .dtype = SPARSED_F32};
    const size_t length = strcspn(name, "@");
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(m->reference, sizeof m->reference, "%.*s", (int)length, name);
    if (strcmp(name + length, "@bf16") == 0)
        m->plan.dtype = SPARSED_BF16;
    else if (name[length])
        die("METHODS: behind @ only bf16");
    if (strcmp(m->reference, "full") == 0)
        m->plan.kind = METHOD_DENSE;
    else if (strcmp(m->reference, "window") == 0 || strcmp(m->reference, "sinks") == 0) {
        bool sinks = name[0] == 's';
        m->plan.kind = sinks ? METHOD_STREAMING : METHOD_WINDOW;
        m->plan.select.mode = sinks ? SPARSED_MODE_STREAMING : SPARSED_MODE_WINDOW;
        m->plan.select.sinks = sinks ? SINKS : 0;
        m->plan.schedule = "no-dense";
    } else if (sscanf(name, "b%u:%lf", &block, &m->plan.select.ratio) != 2)
        die("METHODS: not full, bBLOCK:RATIO, window or sinks");
    m->plan.select.block_q = m->plan.select.block_k = block;
}

/* Equal ids; *same_answer: equal up to the first end-of-text token (id 0). */
static bool equal_ids(const cJSON *ids, const uint32_t *tokens, uint32_t n, bool *same_answer) {
    bool ended = false, equal = true;
    *same_answer = true;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t want = (uint32_t)cJSON_GetArrayItem(ids, (int)i)->valuedouble;
        if (want != tokens[i]) {
            equal = false;
            *same_answer = *same_answer && ended;
        }
        ended = ended || want == 0;
    }
    return equal;
}

static void run_row(eval *e, eval_method *m, const char *name, const dlm_example *example,
                    const cJSON *reference) {
    dlm_prompt prompt;
    if (!dlm_prompt_encode(e->tokenizer, dlm_model_config(e->model), example->prompt,
                           strlen(example->prompt), false, &prompt, &e->error))
        die(e->error.text);
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(reference, m->reference);
    dlm_denoise_options denoise = {.sampler = DLM_LOW_CONFIDENCE,
                                   .gen_length = example->gen_length,
                                   .steps = example->gen_length};
    method_result result;
    bool same_answer;
    if (!want)
        die("the reference has no such method");
    const cJSON *density = cJSON_GetObjectItemCaseSensitive(want, "density");
    if (m->plan.kind == METHOD_WINDOW || m->plan.kind == METHOD_STREAMING)
        m->plan.select.window =
            sparsed_fixed_window(prompt.length + denoise.gen_length, m->plan.select.sinks,
                                 density->valuedouble - 6e-5 /* rounded there */);
    if (!method_run(e->context, e->model, prompt.ids, prompt.length, &denoise, &m->plan, &result,
                    &e->error))
        die(e->error.text);
    bool equal = equal_ids(cJSON_GetObjectItemCaseSensitive(want, "ids"), result.tokens,
                           denoise.gen_length, &same_answer);
    uint32_t end = 0;
    while (end < denoise.gen_length && result.tokens[end] != 0)
        end++;
    char *text = dlm_tokenizer_decode(e->tokenizer, result.tokens, end, NULL);
    double score = text && example->ref_count
                       ? (double)dlm_example_found(example, text) / example->ref_count
                       : 0.0;
    double want_score = cJSON_GetObjectItemCaseSensitive(want, "score")->valuedouble;
    printf("%-24s %-13s %-9s score %.3f (%.3f) density %.4f (%.4f) %.2f s\n", name, m->name,
           equal         ? "equal"
           : same_answer ? "after-end"
                         : "DIFFERENT",
           score, want_score, result.density, density->valuedouble, result.total_seconds);
    fflush(stdout);
    m->rows++;
    m->equal += equal;
    m->equal_answers += same_answer;
    m->score += score;
    m->reference_score += want_score;
    m->seconds += result.total_seconds;
    free(text);
    dlm_prompt_free(&prompt);
    method_result_free(&result);
}

static void run_rows(eval *e, const cJSON *rows, const char *length, unsigned per_task,
                     unsigned part, unsigned parts) {
    const cJSON *row;
    char task[64] = "", name[96];
    unsigned in_task = 0, index = 0;
    cJSON_ArrayForEach(row, rows) {
        const char *this_task = cJSON_GetObjectItemCaseSensitive(row, "task")->valuestring;
        if (strcmp(task, this_task) != 0) {
            snprintf(task, sizeof task, "%s", this_task);
            in_task = 0;
        }
        unsigned number = in_task++;
        if (number >= per_task || index++ % parts != part)
            continue;
        dlm_example example;
        snprintf(name, sizeof name, "%s-%s:%u", task, length, number);
        if (!dlm_example_load(e->model_dir, name, &example, &e->error))
            die(e->error.text);
        for (size_t i = 0; i < e->method_count; i++)
            run_row(e, &e->methods[i], name, &example,
                    cJSON_GetObjectItemCaseSensitive(row, "answers"));
        dlm_example_free(&example);
    }
}

static void open_all(eval *e, unsigned threads) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    options.threads = threads;
    if (sparsed_context_create(&options, &e->context, &message) != SPARSED_OK)
        die(message.text);
    e->model = dlm_model_load(e->model_dir, threads, &e->error);
    char *path = file_join(e->model_dir, "tokenizer.json", &e->error);
    e->tokenizer = path ? dlm_tokenizer_load(path, &e->error) : NULL;
    free(path);
    if (!e->model || !e->tokenizer)
        die(e->error.text);
}

int main(int argc, char **argv) {
    eval e = {.model_dir = argc > 1 ? argv[1] : ""};
    unsigned part = 0, parts = 1;
    if (argc < 6)
        die("MODEL_DIR REFERENCE.json LENGTH ROWS_PER_TASK METHODS [THREADS] [PART/PARTS]");
    if (argc > 7 && (sscanf(argv[7], "%u/%u", &part, &parts) != 2 || parts == 0))
        die("PART/PARTS is malformed");
    for (char *name = strtok(argv[5], ","); name && e.method_count < MAX_METHODS;
         name = strtok(NULL, ","))
        add_method(&e, name);
    cJSON *reference = json_file_read(argv[2], 64 << 20, &e.error);
    if (!reference)
        die(e.error.text);
    open_all(&e, argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0);
    const cJSON *lengths = cJSON_GetObjectItemCaseSensitive(reference, "lengths");
    const cJSON *length = cJSON_GetObjectItemCaseSensitive(lengths, argv[3]);
    if (!length)
        die("the reference has no rows of that LENGTH");
    run_rows(&e, cJSON_GetObjectItemCaseSensitive(length, "rows"), argv[3],
             (unsigned)strtoul(argv[4], NULL, 10), part, parts);
    for (size_t i = 0; i < e.method_count; i++) {
        const eval_method *m = &e.methods[i];
        printf("total %-13s rows %u, equal ids %u, equal answers %u, score %.2f %% (reference "
               "%.2f %%), %.1f s\n",
               m->name, m->rows, m->equal, m->equal_answers, 100.0 * m->score / m->rows,
               100.0 * m->reference_score / m->rows, m->seconds);
    }
    cJSON_Delete(reference);
    dlm_tokenizer_free(e.tokenizer);
    dlm_model_free(e.model);
    sparsed_context_destroy(e.context);
    return 0;
}
