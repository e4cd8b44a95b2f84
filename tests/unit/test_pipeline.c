/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The pipeline: what each step runs, the order of steps, patterns in and out, memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"

#include <sparsed/pattern.h>

enum { LAYERS = 2, MAX_STEPS = 1100 };

static attention_case new_case(void) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    case_prepare(&c, 11);
    return c;
}

static sparsed_schedule schedule_of(const sparsed_schedule_entry *entries, uint32_t steps) {
    return (sparsed_schedule){
        .struct_size = sizeof(sparsed_schedule), .steps = steps, .entries = entries};
}

/* Entries from letters: d dense, D dense + build, B build + sparse, s sparse. */
static sparsed_schedule entries_of(const char *letters, sparsed_schedule_entry *entries) {
    uint32_t steps = (uint32_t)strlen(letters);
    for (uint32_t i = 0; i < steps; i++) {
        const char *letter = strchr("dD?sB", letters[i]);
        entries[i] = (sparsed_schedule_entry){.op = (uint32_t)(letter - "dD?sB")};
    }
    return schedule_of(entries, steps);
}

static sparsed_pipeline *new_pipeline(sparsed_context *context, const attention_case *c,
                                      const sparsed_schedule *schedule) {
    sparsed_pipeline *pipeline;
    if (sparsed_pipeline_create(context, &c->desc, c->select.mode ? &c->select : NULL, schedule,
                                LAYERS, &pipeline) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

static sparsed_pipeline *pipeline_of(sparsed_context *context, const attention_case *c,
                                     const char *letters) {
    sparsed_schedule_entry entries[64];
    const sparsed_schedule schedule = entries_of(letters, entries);
    return new_pipeline(context, c, &schedule);
}

/* The ops as they run, as letters. */
static const char *ops_of(sparsed_pipeline *pipeline, uint32_t steps) {
    static char text[MAX_STEPS + 1];
    for (uint32_t i = 0; i < steps; i++) {
        sparsed_op op = (sparsed_op)77;
        assert_int_equal(sparsed_pipeline_op(pipeline, i, &op), SPARSED_OK);
        assert_true(op <= SPARSED_BUILD_SPARSE);
        text[i] = "dD?sB"[op];
    }
    text[steps] = '\0';
    return text;
}

/* ---- schedules ---- */

static const char *preset_ops(sparsed_context *context, const char *name, double skip,
                              uint32_t steps) {
    sparsed_schedule_entry entries[MAX_STEPS];
    const attention_case c = {.desc = case_desc(1, 1, 1, 8, 32),
                              .select = case_select(SPARSED_MODE_PAPER, 16, 16, 8, 0.5)};
    assert_int_equal(sparsed_schedule_preset(name, skip, entries, steps, NULL), SPARSED_OK);
    const sparsed_schedule schedule = schedule_of(entries, steps);
    sparsed_pipeline *pipeline = new_pipeline(context, &c, &schedule);
    memset(entries, 0xff, sizeof entries); /* they were copied */
    const char *text = ops_of(pipeline, steps);
    sparsed_pipeline_destroy(pipeline);
    return text;
}

static void test_pipeline_op__upstream_dense_steps(void **state) {
    static const uint32_t dense_steps[][2] = {{8, 3},    {32, 8},    {64, 14},   {128, 27},
                                              {256, 53}, {512, 104}, {1024, 206}};
    for (size_t i = 0; i < sizeof dense_steps / sizeof *dense_steps; i++) {
        uint32_t steps = dense_steps[i][0], dense = dense_steps[i][1];
        const char *text = preset_ops(*state, "upstream", 0.2, steps);
        assert_int_equal(strspn(text, "d"), dense - 1);
        assert_int_equal(text[dense - 1], 'D');
        assert_int_equal(strspn(text + dense, "s"), steps - dense);
    }
}

static void test_pipeline_op__presets(void **state) {
    assert_string_equal(preset_ops(*state, "paper", 0.2, 8), "Dsssssss");
    assert_string_equal(preset_ops(*state, "no-dense", 0.2, 8), "Bsssssss");
    assert_string_equal(preset_ops(*state, "rebuild", 0.2, 8), "ddBBBBBB");
    assert_string_equal(preset_ops(*state, "window:2:5", 0.2, 8), "ddBssddd");
    assert_string_equal(preset_ops(*state, "dense", 0.2, 8), "dddddddd");
    assert_string_equal(preset_ops(*state, "warm", 0.3, 8), "ddssssss");
}

/* A build that no later step uses is work for nothing. */
static void test_pipeline_op__build_at_or_past_the_last_step(void **state) {
    assert_string_equal(preset_ops(*state, "upstream", 0.8, 10), "dddddddddd");
    assert_string_equal(preset_ops(*state, "upstream", 1.0, 10), "dddddddddd");
    assert_string_equal(preset_ops(*state, "upstream", 0.2, 2), "dd");
    assert_string_equal(preset_ops(*state, "upstream", 0.7, 10), "ddddddddDs");
}

static void test_pipeline_op__unused_builds(void **state) {
    static const char *const cases[][4] = {
        /* schedule, as it runs, ... if the last pattern is read, ... if all are */
        {"DDs", "dDs", "dDs", "DDs"},
        {"DdB", "ddB", "ddB", "DdB"},
        {"Dd", "dd", "Dd", "Dd"},
        {"DsD", "Dsd", "DsD", "DsD"},
        {"DD", "dd", "dD", "DD"},
        {"DsDdd", "Dsddd", "DsDdd", "DsDdd"},
        {"BB", "BB", "BB", "BB"},
        {"Dds", "Dds", "Dds", "Dds"},
        {"dDdDd", "ddddd", "dddDd", "dDdDd"}};
    static const uint32_t flags[] = {0, SPARSED_SCHEDULE_SAVE, SPARSED_SCHEDULE_EVERY_BUILD,
                                     SPARSED_SCHEDULE_SAVE | SPARSED_SCHEDULE_EVERY_BUILD};
    attention_case c = new_case();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sparsed_schedule_entry entries[8];
        sparsed_schedule schedule = entries_of(cases[i][0], entries);
        for (size_t f = 0; f < sizeof flags / sizeof *flags; f++) {
            schedule.flags = flags[f];
            sparsed_pipeline *pipeline = new_pipeline(*state, &c, &schedule);
            assert_string_equal(ops_of(pipeline, schedule.steps), cases[i][f < 3 ? f + 1 : 3]);
            sparsed_pipeline_destroy(pipeline);
        }
    }
    case_free(&c);
}

/* ---- attention ---- */

static void attend(sparsed_pipeline *pipeline, attention_case *c, uint32_t step, uint32_t layer) {
    memset(c->out.memory, 0xa5, c->out.size_bytes);
    assert_int_equal(sparsed_pipeline_attend(pipeline, step, layer, &c->io), SPARSED_OK);
}

/* Each step gives what the plan's operation gives. */
static void test_pipeline_attend__runs_the_schedule(void **state) {
    attention_case c = new_case();
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "dDsB");
    sparsed_plan *plan = case_plan(&c, *state);
    sparsed_kept *kept = case_kept(plan);
    static const sparsed_op ops[] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_SPARSE,
                                     SPARSED_BUILD_SPARSE};
    for (uint32_t step = 0; step < 4; step++) {
        attention_result expected =
            case_run(&c, plan, ops[step], ops[step] == SPARSED_DENSE ? NULL : kept);
        for (uint32_t layer = 0; layer < LAYERS; layer++) {
            attend(pipeline, &c, step, layer);
            const float *out = (const float *)(void *)c.out.memory;
            for (uint64_t i = 0; i < case_out_count(&c); i++)
                assert_true((double)out[i] == expected.out[i]);
        }
        result_free(&expected);
    }
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

