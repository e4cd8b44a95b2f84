/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a schedule takes, composed of its passes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/schedule_cost.h"

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-9 * (1.0 + fabs(should))))
        fail_msg("%.12g, not %.12g", is, should);
}

static bench_step_counts count(const char *schedule, double skip, uint32_t steps) {
    bench_step_counts counts;
    tool_error error;
    if (!bench_count_steps(schedule, skip, steps, &counts, &error))
        fail_msg("%s", error.text);
    assert_int_equal(bench_all_steps(&counts), steps);
    return counts;
}

static void assert_counts(const char *schedule, double skip, uint32_t steps, uint64_t dense,
                          uint64_t dense_build, uint64_t sparse, uint64_t build_sparse) {
    const bench_step_counts c = count(schedule, skip, steps);
    assert_int_equal(c.steps[SPARSED_DENSE], dense);
    assert_int_equal(c.steps[SPARSED_DENSE_BUILD], dense_build);
    assert_int_equal(c.steps[SPARSED_SPARSE], sparse);
    assert_int_equal(c.steps[SPARSED_BUILD_SPARSE], build_sparse);
    assert_int_equal(c.steps[SPARSED_BUILD], 0);
}

static void test_bench_count_steps__as_a_pipeline_runs_them(void **state) {
    (void)state;
    assert_counts("upstream", 0.2, 128, 26, 1, 101, 0);
    assert_counts("upstream", 1.0, 8, 8, 0, 0, 0);
    assert_counts("upstream", 0.0, 2, 2, 0, 0, 0); /* a build that nothing uses is dense */
    assert_counts("no-dense", 0.2, 10, 0, 0, 9, 1);
    assert_counts("dense", 0.2, 10, 10, 0, 0, 0);
}

static void test_bench_count_steps__names_what_is_wrong(void **state) {
    bench_step_counts counts;
    tool_error error;
    (void)state;
    assert_false(bench_count_steps("sideways", 0.2, 8, &counts, &error));
    assert_true(error.usage);
    assert_non_null(strstr(error.text, "sideways"));
}

static const bench_pass_times times = {
    .dense = 10.0, .dense_build = 11.0, .build = 5.0, .sparse = 3.0};

static void test_bench_schedule_ms__adds_up_the_steps(void **state) {
    (void)state;
    const bench_step_counts c = {{[SPARSED_DENSE] = 2,
                                  [SPARSED_DENSE_BUILD] = 1,
                                  [SPARSED_SPARSE] = 4,
                                  [SPARSED_BUILD_SPARSE] = 3}};
    assert_near(bench_schedule_ms(&c, &times), 20.0 + 11.0 + 12.0 + 24.0);
}

static void test_bench_model_gain__between_the_attention_s_and_none(void **state) {
    (void)state;
    const bench_step_counts c = count("upstream", 0.2, 128);
    const double attention = 128.0 * times.dense / bench_schedule_ms(&c, &times);
    assert_near(bench_model_gain(&c, &times, 0.0), attention);
    assert_true(bench_model_gain(&c, &times, 1.0) < attention);
    assert_true(bench_model_gain(&c, &times, 1e9) < 1.0 + 1e-6);
    /* 10 ms of rest: (10 + 10) * 128 over the schedule's attention and as much rest. */
    assert_near(bench_model_gain(&c, &times, 10.0),
                128.0 * 20.0 / (bench_schedule_ms(&c, &times) + 1280.0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_count_steps__as_a_pipeline_runs_them),
        cmocka_unit_test(test_bench_count_steps__names_what_is_wrong),
        cmocka_unit_test(test_bench_schedule_ms__adds_up_the_steps),
        cmocka_unit_test(test_bench_model_gain__between_the_attention_s_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
