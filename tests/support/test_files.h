/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Files for tests: a folder that lives as long as a test, and files of the repository that may be
 * absent. Whatever goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_TEST_FILES_H
#define TESTS_SUPPORT_TEST_FILES_H

#include <stddef.h>

typedef struct test_folder {
    char path[256];
    char joined[512]; /* what test_folder_path gave last */
} test_folder;

/* cmocka's setup and teardown: *state is a test_folder with a new, empty folder; it is removed with
 * the files in it. */
int test_folder_setup(void **state);
int test_folder_teardown(void **state);
#define TEST_IN_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_folder_setup, test_folder_teardown)

/* FOLDER/NAME; valid until the next call. */
const char *test_folder_path(test_folder *folder, const char *name);

/* Writes a file in the folder. */
void test_folder_write(test_folder *folder, const char *name, const void *bytes, size_t size_bytes);
void test_folder_write_text(test_folder *folder, const char *name, const char *text);

/* Number of files in the folder whose name begins with prefix. */
size_t test_folder_count(const test_folder *folder, const char *prefix);

/* Skips the test, saying so, if there is no such file. */
void test_file_or_skip(const char *path);

/* A whole file, malloc'd, with a NUL behind it; skips the test, saying so, if it is absent.
 * *size_bytes may be NULL. */
char *test_file_read(const char *path, size_t *size_bytes);

#endif