/* Layers keep patterns of their own. */
static void test_pipeline_attend__layers_do_not_mix(void **state) {
    attention_case c = new_case(), d = new_case();
    case_free(&d);
    case_prepare(&d, 99);
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "Ds");
    sparsed_pattern *patterns[LAYERS];
    uint8_t masks[LAYERS][64];
    attend(pipeline, &c, 0, 0);
    attend(pipeline, &d, 0, 1);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        assert_int_equal(sparsed_pipeline_get_pattern(pipeline, layer, &patterns[layer]),
                         SPARSED_OK);
        assert_true(case_block_count(&c) <= sizeof masks[layer]);
        assert_int_equal(sparsed_pattern_to_mask(patterns[layer], masks[layer]), SPARSED_OK);
        sparsed_pattern_release(patterns[layer]);
    }
    assert_memory_not_equal(masks[0], masks[1], case_block_count(&c));
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
    case_free(&d);
}

static void test_pipeline_attend__steps_never_go_back(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "dDssss");
    attend(pipeline, &c, 1, 0);
    attend(pipeline, &c, 1, 0); /* may repeat */
    attend(pipeline, &c, 4, 0); /* and skip */
    assert_context_error(context, sparsed_pipeline_attend(pipeline, 3, 0, &c.io), SPARSED_E_STATE,
                         "layer 0 was at step 4; step 3 goes back");
    attend(pipeline, &c, 0, 1); /* another layer has its own place */
    attend(pipeline, &c, 4, 0);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

