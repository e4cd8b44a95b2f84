/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Which registry row runs a problem: predicates, self-tests, verdicts. The failures that no real
 * kernel shows come from a backend of this file's own, whose rows refuse or give wrong numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/kernel_choice.h"
#include "src/self_test.h"
#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"
#include "support/kernel_rows.h"

/* ---- a backend whose rows go wrong ---- */

enum {
    ROW_ABSENT,
    ROW_NARROW,
    ROW_WRONG_OUT,
    ROW_WRONG_SCORES,
    ROW_UNBUILT,
    ROW_LOST_DEVICE,
    ROW_RIGHT,
    ROWS
};

static const spd_kernel_row rows[ROWS] = {
    [ROW_ABSENT] = {"absent", "what it needs is not there", SPD_ALL_DTYPES, {0, 0}},
    [ROW_NARROW] = {"narrow", "head dimension 64 only", SPD_ALL_DTYPES, {0, 0}},
    [ROW_WRONG_OUT] = {"wrong-out", "one output element off", SPD_ALL_DTYPES, {0, 0}},
    [ROW_WRONG_SCORES] = {"wrong-scores", "one block score off", SPD_ALL_DTYPES, {0, 0}},
    [ROW_UNBUILT] = {"unbuilt", "does not build", SPD_ALL_DTYPES, {0, 0}},
    [ROW_LOST_DEVICE] = {"lost-device", "fails to launch", SPD_ALL_DTYPES, {0, 0}},
    [ROW_RIGHT] = {"right", "the CPU's first row for all types", SPD_ALL_DTYPES, {0, 0}},
};

/* The CPU's kernel behind a row of this backend. */
typedef struct kernel {
    size_t row;
    void *inner;
} kernel;

static unsigned launches;

static size_t inner_row(void *state) {
    size_t row = 0;
    while (spd_cpu_backend.rows[row].dtypes != SPD_ALL_DTYPES ||
           spd_cpu_backend.accept(state, row, NULL, NULL) != SPARSED_OK)
        row++;
    return row;
}

static sparsed_status accept_row(void *state, size_t row, const spd_problem *problem,
                                 sparsed_message *message) {
    (void)state;
    if (row == ROW_ABSENT)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "libabsent.so was not found");
    if (row == ROW_NARROW && problem && problem->desc.head_dim != 64)
        return spd_fail(message, SPARSED_E_UNSUPPORTED, "head_dim is %u, not 64",
                        problem->desc.head_dim);
    return SPARSED_OK;
}

static sparsed_status prepare_kernel(void *state, size_t row, const spd_problem *problem,
                                     void **prepared, uint64_t *scratch_bytes,
                                     sparsed_message *message) {
    static kernel kernels[8]; /* more than are ever alive */
    static size_t next;
    if (row == ROW_UNBUILT)
        return spd_fail(message, SPARSED_E_COMPILE, "unbuilt.cl does not build on broken");
    kernel *k = &kernels[next++ % 8];
    k->row = row;
    *prepared = k;
    return spd_cpu_backend.prepare(state, inner_row(state), problem, &k->inner, scratch_bytes,
                                   message);
}

static void discard_kernel(void *state, void *prepared) {
    spd_cpu_backend.discard(state, ((kernel *)prepared)->inner);
}

static sparsed_status enqueue_wrong(void *state, void *prepared, const spd_launch *launch,
                                    sparsed_message *message) {
    const kernel *k = prepared;
    launches++;
    if (k->row == ROW_LOST_DEVICE)
        return spd_fail(message, SPARSED_E_DEVICE, "the device is gone");
    sparsed_status status = spd_cpu_backend.enqueue(state, k->inner, launch, message);
    if (k->row == ROW_WRONG_OUT && launch->out.mem)
        ((float *)launch->out.mem)[launch->extents->query_start * launch->problem->desc.head_dim] +=
            1.0f;
    if (k->row == ROW_WRONG_SCORES && launch->scores.mem)
        ((float *)launch->scores.mem)[1] += 0.01f;
    return status;
}

