/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A pipeline with a crossover table: what it runs, what it says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"

#include <sparsed/pattern.h>

enum { LAYERS = 2, LENGTH = 100, MAX_STEPS = 16 };

static attention_case new_case(void) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, LENGTH),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    case_prepare(&c, 11);
    return c;
}

static const char *kernel_of(sparsed_context *context, const attention_case *c) {
    static sparsed_plan_info info;
    sparsed_plan *plan = case_plan(c, context);
    info.struct_size = sizeof info;
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    sparsed_plan_destroy(plan);
    return info.kernel;
}

/* A row by which the case pays from `length` keys on up to `density`. */
static sparsed_crossover_row row_of(sparsed_context *context, const attention_case *c,
                                    double density, uint64_t length) {
    sparsed_crossover_row row = {.dtype = c->desc.dtype,
                                 .head_dim = c->desc.head_dim,
                                 .block_q = 32,
                                 .block_k = 16,
                                 .source = SPARSED_CROSSOVER_MEASURED,
                                 .density = density,
                                 .shortest = 16,
                                 .longest = 4096,
                                 .length = length};
    snprintf(row.kernel, sizeof row.kernel, "%s", kernel_of(context, c));
    return row;
}

/* Letters: d dense, D dense + build, B build + sparse, s sparse. */
static sparsed_pipeline *pipeline_of(sparsed_context *context, const attention_case *c,
                                     const char *letters, uint32_t flags,
                                     const sparsed_crossover_row *row) {
    const sparsed_crossover table = {.struct_size = sizeof table, .count = 1, .rows = row};
    sparsed_schedule_entry entries[MAX_STEPS];
    sparsed_schedule schedule = {.struct_size = sizeof schedule,
                                 .flags = flags,
                                 .steps = (uint32_t)strlen(letters),
                                 .entries = entries,
                                 .crossover = row ? &table : NULL};
    sparsed_pipeline *pipeline;
    for (uint32_t i = 0; i < schedule.steps; i++)
        entries[i] =
            (sparsed_schedule_entry){.op = (uint32_t)(strchr("dD?sB", letters[i]) - "dD?sB")};
    if (sparsed_pipeline_create(context, &c->desc, &c->select, &schedule, LAYERS, &pipeline) !=
        SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

static const char *ops_of(sparsed_pipeline *pipeline, uint32_t steps) {
    static char text[MAX_STEPS + 1];
    for (uint32_t i = 0; i < steps; i++) {
        sparsed_op op;
        assert_int_equal(sparsed_pipeline_op(pipeline, i, &op), SPARSED_OK);
        text[i] = "dD?sB"[op];
    }
    text[steps] = '\0';
    return text;
}

/* What a schedule runs with a row that pays from `length` on. */
static void check_ops(sparsed_context *context, const char *letters, uint32_t flags,
                      uint64_t length, const char *expected) {
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(context, &c, 0.3, length);
    sparsed_pipeline *pipeline = pipeline_of(context, &c, letters, flags, &row);
    assert_string_equal(ops_of(pipeline, (uint32_t)strlen(letters)), expected);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_auto__dense_below_the_crossover(void **state) {
    static const uint32_t save = SPARSED_SCHEDULE_SAVE, every = SPARSED_SCHEDULE_EVERY_BUILD;
    check_ops(*state, "ddDsss", 0, LENGTH + 1, "dddddd");
    check_ops(*state, "Bsss", 0, LENGTH + 1, "dddd");
    check_ops(*state, "ssss", 0, LENGTH + 1, "dddd");
    /* Patterns that are read afterwards are still built. */
    check_ops(*state, "dDss", save, LENGTH + 1, "dDdd");
    check_ops(*state, "DsBs", save, LENGTH + 1, "ddDd");
    check_ops(*state, "DsBs", every, LENGTH + 1, "DdDd");
    check_ops(*state, "dddd", 0, LENGTH, "dddd");
}

static void test_pipeline_auto__sparse_from_the_crossover_on(void **state) {
    check_ops(*state, "ddDsss", 0, LENGTH, "ddDsss");
    check_ops(*state, "Bsss", 0, LENGTH, "Bsss");
    check_ops(*state, "DsD", SPARSED_SCHEDULE_SAVE, LENGTH, "DsD");
}

/* The output is that of dense attention to the bit. */
static void test_pipeline_auto__dense_output(void **state) {
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(*state, &c, 0.3, LENGTH + 1);
    attention_case dense = new_case();
    dense.select.mode = 0;
    sparsed_plan *plan = case_plan(&dense, *state);
    attention_result expected = case_run(&dense, plan, SPARSED_DENSE, NULL);
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "Ds", 0, &row);
    for (uint32_t step = 0; step < 2; step++) {
        memset(c.out.memory, 0xa5, c.out.size_bytes);
        assert_int_equal(sparsed_pipeline_attend(pipeline, step, 0, &c.io), SPARSED_OK);
        const float *out = (const float *)(void *)c.out.memory;
        for (uint64_t i = 0; i < case_out_count(&c); i++)
            assert_true((double)out[i] == expected.out[i]);
    }
    sparsed_pipeline_destroy(pipeline);
    sparsed_plan_destroy(plan);
    result_free(&expected);
    case_free(&dense);
    case_free(&c);
}

static void test_pipeline_auto__no_patterns(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(context, &c, 0.3, LENGTH + 1);
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "Ds", 0, &row);
    sparsed_pattern *pattern;
    sparsed_pattern_set *set;
    assert_context_error(context, sparsed_pipeline_get_pattern(pipeline, 0, &pattern),
                         SPARSED_E_STATE, "auto keeps this pipeline dense");
    assert_context_error(context, sparsed_pipeline_get_patterns(pipeline, NULL, &set),
                         SPARSED_E_STATE, "auto keeps this pipeline dense");
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_choice__row_and_reason(void **state) {
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(*state, &c, 0.3, LENGTH + 1);
    sparsed_crossover_choice choice = {.struct_size = sizeof choice};
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "Ds", 0, &row);
    assert_int_equal(sparsed_pipeline_choice(pipeline, &choice), SPARSED_OK);
    assert_int_equal(choice.dense, 1);
    assert_int_equal(choice.source, SPARSED_CROSSOVER_MEASURED);
    assert_int_equal(choice.length, LENGTH);
    assert_memory_equal(&choice.row, &row, sizeof row);
    assert_non_null(strstr(choice.reason, "dense: 100 keys, and sparse pays from 101 on"));
    choice.struct_size = 0;
    assert_context_error(*state, sparsed_pipeline_choice(pipeline, &choice), SPARSED_E_INVALID,
                         "choice.struct_size is 0");
    assert_int_equal(sparsed_pipeline_choice(NULL, &choice), SPARSED_E_INVALID);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_choice__nothing_to_choose(void **state) {
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(*state, &c, 0.3, LENGTH);
    sparsed_crossover_choice choice = {.struct_size = sizeof choice};
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "dd", 0, &row);
    assert_int_equal(sparsed_pipeline_choice(pipeline, &choice), SPARSED_OK);
    assert_int_equal(choice.dense, 1);
    assert_int_equal(choice.source, SPARSED_CROSSOVER_NONE);
    assert_string_equal(choice.reason, "dense: no step of the schedule is sparse");
    sparsed_pipeline_destroy(pipeline);
    pipeline = pipeline_of(*state, &c, "Ds", 0, NULL);
    assert_context_error(*state, sparsed_pipeline_choice(pipeline, &choice), SPARSED_E_STATE,
                         "without a crossover table");
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

/* The densest pattern that is built decides: a row for 0.3 says nothing of 0.5. */
static void test_pipeline_choice__entry_ratios(void **state) {
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(*state, &c, 0.3, LENGTH);
    const sparsed_crossover table = {.struct_size = sizeof table, .count = 1, .rows = &row};
    sparsed_schedule_entry entries[3] = {
        {SPARSED_BUILD_SPARSE, 0, 0.1}, {SPARSED_BUILD_SPARSE, 0, 0.2}, {SPARSED_SPARSE, 0, 0.0}};
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = 3, .entries = entries, .crossover = &table};
    static const double ratios[] = {0.2, 0.5};
    for (size_t i = 0; i < 2; i++) {
        sparsed_crossover_choice choice = {.struct_size = sizeof choice};
        sparsed_pipeline *pipeline;
        entries[1].ratio = ratios[i];
        assert_int_equal(
            sparsed_pipeline_create(*state, &c.desc, &c.select, &schedule, LAYERS, &pipeline),
            SPARSED_OK);
        assert_int_equal(sparsed_pipeline_choice(pipeline, &choice), SPARSED_OK);
        assert_true(choice.density == ratios[i]);
        assert_int_equal(choice.source,
                         i == 0 ? SPARSED_CROSSOVER_MEASURED : SPARSED_CROSSOVER_NONE);
        sparsed_pipeline_destroy(pipeline);
    }
    case_free(&c);
}

static void find_line(void *user, sparsed_log_level level, const char *line) {
    int *found = user;
    *found += level == SPARSED_LOG_INFO && strncmp(line, "auto: dense: 100 keys", 21) == 0;
}

static void test_pipeline_choice__is_logged(void **state) {
    (void)state;
    int found = 0;
    const sparsed_logger logger = {find_line, &found};
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.logger = &logger;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(context, &c, 0.3, LENGTH + 1);
    sparsed_pipeline_destroy(pipeline_of(context, &c, "Ds", 0, &row));
    assert_int_equal(found, 1);
    case_free(&c);
    sparsed_context_destroy(context);
}

static void test_pipeline_create__refuses_a_bad_table(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_crossover_row row = row_of(context, &c, 0.3, LENGTH);
    const sparsed_crossover table = {.struct_size = sizeof table, .count = 1, .rows = &row};
    const sparsed_schedule_entry entries[2] = {{SPARSED_DENSE_BUILD, 0, 0}, {SPARSED_SPARSE, 0, 0}};
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = 2, .entries = entries, .crossover = &table};
    sparsed_pipeline *pipeline = (sparsed_pipeline *)(void *)&c;
    row.density = 1.5;
    sparsed_status status =
        sparsed_pipeline_create(context, &c.desc, &c.select, &schedule, LAYERS, &pipeline);
    assert_context_error(context, status, SPARSED_E_INVALID, "rows[0].density");
    assert_null(pipeline);
    case_free(&c);
}