/* A call that failed is no step taken. */
static void test_pipeline_attend__failed_step_may_be_repeated(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "dDss");
    sparsed_io bad = c.io;
    bad.q.mem = NULL;
    assert_context_error(context, sparsed_pipeline_attend(pipeline, 1, 0, &bad), SPARSED_E_INVALID,
                         "io.q is NULL");
    attend(pipeline, &c, 0, 0);
    attend(pipeline, &c, 1, 0);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_attend__sparse_without_a_pattern(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "dDss");
    attend(pipeline, &c, 1, 0);
    assert_context_error(context, sparsed_pipeline_attend(pipeline, 2, 1, &c.io), SPARSED_E_STATE,
                         "needs a pattern");
    attend(pipeline, &c, 2, 0);
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&c;
    assert_context_error(context, sparsed_pipeline_get_pattern(pipeline, 1, &pattern),
                         SPARSED_E_STATE, "no pattern");
    assert_null(pattern);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static uint64_t kept_blocks(sparsed_pipeline *pipeline, double *ratio) {
    sparsed_pattern *pattern;
    sparsed_pattern_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pipeline_get_pattern(pipeline, 0, &pattern), SPARSED_OK);
    assert_int_equal(sparsed_pattern_describe(pattern, &info), SPARSED_OK);
    sparsed_pattern_release(pattern);
    *ratio = info.ratio;
    return info.kept_blocks;
}