static spd_backend broken_backend(void) {
    spd_backend backend = spd_cpu_backend;
    backend.name = "broken";
    backend.rows = rows;
    backend.row_count = ROWS;
    backend.accept = accept_row;
    backend.prepare = prepare_kernel;
    backend.discard = discard_kernel;
    backend.enqueue = enqueue_wrong;
    return backend;
}

/* A context over it; pinned to a row if `pin` is given. */
static sparsed_context *open_broken(spd_backend *backend, const char *pin) {
    sparsed_context *context = open_context(NULL, 1);
    assert_non_null(context);
    *backend = broken_backend();
    context->backend = backend;
    if (pin)
        strcpy(context->kernel, pin);
    launches = 0;
    return context;
}

static sparsed_status plan_on(sparsed_context *context, uint32_t head_dim, const char *expected) {
    const sparsed_desc desc = case_desc(1, 2, 1, head_dim, 80);
    const sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 20, 0.3);
    sparsed_plan_info info = {.struct_size = sizeof info};
    sparsed_plan *plan;
    sparsed_status status = sparsed_plan_create(context, &desc, &select, &plan);
    if (status == SPARSED_OK) {
        assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
        assert_string_equal(info.kernel, expected);
    } else {
        assert_null(plan);
    }
    sparsed_plan_destroy(plan);
    return status;
}

static void test_choose_kernel__falls_to_the_first_row_that_is_right(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
    /* The narrow row's numbers are right, where it accepts the problem. */
    assert_int_equal(plan_on(context, 64, "narrow"), SPARSED_OK);
    sparsed_context_destroy(context);
}

static void test_choose_kernel__verdicts_are_kept(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
    const unsigned first = launches;
    assert_true(first > 0);
    assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
    assert_int_equal(launches, first); /* no self-test a second time */
    assert_int_equal(plan_on(context, 48, "right"), SPARSED_OK);
    assert_true(launches > first); /* another variant */
    sparsed_context_destroy(context);
}

