/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/example.c: rows by name, of the built-in model and of files made for the test.
 */
#include "dlm/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/test_files.h"

#define DREAM_DIR MODELS_DIR "/tiny-dream"

static const char *const tasks[] = {
    "niah_single", "niah_multikey", "niah_multiquery", "niah_multivalue", "kv_recall",
    "var_track",   "quote"};

static dlm_example load(const char *dir, const char *name) {
    dlm_example example;
    tool_error error;
    if (!dlm_example_load(dir, name, &example, &error))
        fail_msg("%s", error.text);
    return example;
}

static void refuse(const char *dir, const char *name, bool usage, const char *text) {
    dlm_example example;
    tool_error error = {0};
    assert_false(dlm_example_load(dir, name, &example, &error));
    assert_null(example.prompt);
    assert_null(example.refs);
    assert_int_equal(error.usage, usage);
    if (!strstr(error.text, text) || strchr(error.text, '\n'))
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
}

static void test_dlm_example_load__all_rows_of_the_built_in_model(void **state) {
    (void)state;
    const unsigned lengths[] = {512, 1024, 2048, 4096};
    test_file_or_skip(DREAM_DIR "/eval/tasks-512.jsonl");
    for (size_t l = 0; l < 4; l++)
        for (size_t t = 0; t < 7; t++)
            for (unsigned row = 0; row < 16; row += 5) {
                char name[64];
                snprintf(name, sizeof name, "%s-%u:%u", tasks[t], lengths[l], row);
                dlm_example e = load(DREAM_DIR, name);
                assert_true(strlen(e.prompt) > lengths[l] && strlen(e.answer) > 0);
                assert_true(e.ref_count >= 1 && e.gen_length >= 16 && e.gen_length <= 128);
                assert_int_equal(dlm_example_found(&e, e.answer), e.ref_count);
                dlm_example_free(&e);
            }
}

static void test_dlm_example_load__row_0_without_a_row(void **state) {
    (void)state;
    test_file_or_skip(DREAM_DIR "/eval/tasks-512.jsonl");
    dlm_example named = load(DREAM_DIR, "niah_single-512"), zero, one;
    zero = load(DREAM_DIR, "niah_single-512:0");
    one = load(DREAM_DIR, "niah_single-512:1");
    assert_string_equal(named.prompt, zero.prompt);
    assert_string_not_equal(named.prompt, one.prompt);
    assert_string_equal(named.answer, " worse:777277.");
    dlm_example_free(&named);
    dlm_example_free(&zero);
    dlm_example_free(&one);
}

static void test_dlm_example_load__refuses_malformed_names(void **state) {
    (void)state;
    const char *const names[] = {"",
                                 "-",
                                 "niah_single",
                                 "-512",
                                 "niah_single-",
                                 "niah_single-x",
                                 "niah_single-512:",
                                 "niah_single-512:x",
                                 "niah_single-512:1x",
                                 "niah_single-512 ",
                                 "niah_single-512:1:2",
                                 "niah_single-512:1234567"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[96];
        snprintf(text, sizeof text, "--example is '%s', not TASK-LENGTH", names[i]);
        refuse(DREAM_DIR, names[i], true, text);
    }
    char name[128];
    memset(name, 'a', sizeof name);
    strcpy(name + 100, "-512");
    refuse(DREAM_DIR, name, true, "not TASK-LENGTH");
}

static void test_dlm_example_load__refuses_rows_that_are_not_there(void **state) {
    (void)state;
    test_file_or_skip(DREAM_DIR "/eval/tasks-512.jsonl");
    refuse(DREAM_DIR, "niah_single-512:16", true, "16 rows of task 'niah_single', so no row 16");
    refuse(DREAM_DIR, "nothing-512", true, "0 rows of task 'nothing'");
    refuse(DREAM_DIR, "niah-512", true, "0 rows of task 'niah'");
    refuse(DREAM_DIR, "niah_single-513", true, "tasks-513.jsonl");
    refuse(DREAM_DIR "-absent", "niah_single-512", true, "tasks-512.jsonl");
}

