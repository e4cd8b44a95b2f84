/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Plans: description, refusals of create and run, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/plan.h"
#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"
#include "support/kernel_rows.h"

static attention_case new_case(void) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 30, 0.3)};
    case_prepare(&c, 1);
    return c;
}

/* ---- create and describe ---- */

static void test_plan_describe__numbers_in_force(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    assert_int_equal(info.threads, 2);
    assert_true(strncmp(info.kernel, "cpu-", 4) == 0);
    assert_int_equal(info.q_blocks, 4);
    assert_int_equal(info.k_blocks, 7);
    assert_int_equal(info.kept_bytes, 2 * 4 * 8);
    assert_int_equal(info.split, 5); /* 100 - 80 <= 30 */
    assert_int_equal(info.keep_prompt, 3);
    assert_int_equal(info.keep_generation, 1);
    assert_true(info.scale == 0.25 && info.score_scale == 0.25);
    assert_true(info.scratch_bytes > 0);
    sparsed_plan_destroy(plan);
    c.select.mode = 0;
    plan = case_plan(&c, context);
    info = (sparsed_plan_info){.struct_size = sizeof info};
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    assert_int_equal(info.k_blocks, 0);
    assert_int_equal(info.kept_bytes, 0);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_plan_describe__fixed_modes_have_no_budget(void **state) {
    attention_case c = {.desc = case_desc(1, 1, 1, 8, 64),
                        .select = case_select(SPARSED_MODE_WINDOW, 16, 16, 0, 0.0)};
    case_prepare(&c, 1);
    sparsed_plan *plan = case_plan(&c, *state);
    sparsed_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    assert_int_equal(info.keep_prompt, 0);
    assert_int_equal(info.keep_generation, 0);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* Scratch is tiles and (block_q + 1) x nk floats a thread, never a score matrix. */
static void test_plan_describe__scratch_is_bounded(void **state) {
    (void)state;
    sparsed_context *context = open_context(NULL, 4);
    const uint64_t len = 65536;
    const sparsed_desc desc = case_desc(1, 32, 32, 128, len);
    const sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_LLADA, 128, 32, 512, 0.3);
    sparsed_plan_info info = {.struct_size = sizeof info};
    sparsed_plan *plan;
    assert_int_equal(sparsed_plan_create(context, &desc, &select, &plan), SPARSED_OK);
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    const uint64_t nk = len / 32, tiles = 128 * (5 * 128 + 16) * sizeof(float);
    const uint64_t parts = 128 * 128 * (128 + 2) * sizeof(float); /* of runs with few query rows */
    print_message("scratch of 64 Ki rows on 4 threads: %llu KiB\n",
                  (unsigned long long)(info.scratch_bytes / 1024));
    assert_true(info.scratch_bytes <= parts + 4 * (tiles + nk * (128 + 32 + 16) * sizeof(float)));
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
}

static void test_plan_create__refuses(void **state) {
    sparsed_context *context = *state;
    const sparsed_desc desc = case_desc(1, 2, 1, 16, 100);
    sparsed_select select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3);
    sparsed_plan *plan = (sparsed_plan *)(void *)&plan;
    sparsed_plan_info info = {.struct_size = 1};
    assert_int_equal(sparsed_plan_create(NULL, &desc, &select, &plan), SPARSED_E_INVALID);
    assert_null(plan);
    assert_context_error(context, sparsed_plan_create(context, &desc, &select, NULL),
                         SPARSED_E_INVALID, "plan is NULL");
    assert_context_error(context, sparsed_plan_create(context, NULL, &select, &plan),
                         SPARSED_E_INVALID, "desc is NULL");
    assert_null(plan);
    select.ratio = 0.0;
    plan = (sparsed_plan *)(void *)&plan;
    assert_context_error(context, sparsed_plan_create(context, &desc, &select, &plan),
                         SPARSED_E_INVALID, "select.ratio is 0");
    assert_null(plan);
    assert_int_equal(sparsed_plan_create(context, &desc, NULL, &plan), SPARSED_OK);
    assert_context_error(context, sparsed_plan_describe(plan, &info), SPARSED_E_INVALID,
                         "info.struct_size is 1");
    assert_context_error(context, sparsed_plan_describe(plan, NULL), SPARSED_E_INVALID,
                         "info is NULL");
    assert_int_equal(sparsed_plan_describe(NULL, &info), SPARSED_E_INVALID);
    sparsed_plan_destroy(plan);
    sparsed_plan_destroy(NULL);
}