/* The density changes over the steps: 5 prompt and 2 generation blocks of 8 rows in all. */
static void test_pipeline_attend__ratio_of_each_entry(void **state) {
    attention_case c = new_case();
    sparsed_schedule_entry entries[4];
    const sparsed_schedule schedule = entries_of("BBBs", entries);
    double ratio;
    entries[0].ratio = 1.0;
    entries[1].ratio = 0.6;
    sparsed_pipeline *pipeline = new_pipeline(*state, &c, &schedule);
    attend(pipeline, &c, 0, 0);
    assert_int_equal(kept_blocks(pipeline, &ratio), 8 * 7);
    assert_true(ratio == 1.0);
    attend(pipeline, &c, 1, 0);
    assert_int_equal(kept_blocks(pipeline, &ratio), 8 * (3 + 2));
    assert_true(ratio == 0.6);
    attend(pipeline, &c, 2, 0);
    assert_int_equal(kept_blocks(pipeline, &ratio), 8 * (2 + 1));
    assert_true(ratio == 0.3);
    c.io.ratio = 1.0; /* the caller's, where the entry has none */
    attend(pipeline, &c, 2, 0);
    assert_int_equal(kept_blocks(pipeline, &ratio), 8 * 7);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_set_pattern__across_pipelines(void **state) {
    attention_case c = new_case();
    sparsed_pipeline *from = pipeline_of(*state, &c, "Ds"), *to = pipeline_of(*state, &c, "ss");
    sparsed_pattern *pattern;
    float first[2 * 100 * 16];
    assert_int_equal(case_out_count(&c), sizeof first / sizeof *first);
    attend(from, &c, 0, 0);
    assert_int_equal(sparsed_pipeline_get_pattern(from, 0, &pattern), SPARSED_OK);
    attend(from, &c, 1, 0);
    memcpy(first, c.out.memory, sizeof first);
    sparsed_pipeline_destroy(from);
    assert_int_equal(sparsed_pipeline_set_pattern(to, 1, pattern), SPARSED_OK);
    sparsed_pattern_release(pattern);
    attend(to, &c, 0, 1);
    assert_memory_equal(first, c.out.memory, sizeof first);
    sparsed_pipeline_destroy(to);
    case_free(&c);
}

static void test_pipeline__dense_only(void **state) {
    sparsed_context *context = *state;
    attention_case c = {.desc = case_desc(1, 1, 1, 8, 40)};
    case_prepare(&c, 1);
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "ddd");
    sparsed_pattern *pattern;
    for (uint32_t step = 0; step < 3; step++)
        attend(pipeline, &c, step, 0);
    assert_context_error(context, sparsed_pipeline_get_pattern(pipeline, 0, &pattern),
                         SPARSED_E_STATE, "no selection");
    assert_context_error(context, sparsed_pipeline_set_pattern(pipeline, 0, NULL), SPARSED_E_STATE,
                         "no selection");
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_describe__the_shared_plan(void **state) {
    attention_case c = new_case();
    sparsed_pipeline *pipeline = pipeline_of(*state, &c, "Ds");
    sparsed_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pipeline_describe(pipeline, &info), SPARSED_OK);
    assert_int_equal(info.k_blocks, 7);
    assert_int_equal(info.keep_prompt, 2);
    assert_int_equal(sparsed_pipeline_describe(NULL, &info), SPARSED_E_INVALID);
    info.struct_size = 0;
    assert_context_error(*state, sparsed_pipeline_describe(pipeline, &info), SPARSED_E_INVALID,
                         "info.struct_size is 0");
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

/* ---- refusals ---- */

static void refuse_create(sparsed_context *context, const sparsed_schedule *schedule, bool select,
                          uint32_t layers, const char *named) {
    attention_case c = new_case();
    sparsed_pipeline *pipeline = (sparsed_pipeline *)(void *)&c;
    sparsed_status status = sparsed_pipeline_create(context, &c.desc, select ? &c.select : NULL,
                                                    schedule, layers, &pipeline);
    assert_context_error(context, status, SPARSED_E_INVALID, named);
    assert_null(pipeline);
    case_free(&c);
}

static void test_pipeline_create__refuses_schedules(void **state) {
    sparsed_schedule_entry entries[4];
    const sparsed_schedule good = entries_of("dDss", entries);
    sparsed_schedule s = good;
    refuse_create(*state, NULL, true, 1, "schedule is NULL");
    s.struct_size = 2;
    refuse_create(*state, &s, true, 1, "schedule.struct_size is 2");
    s = good;
    s.flags = 4;
    refuse_create(*state, &s, true, 1, "schedule.flags is 0x4");
    s = good;
    s.reserved = 3;
    refuse_create(*state, &s, true, 1, "schedule.reserved 3");
    s = good;
    s.steps = 0;
    refuse_create(*state, &s, true, 1, "schedule.steps is 0");
    s.steps = (1u << 20) + 1;
    refuse_create(*state, &s, true, 1, "schedule.steps is 1048577");
    s = good;
    s.entries = NULL;
    refuse_create(*state, &s, true, 1, "entries");
    refuse_create(*state, &good, false, 1, "schedule.entries[1].op is 1");
    refuse_create(*state, &good, true, 0, "layers is 0");
    refuse_create(*state, &good, true, 65537, "layers is 65537");
}

static void test_pipeline_create__refuses_entries(void **state) {
    sparsed_schedule_entry entries[4];
    const sparsed_schedule schedule = entries_of("dDss", entries);
    static const double ratios[] = {-0.1, 1.1, (double)NAN, (double)INFINITY};
    entries[2].op = SPARSED_BUILD;
    refuse_create(*state, &schedule, true, 1, "schedule.entries[2].op is 2");
    entries[2].op = 5;
    refuse_create(*state, &schedule, true, 1, "schedule.entries[2].op is 5");
    entries[2] = (sparsed_schedule_entry){.op = SPARSED_SPARSE, .reserved = 4};
    refuse_create(*state, &schedule, true, 1, "schedule.entries[2].reserved is 4");
    entries[2].reserved = 0;
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        entries[1].ratio = ratios[i];
        refuse_create(*state, &schedule, true, 1, "schedule.entries[1].ratio is");
    }
}

