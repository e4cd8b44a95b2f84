/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See test_files.h. */
#include "support/test_files.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

int test_folder_setup(void **state) {
    test_folder *folder = calloc(1, sizeof *folder);
    const char *parent = getenv("TMPDIR");
    if (!folder) {
        return -1;
    }
    snprintf(folder->path, sizeof folder->path, "%s/sparsed-test-XXXXXX", parent ? parent : "/tmp");
    *state = folder;
    return mkdtemp(folder->path) ? 0 : -1;
}

/* Calls visit for each name in the folder but "." and "..". */
static int for_each_name(const test_folder *folder, void (*visit)(void *user, const char *name),
                         void *user) {
    DIR *dir = opendir(folder->path);
    if (!dir) {
        return -1;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(user, entry->d_name);
        }
    }
    closedir(dir);
    return 0;
}

static void remove_name(void *user, const char *name) {
    remove(test_folder_path(user, name));
}

int test_folder_teardown(void **state) {
    test_folder *folder = *state;
    int rc = for_each_name(folder, remove_name, folder);
    rc = rmdir(folder->path) == 0 ? rc : -1;
    free(folder);
    return rc;
}

const char *test_folder_path(test_folder *folder, const char *name) {
    snprintf(folder->joined, sizeof folder->joined, "%s/%s", folder->path, name);
    return folder->joined;
}

void test_folder_write(test_folder *folder, const char *name, const void *bytes,
                       size_t size_bytes) {
    /* Some file systems flush a file that is overwritten, and tests write thousands of times. */
    remove(test_folder_path(folder, name));
    FILE *file = fopen(test_folder_path(folder, name), "wb");
    assert_non_null(file);
    size_t written = size_bytes > 0 ? fwrite(bytes, 1, size_bytes, file) : 0;
    assert_int_equal(fclose(file), 0);
    assert_int_equal(written, size_bytes);
}

void test_folder_write_text(test_folder *folder, const char *name, const char *text) {
    test_folder_write(folder, name, text, strlen(text));
}

typedef struct name_count {
    const char *prefix;
    size_t n;
} name_count;

static void count_name(void *user, const char *name) {
    name_count *count = user;
    count->n += strncmp(name, count->prefix, strlen(count->prefix)) == 0;
}

size_t test_folder_count(const test_folder *folder, const char *prefix) {
    name_count count = {prefix, 0};
    assert_int_equal(for_each_name(folder, count_name, &count), 0);
    return count.n;
}

void test_file_or_skip(const char *path) {
    if (!file_exists(path)) {
        print_message("skipped: there is no file %s\n", path);
        skip();
    }
}

char *test_file_read(const char *path, size_t *size_bytes) {
    tool_error error;
    size_t size;
    test_file_or_skip(path);
    char *bytes = file_read(path, (size_t)1 << 30, &size, &error);
    if (!bytes) {
        fail_msg("%s", error.text);
    }
    if (size_bytes) {
        *size_bytes = size;
    }
    return bytes;
}