static void test_plan_create__pinned_kernel_runs(void **state) {
    (void)state;
    attention_case c = new_case();
    sparsed_context *context = open_context("cpu-plain", 1);
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_plan_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_plan_describe(plan, &info), SPARSED_OK);
    assert_string_equal(info.kernel, "cpu-plain");
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    case_free(&c);
}

/* ---- run ---- */

static void test_plan_run__refuses_missing_buffers(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    static const char *const named[] = {"io.q is NULL", "io.k is NULL", "io.v is NULL",
                                        "io.out is NULL"};
    for (int i = 0; i < 4; i++) {
        sparsed_io io = c.io;
        sparsed_buffer *buffers[] = {&io.q, &io.k, &io.v, &io.out};
        buffers[i]->mem = NULL;
        assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE_BUILD, &io, kept),
                             SPARSED_E_INVALID, named[i]);
    }
    sparsed_io io = c.io;
    io.v.mem = io.out.mem = io.lse.mem = io.scores.mem = NULL; /* a build needs none of them */
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &io, kept), SPARSED_OK);
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD_SPARSE, &io, kept),
                         SPARSED_E_INVALID, "io.v is NULL");
    io = c.io;
    io.lse.mem = io.scores.mem = NULL;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD_SPARSE, &io, kept), SPARSED_OK);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_plan_run__refuses_arguments(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    sparsed_io io = c.io;
    assert_int_equal(sparsed_plan_run(NULL, SPARSED_DENSE, &io, NULL), SPARSED_E_INVALID);
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, NULL, NULL),
                         SPARSED_E_INVALID, "io is NULL");
    assert_context_error(context, sparsed_plan_run(plan, (sparsed_op)5, &io, kept),
                         SPARSED_E_INVALID, "op is 5");
    assert_context_error(context, sparsed_plan_run(plan, (sparsed_op)-1, &io, kept),
                         SPARSED_E_INVALID, "op is -1");
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, &io, kept),
                         SPARSED_E_INVALID, "kept");
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD, &io, NULL),
                         SPARSED_E_INVALID, "kept is NULL");
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &io, NULL),
                         SPARSED_E_INVALID, "kept is NULL");
    io.flags = 1;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, &io, NULL),
                         SPARSED_E_INVALID, "io.flags is 0x1");
    io = c.io;
    io.ratio = 2.0;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD, &io, kept),
                         SPARSED_E_INVALID, "io.ratio is 2");
    io = c.io;
    io.struct_size = 0;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, &io, NULL),
                         SPARSED_E_INVALID, "io.struct_size is 0");
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static void test_plan_run__order_of_calls(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan), *none = (sparsed_kept *)(void *)&none;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &c.io, kept),
                         SPARSED_E_STATE, "needs a pattern");
    sparsed_plan *dense;
    assert_int_equal(sparsed_plan_create(context, &c.desc, NULL, &dense), SPARSED_OK);
    assert_context_error(context, sparsed_plan_run(dense, SPARSED_BUILD, &c.io, kept),
                         SPARSED_E_STATE, "no selection");
    assert_context_error(context, sparsed_plan_run(dense, SPARSED_SPARSE, &c.io, kept),
                         SPARSED_E_STATE, "no selection");
    assert_context_error(context, sparsed_kept_create(dense, &none), SPARSED_E_STATE,
                         "plan with a selection");
    assert_null(none);
    sparsed_plan_destroy(dense);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

static sparsed_plan *plan_of(sparsed_context *context, const sparsed_desc *desc,
                             const sparsed_select *select) {
    sparsed_plan *plan;
    if (sparsed_plan_create(context, desc, select, &plan) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return plan;
}

static void test_plan_run__kept_of_another_plan(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    for (int i = 0; i < 5; i++) {
        sparsed_desc desc = c.desc;
        sparsed_select select = c.select;
        desc.batch += i == 0;
        desc.heads *= i == 1 ? 2 : 1;
        desc.q_len = desc.kv_len += i == 2 ? 40 : 0;
        select.block_q = i == 3 ? 64 : 32;
        select.block_k = i == 4 ? 32 : 16;
        sparsed_plan *other = plan_of(context, &desc, &select);
        sparsed_kept *kept = case_kept(other);
        assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept),
                             SPARSED_E_MISMATCH, "another plan");
        sparsed_kept_destroy(kept);
        sparsed_plan_destroy(other);
    }
    sparsed_context *elsewhere = open_context(NULL, 1);
    sparsed_plan *far = case_plan(&c, elsewhere);
    sparsed_kept *kept = case_kept(far);
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept),
                         SPARSED_E_MISMATCH, "another plan");
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(far);
    sparsed_context_destroy(elsewhere);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* Kept blocks are tied to the lengths that they were built for. */
