/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Units whose key blocks several work-groups share, on a simulated driver of NVIDIA's: every operation held
 * to the oracle, on devices of various numbers of compute units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cl/kernel.h"
#include "src/context.h"
#include "support/kernel_check.h"
#include "support/use_failing_opencl.h"

enum { DIM = 64, HOPPER = 90 };

/* The functions of the table have no argument of their own. */
static struct recorder {
    spd_cl_api original;
    unsigned shared; /* launches with shares */
} recorder;

static cl_int CL_API_CALL note_arg(cl_kernel kernel, cl_uint index, size_t size,
                                   const void *value) {
    spd_cl_args args;
    if (size == sizeof args) {
        memcpy(&args, value, size);
        recorder.shared += args.unit_shares > 1;
    }
    return recorder.original.SetKernelArg(kernel, index, size, value);
}

static int setup(void **state) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context = NULL;
    const failing_opencl_control *failing = use_failing_opencl(FAILING_OPENCL);
    failing->reset();
    failing->be_nvidia(HOPPER, false);
    options.device = "opencl";
    options.kernel = "cl-nv-wgmma";
    if (sparsed_context_create(&options, &context, NULL) == SPARSED_OK) {
        spd_cl_state *device = context->state;
        recorder = (struct recorder){.original = device->api};
        device->api.SetKernelArg = note_arg;
    }
    *state = context;
    return 0;
}

static int teardown(void **state) {
    sparsed_context_destroy(*state);
    unsetenv("SPARSED_OPENCL_LIBRARY");
    return 0;
}

/* Every operation on a device of so many compute units; whether some launch had shares. */
static bool check_on(void **state, attention_case *c, uint32_t compute_units) {
    sparsed_context *context = *state;
    check_errors errors = {.cases = 0};
    if (!context)
        need_opencl_device();
    spd_cl_state *device = context->state;
    device->info.compute_units = compute_units;
    recorder.shared = 0;
    check_new_case(c, context, 7 + compute_units, &errors);
    return recorder.shared > 0;
}

static attention_case case_of(uint32_t heads, uint32_t kv_heads, uint64_t len, uint32_t block_q,
                              uint32_t block_k) {
    attention_case c = {.desc = case_desc(1, heads, kv_heads, DIM, len)};
    c.desc.dtype = SPARSED_BF16;
    if (block_q)
        c.select = case_select(SPARSED_MODE_UPSTREAM_DREAM, block_q, block_k, len / 4, 0.4);
    return c;
}

/* One unit of many more compute units, all but the last few units whole, shares of one tile each. */
static void test_shares__dense(void **state) {
    static const uint32_t compute_units[] = {2, 3, 5, 8, 100};
    for (size_t i = 0; i < sizeof compute_units / sizeof *compute_units; i++) {
        attention_case one = case_of(1, 1, 300, 0, 0), more = case_of(3, 1, 300, 0, 0);
        one.q_len = 65; /* one unit, not all of it */
        assert_true(check_on(state, &one, compute_units[i]));
        assert_int_equal(check_on(state, &more, compute_units[i]),
                         9 % compute_units[i] != 0 &&
                             compute_units[i] / (9 % compute_units[i]) > 1);
    }
}

static void test_shares__sparse(void **state) {
    static const uint32_t blocks[][2] = {{128, 128}, {128, 32}, {16, 64}, {32, 16}};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        attention_case c = case_of(2, 1, 300, blocks[i][0], blocks[i][1]);
        assert_true(
            check_on(state, &c, 25)); /* six units: four share one, of which two find no tile */
        c = case_of(2, 2, 257, blocks[i][0], blocks[i][1]);
        assert_true(check_on(state, &c, 5)); /* five units whole, and one */
    }
}

/* A build with scratch for fewer work-groups than there are compute units. */
static void test_shares__less_scratch(void **state) {
    sparsed_context *context = *state;
    if (!context)
        need_opencl_device();
    spd_cl_state *device = context->state;
    device->build_rows = 128 * 10; /* four work-groups */
    attention_case c = case_of(3, 1, 300, 128, 32);
    assert_true(check_on(state, &c, 25));
    device->build_rows = 1;
    c = case_of(2, 1, 300, 64, 16);
    assert_true(check_on(state, &c, 25)); /* dense and sparse launches alone */
    device->build_rows = 0;
}

static void test_shares__valid_lengths(void **state) {
    attention_case c = case_of(2, 1, 400, 64, 32);
    c.desc.batch = 3;
    c.has_valid = true;
    memcpy(c.valid_start, (uint64_t[]){0, 130, 299}, 3 * sizeof(uint64_t));
    memcpy(c.valid_end, (uint64_t[]){400, 400, 400}, 3 * sizeof(uint64_t));
    assert_true(check_on(state, &c, 16));
}

/* A plan whose counters are not zeroed is none: its shared units would have no scores. */
static void test_plan_create__counters_that_are_not_zeroed(void **state) {
    static const char *const calls[] = {"clEnqueueFillBuffer", "clFinish"};
    const failing_opencl_control *failing = use_failing_opencl(FAILING_OPENCL);
    const attention_case c = case_of(1, 1, 300, 32, 32);
    sparsed_context *context = *state;
    if (!context)
        need_opencl_device();
    sparsed_plan *plan = NULL;
    assert_int_equal(sparsed_plan_create(context, &c.desc, &c.select, &plan), SPARSED_OK);
    sparsed_plan_destroy(plan); /* its programs are kept */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const int64_t live = failing->live();
        failing->arm(calls[i], 0, CL_OUT_OF_HOST_MEMORY);
        assert_int_equal(sparsed_plan_create(context, &c.desc, &c.select, &plan), SPARSED_E_NOMEM);
        assert_null(plan);
        assert_string_equal(failing->failed(), calls[i]);
        assert_non_null(strstr(sparsed_context_error(context), calls[i]));
        assert_int_equal(failing->live(), live);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shares__dense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares__sparse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares__less_scratch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shares__valid_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plan_create__counters_that_are_not_zeroed, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
