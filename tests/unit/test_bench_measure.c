/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What is timed: every pass, in rounds, on the device that is asked for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/measure.h"
#include "bench/need.h"
#include "bench/peak.h"
#include "bench/schedule_run.h"

static void assert_near(double is, double should) {
    if (!(fabs(is - should) <= 1e-9 * (1.0 + fabs(should))))
        fail_msg("%.12g, not %.12g", is, should);
}

/* On the device that the environment names, as any subcommand. */
static bench_device open_device(bool host_tensors) {
    const device_options options = {.device = NULL};
    bench_device device;
    tool_error error;
    if (!bench_device_open(&options, host_tensors, &device, &error))
        fail_msg("%s", error.text);
    return device;
}

static bench_request small_request(const sparsed_select *selects, size_t count) {
    return (bench_request){.desc = {.struct_size = sizeof(sparsed_desc),
                                    .dtype = SPARSED_F32,
                                    .batch = 1,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .head_dim = 64,
                                    .q_len = 192,
                                    .kv_len = 192},
                           .selects = selects,
                           .count = count,
                           .rounds = 5,
                           .warm_up = 1,
                           .seconds = 1e9};
}

static sparsed_select select_of(uint32_t block_q, uint32_t block_k, double ratio) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.block_q = block_q;
    select.block_k = block_k;
    select.ratio = ratio;
    select.gen_len = 12;
    return select;
}

static void check_pass(const bench_pass *pass, size_t rounds) {
    assert_int_equal(pass->ms.count, rounds);
    assert_true(pass->ms.least > 0.0 && pass->ms.least <= pass->ms.median);
    assert_true(pass->ms.median <= pass->ms.most && pass->ms.spread >= 0.0);
    assert_true(pass->of_dense > 0.0 && isfinite(pass->of_dense));
}

static void test_bench_measure__times_every_pass(void **state) {
    const sparsed_select selects[] = {select_of(32, 32, 0.5), select_of(64, 16, 1.0)};
    bench_measured m;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    const bench_request request = small_request(selects, 2);
    if (!bench_measure(&device, &request, &m, &error))
        fail_msg("%s", error.text);
    assert_int_equal(m.count, 2);
    check_pass(&m.dense, 5);
    assert_near(m.dense.of_dense, 1.0);
    for (size_t i = 0; i < m.count; i++) {
        check_pass(&m.selected[i].dense_build, 5);
        check_pass(&m.selected[i].build, 5);
        check_pass(&m.selected[i].sparse, 5);
        assert_int_equal(m.selected[i].select.block_q, selects[i].block_q);
        assert_true(m.selected[i].info.kernel[0] != '\0');
    }
    assert_true(m.selected[0].density > 0.4 && m.selected[0].density < 0.8);
    assert_near(m.selected[1].density, 1.0);
    assert_int_equal(m.tensor_bytes, 4 * 64 * 192 * (4 + 4 + 2 + 2));
    assert_true(m.conditions.speed_gap >= 0.0);
    bench_measured_free(&m);
    bench_device_close(&device);
}

#ifdef TEST_WRAPPED
/* ---- the order ---- */

static sparsed_op ran[64];
static size_t ran_count;

bool __real_bench_layer_run(const bench_device *device, const bench_layer *layer,
                            const bench_tensors *tensors, sparsed_op op, double *ms,
                            tool_error *error);
bool __wrap_bench_layer_run(const bench_device *device, const bench_layer *layer,
                            const bench_tensors *tensors, sparsed_op op, double *ms,
                            tool_error *error);

/* The linker puts it before the tool's own. */
bool __wrap_bench_layer_run(const bench_device *device, const bench_layer *layer,
                            const bench_tensors *tensors, sparsed_op op, double *ms,
                            tool_error *error) {
    if (ran_count < sizeof ran / sizeof *ran)
        ran[ran_count++] = op;
    return __real_bench_layer_run(device, layer, tensors, op, ms, error);
}

