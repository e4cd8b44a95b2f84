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

#include <cmocka.h>

#include <sparsed/sparsed.h>

#include "cli/generate_command.h"
#include "json_file.h"
#include "support/model_golden.h"
#include "support/test_files.h"

#define LLADA_GOLDEN "llada-tiny/golden.safetensors"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
