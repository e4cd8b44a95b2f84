/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Host tensors on an OpenCL device, however they lie: results against the oracle, and nothing
 * written between the rows of out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cl/kernel.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

enum { BATCH = 2, HEADS = 4, KV_HEADS = 2, DIM = 64, LEN = 50 };

static attention_case new_case(void) {
    return (attention_case){.desc = case_desc(BATCH, HEADS, KV_HEADS, DIM, LEN),
                            .select = case_select(SPARSED_MODE_JOINT, 32, 16, 10, 0.5)};
}

static void check(void **state, attention_case *c, const char *what) {
    kernel_row *row = usable_row(state);
    check_errors errors = {0};
    check_new_case(c, row->context, 3, &errors);
    print_errors(what, &errors);
}

static void test_stage__rows_of_interleaved_heads(void **state) {
    attention_case c = new_case();
    c.desc.q = c.desc.out = (sparsed_strides){LEN * HEADS * DIM, DIM, HEADS * DIM};
    c.desc.k = c.desc.v = (sparsed_strides){LEN * KV_HEADS * DIM, DIM, KV_HEADS * DIM};
    check(state, &c, "[B,L,H,D]");
}

/* One projection's output: q, k and v would lie in the gaps of each other. */
static void test_stage__rows_of_a_fused_projection(void **state) {
    const uint64_t row = (HEADS + 2 * KV_HEADS) * DIM;
    attention_case c = new_case();
    c.desc.q = c.desc.k = c.desc.v = c.desc.out = (sparsed_strides){LEN * row, DIM, row};
    check(state, &c, "fused");
}

static void test_stage__rows_far_apart(void **state) {
    attention_case c = new_case();
    c.desc.q = c.desc.out = (sparsed_strides){HEADS * LEN * 100, LEN * 100, 100};
    c.desc.k = (sparsed_strides){KV_HEADS * LEN * 70, LEN * 70, 70};
    c.desc.v = (sparsed_strides){9 + LEN * 1000, 500, 1000};
    check(state, &c, "rows far apart");
}

static void test_stage__packed_heads_far_apart(void **state) {
    attention_case c = new_case();
    c.desc.q = c.desc.k = c.desc.v = c.desc.out = (sparsed_strides){100000, 20000, DIM};
    check(state, &c, "heads far apart");
}

static void test_stage__overlapping_rows_of_heads_far_apart(void **state) {
    attention_case c = new_case();
    c.desc.q = c.desc.k = c.desc.v = (sparsed_strides){100000, 20000, 8};
    check(state, &c, "overlapping rows");
}

/* One row for all of a head: the tensor's span is above its number of elements, its
 * row stride 0. */
static void test_stage__one_row_for_all(void **state) {
    const uint64_t elements = BATCH * KV_HEADS * LEN * DIM;
    attention_case c = new_case();
    c.desc.k = c.desc.v = (sparsed_strides){elements, elements / 2, 0};
    check(state, &c, "one row for all");
    attention_case far = new_case();
    far.desc.k = far.desc.v = (sparsed_strides){10 * elements, 5 * elements, 0};
    check(state, &far, "one row for all, far apart");
}

static void test_stage__fewer_rows_than_the_plan(void **state) {
    attention_case c = new_case();
    c.desc.q = c.desc.out = (sparsed_strides){HEADS * LEN * 80, LEN * 80, 80};
    c.q_len = 1;
    c.kv_len = 33;
    check(state, &c, "fewer rows");
}

static void test_stage__misaligned_results_of_two_bytes(void **state) {
    attention_case c = new_case();
    c.desc.dtype = SPARSED_BF16;
    c.offset_bytes = 3;
    c.desc.out = (sparsed_strides){HEADS * LEN * 67, LEN * 67, 67};
    check(state, &c, "misaligned");
}

/* ---- the size of a staging buffer ---- */

static uint64_t bytes_of(sparsed_strides strides) {
    const sparsed_desc desc = case_desc(BATCH, HEADS, KV_HEADS, DIM, LEN);
    return spd_cl_stage_bytes(&desc, &strides, KV_HEADS, LEN, 2);
}

static void test_stage_bytes__between_the_elements_and_twice_as_many(void **state) {
    const uint64_t elements = BATCH * KV_HEADS * LEN * DIM, head = LEN * DIM;
    (void)state;
    assert_int_equal(bytes_of((sparsed_strides){0, 0, 0}), 2 * elements);
    assert_int_equal(bytes_of((sparsed_strides){2 * head, head, DIM}), 2 * elements);
    assert_int_equal(bytes_of((sparsed_strides){2 * head + 5, head, DIM}), 2 * (elements + 5));
    assert_int_equal(bytes_of((sparsed_strides){4 * head, 0, 0}), 2 * (elements + DIM));
    assert_int_equal(bytes_of((sparsed_strides){5 * head, 0, 0}), 2 * (5 * head + DIM));
    assert_int_equal(bytes_of((sparsed_strides){1000000, head, DIM}), 4 * elements);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stage__rows_of_interleaved_heads),
        cmocka_unit_test(test_stage__rows_of_a_fused_projection),
        cmocka_unit_test(test_stage__rows_far_apart),
        cmocka_unit_test(test_stage__packed_heads_far_apart),
        cmocka_unit_test(test_stage__overlapping_rows_of_heads_far_apart),
        cmocka_unit_test(test_stage__one_row_for_all),
        cmocka_unit_test(test_stage__fewer_rows_than_the_plan),
        cmocka_unit_test(test_stage__misaligned_results_of_two_bytes),
        cmocka_unit_test(test_stage_bytes__between_the_elements_and_twice_as_many),
    };
    return run_tests_on_opencl_rows(tests, sizeof tests / sizeof *tests);
}
