/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A fuzz target, given each file of its committed corpus and each golden pattern file. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz_target.h"
#include "support/test_files.h"

static bool ends_with(const char *name, const char *end) {
    const size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* Tries the files whose name ends so, and returns their number. */
static size_t try_folder(const char *folder, const char *end) {
    DIR *dir = opendir(folder);
    size_t count = 0;
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[1024];
        size_t size;
        if (entry->d_name[0] == '.' || !ends_with(entry->d_name, end))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        char *bytes = test_file_read(path, &size);
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
        free(bytes);
        count++;
    }
    closedir(dir);
    return count;
}

static void test_fuzz_target__accepts_its_corpus(void **state) {
    (void)state;
    const size_t count = try_folder(FUZZ_CORPUS, "") + try_folder(PATTERNS_DIR "/v1", ".spdp");
    print_message("%zu inputs\n", count);
    assert_true(count > 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuzz_target__accepts_its_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