/* No pass always follows the same one; warm-ups go forwards, for a sparse pass needs a build. */
static void test_bench_measure__every_second_round_goes_backwards(void **state) {
    static const sparsed_op forwards[] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                          SPARSED_SPARSE};
    static const bool backwards[] = {false, false, false, true, false, true};
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_measured m;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    bench_request request = small_request(&select, 1);
    request.warm_up = 2;
    request.rounds = 4;
    ran_count = 0;
    if (!bench_measure(&device, &request, &m, &error))
        fail_msg("%s", error.text);
    assert_int_equal(ran_count, 6 * 4);
    for (size_t i = 0; i < ran_count; i++)
        assert_int_equal(ran[i], forwards[backwards[i / 4] ? 3 - i % 4 : i % 4]);
    bench_measured_free(&m);
    bench_device_close(&device);
}
#endif

static void test_bench_measure__a_random_pattern_has_the_ratio_s_density(void **state) {
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_measured m;
    tool_error error;
    (void)state;
    bench_device device = open_device(true);
    bench_request request = small_request(&select, 1);
    request.pattern = BENCH_RANDOM;
    assert_true(bench_measure(&device, &request, &m, &error));
    assert_near(m.selected[0].density, 0.5); /* 3 of 6 key blocks */
    bench_measured_free(&m);
    bench_device_close(&device);
}

static void test_bench_measure__time_ends_the_rounds_after_the_third(void **state) {
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_measured m;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    bench_request request = small_request(&select, 1);
    request.seconds = 0.0;
    assert_true(bench_measure(&device, &request, &m, &error));
    assert_int_equal(m.dense.ms.count, 3);
    bench_measured_free(&m);
    bench_device_close(&device);
}

static void test_bench_measure__a_problem_that_is_none_is_refused(void **state) {
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_measured m;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    bench_request request = small_request(&select, 1);
    request.desc.head_dim = 7;
    assert_false(bench_measure(&device, &request, &m, &error));
    assert_non_null(strstr(error.text, "head_dim"));
    assert_null(m.selected);
    bench_device_close(&device);
}

static void test_bench_operations__count_pairs(void **state) {
    const sparsed_desc desc = {
        .batch = 1, .heads = 2, .kv_heads = 1, .head_dim = 8, .q_len = 10, .kv_len = 20};
    (void)state;
    assert_near(bench_operations(&desc, SPARSED_DENSE, 0.25), 2 * 10 * 20 * 8 * 4.0);
    assert_near(bench_operations(&desc, SPARSED_DENSE_BUILD, 0.25), 2 * 10 * 20 * 8 * 4.0);
    assert_near(bench_operations(&desc, SPARSED_BUILD, 0.25), 2 * 10 * 20 * 8 * 2.0);
    assert_near(bench_operations(&desc, SPARSED_SPARSE, 0.25), 2 * 10 * 20 * 8 * 1.0);
}

static void test_bench_peak__of_the_kernel_that_runs(void **state) {
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_peak_rate peak;
    bench_layer layer;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    const bench_request request = small_request(&select, 1);
    assert_true(bench_layer_open(&device, &request.desc, &select, &layer, &error));
    assert_int_equal(bench_kept_bytes(&request.desc, &select), layer.info.kept_bytes);
    if (!bench_peak(&device, layer.info.kernel, SPARSED_F32, layer.info.threads, &peak, &error))
        fail_msg("%s", error.text);
    assert_true(peak.flops > 0.0 || strncmp(peak.how, "not measured", 12) == 0);
    assert_true(peak.how[0] != '\0');
    bench_layer_close(&layer);
    bench_device_close(&device);
}

static void test_bench_level_rate__of_no_level_is_0(void **state) {
    (void)state;
    assert_true(bench_level_rate("cl-generic", 1) == 0.0);
    assert_true(bench_level_rate("cpu-sideways", 1) == 0.0);
    assert_true(bench_level_rate("cpu-plain", 2) > 0.0);
}