static void test_choose_kernel__pinned_row_or_nothing(void **state) {
    (void)state;
    static const struct {
        const char *row;
        sparsed_status status;
        const char *named;
    } cases[] = {{"absent", SPARSED_E_UNSUPPORTED,
                  "kernel absent, which was asked for, does not run this problem: libabsent.so "
                  "was not found"},
                 {"narrow", SPARSED_E_UNSUPPORTED, "head_dim is 40, not 64"},
                 {"wrong-out", SPARSED_E_SELF_TEST, "dense output is off by"},
                 {"wrong-scores", SPARSED_E_SELF_TEST, "block scores is off by"},
                 {"unbuilt", SPARSED_E_COMPILE, "unbuilt.cl does not build on broken"},
                 {"lost-device", SPARSED_E_DEVICE, "the device is gone"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spd_backend backend;
        sparsed_context *context = open_broken(&backend, cases[i].row);
        assert_context_error(context, plan_on(context, 40, ""), cases[i].status, cases[i].named);
        sparsed_context_destroy(context);
    }
}

static void test_choose_kernel__no_row_at_all(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    backend.row_count = ROW_LOST_DEVICE;
    sparsed_status status = plan_on(context, 40, "");
    assert_context_error(context, status, SPARSED_E_UNSUPPORTED, "no kernel of broken");
    assert_context_error(context, status, SPARSED_E_UNSUPPORTED, "libabsent.so was not found");
    assert_context_error(context, status, SPARSED_E_UNSUPPORTED, "wrong-out (self-test:");
    sparsed_context_destroy(context);
}

static void test_kernel_list__tells_the_verdicts(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    sparsed_kernel_info infos[ROWS];
    size_t count = ROWS;
    assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
    for (int i = 0; i < ROWS; i++)
        infos[i] = (sparsed_kernel_info){.struct_size = sizeof infos[i]};
    assert_int_equal(sparsed_kernel_list(context, infos, &count), SPARSED_OK);
    assert_int_equal(count, ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_string_equal(infos[i].name, rows[i].name);
        assert_string_equal(infos[i].about, rows[i].about);
        assert_int_equal(infos[i].usable, i == ROW_NARROW || i == ROW_RIGHT);
        assert_int_equal(infos[i].failed, i >= ROW_WRONG_OUT && i < ROW_RIGHT);
        assert_int_equal(infos[i].passed, i == ROW_RIGHT);
    }
    assert_string_equal(infos[ROW_ABSENT].verdict, "libabsent.so was not found");
    assert_string_equal(infos[ROW_NARROW].verdict, "not tested yet");
    assert_non_null(strstr(infos[ROW_WRONG_OUT].verdict, "failed 1 of 1 self-test: self-test: "));
    assert_string_equal(infos[ROW_UNBUILT].verdict, "unbuilt.cl does not build on broken");
    assert_non_null(strstr(infos[ROW_RIGHT].verdict, "passed 1 self-test ("));
    sparsed_context_destroy(context);
}

/* A row that passes some and fails one is not usable; one that refuses the device has no tests, nor has one of
 * what it does not take. */
static void test_kernel_list__after_all_self_tests(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    sparsed_kernel_info infos[ROWS];
    size_t count = ROWS;
    assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
    assert_int_equal(sparsed_kernel_self_test(context), SPARSED_OK);
    for (int i = 0; i < ROWS; i++)
        infos[i] = (sparsed_kernel_info){.struct_size = sizeof infos[i]};
    assert_int_equal(sparsed_kernel_list(context, infos, &count), SPARSED_OK);
    assert_int_equal(infos[ROW_ABSENT].usable, 0);
    assert_int_equal(infos[ROW_ABSENT].passed + infos[ROW_ABSENT].failed, 0);
    assert_int_equal(infos[ROW_NARROW].passed, 6);
    assert_int_equal(infos[ROW_UNBUILT].failed, 13);
    assert_string_equal(infos[ROW_UNBUILT].verdict, "unbuilt.cl does not build on broken");
    assert_int_equal(infos[ROW_LOST_DEVICE].usable, 0);
    assert_int_equal(infos[ROW_LOST_DEVICE].failed, 13);
    assert_non_null(strstr(infos[ROW_LOST_DEVICE].verdict, "failed 13 of 13 self-tests: "));
    assert_int_equal(infos[ROW_RIGHT].usable, 1);
    assert_non_null(strstr(infos[ROW_RIGHT].verdict, "passed 13 self-tests ("));
    sparsed_context_destroy(context);
}

/* ---- the log ---- */

static char logged[1 << 16];

static void write_line(void *user, sparsed_log_level level, const char *line) {
    (void)user;
    size_t used = strlen(logged);
    assert_null(strchr(line, '\n'));
    snprintf(logged + used, sizeof logged - used, "%d %s\n", (int)level, line);
}

static void expect_logged(const char *line) {
    if (!strstr(logged, line))
        fail_msg("'%s' is not in the log:\n%s", line, logged);
}

static void test_choose_kernel__log_says_what_for_and_why(void **state) {
    (void)state;
    spd_backend backend;
    for (int pinned = 0; pinned < 2; pinned++) {
        sparsed_context *context = open_broken(&backend, pinned ? "right" : NULL);
        const sparsed_desc desc = case_desc(1, 1, 1, 40, 20);
        sparsed_plan *plan;
        logged[0] = '\0';
        context->logger.write = write_line;
        assert_int_equal(plan_on(context, 40, "right"), SPARSED_OK);
        assert_int_equal(sparsed_plan_create(context, &desc, NULL, &plan), SPARSED_OK);
        sparsed_plan_destroy(plan);
        sparsed_context_destroy(context);
        /* Dense alone, the row whose block scores are wrong is as good as any. */
        expect_logged(pinned
                          ? "3 kernel right, f32, head_dim 40, dense: self-test passed\n"
                          : "3 kernel wrong-scores, f32, head_dim 40, dense: self-test passed\n");
        expect_logged("3 kernel right, f32, head_dim 40, upstream-dream, blocks 32 x 16: self-test "
                      "passed\n");
        expect_logged(
            pinned ? "2 kernel right for f32, head_dim 40, dense; reason: asked for\n"
                   : "2 kernel wrong-scores for f32, head_dim 40, dense; reason: the first that "
                     "is usable and passed its self-test; refused: absent (");
    }
}

/* A line for each row before its tests begin: they may take long. */
static void test_kernel_self_test__log_says_what_begins(void **state) {
    (void)state;
    spd_backend backend;
    sparsed_context *context = open_broken(&backend, NULL);
    logged[0] = '\0';
    context->logger.write = write_line;
    assert_int_equal(sparsed_kernel_self_test(context), SPARSED_OK);
    sparsed_context_destroy(context);
    assert_null(strstr(logged, "kernel absent"));
    expect_logged("2 kernel right: self-tests\n3 kernel right, f32, head_dim 64, upstream-dream, "
                  "blocks 32 x 16: self-test passed\n");
    expect_logged("2 kernel wrong-out: self-tests\n3 kernel wrong-out, f32, head_dim 64");
}

static void test_mode_string__names(void **state) {
    (void)state;
    assert_string_equal(spd_mode_string(0), "dense");
    assert_string_equal(spd_mode_string(SPARSED_MODE_STREAMING), "streaming");
    assert_string_equal(spd_mode_string(SPARSED_MODE_STREAMING + 1), "unknown");
}

/* ---- the real rows ---- */

static void test_kernel_list__real_rows(void **state) {
    sparsed_context *context = *state;
    sparsed_kernel_info infos[16] = {{0}};
    size_t count = 0;
    assert_int_equal(sparsed_kernel_list(context, NULL, &count), SPARSED_OK);
    assert_true(count >= 2 && count <= 16);
    for (size_t i = 0; i < count; i++)
        infos[i].struct_size = sizeof infos[i];
    assert_int_equal(sparsed_kernel_list(context, infos, &count), SPARSED_OK);
    for (size_t i = 0; i < count; i++)
        print_message("%-12s %s: %s\n", infos[i].name, infos[i].usable ? "usable" : "not usable",
                      infos[i].verdict);
    assert_int_equal(infos[count - 1].usable, 1); /* one runs everywhere */
}

static void test_kernel_list__refuses(void **state) {
    sparsed_context *context = *state;
    sparsed_kernel_info info = {.struct_size = 0};
    size_t count = 1;
    assert_int_equal(sparsed_kernel_list(NULL, &info, &count), SPARSED_E_INVALID);
    assert_context_error(context, sparsed_kernel_list(context, &info, NULL), SPARSED_E_INVALID,
                         "count is NULL");
    assert_context_error(context, sparsed_kernel_list(context, &info, &count), SPARSED_E_INVALID,
                         "infos.struct_size is 0");
    assert_int_equal(sparsed_kernel_self_test(NULL), SPARSED_E_INVALID);
}

static void test_kernel_self_test__all_rows_pass(void **state) {
    sparsed_context *context = *state;
    sparsed_kernel_info infos[16];
    size_t count = 16;
    assert_int_equal(sparsed_kernel_self_test(context), SPARSED_OK);
    for (int i = 0; i < 16; i++)
        infos[i].struct_size = sizeof infos[i];
    assert_int_equal(sparsed_kernel_list(context, infos, &count), SPARSED_OK);
    for (size_t i = 0; i < count; i++) {
        print_message("%-12s %s\n", infos[i].name, infos[i].verdict);
        bool all = infos[i].dtypes == SPD_ALL_DTYPES;
        if (!infos[i].usable)
            continue;
        assert_int_equal(infos[i].passed, all ? 12 : 4);
        assert_non_null(
            strstr(infos[i].verdict, all ? "(f32: error at most " : "(bf16: error at most "));
    }
}

/* When memory runs out during a self-test, that says nothing about the row: with memory back, the
 * same context makes the plan. */
static void test_choose_kernel__out_of_memory_is_no_verdict(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    const size_t live = counter.live;
    for (size_t n = 0;; n++) {
        counter.fail_at = counter.calls + n;
        sparsed_status status = plan_on(context, 24, "");
        assert_int_equal(counter.live, live);
        if (status == SPARSED_E_NOMEM && n < 8)
            continue;
        break;
    }
    counter.fail_at = SIZE_MAX;
    const sparsed_desc desc = case_desc(1, 2, 1, 24, 80);
    const sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 20, 0.3);
    sparsed_plan *plan;
    assert_int_equal(sparsed_plan_create(context, &desc, &select, &plan), SPARSED_OK);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
}

