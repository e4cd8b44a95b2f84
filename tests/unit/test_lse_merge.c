/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Merging attention over disjoint sets of keys. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/half.h"
#include "support/api_check.h"
#include "support/attention_case.h"

enum { DIM = 8, ROWS = 2 };

/* One part, or the result: two rows. */
typedef struct part {
    float out[ROWS * DIM], lse[ROWS];
} part;

static part constant_part(float value, float lse) {
    part p;
    for (int i = 0; i < ROWS * DIM; i++)
        p.out[i] = value;
    p.lse[0] = p.lse[1] = lse;
    return p;
}

static sparsed_io io_of(part *p) {
    return (sparsed_io){.struct_size = sizeof(sparsed_io), .out.mem = p->out, .lse.mem = p->lse};
}

static part merge(sparsed_context *context, part *parts, uint32_t n) {
    sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
    sparsed_io ios[4];
    part result = constant_part(-77.0f, -77.0f);
    const sparsed_io into = io_of(&result);
    for (uint32_t i = 0; i < n; i++)
        ios[i] = io_of(&parts[i]);
    if (sparsed_lse_merge(context, &desc, ios, n, &into) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return result;
}

static void assert_row(const part *p, int row, double value, double lse) {
    for (int i = 0; i < DIM; i++)
        assert_true(fabs((double)p->out[row * DIM + i] - value) <= 1e-6 * fabs(value));
    assert_true((double)p->lse[row] == lse || fabs((double)p->lse[row] - lse) <= 1e-6);
}

/* Sums of 1 and 3 exponentials: weights 1/4 and 3/4. */
static void test_lse_merge__two_parts(void **state) {
    part parts[] = {constant_part(8.0f, 0.0f), constant_part(4.0f, logf(3.0f))};
    part result = merge(*state, parts, 2);
    assert_row(&result, 0, 5.0, log(4.0));
    assert_row(&result, 1, 5.0, log(4.0));
}

static void test_lse_merge__far_apart_and_large(void **state) {
    part parts[] = {constant_part(8.0f, 5000.0f), constant_part(4.0f, 3000.0f),
                    constant_part(2.0f, -5000.0f), constant_part(6.0f, 5000.0f)};
    part result = merge(*state, parts, 4);
    assert_true(fabs((double)result.out[0] - 7.0) < 1e-6);
    assert_true(fabs((double)result.lse[0] - (5000.0 + log(2.0))) < 5e-4); /* a float's step */
}

static void test_lse_merge__one_part_is_itself(void **state) {
    part parts[] = {constant_part(0.1f, -3.3f)};
    part result = merge(*state, parts, 1);
    assert_memory_equal(&result, &parts[0], sizeof result);
}

/* A row that a part attends to nothing in: its out, even NaN, has no weight. */
static void test_lse_merge__empty_rows(void **state) {
    part parts[] = {constant_part(NAN, -INFINITY), constant_part(4.0f, 1.0f)};
    parts[1].lse[1] = -INFINITY;
    part result = merge(*state, parts, 2);
    assert_row(&result, 0, 4.0, 1.0);
    assert_row(&result, 1, 0.0, -INFINITY);
}

static void test_lse_merge__nan_is_not_lost(void **state) {
    part parts[] = {constant_part(1.0f, 0.0f), constant_part(2.0f, NAN), constant_part(3.0f, 1.0f)};
    for (int first = 0; first < 2; first++)
        for (uint32_t n = 1; n <= 2; n++) {
            if (first == 0 && n == 1)
                continue;
            part result = merge(*state, parts + first, n);
            assert_true(isnan(result.lse[0]));
            assert_true(isnan(result.out[0]));
        }
}

static void test_lse_merge__into_one_of_the_parts(void **state) {
    for (int target = 0; target < 2; target++) {
        sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
        part parts[] = {constant_part(8.0f, 0.0f), constant_part(4.0f, logf(3.0f))};
        const sparsed_io ios[] = {io_of(&parts[0]), io_of(&parts[1])};
        assert_int_equal(sparsed_lse_merge(*state, &desc, ios, 2, &ios[target]), SPARSED_OK);
        assert_row(&parts[target], 1, 5.0, log(4.0));
    }
}

static void test_lse_merge__half_types_and_strides(void **state) {
    for (uint32_t dtype = SPARSED_F16; dtype <= SPARSED_BF16; dtype++) {
        uint16_t out[2][2 * ROWS * DIM], merged[2 * ROWS * DIM] = {0};
        float lse[2][ROWS] = {{0.0f, 0.0f}, {0.0f, 1.0f}}, merged_lse[ROWS];
        for (int i = 0; i < 2 * ROWS * DIM; i++)
            for (int p = 0; p < 2; p++)
                out[p][i] = dtype == SPARSED_F16 ? spd_f16_from_float((float)(2 * p + 1))
                                                 : spd_bf16_from_float((float)(2 * p + 1));
        sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
        desc.dtype = dtype;
        desc.out = (sparsed_strides){2 * ROWS * DIM, 2 * ROWS * DIM, 2 * DIM};
        const sparsed_io parts[] = {
            {.struct_size = sizeof parts[0], .out.mem = out[0], .lse.mem = lse[0]},
            {.struct_size = sizeof parts[0], .out.mem = out[1], .lse.mem = lse[1]}};
        const sparsed_io into = {
            .struct_size = sizeof into, .out.mem = merged, .lse.mem = merged_lse};
        assert_int_equal(sparsed_lse_merge(*state, &desc, parts, 2, &into), SPARSED_OK);
        assert_int_equal(merged[0], dtype == SPARSED_F16 ? spd_f16_from_float(2.0f)
                                                         : spd_bf16_from_float(2.0f));
        assert_int_equal(merged[DIM], 0); /* between the rows */
        assert_true(fabs((double)merged_lse[1] - log(1.0 + exp(1.0))) < 1e-6);
    }
}

static void assert_refused(sparsed_context *context, sparsed_status status, const char *named) {
    assert_context_error(context, status, SPARSED_E_INVALID, named);
}

static void test_lse_merge__refuses_bad_arguments(void **state) {
    sparsed_context *c = *state;
    sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
    part data = constant_part(1.0f, 0.0f);
    sparsed_io good = io_of(&data), bad = good;
    assert_int_equal(sparsed_lse_merge(NULL, &desc, &good, 1, &good), SPARSED_E_INVALID);
    assert_refused(c, sparsed_lse_merge(c, NULL, &good, 1, &good), "desc is NULL");
    assert_refused(c, sparsed_lse_merge(c, &desc, NULL, 1, &good), "parts");
    assert_refused(c, sparsed_lse_merge(c, &desc, &good, 0, &good), "n is 0");
    assert_refused(c, sparsed_lse_merge(c, &desc, &good, 1, NULL), "into");
    bad.lse.mem = NULL;
    assert_refused(c, sparsed_lse_merge(c, &desc, &good, 1, &bad), "into.lse");
    const sparsed_io parts[] = {good, bad};
    assert_refused(c, sparsed_lse_merge(c, &desc, parts, 2, &good), "parts[1].lse");
    bad = good;
    bad.out.mem = NULL;
    assert_refused(c, sparsed_lse_merge(c, &desc, &bad, 1, &good), "parts[0].out");
    desc.head_dim = 12;
    assert_refused(c, sparsed_lse_merge(c, &desc, &good, 1, &good), "head_dim is 12");
}

/* Structs of a newer caller: larger by fields that are all 0. */
/* into's q_len: the rows beyond it are neither read nor written. */
static void test_lse_merge__fewer_rows(void **state) {
    sparsed_context *context = *state;
    sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
    part a = constant_part(8.0f, 0.0f), result = constant_part(-77.0f, -77.0f);
    const sparsed_io from = io_of(&a);
    sparsed_io into = io_of(&result);
    into.q_len = 1;
    assert_int_equal(sparsed_lse_merge(context, &desc, &from, 1, &into), SPARSED_OK);
    assert_row(&result, 0, 8.0, 0.0);
    assert_row(&result, 1, -77.0, -77.0);
    into.q_len = ROWS + 1;
    assert_int_equal(sparsed_lse_merge(context, &desc, &from, 1, &into), SPARSED_E_INVALID);
}

static void test_lse_merge__larger_structs(void **state) {
    typedef struct newer_io {
        sparsed_io io;
        uint64_t unknown;
    } newer_io;
    sparsed_desc desc = case_desc(1, 1, 1, DIM, ROWS);
    part data[] = {constant_part(8.0f, 0.0f), constant_part(4.0f, logf(3.0f))};
    newer_io parts[] = {{io_of(&data[0]), 0}, {io_of(&data[1]), 0}};
    parts[0].io.struct_size = parts[1].io.struct_size = sizeof(newer_io);
    assert_int_equal(sparsed_lse_merge(*state, &desc, &parts[0].io, 2, &parts[0].io), SPARSED_OK);
    assert_row(&data[0], 0, 5.0, log(4.0));
    parts[1].unknown = 1;
    assert_refused(*state, sparsed_lse_merge(*state, &desc, &parts[0].io, 2, &parts[0].io),
                   "parts[1]");
    parts[1].io.struct_size = sizeof(sparsed_io);
    assert_refused(*state, sparsed_lse_merge(*state, &desc, &parts[0].io, 2, &parts[0].io),
                   "parts[1].struct_size");
    parts[0].io.struct_size = 3;
    assert_refused(*state, sparsed_lse_merge(*state, &desc, &parts[0].io, 1, &parts[0].io),
                   "struct_size is 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lse_merge__two_parts),
        cmocka_unit_test(test_lse_merge__far_apart_and_large),
        cmocka_unit_test(test_lse_merge__one_part_is_itself),
        cmocka_unit_test(test_lse_merge__empty_rows),
        cmocka_unit_test(test_lse_merge__nan_is_not_lost),
        cmocka_unit_test(test_lse_merge__into_one_of_the_parts),
        cmocka_unit_test(test_lse_merge__half_types_and_strides),
        cmocka_unit_test(test_lse_merge__refuses_bad_arguments),
        cmocka_unit_test(test_lse_merge__fewer_rows),
        cmocka_unit_test(test_lse_merge__larger_structs),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
