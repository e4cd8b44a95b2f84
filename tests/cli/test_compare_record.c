/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare record`, the built command: what it writes, and that it writes the same again. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_command.h"
#include "compare/case_input.h"
#include "compare/record_file.h"
#include "safetensors.h"
#include "support/test_files.h"

/* `compare record` with these words, --json added: its one object. */
static cJSON *record_json_of(const char *const *words, size_t count) {
    command_words line = {.count = 0};
    command_add(&line, "compare");
    command_add(&line, "record");
    for (size_t i = 0; i < count; i++)
        command_add(&line, words[i]);
    command_add(&line, "--json");
    return command_run_json(&line);
}

static const cJSON *one_record(const cJSON *root) {
    const cJSON *records = json_at(root, "records");
    assert_int_equal(cJSON_GetArraySize(records), 1);
    return cJSON_GetArrayItem(records, 0);
}

static safetensors_file *open_record(const char *path) {
    tool_error error;
    safetensors_file *file = safetensors_open(path, &error);
    if (!file)
        fail_msg("%s", error.text);
    return file;
}

static size_t quick_count(void) {
    size_t count = 0;
    for (size_t i = 0; i < suite_count(); i++)
        count += suite_at(i)->quick;
    return count;
}

/* The record that a file holds is the one that --json prints. */
static void test_compare_record__prints_what_it_writes(void **state) {
    test_folder *folder = *state;
    const char *path = test_folder_path(folder, "a.safetensors");
    const char *const words[] = {"--self-check", "-o", path, "--label", "this machine"};
    cJSON *root = record_json_of(words, 5);
    const cJSON *one = one_record(root);
    safetensors_file *file = open_record(path);
    cJSON *metadata = cJSON_Parse(safetensors_metadata(file, RECORD_METADATA_KEY));
    assert_true(cJSON_Compare(metadata, json_at(one, "record"), true));
    assert_string_equal(json_string(metadata, "label"), "this machine");
    assert_string_equal(json_string(metadata, "suite.name"), SUITE_NAME);
    assert_string_equal(json_string(one, "file"), path);
    assert_true(cJSON_IsTrue(json_at(metadata, "suite.self_check")));
    assert_int_equal((size_t)json_number(one, "pass"), quick_count());
    assert_int_equal((int)json_number(one, "fail"), 0);
    cJSON_Delete(metadata);
    cJSON_Delete(root);
    safetensors_close(file);
}

static void test_compare_record__is_the_same_again_and_with_one_thread(void **state) {
    test_folder *folder = *state;
    char paths[2][512];
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof paths[i], "%s",
                 test_folder_path(folder, i ? "b.safetensors" : "a.safetensors"));
        const char *const words[] = {"--self-check", "-o", paths[i], "--threads", i ? "1" : "2"};
        cJSON_Delete(record_json_of(words, 5));
    }
    safetensors_file *a = open_record(paths[0]), *b = open_record(paths[1]);
    assert_true(safetensors_count(a) > 0);
    assert_int_equal(safetensors_count(a), safetensors_count(b));
    for (size_t i = 0; i < safetensors_count(a); i++) {
        const safetensors_tensor *t = safetensors_at(a, i);
        const safetensors_tensor *same = safetensors_find(b, t->name);
        assert_non_null(same);
        assert_int_equal(t->size_bytes, same->size_bytes);
        assert_memory_equal(t->data, same->data, t->size_bytes);
    }
    safetensors_close(a);
    safetensors_close(b);
}

/* The digest of a quick case's fixed pattern from a seed, as a record writes it. */
static void fixed_digest(int index, uint64_t seed, char text[33]) {
    case_input input;
    tool_error error;
    size_t i = 0;
    for (int quick = -1; quick < index; i++)
        quick += suite_at(i)->quick;
    if (!case_input_generate(suite_at(i - 1), seed, &input, &error))
        fail_msg("%s", error.text);
    snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, input.fixed_digest.high,
             input.fixed_digest.low);
    case_input_free(&input);
}

static void test_compare_record__of_another_seed_has_other_data(void **state) {
    (void)state;
    const char *const words[] = {"--self-check", "--seed", "2"};
    cJSON *root = record_json_of(words, 3);
    const cJSON *cases = json_at(one_record(root), "record.cases");
    assert_string_equal(json_string(one_record(root), "record.suite.seed"), "2");
    for (int i = 0; i < cJSON_GetArraySize(cases); i++) {
        const char *digest =
            json_string(cJSON_GetArrayItem(cases, i), "input_digests.fixed_pattern");
        char first[33], second[33];
        fixed_digest(i, 1, first);
        fixed_digest(i, 2, second);
        assert_string_equal(digest, second);
        assert_string_not_equal(digest, first);
    }
    cJSON_Delete(root);
}

/* One file for each device, named after it. */
static void test_compare_record__of_all_devices_writes_a_file_of_each(void **state) {
    test_folder *folder = *state;
    const char *path = test_folder_path(folder, "all.v1.safetensors");
    const char *const words[] = {"--self-check", "--device", "all", "-o", path};
    cJSON *root = record_json_of(words, 5);
    const cJSON *records = json_at(root, "records");
    int count = cJSON_GetArraySize(records);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        const cJSON *one = cJSON_GetArrayItem(records, i);
        char expected[128];
        snprintf(expected, sizeof expected, "all.v1.%s.safetensors",
                 json_string(one, "record.environment.device.selector"));
        for (char *c = expected; *c; c++)
            if (*c == ':')
                *c = '-';
        assert_string_equal(json_string(one, "file"), test_folder_path(folder, expected));
        safetensors_close(open_record(json_string(one, "file")));
    }
    assert_int_equal(test_folder_count(folder, "all"), (size_t)count);
    cJSON_Delete(root);
}

static void test_compare_record__takes_a_problem_of_the_users(void **state) {
    test_folder *folder = *state;
    const char *input = GOLDEN_DIR "/attend_small/a10_padded.safetensors";
    test_file_or_skip(input);
    const char *path = test_folder_path(folder, "input.safetensors");
    const char *const words[] = {"--input",  input,   "--gen-length",   "40", "-o",      path,
                                 "--mode",   "paper", "--block-size-q", "64", "--dtype", "bf16",
                                 "--select", "0.5",   "--score-reduce", "max"};
    cJSON *root = record_json_of(words, sizeof words / sizeof *words);
    const cJSON *one = one_record(root);
    const cJSON *c = cJSON_GetArrayItem(json_at(one, "record.cases"), 0);
    assert_int_equal((int)json_number(one, "pass"), 1);
    assert_string_equal(json_string(one, "record.suite.name"), "input");
    assert_string_equal(json_string(c, "select.mode"), "paper");
    assert_string_equal(json_string(c, "select.score_reduce"), "max");
    assert_string_equal(json_string(c, "problem.dtype"), "bf16");
    assert_int_equal((int)json_number(c, "select.block_q"), 64);
    assert_int_equal((int)json_number(c, "select.block_k"), 32);
    assert_int_equal((int)json_number(c, "rankings"), 1);
    cJSON_Delete(root);
}

/* What is no number in a user's own problem is none in the results, and no fault of the device. */
static void test_compare_record__passes_over_what_is_no_number_in_the_input(void **state) {
    test_folder *folder = *state;
    enum { ROWS = 40, DIM = 8 };
    static float data[3][ROWS * DIM];
    static const char *const names[3] = {"q", "k", "v"};
    safetensors_tensor file[3];
    tool_error error;
    char path[512], out[512];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, "odd.safetensors"));
    snprintf(out, sizeof out, "%s", test_folder_path(folder, "record.safetensors"));
    for (int t = 0; t < 3; t++) {
        for (int i = 0; i < ROWS * DIM; i++)
            data[t][i] = (float)((i * 37 + t * 11) % 29) / 16.0f - 0.875f;
        file[t] = (safetensors_tensor){.name = names[t],
                                       .dtype = SAFETENSORS_F32,
                                       .rank = 3,
                                       .shape = {1, ROWS, DIM},
                                       .data = data[t],
                                       .size_bytes = sizeof data[t]};
    }
    for (int t = 0; t < 3; t++) {
        const float before = data[t][9 * DIM];
        data[t][9 * DIM] = NAN;
        if (!safetensors_write(path, file, 3, NULL, NULL, 0, &error))
            fail_msg("%s", error.text);
        const char *const words[] = {"--input",      path, "--gen-length", "8",
                                     "--block-size", "16", "-o",           out};
        cJSON *root = record_json_of(words, 8);
        assert_int_equal((int)json_number(one_record(root), "pass"), 1);
        cJSON_Delete(root);
        data[t][9 * DIM] = before;
    }
}

/* The table for people. */
static void test_compare_record__tells_the_worst_of_each_kernel(void **state) {
    (void)state;
    command_words words = {.count = 0};
    command_add(&words, "compare");
    command_add(&words, "record");
    command_add(&words, "--self-check");
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_string_equal(output.err, "");
    assert_non_null(strstr(output.out, "\ntype  kernel"));
    assert_non_null(strstr(output.out, "\nf32 "));
    assert_non_null(strstr(output.out, "\nf16 "));
    assert_non_null(strstr(output.out, "\nbf16 "));
    assert_null(strstr(output.out, "\nfail "));
    command_output_free(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_compare_record__prints_what_it_writes),
        TEST_IN_FOLDER(test_compare_record__is_the_same_again_and_with_one_thread),
        cmocka_unit_test(test_compare_record__of_another_seed_has_other_data),
        TEST_IN_FOLDER(test_compare_record__of_all_devices_writes_a_file_of_each),
        TEST_IN_FOLDER(test_compare_record__takes_a_problem_of_the_users),
        TEST_IN_FOLDER(test_compare_record__passes_over_what_is_no_number_in_the_input),
        cmocka_unit_test(test_compare_record__tells_the_worst_of_each_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
