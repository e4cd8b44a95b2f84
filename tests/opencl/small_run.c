/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * small_run: every kernel of one registry row on the default OpenCL device, at sizes that a
 * simulator gets through, against the double oracle: dense, build, second scale, sparse, fixed
 * modes, padding, grouped heads, strides, every storage type. oclgrind.sh runs it under a simulator
 * that watches for races, accesses out of bounds and divergent barriers.
 *   usage: small_run ROW [TEST]    TEST: a name, with * and ?; no TEST: all of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cl/state.h"
#include "src/context.h"
#include "support/attention_case.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

static const char *row_name; /* a group's setup has no argument of its own */

/* A simulator says that it is every kind of device at once; here it stands for a processor, so that
 * the kernels shaped for processors run on it too. */
static int open_as_processor(void **state) {
    sparsed_context *context = open_context(row_name, 0);
    if (!context || context->backend != &spd_cl_backend) {
        print_error("SPARSED_DEVICE does not name an OpenCL device\n");
        sparsed_context_destroy(context);
        return -1;
    }
    ((spd_cl_state *)context->state)->info.kind = SPARSED_DEVICE_CPU_OPENCL;
    *state = context;
    return 0;
}

static int close_context(void **state) {
    sparsed_context_destroy(*state);
    return 0;
}

static void run_case(void **state, attention_case *c) {
    check_errors errors = {0};
    check_new_case(c, *state, 7, &errors);
}

static attention_case selecting(uint32_t mode, uint32_t dtype, uint32_t head_dim, uint64_t len,
                                uint32_t block_q, uint32_t block_k) {
    attention_case c = {.desc = case_desc(1, 2, 1, head_dim, len),
                        .select = case_select(mode, block_q, block_k, len / 3, 0.4)};
    c.desc.dtype = dtype;
    c.desc.out_dtype = dtype;
    return c;
}

/* Rows that are no multiple of a tile in any direction. */
static void test_dense(void **state) {
    attention_case c = {.desc = case_desc(1, 2, 1, 64, 45)};
    run_case(state, &c);
}

static void test_dense__one_row_of_odd_size(void **state) {
    attention_case c = {.desc = case_desc(1, 1, 1, 24, 1)};
    c.desc.dtype = SPARSED_F16;
    c.desc.out_dtype = SPARSED_F32;
    run_case(state, &c);
}

static void test_upstream_dream(void **state) {
    attention_case c = selecting(SPARSED_MODE_UPSTREAM_DREAM, SPARSED_F32, 40, 70, 32, 16);
    run_case(state, &c);
}

/* The score scale is another than the attention's: a second exponential. */
static void test_upstream_llada__second_scale(void **state) {
    attention_case c = selecting(SPARSED_MODE_UPSTREAM_LLADA, SPARSED_BF16, 24, 70, 16, 32);
    c.select.flags = SPARSED_SELECT_DENSE_GENERATION_ROWS | SPARSED_SELECT_KEEP_DIAGONAL;
    run_case(state, &c);
}

/* Padding on either side, on none, and a batch without a valid row. */
static void test_paper__padded(void **state) {
    attention_case c = selecting(SPARSED_MODE_PAPER, SPARSED_F16, 16, 50, 16, 16);
    c.desc.batch = 3;
    c.desc.q_len = c.desc.kv_len = 50;
    c.select.gen_len = 9;
    c.select.score_reduce = SPARSED_REDUCE_MAX;
    c.select.flags = SPARSED_SELECT_KEEP_GENERATION;
    c.has_valid = true;
    c.valid_start[0] = 5, c.valid_end[0] = 43;
    c.valid_start[1] = 0, c.valid_end[1] = 50;
    c.valid_start[2] = 20, c.valid_end[2] = 20;
    run_case(state, &c);
}

/* Fewer query rows than keys, in the layout [B, L, H, D], buffers at odd offsets. */
static void test_joint__rectangular_strided(void **state) {
    attention_case c = selecting(SPARSED_MODE_JOINT, SPARSED_F32, 16, 80, 16, 32);
    c.desc.q_len = 21;
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 30;
    c.desc.q = c.desc.out = (sparsed_strides){21 * 2 * 16, 16, 2 * 16};
    c.desc.k = c.desc.v = (sparsed_strides){80 * 24, 24, 24};
    c.select.always_first = 1;
    run_case(state, &c);
}

/* Key blocks in more than one word of a bit row. */
static void test_upstream_dream__two_words(void **state) {
    attention_case c = selecting(SPARSED_MODE_UPSTREAM_DREAM, SPARSED_F32, 16, 1090, 16, 16);
    c.desc.heads = 1;
    c.desc.q_len = 19;
    c.select.gen_len = 50;
    run_case(state, &c);
}

/* All keys are alike to q = 0: both rankings are cut among ties, of which several items count some. */
static void test_equal_scores(void **state) {
    check_errors errors = {0};
    attention_case c = selecting(SPARSED_MODE_UPSTREAM_DREAM, SPARSED_F32, 16, 300, 16, 16);
    c.desc.heads = 1;
    c.desc.q_len = 3;
    case_prepare(&c, 7);
    memset(c.q, 0, case_out_count(&c) * sizeof *c.q);
    case_store(&c);
    check_case(&c, *state, check_bounds_of(c.desc.dtype), &errors);
    case_free(&c);
}

static void test_window(void **state) {
    attention_case c = selecting(SPARSED_MODE_WINDOW, SPARSED_F16, 16, 75, 16, 32);
    c.select.window = 13;
    run_case(state, &c);
}

static void test_streaming__padded(void **state) {
    attention_case c = selecting(SPARSED_MODE_STREAMING, SPARSED_BF16, 64, 60, 32, 16);
    c.select.window = 5;
    c.select.sinks = 18;
    c.has_valid = true;
    c.valid_start[0] = 3, c.valid_end[0] = 58;
    run_case(state, &c);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_dense__one_row_of_odd_size),
        cmocka_unit_test(test_upstream_dream),
        cmocka_unit_test(test_upstream_llada__second_scale),
        cmocka_unit_test(test_paper__padded),
        cmocka_unit_test(test_joint__rectangular_strided),
        cmocka_unit_test(test_upstream_dream__two_words),
        cmocka_unit_test(test_equal_scores),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_streaming__padded),
    };
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: small_run ROW [TEST]\n");
        return 2;
    }
    row_name = argv[1];
    if (argc == 3)
        cmocka_set_test_filter(argv[2]);
    return cmocka_run_group_tests_name(row_name, tests, open_as_processor, close_context);
}
