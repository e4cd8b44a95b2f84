/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Contexts: options, refusals, log, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"

static sparsed_context *create(const sparsed_options *options) {
    sparsed_context *context;
    sparsed_message message;
    if (sparsed_context_create(options, &context, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    assert_string_equal(sparsed_context_error(context), "");
    return context;
}

static void refuse(const sparsed_options *options, sparsed_status expected, const char *named) {
    sparsed_context *context = (sparsed_context *)(void *)&context;
    sparsed_message message;
    sparsed_status status = sparsed_context_create(options, &context, &message);
    assert_error_text(message.text, status, expected, named);
    assert_null(context);
    assert_int_equal(sparsed_context_create(options, &context, NULL), expected);
}

static void test_context_create__defaults(void **state) {
    (void)state;
    const sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context_destroy(create(NULL));
    sparsed_context_destroy(create(&options));
    sparsed_context_destroy(NULL);
    assert_string_equal(sparsed_context_error(NULL), "");
}

static void test_context_create__cpu(void **state) {
    (void)state;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_device_info info = {.struct_size = sizeof info};
    options.device = "cpu";
    options.threads = 3;
    sparsed_context *context = create(&options);
    assert_int_equal(sparsed_context_device(context, &info), SPARSED_OK);
    assert_string_equal(info.selector, "cpu");
    assert_int_equal(info.kind, SPARSED_DEVICE_CPU);
    assert_int_equal(info.usable, 1);
    assert_int_equal(info.compute_units, 3);
    assert_true(info.name[0] != '\0' && info.driver[0] != '\0');
    sparsed_context_destroy(context);
}

/* What "auto" gives is the first usable device of the list, unless a GPU failed its self-test. */
static void test_context_create__auto(void **state) {
    (void)state;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_device_info info = {.struct_size = sizeof info};
    options.device = "auto";
    sparsed_context *context = create(&options);
    assert_int_equal(sparsed_context_device(context, &info), SPARSED_OK);
    assert_true(info.kind == SPARSED_DEVICE_GPU || info.kind == SPARSED_DEVICE_CPU);
    sparsed_context_destroy(context);
}

/* A machine without libOpenCL: all but OpenCL works, and that says why it does not. */
static void test_context_create__without_libopencl(void **state) {
    (void)state;
    const char *before = getenv("SPARSED_OPENCL_LIBRARY");
    char kept[1024];
    snprintf(kept, sizeof kept, "%s", before ? before : "");
    setenv("SPARSED_OPENCL_LIBRARY", "/nonexistent/libOpenCL.so", 1);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_device_info info = {.struct_size = sizeof info};
    options.device = "auto";
    sparsed_context *context = create(&options);
    assert_int_equal(sparsed_context_device(context, &info), SPARSED_OK);
    assert_string_equal(info.selector, "cpu");
    sparsed_context_destroy(context);
    options.device = "opencl";
    refuse(&options, SPARSED_E_NO_DEVICE, "options.device is 'opencl'; there are: cpu (");
    if (before)
        setenv("SPARSED_OPENCL_LIBRARY", kept, 1);
    else
        unsetenv("SPARSED_OPENCL_LIBRARY");
}

static void test_context_create__device_of_the_environment(void **state) {
    (void)state;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    const char *before = getenv("SPARSED_DEVICE");
    char kept[256];
    snprintf(kept, sizeof kept, "%s", before ? before : "");
    setenv("SPARSED_DEVICE", "abacus", 1);
    refuse(&options, SPARSED_E_INVALID, "SPARSED_DEVICE is 'abacus'");
    refuse(NULL, SPARSED_E_INVALID, "SPARSED_DEVICE is 'abacus'");
    options.device = "cpu"; /* stands above the environment */
    sparsed_context_destroy(create(&options));
    setenv("SPARSED_DEVICE", "", 1);
    sparsed_context_destroy(create(NULL));
    if (before)
        setenv("SPARSED_DEVICE", kept, 1);
    else
        unsetenv("SPARSED_DEVICE");
}

static void test_context_create__refuses_options(void **state) {
    (void)state;
    sparsed_options o = SPARSED_OPTIONS_INIT;
    o.flags = 1;
    refuse(&o, SPARSED_E_INVALID, "options.flags is 0x1");
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.reserved = 9;
    refuse(&o, SPARSED_E_INVALID, "options.reserved 9");
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.threads = 1025;
    refuse(&o, SPARSED_E_INVALID, "options.threads is 1025");
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.device = "cpu";
    o.kernel = "cpu-fast";
    refuse(&o, SPARSED_E_INVALID, "options.kernel is 'cpu-fast'; cpu has: ");
    refuse(&o, SPARSED_E_INVALID, "cpu-plain"); /* says what there is */
    o.kernel = "";
    refuse(&o, SPARSED_E_INVALID, "options.kernel is ''");
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.device = "abacus";
    refuse(&o, SPARSED_E_INVALID, "options.device is 'abacus'");
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.struct_size = 0;
    refuse(&o, SPARSED_E_INVALID, "options.struct_size is 0");
    char endless[2000]; /* far beyond what a message holds */
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.device = endless;
    refuse(&o, SPARSED_E_INVALID, "options.device is 'xxx");
    const sparsed_allocator broken = {NULL, NULL, NULL};
    o = (sparsed_options)SPARSED_OPTIONS_INIT;
    o.allocator = &broken;
    refuse(&o, SPARSED_E_INVALID, "options.allocator");
    sparsed_message message;
    assert_error_text(message.text, sparsed_context_create(NULL, NULL, &message), SPARSED_E_INVALID,
                      "context is NULL");
}

/* An older caller's options: only the device. A newer one's: a tail of zeros. */
static void test_context_create__options_of_other_versions(void **state) {
    (void)state;
    struct {
        sparsed_options options;
        uint64_t unknown;
    } newer = {SPARSED_OPTIONS_INIT, 0};
    sparsed_options older = SPARSED_OPTIONS_INIT;
    older.struct_size = offsetof(sparsed_options, kernel);
    older.kernel = "not read";
    older.threads = 99999;
    sparsed_context_destroy(create(&older));
    newer.options.struct_size = sizeof newer;
    sparsed_context_destroy(create(&newer.options));
    newer.unknown = 1;
    refuse(&newer.options, SPARSED_E_INVALID, "options has a field");
}

static void test_context_create__every_failing_allocation(void **state) {
    (void)state;
    for (size_t n = 0;; n++) {
        counting_allocator counter = COUNTING_ALLOCATOR_INIT;
        sparsed_allocator allocator = counting_allocator_use(&counter);
        sparsed_options options = SPARSED_OPTIONS_INIT;
        sparsed_context *context = (sparsed_context *)&counter;
        sparsed_message message;
        options.allocator = &allocator;
        counter.fail_at = n;
        sparsed_status status = sparsed_context_create(&options, &context, &message);
        if (status == SPARSED_OK) {
            memset(&allocator, 0, sizeof allocator); /* it was copied */
            sparsed_context_destroy(context);
            assert_int_equal(counter.live, 0);
            assert_true(n > 0);
            break;
        }
        assert_error_text(message.text, status, SPARSED_E_NOMEM, "no memory for a ");
        assert_null(context);
        assert_int_equal(counter.live, 0);
    }
}

static void test_context_device__refuses(void **state) {
    (void)state;
    sparsed_context *context = create(NULL);
    sparsed_device_info info = {.struct_size = 1};
    assert_context_error(context, sparsed_context_device(context, &info), SPARSED_E_INVALID,
                         "info.struct_size is 1");
    assert_context_error(context, sparsed_context_device(context, NULL), SPARSED_E_INVALID,
                         "info is NULL");
    info.struct_size = sizeof info;
    assert_int_equal(sparsed_context_device(NULL, &info), SPARSED_E_INVALID);
    sparsed_context_destroy(context);
}

/* ---- log ---- */

typedef struct log_record {
    unsigned lines[4];
    char all[8192];
} log_record;

static void write_line(void *user, sparsed_log_level level, const char *line) {
    log_record *record = user;
    size_t used = strlen(record->all);
    assert_true(level >= SPARSED_LOG_ERROR && level <= SPARSED_LOG_DEBUG);
    assert_null(strchr(line, '\n'));
    record->lines[level]++;
    snprintf(record->all + used, sizeof record->all - used, "%s\n", line);
}

static void test_log__names_the_device_and_the_kernel(void **state) {
    (void)state;
    log_record record = {{0}, ""};
    const sparsed_logger logger = {write_line, &record};
    sparsed_options options = SPARSED_OPTIONS_INIT;
    options.device = "cpu";
    options.logger = &logger;
    sparsed_context *context = create(&options);
    assert_true(record.lines[SPARSED_LOG_INFO] >= 1);
    assert_non_null(strstr(record.all, "device cpu"));
    assert_non_null(strstr(record.all, "runner-up: none; reason: asked for as cpu"));
    const sparsed_desc desc = case_desc(1, 1, 1, 8, 20);
    sparsed_plan *plan;
    assert_int_equal(sparsed_plan_create(context, &desc, NULL, &plan), SPARSED_OK);
    assert_non_null(strstr(record.all, "kernel cpu-"));
    assert_non_null(strstr(record.all, "self-test passed"));
    assert_true(record.lines[SPARSED_LOG_DEBUG] >= 1);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
}

/* The text of an error stays until the next call, and a call that succeeds removes it. */
static void test_context_error__is_the_last_call_s(void **state) {
    (void)state;
    sparsed_context *context = create(NULL);
    sparsed_desc desc = case_desc(1, 1, 1, 8, 20);
    sparsed_plan *plan;
    desc.batch = 0;
    assert_context_error(context, sparsed_plan_create(context, &desc, NULL, &plan),
                         SPARSED_E_INVALID, "desc.batch is 0");
    assert_null(plan);
    assert_context_error(context, sparsed_plan_create(context, NULL, NULL, &plan),
                         SPARSED_E_INVALID, "desc is NULL");
    desc.batch = 1;
    assert_int_equal(sparsed_plan_create(context, &desc, NULL, &plan), SPARSED_OK);
    assert_string_equal(sparsed_context_error(context), "");
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_create__defaults),
        cmocka_unit_test(test_context_create__cpu),
        cmocka_unit_test(test_context_create__auto),
        cmocka_unit_test(test_context_create__without_libopencl),
        cmocka_unit_test(test_context_create__device_of_the_environment),
        cmocka_unit_test(test_context_create__refuses_options),
        cmocka_unit_test(test_context_create__options_of_other_versions),
        cmocka_unit_test(test_context_create__every_failing_allocation),
        cmocka_unit_test(test_context_device__refuses),
        cmocka_unit_test(test_log__names_the_device_and_the_kernel),
        cmocka_unit_test(test_context_error__is_the_last_call_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