static void test_pipeline__refuses_null_and_range(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_schedule_entry entries[4];
    const sparsed_schedule schedule = entries_of("dDss", entries);
    sparsed_pipeline *p = (sparsed_pipeline *)(void *)&c;
    sparsed_pattern *pattern;
    sparsed_op op;
    assert_int_equal(sparsed_pipeline_create(NULL, &c.desc, &c.select, &schedule, 1, &p),
                     SPARSED_E_INVALID);
    assert_null(p);
    assert_context_error(context,
                         sparsed_pipeline_create(context, &c.desc, &c.select, &schedule, 1, NULL),
                         SPARSED_E_INVALID, "pipeline is NULL");
    assert_context_error(context,
                         sparsed_pipeline_create(context, NULL, &c.select, &schedule, 1, &p),
                         SPARSED_E_INVALID, "desc is NULL");
    p = new_pipeline(context, &c, &schedule);
    assert_context_error(context, sparsed_pipeline_attend(p, 4, 0, &c.io), SPARSED_E_INVALID,
                         "step 4 of 4");
    assert_context_error(context, sparsed_pipeline_attend(p, 0, LAYERS, &c.io), SPARSED_E_INVALID,
                         "layer 2 of 2");
    assert_context_error(context, sparsed_pipeline_attend(p, 0, 0, NULL), SPARSED_E_INVALID,
                         "io is NULL");
    assert_context_error(context, sparsed_pipeline_op(p, 4, &op), SPARSED_E_INVALID, "step is 4");
    assert_context_error(context, sparsed_pipeline_op(p, 0, NULL), SPARSED_E_INVALID, "op is NULL");
    assert_context_error(context, sparsed_pipeline_get_pattern(p, LAYERS, &pattern),
                         SPARSED_E_INVALID, "layer is 2");
    assert_context_error(context, sparsed_pipeline_get_pattern(p, 0, NULL), SPARSED_E_INVALID,
                         "pattern is NULL");
    assert_context_error(context, sparsed_pipeline_set_pattern(p, LAYERS, NULL), SPARSED_E_INVALID,
                         "layer is 2");
    assert_context_error(context, sparsed_pipeline_set_pattern(p, 0, NULL), SPARSED_E_INVALID,
                         "pattern is NULL");
    assert_int_equal(sparsed_pipeline_attend(NULL, 0, 0, &c.io), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pipeline_op(NULL, 0, &op), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pipeline_get_pattern(NULL, 0, &pattern), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pipeline_set_pattern(NULL, 0, NULL), SPARSED_E_INVALID);
    sparsed_pipeline_destroy(p);
    sparsed_pipeline_destroy(NULL);
    case_free(&c);
}

/* ---- memory ---- */

static void test_pipeline__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_schedule_entry entries[4];
    const sparsed_schedule schedule = entries_of("dDss", entries);
    attention_case c = new_case();
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    const size_t live = counter.live;
    sparsed_status status = SPARSED_E_NOMEM;
    size_t n = 0;
    for (; status != SPARSED_OK; n++) {
        sparsed_pipeline *pipeline = (sparsed_pipeline *)&counter;
        counter.fail_at = counter.calls + n;
        status = sparsed_pipeline_create(context, &c.desc, &c.select, &schedule, LAYERS, &pipeline);
        if (status != SPARSED_OK) {
            assert_context_error(context, status, SPARSED_E_NOMEM, "no memory for");
            assert_null(pipeline);
        }
        sparsed_pipeline_destroy(pipeline);
        assert_int_equal(counter.live, live);
    }
    assert_true(n > 10);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    case_free(&c);
}

static void test_pipeline_attend__allocates_nothing(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    attention_case c = new_case();
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "dDsBs");
    const size_t calls = counter.calls;
    for (uint32_t step = 0; step < 5; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            attend(pipeline, &c, step, layer);
    assert_int_equal(counter.calls, calls);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_op__upstream_dense_steps),
        cmocka_unit_test(test_pipeline_op__presets),
        cmocka_unit_test(test_pipeline_op__build_at_or_past_the_last_step),
        cmocka_unit_test(test_pipeline_op__unused_builds),
        cmocka_unit_test(test_pipeline_attend__runs_the_schedule),
        cmocka_unit_test(test_pipeline_attend__layers_do_not_mix),
        cmocka_unit_test(test_pipeline_attend__steps_never_go_back),
        cmocka_unit_test(test_pipeline_attend__failed_step_may_be_repeated),
        cmocka_unit_test(test_pipeline_attend__sparse_without_a_pattern),
        cmocka_unit_test(test_pipeline_attend__ratio_of_each_entry),
        cmocka_unit_test(test_pipeline_set_pattern__across_pipelines),
        cmocka_unit_test(test_pipeline__dense_only),
        cmocka_unit_test(test_pipeline_describe__the_shared_plan),
        cmocka_unit_test(test_pipeline_create__refuses_schedules),
        cmocka_unit_test(test_pipeline_create__refuses_entries),
        cmocka_unit_test(test_pipeline__refuses_null_and_range),
        cmocka_unit_test(test_pipeline__every_failing_allocation),
        cmocka_unit_test(test_pipeline_attend__allocates_nothing),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
