/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What tests over all kernel rows say where there is no device for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/kernel_rows.h"
#include "support/test_files.h"

typedef int run_on_rows(const struct CMUnitTest *tests, size_t count);

static void test_of_a_row(void **state) {
    (void)state;
}

/* Both streams into `to`; into those given back by an earlier call if to is NULL. */
static void redirect(FILE *to, int saved[2]) {
    fflush(stdout);
    fflush(stderr);
    for (int stream = 0; stream < 2; stream++) {
        const int own = stream == 0 ? STDOUT_FILENO : STDERR_FILENO;
        if (to)
            saved[stream] = dup(own);
        dup2(to ? fileno(to) : saved[stream], own);
        if (!to)
            close(saved[stream]);
    }
}

/* Runs with SPARSED_DEVICE set to device, and expects the result and the words. */
static void expect(test_folder *folder, run_on_rows *run, const char *device, int result,
                   const char *words) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_of_a_row)};
    const char *before = getenv("SPARSED_DEVICE");
    char *own = before ? strdup(before) : NULL;
    int saved[2] = {-1, -1};
    setenv("SPARSED_DEVICE", device, 1);
    FILE *file = fopen(test_folder_path(folder, "words"), "w");
    assert_non_null(file);
    redirect(file, saved);
    const int failed = run(tests, 1);
    redirect(NULL, saved);
    fclose(file);
    if (own)
        setenv("SPARSED_DEVICE", own, 1);
    else
        unsetenv("SPARSED_DEVICE");
    free(own);
    char *said = test_file_read(test_folder_path(folder, "words"), NULL);
    if (failed != result || !strstr(said, words))
        fail_msg("%d, not %d, or '%s' is not in '%s'", failed, result, words, said);
    free(said);
}

static void test_run_tests_on_all_rows__names_a_device_that_is_absent(void **state) {
    expect(*state, run_tests_on_all_rows, "opencl:99", 1,
           "SPARSED_DEVICE is 'opencl:99': no usable device fits it\n");
    expect(*state, run_tests_on_all_rows, "nvidia", 1,
           "SPARSED_DEVICE is 'nvidia': no usable device fits it\n");
}

static void test_run_tests_on_opencl_rows__names_a_device_that_is_absent(void **state) {
    expect(*state, run_tests_on_opencl_rows, "opencl:99", 0,
           "skipped: SPARSED_DEVICE is 'opencl:99': no usable OpenCL device fits it\n");
    expect(*state, run_tests_on_opencl_rows, "cpu", 0,
           "skipped: SPARSED_DEVICE is 'cpu': no usable OpenCL device fits it\n");
}

static void test_run_tests_on_all_rows__names_a_row_that_no_device_has(void **state) {
    setenv("SPARSED_TEST_ROW", "cpu-none", 1);
    expect(*state, run_tests_on_all_rows, "cpu", 1,
           "SPARSED_TEST_ROW is 'cpu-none': no device has such a row\n");
    setenv("SPARSED_TEST_ROW", "cpu-plain", 1);
    expect(*state, run_tests_on_all_rows, "cpu", 0, "kernel row cpu cpu-plain\n");
    unsetenv("SPARSED_TEST_ROW");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_run_tests_on_all_rows__names_a_device_that_is_absent),
        TEST_IN_FOLDER(test_run_tests_on_all_rows__names_a_row_that_no_device_has),
        TEST_IN_FOLDER(test_run_tests_on_opencl_rows__names_a_device_that_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
