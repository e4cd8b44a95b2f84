/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed generate`, the built command: its tokens against the reference ones, and what its JSON
 * object tells.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

#include "cli/run_command.h"
#include "json_file.h"
#include "support/model_golden.h"
#include "support/test_files.h"

#define DREAM_DIR MODELS_DIR "/tiny-dream"
#define LLADA_DIR GOLDEN_DIR "/llada-tiny"
#define LLADA_GOLDEN "llada-tiny/golden.safetensors"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static command_words generate_words(const char *model, const char *const *more) {
    command_words words = {.count = 0};
    command_add(&words, "generate");
    command_add_option(&words, "--model", model);
    for (; *more; more++)
        command_add(&words, *more);
    return words;
}

/* generate --json with more words. */
static cJSON *generate(const char *model, const char *const *more) {
    command_words words = generate_words(model, more);
    command_add(&words, "--json");
    return command_run_json(&words);
}

static void assert_tokens_equal(const cJSON *actual, const cJSON *expected) {
    int n = cJSON_GetArraySize(expected);
    assert_true(n > 0);
    assert_int_equal(cJSON_GetArraySize(actual), n);
    for (int i = 0; i < n; i++) {
        double got = cJSON_GetArrayItem(actual, i)->valuedouble;
        double wanted = cJSON_GetArrayItem(expected, i)->valuedouble;
        if (got != wanted)
            fail_msg("token %d is %g, not %g", i, got, wanted);
    }
}

static void assert_tokens_are(const cJSON *actual, const uint32_t *expected, size_t n) {
    assert_int_equal(cJSON_GetArraySize(actual), n);
    for (size_t i = 0; i < n; i++) {
        double got = cJSON_GetArrayItem(actual, (int)i)->valuedouble;
        if (got != expected[i])
            fail_msg("token %zu is %g, not %u", i, got, expected[i]);
    }
}

/* The keys that every method has. */
static void check_method(const cJSON *m, int gen_length, int layers, bool example) {
    const cJSON *layer;
    double steps = json_number(m, "steps.dense") + json_number(m, "steps.build") +
                   json_number(m, "steps.sparse");
    double parts = json_number(m, "seconds.linear") + json_number(m, "seconds.dense") +
                   json_number(m, "seconds.build") + json_number(m, "seconds.sparse");
    double sum = 0.0, rows = 0.0;
    assert_int_equal(cJSON_GetArraySize(json_at(m, "tokens")), gen_length);
    assert_int_equal(cJSON_GetArraySize(json_at(m, "layers")), layers);
    cJSON_ArrayForEach(layer, json_at(m, "layers")) {
        sum += json_number(layer, "density") * json_number(layer, "query_rows");
        rows += json_number(layer, "query_rows");
    }
    assert_true(fabs(sum / rows - json_number(m, "density")) < 1e-9);
    assert_true(steps >= 1.0);
    assert_true(parts > 0.0 && parts <= json_number(m, "seconds.total"));
    assert_true(json_number(m, "attention_work") > 0.0);
    assert_true(json_number(m, "scratch_bytes") > 0.0);
    assert_true(json_number(m, "pattern_bytes") >= 0.0);
    assert_true(strlen(json_string(m, "kernel")) > 0);
    json_string(m, "text");
    if (example) {
        assert_true(cJSON_IsBool(json_at(m, "answer_correct")));
        json_number(m, "answer_refs_found");
    }
}

/* ids of a method in tests/golden/eval_reference.json for the first row of its length 512. */
static cJSON *reference_ids(const char *method) {
    tool_error error;
    test_file_or_skip(GOLDEN_DIR "/eval_reference.json");
    cJSON *root = json_file_read(GOLDEN_DIR "/eval_reference.json", (size_t)64 << 20, &error);
    if (!root)
        fail_msg("%s", error.text);
    const cJSON *row = cJSON_GetArrayItem(json_at(root, "lengths.512.rows"), 0);
    assert_string_equal(json_string(row, "task"), "niah_single");
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(json_at(row, "answers"), method);
    cJSON *ids = cJSON_Duplicate(json_at(answer, "ids"), true);
    cJSON_Delete(root);
    return ids;
}

static void test_generate__answers_an_example_dense_and_sparse(void **state) {
    (void)state;
    cJSON *sparsed_ids = reference_ids("b32:0.3"), *dense_ids = reference_ids("full");
    cJSON *json = generate(DREAM_DIR, WORDS("--example", "niah_single-512", "--compare"));
    const cJSON *dense = json_at(json, "compare.dense");
    assert_string_equal(json_string(json, "attention"), "sparsed");
    check_method(json, 32, 6, true);
    check_method(dense, 32, 6, true);
    assert_true(cJSON_IsTrue(json_at(json, "answer_correct")));
    assert_true(cJSON_IsTrue(json_at(dense, "answer_correct")));
    assert_tokens_equal(json_at(json, "tokens"), sparsed_ids);
    assert_tokens_equal(json_at(dense, "tokens"), dense_ids);
    assert_string_equal(json_string(json, "text"), " worse:777277.");
    assert_string_equal(json_string(json, "answer_expected"), " worse:777277.");
    assert_string_equal(json_string(json, "example"), "niah_single-512");
    assert_true(json_number(json, "prompt_tokens") == 480.0);
    assert_true(json_number(json, "gen_length") == 32.0);
    assert_true(json_number(json, "denoising_steps") == 32.0);
    assert_string_equal(json_string(json, "sampler"), "low_confidence");
    assert_true(strlen(json_string(json, "product_isa")) > 0);
    assert_string_equal(json_string(json, "dtype"), "f32");
    assert_true(json_number(json, "density") > 0.2 && json_number(json, "density") < 0.5);
    assert_true(json_number(json, "steps.sparse") == 24.0);
    assert_true(json_number(dense, "steps.sparse") == 0.0);
    assert_true(fabs(json_number(dense, "density") - 1.0) < 1e-9);
    assert_true(json_number(dense, "tokens_equal") == 32.0);
    assert_true(json_number(dense, "speedup_attention") > 0.0);
    assert_true(json_number(dense, "speedup_total") > 0.0);
    cJSON_Delete(json);
    cJSON_Delete(sparsed_ids);
    cJSON_Delete(dense_ids);
}

/* From a prompt's text, through the tokenizer, to the tokens of a stored run. */
static void check_llada(const char *run, const char *const *more) {
    model_golden golden = golden_open(LLADA_GOLDEN);
    const char *prompt = safetensors_metadata(golden.file, "prompt");
    command_words words = generate_words(LLADA_DIR, more);
    char name[64];
    size_t count;
    assert_non_null(prompt);
    snprintf(name, sizeof name, "%s.gen_final", run);
    uint32_t *expected = golden_ids(&golden, name, &count);
    command_add_option(&words, "--prompt", prompt);
    command_add(&words, "--json");
    cJSON *json = command_run_json(&words);
    assert_true(json_number(json, "prompt_tokens") == golden.prompt_length);
    assert_true(json_number(json, "gen_length") == golden.gen_length);
    assert_true(json_number(json, "denoising_steps") == golden.steps);
    check_method(json, (int)golden.gen_length, 3, false);
    assert_null(cJSON_GetObjectItemCaseSensitive(json, "answer_correct"));
    assert_tokens_are(json_at(json, "tokens"), expected, count);
    cJSON_Delete(json);
    free(expected);
    golden_close(&golden);
}

/* gen_length, steps and sampler are the model's own: generation_config.json. */
static void test_generate__stored_runs_of_llada_tiny(void **state) {
    (void)state;
    check_llada("full", WORDS("--attention", "dense"));
    check_llada("sparsed", WORDS("--mode", "upstream-llada", "--select", "0.3"));
    check_llada("sparsed", WORDS("--threads", "1", "--kernel", "cpu-plain"));
    check_llada("maskgit_plus", WORDS("--attention", "dense", "--sampler", "maskgit_plus"));
    check_llada("entropy", WORDS("--attention", "dense", "--sampler", "entropy"));
}

static void test_generate__generation_blocks(void **state) {
    (void)state;
    check_llada("blockwise_full", WORDS("--attention", "dense", "--gen-block-length", "20"));
    check_llada("blockwise_sparsed", WORDS("--gen-block-length", "20"));
    check_llada("sparsed", WORDS("--gen-block-length", "40"));
}

static void test_generate__prompt_from_a_file(void **state) {
    test_folder *folder = *state;
    const char text[] = "The quick survey of the valley\nbegan at dawn. 42 mules";
    /* The newline at the end is the editor's. */
    char line[sizeof text + 1];
    snprintf(line, sizeof line, "%s\n", text);
    test_folder_write_text(folder, "prompt", line);
    cJSON *inline_text = generate(LLADA_DIR, WORDS("--prompt", text));
    cJSON *file = generate(LLADA_DIR, WORDS("--prompt-file", test_folder_path(folder, "prompt")));
    assert_true(json_number(inline_text, "prompt_tokens") == json_number(file, "prompt_tokens"));
    assert_tokens_equal(json_at(file, "tokens"), json_at(inline_text, "tokens"));
    cJSON_Delete(inline_text);
    cJSON_Delete(file);
}

/* The model's prefix and suffix, written out. Without --raw-prompt they are plain text. */
static void test_generate__raw_prompt_is_taken_as_it_is(void **state) {
    (void)state;
    const char wrapped[] = "<|startoftext|><|user|>One, two<|assistant|>";
    cJSON *plain = generate(LLADA_DIR, WORDS("--prompt", "One, two"));
    cJSON *raw = generate(LLADA_DIR, WORDS("--prompt", wrapped, "--raw-prompt"));
    cJSON *text = generate(LLADA_DIR, WORDS("--prompt", wrapped));
    assert_true(json_number(raw, "prompt_tokens") == json_number(plain, "prompt_tokens"));
    assert_tokens_equal(json_at(raw, "tokens"), json_at(plain, "tokens"));
    assert_true(json_number(text, "prompt_tokens") > json_number(plain, "prompt_tokens") + 10.0);
    cJSON_Delete(plain);
    cJSON_Delete(raw);
    cJSON_Delete(text);
}

static void test_generate__tokens_do_not_depend_on_threads(void **state) {
    (void)state;
    const char *const threads[] = {"1", "2", "3"};
    cJSON *json[3];
    for (int i = 0; i < 3; i++) {
        json[i] = generate(DREAM_DIR, WORDS("--example", "var_track-512", "--steps", "6",
                                            "--threads", threads[i]));
        assert_true(json_number(json[i], "threads") == i + 1);
        assert_tokens_equal(json_at(json[i], "tokens"), json_at(json[0], "tokens"));
    }
    for (int i = 0; i < 3; i++)
        cJSON_Delete(json[i]);
}

static void test_generate__fixed_patterns_get_the_density_of_sparsed(void **state) {
    (void)state;
    cJSON *json = generate(DREAM_DIR, WORDS("--example", "kv_recall-512", "--steps", "8",
                                            "--compare", "window,streaming,dense"));
    const char *const names[] = {"dense", "window", "streaming"};
    for (int i = 0; i < 3; i++)
        check_method(cJSON_GetObjectItemCaseSensitive(json_at(json, "compare"), names[i]),
                     cJSON_GetArraySize(json_at(json, "tokens")), 6, true);
    assert_int_equal(cJSON_GetArraySize(json_at(json, "compare")), 3);
    double density = json_number(json, "density");
    for (int i = 1; i < 3; i++) {
        const cJSON *m = cJSON_GetObjectItemCaseSensitive(json_at(json, "compare"), names[i]);
        double own = json_number(m, "density");
        /* The smallest window that reaches it; one key more on either side is 1 / 256. */
        assert_true(own >= density - 1e-9 && own < density + 0.004);
        assert_true(json_number(m, "window") > 0.0);
        assert_true(json_number(m, "steps.dense") == 0.0);
    }
    cJSON_Delete(json);
}

static void test_generate__fixed_patterns_alone(void **state) {
    (void)state;
    const char *const more[][9] = {
        {"--prompt", "One, two, three", "--attention", "window", "--window", "5", NULL},
        {"--prompt", "One, two, three", "--attention", "streaming", "--window", "5", "--sinks", "2",
         NULL}};
    for (int i = 0; i < 2; i++) {
        cJSON *json = generate(LLADA_DIR, more[i]);
        uint64_t len = (uint64_t)json_number(json, "prompt_tokens") + 40;
        double density = sparsed_fixed_density(len, 5, i == 0 ? 0 : 2);
        assert_string_equal(json_string(json, "attention"), more[i][3]);
        assert_true(json_number(json, "window") == 5.0);
        assert_true(fabs(json_number(json, "density") - density) < 1e-9);
        assert_true(fabs(json_number(json, "attention_work") - density) < 1e-9);
        cJSON_Delete(json);
    }
}

static void test_generate__schedules(void **state) {
    (void)state;
    const struct {
        const char *name, *skip;
        double dense, build, sparse;
    } schedules[] = {{"upstream", "0.2", 4, 1, 11},   {"upstream", "0", 1, 1, 14},
                     {"upstream", "1", 16, 0, 0},     {"paper", "0.2", 2, 1, 13},
                     {"no-dense", "0.2", 0, 1, 15},   {"rebuild", "0.2", 4, 12, 0},
                     {"window:3:9", "0.2", 10, 1, 5}, {"dense", "0.2", 16, 0, 0}};
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        cJSON *json = generate(LLADA_DIR, WORDS("--prompt", "One, two", "--schedule",
                                                schedules[i].name, "--skip", schedules[i].skip));
        if (json_number(json, "steps.dense") != schedules[i].dense ||
            json_number(json, "steps.build") != schedules[i].build ||
            json_number(json, "steps.sparse") != schedules[i].sparse)
            fail_msg("schedule %s, skip %s: steps %g + %g + %g", schedules[i].name,
                     schedules[i].skip, json_number(json, "steps.dense"),
                     json_number(json, "steps.build"), json_number(json, "steps.sparse"));
        cJSON_Delete(json);
    }
}

static void test_generate__half_types_answer_too(void **state) {
    (void)state;
    const char *const dtypes[] = {"bf16", "f16"};
    for (int i = 0; i < 2; i++) {
        cJSON *json = generate(
            DREAM_DIR, WORDS("--example", "kv_recall-512", "--steps", "8", "--dtype", dtypes[i]));
        assert_string_equal(json_string(json, "dtype"), dtypes[i]);
        assert_true(cJSON_IsTrue(json_at(json, "answer_correct")));
        cJSON_Delete(json);
    }
}

/* The longest eval rows fill the model's context to the last position. */
static void test_generate__takes_4096_tokens_and_no_more(void **state) {
    (void)state;
    cJSON *json = generate(DREAM_DIR, WORDS("--example", "niah_single-4096", "--steps", "1",
                                            "--schedule", "no-dense"));
    char text[32], prompt[32];
    double gen_length = json_number(json, "gen_length");
    assert_true(json_number(json, "prompt_tokens") + gen_length == 4096.0);
    snprintf(text, sizeof text, "%.0f", gen_length + 1.0);
    snprintf(prompt, sizeof prompt, "%.0f", json_number(json, "prompt_tokens"));
    cJSON_Delete(json);
    command_words words = generate_words(
        DREAM_DIR, WORDS("--example", "niah_single-4096", "--steps", "1", "--gen-length", text));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 2);
    assert_string_equal(output.out, "");
    assert_non_null(strchr(output.err, '\n'));
    assert_true(strchr(output.err, '\n') == output.err + output.err_bytes - 1);
    if (!strstr(output.err, prompt) || !strstr(output.err, text) || !strstr(output.err, "4096"))
        fail_msg("\"%s\" does not name %s, %s and 4096", output.err, prompt, text);
    command_output_free(&output);
}

/* One generated token that is no character by itself must not break the object. */
static void test_generate__json_is_utf8_whatever_the_model_says(void **state) {
    (void)state;
    const char *const prompts[] = {"hello", "One, two, three", "a b c d", "42", "Quote"};
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        cJSON_Delete(generate(LLADA_DIR, WORDS("--prompt", prompts[i])));
}

static void test_generate__answer_on_stdout_and_table_on_stderr(void **state) {
    (void)state;
    command_words words =
        generate_words(DREAM_DIR, WORDS("--example", "kv_recall-512", "--steps", "8", "--compare"));
    command_output output = command_run(&words);
    cJSON *json = generate(DREAM_DIR, WORDS("--example", "kv_recall-512", "--steps", "8"));
    char answer[512];
    snprintf(answer, sizeof answer, "%s\n", json_string(json, "text"));
    assert_int_equal(output.status, 0);
    assert_string_equal(output.out, answer);
    const char *const rows[] = {"sparsed: mode upstream-dream, select 0.3, blocks 32 x 32",
                                "attention stores f32, linear layers multiply f32 (",
                                "query rows of the last layer ",
                                "\nanswer ",
                                "tokens equal to dense",
                                "seconds, total",
                                "speed-up of attention",
                                "density of sparse steps",
                                "layer 5",
                                "\nexpected:",
                                "\ndense: "};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strstr(output.err, rows[i]))
            fail_msg("the table has no '%s':\n%s", rows[i], output.err);
    /* The answers below are the model's own. */
    const char *blank_end = strstr(output.err, " \n");
    assert_true(!blank_end || blank_end > strstr(output.err, "\nquestion:"));
    /* No bar where stderr is no terminal. */
    assert_null(strchr(output.err, '\r'));
    command_output_free(&output);
    cJSON_Delete(json);
}

static void test_generate__model_from_the_environment(void **state) {
    (void)state;
    command_words words = {.count = 0};
    command_add(&words, "generate");
    command_add_option(&words, "--prompt", "One, two");
    command_add(&words, "--json");
    setenv("SPARSED_MODEL", LLADA_DIR, 1);
    cJSON *json = command_run_json(&words);
    unsetenv("SPARSED_MODEL");
    assert_int_equal(cJSON_GetArraySize(json_at(json, "tokens")), 40);
    assert_int_equal(cJSON_GetArraySize(json_at(json, "layers")), 3);
    cJSON_Delete(json);
}

static void test_generate__verbose_log_is_on_stderr(void **state) {
    (void)state;
    command_words words =
        generate_words(LLADA_DIR, WORDS("--prompt", "One", "--json", "--verbose"));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_true(output.out[0] == '{');
    assert_true(strncmp(output.err, "sparsed: ", 9) == 0);
    assert_non_null(strstr(output.err, "kernel "));
    command_output_free(&output);
}

/* ---- pattern files ---- */

#define LLADA_PROMPT "--prompt", "The quick survey of the valley began at dawn. 42 mules"
#define DREAM_PROMPT "--example", "niah_single-512"

static void assert_steps(const cJSON *json, double dense, double build, double sparse) {
    if (json_number(json, "steps.dense") != dense || json_number(json, "steps.build") != build ||
        json_number(json, "steps.sparse") != sparse)
        fail_msg("steps %g + %g + %g, not %g + %g + %g", json_number(json, "steps.dense"),
                 json_number(json, "steps.build"), json_number(json, "steps.sparse"), dense, build,
                 sparse);
}

/* A member about a pattern file: its path, its size, its patterns, all of one step. */
static void assert_file(const cJSON *json, const char *key, const char *path, double patterns,
                        double step, const char *scores) {
    const cJSON *file = json_at(json, key);
    size_t size;
    char *bytes = test_file_read(path, &size);
    free(bytes);
    assert_string_equal(json_string(file, "file"), path);
    assert_true(json_number(file, "bytes") == (double)size);
    assert_true(json_number(file, "patterns") == patterns);
    assert_int_equal(cJSON_GetArraySize(json_at(file, "steps")), 1);
    assert_true(cJSON_GetArrayItem(json_at(file, "steps"), 0)->valuedouble == step);
    assert_string_equal(json_string(file, "scores"), scores);
}

static sparsed_pattern_set_info saved_info(sparsed_pattern_set **set, const char *path) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_message message;
    if (sparsed_pattern_set_load(path, NULL, set, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_int_equal(sparsed_pattern_set_describe(*set, &info, NULL), SPARSED_OK);
    return info;
}

static void test_generate__saved_patterns_say_what_they_are_of(void **state) {
    char path[512];
    sparsed_pattern_set *set;
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--skip", "0.3",
                                            "--pattern-tag", "a tag", "--pattern-scores", "f32"));
    sparsed_pattern_set_info info = saved_info(&set, path);
    assert_file(json, "pattern_out", path, 3, 5, "f32");
    assert_steps(json, 5, 1, 10);
    assert_int_equal(info.patterns, 3);
    assert_int_equal(info.model_layers, 3);
    assert_int_equal(info.steps, 16);
    assert_true(info.skip == 0.3);
    assert_string_equal(info.schedule, "upstream");
    assert_string_equal(info.creator, "sparsed 0.1.0");
    assert_string_equal(info.tag, "a tag");
    assert_true(info.model.low != 0 && info.prompt.low != 0);
    sparsed_pattern_set_release(set);
    cJSON_Delete(json);
}

/* Saving changes nothing of the run. */
static void test_generate__saving_leaves_the_tokens(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *plain = generate(LLADA_DIR, WORDS(LLADA_PROMPT));
    cJSON *saving =
        generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--pattern-scores", "f16"));
    assert_tokens_equal(json_at(saving, "tokens"), json_at(plain, "tokens"));
    assert_file(saving, "pattern_out", path, 3, 4, "f16");
    cJSON_Delete(plain);
    cJSON_Delete(saving);
}

static void test_generate__starts_with_saved_patterns(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *first = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--block-size",
                                             "16", "--select", "0.4", "--schedule", "no-dense"));
    assert_steps(first, 0, 1, 15);
    /* All of the selection is the file's; the same blocks in the same steps: the same tokens. */
    cJSON *warm = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-in", path, "--skip", "0"));
    assert_steps(warm, 0, 0, 16);
    assert_file(warm, "pattern_in", path, 3, 0, "none");
    assert_string_equal(json_string(warm, "schedule"), "warm");
    assert_true(json_number(warm, "block_size_q") == 16.0);
    assert_true(json_number(warm, "select") == 0.4);
    assert_true(json_number(warm, "density") == json_number(first, "density"));
    assert_tokens_equal(json_at(warm, "tokens"), json_at(first, "tokens"));
    cJSON_Delete(warm);
    /* Words that agree with the file, and dense steps as asked. */
    warm = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-in", path, "--block-size", "16",
                                     "--select", "0.4", "--mode", "upstream-llada", "--schedule",
                                     "warm", "--skip", "0.25"));
    assert_steps(warm, 4, 0, 12);
    cJSON_Delete(warm);
    cJSON_Delete(first);
}

static void test_generate__example_answered_with_saved_patterns(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *first = generate(DREAM_DIR, WORDS(DREAM_PROMPT, "--pattern-out", path));
    cJSON *warm = generate(DREAM_DIR, WORDS(DREAM_PROMPT, "--pattern-in", path, "--skip", "0",
                                            "--compare", "dense,window"));
    assert_steps(warm, 0, 0, 32);
    assert_true(cJSON_IsTrue(json_at(first, "answer_correct")));
    assert_true(cJSON_IsTrue(json_at(warm, "answer_correct")));
    /* The file is the first sparse method's alone. */
    assert_steps(json_at(warm, "compare.dense"), 32, 0, 0);
    assert_steps(json_at(warm, "compare.window"), 0, 1, 31);
    /* In the last layer only the sequence's end counts, which is nearer to a window's edge. */
    assert_true(json_number(warm, "compare.window.density") >= json_number(warm, "density") - 1e-2);
    cJSON_Delete(first);
    cJSON_Delete(warm);
}

/* A copy of a saved file that does not say of which prompt it is. */
static void copy_without_prompt(const char *from, const char *to) {
    sparsed_pattern_set *set, *copy;
    sparsed_pattern *patterns[8];
    uint32_t layers[8];
    sparsed_pattern_set_info info = saved_info(&set, from);
    assert_true(info.patterns <= 8);
    for (uint32_t i = 0; i < info.patterns; i++) {
        layers[i] = i;
        assert_int_equal(sparsed_pattern_set_get(set, i, &patterns[i], NULL), SPARSED_OK);
    }
    info.prompt = (sparsed_fingerprint){0, 0};
    assert_int_equal(
        sparsed_pattern_set_create(&info, patterns, layers, info.patterns, NULL, &copy, NULL),
        SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_save(copy, to, NULL), SPARSED_OK);
    for (uint32_t i = 0; i < info.patterns; i++)
        sparsed_pattern_release(patterns[i]);
    sparsed_pattern_set_release(copy);
    sparsed_pattern_set_release(set);
}

/* As many tokens as LLADA_PROMPT. */
#define LLADA_OTHER_PROMPT "--prompt", "The quick survey of the valley began at dawn. 43 mules"

static void test_generate__tells_of_patterns_of_another_prompt(void **state) {
    char path[512], bare[512], note[600];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    snprintf(bare, sizeof bare, "%s", test_folder_path(*state, "bare.spdp"));
    snprintf(note, sizeof note, "note: %s is of another prompt\n", path);
    cJSON_Delete(generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path)));
    copy_without_prompt(path, bare);
    cJSON *json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-in", path));
    assert_true(cJSON_IsTrue(json_at(json, "pattern_in.same_prompt")));
    cJSON_Delete(json);
    json = generate(LLADA_DIR, WORDS(LLADA_OTHER_PROMPT, "--pattern-in", bare));
    assert_true(cJSON_IsNull(json_at(json, "pattern_in.same_prompt")));
    cJSON_Delete(json);
    command_words words =
        generate_words(LLADA_DIR, WORDS(LLADA_OTHER_PROMPT, "--pattern-in", path, "--json"));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_string_equal(output.err, note);
    json = cJSON_Parse(output.out);
    assert_true(cJSON_IsFalse(json_at(json, "pattern_in.same_prompt")));
    cJSON_Delete(json);
    command_output_free(&output);
}

static void test_generate__fixed_patterns_go_through_files(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *first = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--attention",
                                             "streaming", "--window", "7", "--sinks", "2"));
    cJSON *warm = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-in", path, "--attention",
                                            "streaming", "--skip", "0"));
    assert_true(json_number(warm, "window") == 7.0);
    assert_tokens_equal(json_at(warm, "tokens"), json_at(first, "tokens"));
    cJSON_Delete(first);
    cJSON_Delete(warm);
}

/* T counts over all generation blocks. */
static void test_generate__generation_blocks_and_pattern_files(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *first = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--gen-block-length", "20",
                                             "--pattern-out", path, "--schedule", "no-dense"));
    cJSON *warm = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--gen-block-length", "20",
                                            "--pattern-in", path, "--skip", "0"));
    assert_file(first, "pattern_out", path, 3, 0, "none");
    assert_tokens_equal(json_at(warm, "tokens"), json_at(first, "tokens"));
    cJSON_Delete(first);
    cJSON_Delete(warm);
}

/* A build in the last step serves no step; it is made for the file. */
static void test_generate__build_at_the_last_step_is_made_for_the_file(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--schedule",
                                            "paper", "--skip", "1"));
    assert_steps(json, 15, 1, 0);
    assert_file(json, "pattern_out", path, 3, 15, "none");
    cJSON_Delete(json);
    json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--schedule", "paper", "--skip", "1"));
    assert_steps(json, 16, 0, 0);
    cJSON_Delete(json);
}

static void test_generate__records_what_listed_steps_would_choose(void **state) {
    static const uint32_t steps[] = {0, 3, 8, 9, 10};
    char path[512];
    sparsed_pattern_set *set;
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    cJSON *dense = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--attention", "dense"));
    cJSON *json = generate(
        LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--pattern-out-steps", "8-10,3,0,9"));
    assert_tokens_equal(json_at(json, "tokens"), json_at(dense, "tokens"));
    assert_steps(json, 11, 5, 0);
    assert_true(json_number(json, "attention_work") == 1.0);
    assert_true(json_number(json, "pattern_out.patterns") == 15.0);
    assert_string_equal(json_string(json, "pattern_out.scores"), "f16");
    assert_int_equal(saved_info(&set, path).patterns, 15);
    for (uint32_t i = 0; i < 15; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        assert_int_equal(sparsed_pattern_set_entry(set, i, &entry), SPARSED_OK);
        assert_int_equal(entry.step, steps[i / 3]);
        assert_int_equal(entry.layer, i % 3);
        assert_int_equal(entry.score_dtype, SPARSED_F16);
        assert_true(
            cJSON_GetArrayItem(json_at(json, "pattern_out.steps"), (int)i / 3)->valuedouble ==
            steps[i / 3]);
    }
    sparsed_pattern_set_release(set);
    cJSON_Delete(json);
    json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--pattern-out-steps",
                                     "all", "--pattern-scores", "none"));
    assert_true(json_number(json, "pattern_out.patterns") == 48.0);
    assert_string_equal(json_string(json, "pattern_out.scores"), "none");
    cJSON_Delete(json);
    cJSON_Delete(dense);
}

/* ---- the pattern cache ---- */

static void empty_and_remove(test_folder *folder, const char *dir, const cJSON *json) {
    assert_int_equal(remove(json_string(json, "pattern_cache.file")), 0);
    assert_int_equal(remove(test_folder_path(folder, dir)), 0);
}

static void check_cache(test_folder *folder, const char *model, const char *const *more) {
    char dir[512];
    const char *words[16] = {"--pattern-cache", dir};
    size_t n = 2;
    for (; more[n - 2]; n++)
        words[n] = more[n - 2];
    snprintf(dir, sizeof dir, "%s", test_folder_path(folder, "cache"));
    cJSON *miss = generate(model, words), *hit = generate(model, words);
    assert_true(cJSON_IsFalse(json_at(miss, "pattern_cache.hit")));
    assert_true(cJSON_IsTrue(json_at(hit, "pattern_cache.hit")));
    assert_null(cJSON_GetObjectItem(json_at(miss, "pattern_cache"), "reason"));
    assert_string_equal(json_string(hit, "pattern_cache.file"),
                        json_string(miss, "pattern_cache.file"));
    assert_true(json_number(hit, "pattern_cache.bytes") > 0.0);
    assert_true(json_number(hit, "pattern_cache.bytes") ==
                json_number(miss, "pattern_cache.bytes"));
    assert_true(json_number(miss, "steps.build") == 1.0);
    assert_true(json_number(hit, "steps.build") == 0.0);
    assert_true(json_number(hit, "attention_work") == json_number(miss, "attention_work"));
    assert_string_equal(json_string(hit, "schedule"), json_string(miss, "schedule"));
    assert_tokens_equal(json_at(hit, "tokens"), json_at(miss, "tokens"));
    empty_and_remove(folder, "cache", hit);
    cJSON_Delete(miss);
    cJSON_Delete(hit);
}

static void test_generate__hit_gives_the_tokens_of_the_miss(void **state) {
    check_cache(*state, LLADA_DIR, WORDS(LLADA_PROMPT));
    check_cache(*state, LLADA_DIR, WORDS(LLADA_PROMPT, "--schedule", "no-dense"));
    check_cache(*state, LLADA_DIR,
                WORDS(LLADA_PROMPT, "--schedule", "paper", "--skip", "0.5", "--gen-block-length",
                      "20", "--keep-diagonal"));
    check_cache(*state, LLADA_DIR, WORDS(LLADA_PROMPT, "--dtype", "bf16", "--score-scale", "0.3"));
    check_cache(*state, DREAM_DIR, WORDS(DREAM_PROMPT));
}

/* Another prompt, option or sampler misses and has a file of its own. */
static void test_generate__cache_keeps_runs_apart(void **state) {
    char dir[512];
    snprintf(dir, sizeof dir, "%s", test_folder_path(*state, "cache"));
    const char *const runs[][6] = {{LLADA_PROMPT, NULL},
                                   {"--prompt", "Another prompt of the same run", NULL},
                                   {LLADA_PROMPT, "--select", "0.5", NULL},
                                   {LLADA_PROMPT, "--sampler", "entropy", NULL},
                                   {LLADA_PROMPT, "--skip", "0.4", NULL},
                                   {LLADA_PROMPT, "--dtype", "f16", NULL}};
    enum { RUNS = sizeof runs / sizeof *runs };
    char *files[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        const char *words[8] = {"--pattern-cache", dir};
        for (size_t n = 0; runs[i][n]; n++)
            words[n + 2] = runs[i][n];
        cJSON *json = generate(LLADA_DIR, words);
        assert_true(cJSON_IsFalse(json_at(json, "pattern_cache.hit")));
        files[i] = strdup(json_string(json, "pattern_cache.file"));
        cJSON_Delete(json);
    }
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(remove(files[i]), 0); /* each has its own */
        free(files[i]);
    }
    assert_int_equal(remove(dir), 0);
}

static void test_generate__damaged_cache_file_is_replaced(void **state) {
    test_folder *folder = *state;
    char dir[512];
    snprintf(dir, sizeof dir, "%s", test_folder_path(folder, "cache"));
    const char *const *words = WORDS(LLADA_PROMPT, "--pattern-cache", dir);
    cJSON *first = generate(LLADA_DIR, words);
    FILE *file = fopen(json_string(first, "pattern_cache.file"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -10, SEEK_END), 0);
    assert_int_equal(fputc('?', file), '?');
    assert_int_equal(fclose(file), 0);
    cJSON *second = generate(LLADA_DIR, words), *third = generate(LLADA_DIR, words);
    assert_true(cJSON_IsFalse(json_at(second, "pattern_cache.hit")));
    assert_non_null(strstr(json_string(second, "pattern_cache.reason"), "damaged"));
    assert_tokens_equal(json_at(second, "tokens"), json_at(first, "tokens"));
    assert_true(cJSON_IsTrue(json_at(third, "pattern_cache.hit")));
    empty_and_remove(folder, "cache", third);
    cJSON_Delete(first);
    cJSON_Delete(second);
    cJSON_Delete(third);
}

/* A folder that takes no file: the answer counts more. */
static void test_generate__cache_that_cannot_be_written_is_told(void **state) {
    test_folder *folder = *state;
    char dir[512], blocked[600];
    snprintf(dir, sizeof dir, "%s", test_folder_path(folder, "cache"));
    const char *const *words = WORDS(LLADA_PROMPT, "--pattern-cache", dir);
    cJSON *json = generate(LLADA_DIR, words);
    snprintf(blocked, sizeof blocked, "%s", json_string(json, "pattern_cache.file"));
    cJSON_Delete(json);
    assert_int_equal(remove(blocked), 0);
    assert_int_equal(mkdir(blocked, 0700), 0); /* root may write anywhere, but not over a folder */
    json = generate(LLADA_DIR, words);
    assert_true(cJSON_IsFalse(json_at(json, "pattern_cache.hit")));
    assert_true(json_number(json, "pattern_cache.bytes") == 0.0);
    assert_non_null(strstr(json_string(json, "pattern_cache.reason"), blocked));
    assert_int_equal(cJSON_GetArraySize(json_at(json, "tokens")), 40);
    cJSON_Delete(json);
    assert_int_equal(rmdir(blocked), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* Each of several processes at once has a valid answer, and leaves one valid file. */
static void test_generate__processes_share_a_cache(void **state) {
    test_folder *folder = *state;
    enum { PROCESSES = 4 };
    char dir[512];
    pid_t children[PROCESSES];
    snprintf(dir, sizeof dir, "%s", test_folder_path(folder, "cache"));
    command_words words = generate_words(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-cache", dir));
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            bool done = true;
            for (int run = 0; run < 5 && done; run++) {
                command_output output = command_run(&words);
                done = output.status == 0;
                command_output_free(&output);
            }
            _exit(done ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    cJSON *json = generate(LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-cache", dir));
    assert_true(cJSON_IsTrue(json_at(json, "pattern_cache.hit")));
    empty_and_remove(folder, "cache", json); /* nothing else is in it */
    cJSON_Delete(json);
}

static void test_generate__table_tells_of_pattern_files(void **state) {
    char path[512], line[640];
    snprintf(path, sizeof path, "%s", test_folder_path(*state, "run.spdp"));
    command_words words = generate_words(
        LLADA_DIR, WORDS(LLADA_PROMPT, "--pattern-out", path, "--pattern-out-steps", "1,4-6"));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    snprintf(line, sizeof line, "\npatterns written: %s, ", path);
    assert_non_null(strstr(output.err, line));
    assert_non_null(strstr(output.err, "12 patterns of steps 1,4-6, scores f16\n"));
    assert_non_null(strstr(output.err, "the run recorded what its steps would choose"));
    command_output_free(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate__answers_an_example_dense_and_sparse),
        cmocka_unit_test(test_generate__stored_runs_of_llada_tiny),
        cmocka_unit_test(test_generate__generation_blocks),
        TEST_IN_FOLDER(test_generate__prompt_from_a_file),
        cmocka_unit_test(test_generate__raw_prompt_is_taken_as_it_is),
        cmocka_unit_test(test_generate__tokens_do_not_depend_on_threads),
        cmocka_unit_test(test_generate__fixed_patterns_get_the_density_of_sparsed),
        cmocka_unit_test(test_generate__fixed_patterns_alone),
        cmocka_unit_test(test_generate__schedules),
        cmocka_unit_test(test_generate__half_types_answer_too),
        cmocka_unit_test(test_generate__takes_4096_tokens_and_no_more),
        cmocka_unit_test(test_generate__json_is_utf8_whatever_the_model_says),
        cmocka_unit_test(test_generate__answer_on_stdout_and_table_on_stderr),
        cmocka_unit_test(test_generate__model_from_the_environment),
        cmocka_unit_test(test_generate__verbose_log_is_on_stderr),
        TEST_IN_FOLDER(test_generate__saved_patterns_say_what_they_are_of),
        TEST_IN_FOLDER(test_generate__saving_leaves_the_tokens),
        TEST_IN_FOLDER(test_generate__starts_with_saved_patterns),
        TEST_IN_FOLDER(test_generate__example_answered_with_saved_patterns),
        TEST_IN_FOLDER(test_generate__tells_of_patterns_of_another_prompt),
        TEST_IN_FOLDER(test_generate__fixed_patterns_go_through_files),
        TEST_IN_FOLDER(test_generate__generation_blocks_and_pattern_files),
        TEST_IN_FOLDER(test_generate__build_at_the_last_step_is_made_for_the_file),
        TEST_IN_FOLDER(test_generate__records_what_listed_steps_would_choose),
        TEST_IN_FOLDER(test_generate__hit_gives_the_tokens_of_the_miss),
        TEST_IN_FOLDER(test_generate__cache_keeps_runs_apart),
        TEST_IN_FOLDER(test_generate__damaged_cache_file_is_replaced),
        TEST_IN_FOLDER(test_generate__cache_that_cannot_be_written_is_told),
        TEST_IN_FOLDER(test_generate__processes_share_a_cache),
        TEST_IN_FOLDER(test_generate__table_tells_of_pattern_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
