/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed generate` with patterns that are saved, loaded and cached. */
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

#include "cli/generate_command.h"
#include "json_file.h"
#include "support/test_files.h"

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