/* A folder with eval/tasks-7.jsonl; the file holds text. */
static void write_tasks(test_folder *folder, const char *text) {
    mkdir(test_folder_path(folder, "eval"), 0777);
    test_folder_write_text(folder, "eval/tasks-7.jsonl", text);
}

static void remove_tasks(test_folder *folder) {
    unlink(test_folder_path(folder, "eval/tasks-7.jsonl"));
    rmdir(test_folder_path(folder, "eval"));
}

static void test_dlm_example_load__counts_the_rows_of_one_task(void **state) {
    test_folder *folder = *state;
    write_tasks(folder,
                "{\"task\":\"a\",\"prompt\":\"p\",\"answer\":\"x\",\"refs\":[],\"gen_length\":1}\n"
                "{\"task\":\"b\"}\n"
                "{\"task\":\"a\",\"prompt\":\"q\",\"answer\":\"y z\",\"refs\":[\"y\",\"z\"],"
                "\"gen_length\":9}");
    dlm_example e = load(folder->path, "a-7:1");
    assert_string_equal(e.prompt, "q");
    assert_string_equal(e.answer, "y z");
    assert_int_equal(e.ref_count, 2);
    assert_int_equal(e.gen_length, 9);
    assert_int_equal(dlm_example_found(&e, "y"), 1);
    assert_int_equal(dlm_example_found(&e, ""), 0);
    dlm_example_free(&e);
    e = load(folder->path, "a-7");
    assert_int_equal(e.ref_count, 0);
    dlm_example_free(&e);
    refuse(folder->path, "b-7", false, "\"gen_length\" is missing");
    remove_tasks(folder);
}

static void test_dlm_example_load__names_what_is_wrong_in_a_row(void **state) {
    test_folder *folder = *state;
    const struct {
        const char *row, *text;
    } bad[] = {
        {"{\"task\":\"a\",\"prompt\":5,\"refs\":[],\"gen_length\":1}", "\"prompt\": 5"},
        {"{\"task\":\"a\",\"refs\":[],\"gen_length\":0}", "\"gen_length\": 0"},
        {"{\"task\":\"a\",\"refs\":[],\"gen_length\":1048577}", "\"gen_length\": 1048577"},
        {"{\"task\":\"a\",\"refs\":[],\"gen_length\":1.5}", "\"gen_length\": 1.5"},
        {"{\"task\":\"a\",\"gen_length\":1}", "\"refs\" is not a list of strings"},
        {"{\"task\":\"a\",\"refs\":\"x\",\"gen_length\":1}", "\"refs\" is not a list of strings"},
        {"{\"task\":\"a\",\"refs\":[\"x\",5],\"gen_length\":1}", "\"refs\" is not a list"},
        {"{\"task\":\"a\"", "tasks-7.jsonl"},
        {"[]", "tasks-7.jsonl"},
        {"\n", "tasks-7.jsonl"},
        {"{\"task\":\"\xff\"}", "tasks-7.jsonl"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_tasks(folder, bad[i].row);
        refuse(folder->path, "a-7", false, bad[i].text);
    }
    write_tasks(folder, "");
    refuse(folder->path, "a-7", true, "0 rows of task 'a'");
    remove_tasks(folder);
}

static void test_dlm_example_free__may_be_called_twice(void **state) {
    (void)state;
    dlm_example example = {.prompt = NULL};
    dlm_example_free(&example);
    dlm_example_free(&example);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_example_load__all_rows_of_the_built_in_model),
        cmocka_unit_test(test_dlm_example_load__row_0_without_a_row),
        cmocka_unit_test(test_dlm_example_load__refuses_malformed_names),
        cmocka_unit_test(test_dlm_example_load__refuses_rows_that_are_not_there),
        TEST_IN_FOLDER(test_dlm_example_load__counts_the_rows_of_one_task),
        TEST_IN_FOLDER(test_dlm_example_load__names_what_is_wrong_in_a_row),
        cmocka_unit_test(test_dlm_example_free__may_be_called_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
