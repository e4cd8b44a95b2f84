/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * temp_file.c: the target appears at commit and not before.
 */
#include "temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/test_files.h"

static void test_temp_file_commit__replaces_the_target(void **state) {
    test_folder *folder = *state;
    temp_file file;
    tool_error error;
    test_folder_write_text(folder, "out", "old");
    assert_true(temp_file_open(&file, test_folder_path(folder, "out"), &error));
    assert_int_equal(test_folder_count(folder, "out.tmp-"), 1);
    assert_true(temp_file_write(&file, "new", 3, &error));
    char *bytes = test_file_read(test_folder_path(folder, "out"), NULL);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_true(temp_file_commit(&file, &error));
    bytes = test_file_read(test_folder_path(folder, "out"), NULL);
    assert_string_equal(bytes, "new");
    free(bytes);
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_temp_file_open__two_at_once(void **state) {
    test_folder *folder = *state;
    temp_file first, second;
    tool_error error;
    assert_true(temp_file_open(&first, test_folder_path(folder, "out"), &error));
    assert_true(temp_file_open(&second, test_folder_path(folder, "out"), &error));
    assert_int_equal(test_folder_count(folder, "out.tmp-"), 2);
    temp_file_discard(&first);
    assert_true(temp_file_commit(&second, &error));
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_temp_file_open__refuses_what_is_no_file(void **state) {
    test_folder *folder = *state;
    temp_file file;
    tool_error error;
    assert_false(temp_file_open(&file, folder->path, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_int_equal(mkfifo(test_folder_path(folder, "pipe"), 0600), 0);
    assert_false(temp_file_open(&file, test_folder_path(folder, "pipe"), &error));
    assert_non_null(strstr(error.text, "not a regular file"));
    assert_false(temp_file_open(&file, test_folder_path(folder, "no/out"), &error));
    assert_non_null(strstr(error.text, "cannot create"));
    assert_int_equal(test_folder_count(folder, ""), 1);
}

static void test_temp_file_commit__reports_a_failing_rename(void **state) {
    test_folder *folder = *state;
    temp_file file;
    tool_error error;
    assert_true(temp_file_open(&file, test_folder_path(folder, "out"), &error));
    assert_int_equal(mkdir(test_folder_path(folder, "out"), 0700), 0);
    assert_false(temp_file_commit(&file, &error));
    assert_non_null(strstr(error.text, "cannot rename"));
    assert_int_equal(test_folder_count(folder, "out.tmp-"), 0);
}

static void test_temp_file_commit__in_the_working_folder(void **state) {
    test_folder *folder = *state;
    temp_file file;
    tool_error error;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder->path), 0);
    bool written = temp_file_open(&file, "out", &error) && temp_file_commit(&file, &error);
    assert_int_equal(chdir(before), 0);
    assert_true(written);
    assert_int_equal(test_folder_count(folder, "out"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_temp_file_commit__replaces_the_target),
        TEST_IN_FOLDER(test_temp_file_open__two_at_once),
        TEST_IN_FOLDER(test_temp_file_open__refuses_what_is_no_file),
        TEST_IN_FOLDER(test_temp_file_commit__reports_a_failing_rename),
        TEST_IN_FOLDER(test_temp_file_commit__in_the_working_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