static void test_plan_run__kept_of_other_lengths(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    sparsed_io io = c.io;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &io, kept), SPARSED_OK);
    io.q_len = 99;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept),
                         SPARSED_E_MISMATCH, "q_len is 100, the problem's is 99");
    io.kv_len = 99;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &io, kept), SPARSED_OK);
    assert_int_equal(sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept), SPARSED_OK);
    io.kv_len = 100;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept),
                         SPARSED_E_MISMATCH, "kv_len is 99, the problem's is 100");
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* A fixed mode's blocks stand for an exact window: no other mode may take them for whole blocks,
 * nor another window for its own. */
static void test_plan_run__kept_of_another_mode(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_select window = c.select, streaming = c.select;
    window.mode = SPARSED_MODE_WINDOW;
    window.window = 20;
    streaming.mode = SPARSED_MODE_STREAMING;
    streaming.window = 20;
    streaming.sinks = 4;
    sparsed_select wider = window, deeper = streaming;
    wider.window = 21;
    deeper.sinks = 5;
    const sparsed_select selects[] = {c.select, window, streaming, wider, deeper};
    sparsed_plan *plans[5];
    for (int i = 0; i < 5; i++)
        plans[i] = plan_of(context, &c.desc, &selects[i]);
    sparsed_kept *kept = case_kept(plans[0]);
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++) {
            assert_int_equal(sparsed_plan_run(plans[from], SPARSED_BUILD, &c.io, kept), SPARSED_OK);
            assert_int_equal(sparsed_plan_run(plans[to], SPARSED_SPARSE, &c.io, kept),
                             from == to ? SPARSED_OK : SPARSED_E_MISMATCH);
        }
    sparsed_kept_destroy(kept);
    for (int i = 0; i < 5; i++)
        sparsed_plan_destroy(plans[i]);
    case_free(&c);
}

/* Modes that rank blocks may run each other's kept blocks: those mean the same. */
static void test_plan_run__kept_of_another_ranking(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_select joint = c.select;
    joint.mode = SPARSED_MODE_JOINT;
    sparsed_plan *plan = case_plan(&c, context), *other = plan_of(context, &c.desc, &joint);
    sparsed_kept *kept = case_kept(plan);
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept), SPARSED_OK);
    assert_int_equal(sparsed_plan_run(other, SPARSED_SPARSE, &c.io, kept), SPARSED_OK);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(other);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* A caller of an older library has no ratio in its io; a newer one has fields after it. */
static void test_plan_run__io_of_other_versions(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    struct {
        sparsed_io io;
        uint64_t unknown;
    } newer = {c.io, 0};
    sparsed_io older = c.io;
    older.struct_size = offsetof(sparsed_io, ratio);
    older.ratio = -1.0; /* not read */
    assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, &older, NULL), SPARSED_OK);
    newer.io.struct_size = sizeof newer;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, &newer.io, NULL), SPARSED_OK);
    newer.unknown = 1;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_DENSE, &newer.io, NULL),
                         SPARSED_E_INVALID, "io has a field");
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* ---- failing device ---- */

static bool launch_fails, device_lost;

static sparsed_status enqueue_or_fail(void *state, void *kernel, const spd_launch *launch,
                                      sparsed_message *message) {
    if (launch_fails)
        return spd_fail(message, SPARSED_E_DEVICE, "the launch failed");
    return spd_cpu_backend.enqueue(state, kernel, launch, message);
}

static sparsed_status health_or_lost(void *state, sparsed_message *message) {
    (void)state;
    return device_lost ? spd_fail(message, SPARSED_E_DEVICE, "the device is lost") : SPARSED_OK;
}

/* A build that failed leaves no pattern, not even the one before it. */
static void test_plan_run__device_failure_leaves_no_pattern(void **state) {
    (void)state;
    spd_backend backend = spd_cpu_backend;
    backend.enqueue = enqueue_or_fail;
    backend.health = health_or_lost;
    sparsed_context *context = open_context(NULL, 1);
    context->backend = &backend;
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept), SPARSED_OK);
    device_lost = true;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &c.io, kept),
                         SPARSED_E_DEVICE, "the device is lost");
    device_lost = false;
    assert_int_equal(sparsed_plan_run(plan, SPARSED_SPARSE, &c.io, kept), SPARSED_OK);
    launch_fails = true;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_BUILD, &c.io, kept),
                         SPARSED_E_DEVICE, "the launch failed");
    launch_fails = false;
    assert_context_error(context, sparsed_plan_run(plan, SPARSED_SPARSE, &c.io, kept),
                         SPARSED_E_STATE, "needs a pattern");
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
    sparsed_context_destroy(context);
}