static void test_kernel_self_test__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.allocator = &allocator;
    options.threads = 1;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    const size_t live = counter.live;
    for (size_t n = 0; n < 17; n++) { /* 17 allocations make the first self-test */
        counter.fail_at = counter.calls + n;
        assert_context_error(context, sparsed_kernel_self_test(context), SPARSED_E_NOMEM,
                             "no memory for a self-test");
        assert_int_equal(counter.live, live);
    }
    counter.fail_at = SIZE_MAX;
    assert_int_equal(sparsed_kernel_self_test(context), SPARSED_OK);
    assert_int_equal(counter.live, live);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
}

/* More variants than verdicts are kept: the oldest is made again. */
static void test_choose_kernel__more_variants_than_verdicts(void **state) {
    (void)state;
    sparsed_context *context = open_context(NULL, 1);
    sparsed_desc desc = case_desc(1, 1, 1, 8, 8);
    sparsed_select select = case_select(SPARSED_MODE_PAPER, 16, 16, 0, 0.5);
    unsigned plans = 0;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_STREAMING; mode++)
        for (uint32_t reduce = 0; reduce < 2; reduce++)
            for (uint32_t dim = 8; dim <= 184; dim += 8, plans++) {
                sparsed_plan *plan;
                select.mode = mode;
                select.score_reduce = reduce;
                desc.head_dim = dim;
                assert_int_equal(sparsed_plan_create(context, &desc, &select, &plan), SPARSED_OK);
                sparsed_plan_destroy(plan);
            }
    assert_true(plans > SPD_MAX_VERDICTS);
    assert_int_equal(context->verdict_count, plans);
    sparsed_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choose_kernel__falls_to_the_first_row_that_is_right),
        cmocka_unit_test(test_choose_kernel__verdicts_are_kept),
        cmocka_unit_test(test_choose_kernel__pinned_row_or_nothing),
        cmocka_unit_test(test_choose_kernel__no_row_at_all),
        cmocka_unit_test(test_kernel_list__tells_the_verdicts),
        cmocka_unit_test(test_kernel_list__after_all_self_tests),
        cmocka_unit_test(test_choose_kernel__log_says_what_for_and_why),
        cmocka_unit_test(test_kernel_self_test__log_says_what_begins),
        cmocka_unit_test(test_mode_string__names),
        cmocka_unit_test(test_kernel_list__real_rows),
        cmocka_unit_test(test_kernel_list__refuses),
        cmocka_unit_test(test_kernel_self_test__all_rows_pass),
        cmocka_unit_test(test_choose_kernel__out_of_memory_is_no_verdict),
        cmocka_unit_test(test_kernel_self_test__every_failing_allocation),
        cmocka_unit_test(test_choose_kernel__more_variants_than_verdicts),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