static void test_pipeline_auto__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    attention_case c = new_case();
    const sparsed_crossover_row row = row_of(context, &c, 0.3, LENGTH + 1);
    const sparsed_crossover table = {.struct_size = sizeof table, .count = 1, .rows = &row};
    const sparsed_schedule_entry entries[2] = {{SPARSED_DENSE_BUILD, 0, 0}, {SPARSED_SPARSE, 0, 0}};
    const sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = 2, .entries = entries, .crossover = &table};
    const size_t live = counter.live;
    sparsed_status status = SPARSED_E_NOMEM;
    for (size_t n = 0; status != SPARSED_OK; n++) {
        sparsed_pipeline *pipeline;
        counter.fail_at = counter.calls + n;
        status = sparsed_pipeline_create(context, &c.desc, &c.select, &schedule, LAYERS, &pipeline);
        assert_true(status == SPARSED_OK || status == SPARSED_E_NOMEM);
        assert_true((pipeline != NULL) == (status == SPARSED_OK));
        sparsed_pipeline_destroy(pipeline);
        assert_int_equal(counter.live, live);
    }
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_auto__dense_below_the_crossover),
        cmocka_unit_test(test_pipeline_auto__sparse_from_the_crossover_on),
        cmocka_unit_test(test_pipeline_auto__dense_output),
        cmocka_unit_test(test_pipeline_auto__no_patterns),
        cmocka_unit_test(test_pipeline_choice__row_and_reason),
        cmocka_unit_test(test_pipeline_choice__nothing_to_choose),
        cmocka_unit_test(test_pipeline_choice__entry_ratios),
        cmocka_unit_test(test_pipeline_choice__is_logged),
        cmocka_unit_test(test_pipeline_create__refuses_a_bad_table),
        cmocka_unit_test(test_pipeline_auto__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
