/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A kernel that is miscompiled does not pass the self-test: bugs planted in copies of the kernels,
 * on every row of an OpenCL device. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/self_test.h"
#include "support/kernel_rows.h"
#include "support/test_files.h"

/* In all kernels that have it, `from` becomes `to`: on the rows whose names begin so (NULL: on all). */
typedef struct kernel_bug {
    const char *from, *to;
    uint32_t mode;
    const char *found, *rows;
} kernel_bug;

static const kernel_bug bugs[] = {
    {"a.window", "0ul", SPARSED_MODE_WINDOW, "keeps 0x", NULL},
    {"? r->keep : 0;", "? r->keep - 1 : 0;", SPARSED_MODE_UPSTREAM_DREAM, "keeps 0x", NULL},
    {"score > 0.0f ? as_uint(score)", "score > 0.0f ? 0x7fffffffu - as_uint(score)",
     SPARSED_MODE_UPSTREAM_DREAM, "keeps 0x", NULL},
    {"bits[block / 64]", "bits[0]", SPARSED_MODE_UPSTREAM_DREAM, "sparse output is off by", "cl-c"},
    {"bits[block / 64]", "bits[0]", SPARSED_MODE_UPSTREAM_DREAM, "sparse output is off by", "cl-g"},
    {"row_words + block / 64]", "row_words]", SPARSED_MODE_UPSTREAM_DREAM,
     "sparse output is off by", "cl-nv-"},
    {"at + e, 0.0f)", "at + e, 1.0f)", SPARSED_MODE_UPSTREAM_DREAM, "output is 1, not 0, in padded",
     NULL},
    {" + row] = -INFINITY", " + row] = 0.0f", SPARSED_MODE_UPSTREAM_DREAM,
     "log-sum-exp is 0, not -inf, in padded", NULL},
};

/* Copies a kernel with the bug in it; says how often. */
static size_t copy_kernel(test_folder *folder, const char *name, const kernel_bug *bug) {
    static char changed[1 << 18];
    char path[512];
    snprintf(path, sizeof path, "%s/%s", KERNELS_DIR, name);
    char *text = test_file_read(path, NULL), *rest = text, *hit;
    size_t hits = 0;
    assert_true(strlen(text) < sizeof changed / 2);
    changed[0] = '\0';
    while (bug && (hit = strstr(rest, bug->from))) {
        strncat(changed, rest, (size_t)(hit - rest));
        strcat(changed, bug->to);
        rest = hit + strlen(bug->from);
        hits++;
    }
    strcat(changed, rest);
    test_folder_write_text(folder, name, changed);
    free(text);
    return hits;
}

static size_t copy_kernels(test_folder *folder, const kernel_bug *bug) {
    DIR *kernels = opendir(KERNELS_DIR);
    const struct dirent *entry;
    size_t hits = 0;
    assert_non_null(kernels);
    while ((entry = readdir(kernels)))
        if (strstr(entry->d_name, ".cl"))
            hits += copy_kernel(folder, entry->d_name, bug);
    closedir(kernels);
    return hits;
}

/* The self-test of a row whose kernels come from the folder; built for this test alone. */
static sparsed_status run_self_test(const kernel_row *row, const test_folder *folder, uint32_t mode,
                                    sparsed_message *message) {
    const uint32_t dtype = row->info.dtypes >> SPARSED_F32 & 1 ? SPARSED_F32 : SPARSED_BF16;
    const spd_variant variant = {.dtype = dtype,
                                 .out_dtype = dtype,
                                 .head_dim = row_head_dim(row, 16),
                                 .mode = mode,
                                 .block_q = 16,
                                 .block_k = 16};
    double error;
    size_t index = 0;
    sparsed_context *context = open_row(row, 0);
    assert_non_null(context);
    while (strcmp(context->backend->rows[index].name, row->info.name) != 0)
        index++;
    setenv("SPARSED_KERNEL_DIR", folder->path, 1);
    sparsed_status status = spd_self_test(context, index, &variant, &error, message);
    unsetenv("SPARSED_KERNEL_DIR");
    sparsed_context_destroy(context);
    return status;
}

static void check_bug(const kernel_row *row, test_folder *folder, const kernel_bug *bug) {
    sparsed_message message = {""};
    if (copy_kernels(folder, bug) == 0)
        fail_msg("no kernel has \"%s\"", bug->from);
    sparsed_status status = run_self_test(row, folder, bug->mode, &message);
    print_message("%s -> %s: %s\n", bug->from, bug->to, message.text);
    assert_int_equal(status, SPARSED_E_SELF_TEST);
    assert_non_null(strstr(message.text, bug->found));
}

static void test_self_test__finds_bugs_of_kernels(void **state) {
    const kernel_row *row = usable_row(state);
    sparsed_message message = {""};
    void *made;
    assert_int_equal(test_folder_setup(&made), 0);
    test_folder *folder = made;
    copy_kernels(folder, NULL);
    if (run_self_test(row, folder, SPARSED_MODE_UPSTREAM_DREAM, &message) != SPARSED_OK)
        fail_msg("without a bug: %s", message.text);
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++)
        if (!bugs[i].rows || strncmp(row->info.name, bugs[i].rows, strlen(bugs[i].rows)) == 0)
            check_bug(row, folder, &bugs[i]);
    assert_int_equal(test_folder_teardown(&made), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_self_test__finds_bugs_of_kernels)};
    return run_tests_on_opencl_rows(tests, 1);
}