/* ---- memory ---- */

static sparsed_context *counted_context(counting_allocator *counter, sparsed_allocator *allocator) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    *allocator = counting_allocator_use(counter);
    options.allocator = allocator;
    options.threads = 2;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    return context;
}

static void test_plan_run__allocates_nothing(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    sparsed_allocator allocator;
    sparsed_context *context = counted_context(&counter, &allocator);
    attention_case c = new_case();
    sparsed_plan *plan = case_plan(&c, context);
    sparsed_kept *kept = case_kept(plan);
    const size_t calls = counter.calls;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, &c.io, NULL), SPARSED_OK);
        assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE_BUILD, &c.io, kept), SPARSED_OK);
        assert_int_equal(sparsed_plan_run(plan, SPARSED_BUILD_SPARSE, &c.io, kept), SPARSED_OK);
        assert_int_equal(sparsed_plan_run(plan, SPARSED_SPARSE, &c.io, kept), SPARSED_OK);
    }
    assert_int_equal(counter.calls, calls);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    case_free(&c);
}

/* Once with the self-test, once with its verdict known. */
static void check_failing_create(counting_allocator *counter, sparsed_context *context) {
    const sparsed_desc desc = case_desc(1, 2, 1, 16, 100);
    const sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 16, 30, 0.3);
    const size_t live = counter->live;
    for (size_t n = 0;; n++) {
        sparsed_plan *plan = (sparsed_plan *)counter;
        counter->fail_at = counter->calls + n;
        sparsed_status status = sparsed_plan_create(context, &desc, &select, &plan);
        if (status == SPARSED_OK) {
            assert_true(n >= 3);
            sparsed_plan_destroy(plan);
            assert_int_equal(counter->live, live);
            break;
        }
        assert_context_error(context, status, SPARSED_E_NOMEM, "no memory for");
        assert_null(plan);
        assert_int_equal(counter->live, live);
    }
    counter->fail_at = SIZE_MAX;
}

static void test_plan_create__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    sparsed_allocator allocator;
    sparsed_context *context = counted_context(&counter, &allocator);
    check_failing_create(&counter, context);
    check_failing_create(&counter, context);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
}

/* Scratch that no machine has: an error, not a small allocation. */
static void test_plan_create__scratch_out_of_memory(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    sparsed_allocator allocator;
    sparsed_context *context = counted_context(&counter, &allocator);
    const sparsed_desc desc = case_desc(1, 1, 1, 8, 2147483647);
    const sparsed_select select = case_select(SPARSED_MODE_PAPER, 128, 16, 0, 0.3);
    sparsed_plan *plan = (sparsed_plan *)(void *)&counter;
    counter.limit_bytes = (size_t)1 << 28;
    assert_context_error(context, sparsed_plan_create(context, &desc, &select, &plan),
                         SPARSED_E_NOMEM, "scratch");
    assert_null(plan);
    assert_true(counter.largest_bytes > (size_t)1 << 36);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_describe__numbers_in_force),
        cmocka_unit_test(test_plan_describe__fixed_modes_have_no_budget),
        cmocka_unit_test(test_plan_describe__scratch_is_bounded),
        cmocka_unit_test(test_plan_create__refuses),
        cmocka_unit_test(test_plan_create__pinned_kernel_runs),
        cmocka_unit_test(test_plan_run__refuses_missing_buffers),
        cmocka_unit_test(test_plan_run__refuses_arguments),
        cmocka_unit_test(test_plan_run__order_of_calls),
        cmocka_unit_test(test_plan_run__kept_of_another_plan),
        cmocka_unit_test(test_plan_run__kept_of_other_lengths),
        cmocka_unit_test(test_plan_run__kept_of_another_mode),
        cmocka_unit_test(test_plan_run__kept_of_another_ranking),
        cmocka_unit_test(test_plan_run__io_of_other_versions),
        cmocka_unit_test(test_plan_run__device_failure_leaves_no_pattern),
        cmocka_unit_test(test_plan_run__allocates_nothing),
        cmocka_unit_test(test_plan_create__every_failing_allocation),
        cmocka_unit_test(test_plan_create__scratch_out_of_memory),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