static void test_bench_run_schedule__runs_the_steps_it_counts(void **state) {
    bench_schedule_run run;
    tool_error error;
    (void)state;
    bench_device device = open_device(false);
    const sparsed_select select = select_of(32, 32, 0.5);
    bench_schedule_request request = {.desc = small_request(&select, 1).desc,
                                      .select = select,
                                      .schedule = "upstream",
                                      .skip = 0.2,
                                      .steps = 10,
                                      .layers = 2,
                                      .limit = UINT64_MAX};
    if (!bench_run_schedule(&device, &request, &run, &error))
        fail_msg("%s", error.text);
    assert_int_equal(run.kinds[SPARSED_DENSE].run, 3);
    assert_int_equal(run.kinds[SPARSED_DENSE_BUILD].run, 1);
    assert_int_equal(run.kinds[SPARSED_SPARSE].run, 6);
    assert_true(run.whole_ms > 0.0 && run.wall_ms >= run.whole_ms * 0.999);
    assert_true(run.patterns_bytes > 0);
    request.limit = 2;
    assert_true(bench_run_schedule(&device, &request, &run, &error));
    assert_int_equal(run.kinds[SPARSED_SPARSE].run, 2);
    assert_int_equal(run.kinds[SPARSED_SPARSE].steps, 6);
    bench_device_close(&device);
}

/* 192 rows of 64 floats: q and out of 4 heads, k and v of 2, and as much as q besides. */
static void test_bench_check_need__against_what_is_left(void **state) {
    const sparsed_desc desc = small_request(NULL, 0).desc;
    const uint64_t tensors = (uint64_t)192 * 64 * 4 * (4 + 4 + 2 + 2 + 4);
    sparsed_desc endless = desc;
    tool_error error;
    (void)state;
    assert_true(bench_check_need(&desc, 0, 0, tensors, &error));
    assert_true(bench_check_need(&desc, 600, 400, tensors + 1000, &error));
    assert_true(bench_check_need(&desc, 600, 400, UINT64_MAX, &error));
    assert_false(bench_check_need(&desc, 0, 0, tensors / 2, &error));
    assert_non_null(strstr(
        error.text, "768.0 KiB for q, k, v, out and a copy of one, and 384.0 KiB of memory"));
    assert_false(bench_check_need(&desc, 600, 400, tensors + 999, &error));
    assert_non_null(
        strstr(error.text, "a copy of one, 1000 B for scratch memory and kept blocks)"));
    assert_false(bench_check_need(&desc, 0, 400, tensors, &error));
    assert_non_null(strstr(error.text, "a copy of one, 400 B for kept blocks)"));
    assert_false(bench_check_need(&desc, 0, UINT64_MAX, UINT64_MAX, &error));
    assert_false(bench_check_need(&desc, 1, UINT64_MAX, UINT64_MAX, &error));
    endless.kv_len = UINT64_MAX / 2;
    assert_false(bench_check_need(&endless, 0, 0, UINT64_MAX, &error));
}

/* What is needed never looks like what is left. */
static void test_bench_check_need__tells_the_two_apart(void **state) {
    const sparsed_desc desc = small_request(NULL, 0).desc;
    const uint64_t tensors = (uint64_t)192 * 64 * 4 * (4 + 4 + 2 + 2 + 4);
    tool_error error;
    (void)state;
    assert_false(bench_check_need(&desc, 0, 0, tensors - 1, &error));
    assert_non_null(strstr(error.text, "needs 768.000 KiB for"));
    assert_non_null(strstr(error.text, ", and 767.999 KiB of memory are left"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_measure__times_every_pass),
#ifdef TEST_WRAPPED
        cmocka_unit_test(test_bench_measure__every_second_round_goes_backwards),
#endif
        cmocka_unit_test(test_bench_measure__a_random_pattern_has_the_ratio_s_density),
        cmocka_unit_test(test_bench_measure__time_ends_the_rounds_after_the_third),
        cmocka_unit_test(test_bench_measure__a_problem_that_is_none_is_refused),
        cmocka_unit_test(test_bench_operations__count_pairs),
        cmocka_unit_test(test_bench_peak__of_the_kernel_that_runs),
        cmocka_unit_test(test_bench_level_rate__of_no_level_is_0),
        cmocka_unit_test(test_bench_check_need__against_what_is_left),
        cmocka_unit_test(test_bench_check_need__tells_the_two_apart),
        cmocka_unit_test(test_bench_run_schedule__runs_the_steps_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
