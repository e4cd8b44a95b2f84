/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Union, intersection and Jaccard index of two patterns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/alloc.h"
#include "src/pattern.h"
#include "support/api_check.h"
#include "support/pattern_case.h"

typedef sparsed_status (*operation)(const sparsed_pattern *a, const sparsed_pattern *b,
                                    sparsed_pattern **result, sparsed_message *message);

static sparsed_pattern *combine(operation combine_two, const sparsed_pattern *a,
                                const sparsed_pattern *b) {
    sparsed_pattern *result;
    sparsed_message message;
    if (combine_two(a, b, &result, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return result;
}

static void test_pattern_union__and_intersection_block_by_block(void **state) {
    (void)state;
    uint8_t a_mask[SMALL_MASK], b_mask[SMALL_MASK], either[SMALL_MASK], both[SMALL_MASK];
    sparsed_pattern *a = small_pattern(1), *b = small_pattern(2);
    assert_int_equal(sparsed_pattern_to_mask(a, a_mask), SPARSED_OK);
    assert_int_equal(sparsed_pattern_to_mask(b, b_mask), SPARSED_OK);
    for (int i = 0; i < SMALL_MASK; i++) {
        either[i] = a_mask[i] | b_mask[i];
        both[i] = a_mask[i] & b_mask[i];
    }
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *expected = mask_pattern(&info, either);
    sparsed_pattern *result = combine(sparsed_pattern_union, a, b);
    assert_same_blocks(result, expected);
    sparsed_pattern_release(result);
    sparsed_pattern_release(expected);
    expected = mask_pattern(&info, both);
    result = combine(sparsed_pattern_intersection, a, b);
    assert_same_blocks(result, expected);
    sparsed_pattern_release(result);
    sparsed_pattern_release(expected);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
}

static void test_pattern_union__with_itself(void **state) {
    (void)state;
    sparsed_pattern *a = small_pattern(1);
    sparsed_pattern *result = combine(sparsed_pattern_union, a, a);
    const sparsed_pattern_info before = describe(a), after = describe(result);
    assert_memory_equal(&before, &after, sizeof before);
    sparsed_pattern_release(a); /* the result lives on its own */
    a = small_pattern(1);
    assert_same_blocks(result, a);
    sparsed_pattern_release(result);
    sparsed_pattern_release(a);
}

/* ---- what the result says ---- */

static sparsed_pattern_info told_info(void) {
    sparsed_pattern_info info = small_info();
    info.mode = SPARSED_MODE_PAPER;
    info.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    info.score_reduce = SPARSED_REDUCE_MAX;
    info.always_first = 2;
    info.step = 7;
    info.gen_len = 64;
    info.ratio = 0.3;
    info.score_scale = 0.125;
    info.kv_heads = 1;
    info.head_dim = 64;
    info.score_heads = 32;
    info.dtype = SPARSED_BF16;
    return info;
}

static sparsed_pattern_info union_info(const sparsed_pattern_info *a,
                                       const sparsed_pattern_info *b) {
    const uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *first = mask_pattern(a, mask), *second = mask_pattern(b, mask);
    sparsed_pattern *result = combine(sparsed_pattern_union, first, second);
    const sparsed_pattern_info info = describe(result);
    sparsed_pattern_release(first);
    sparsed_pattern_release(second);
    sparsed_pattern_release(result);
    return info;
}

static void test_pattern_union__says_what_both_say(void **state) {
    (void)state;
    const sparsed_pattern_info told = told_info(), nothing = small_info();
    sparsed_pattern_info expected = told;
    expected.q_blocks = SMALL_Q_BLOCKS;
    expected.k_blocks = SMALL_K_BLOCKS;
    expected.q_start = 1130;
    expected.pattern_flags = SPARSED_PATTERN_Q_START;
    sparsed_pattern_info info = union_info(&told, &told);
    assert_memory_equal(&info, &expected, sizeof info);
    expected = nothing;
    expected.q_blocks = SMALL_Q_BLOCKS;
    expected.k_blocks = SMALL_K_BLOCKS;
    expected.q_start = 1130;
    expected.pattern_flags = SPARSED_PATTERN_Q_START;
    info = union_info(&told, &nothing);
    assert_memory_equal(&info, &expected, sizeof info);
    info = union_info(&nothing, &told);
    assert_memory_equal(&info, &expected, sizeof info);
}

/* A mode that ranks has a ratio, also in a file: without a common one the mode is not known. */
static void test_pattern_union__ratios_that_differ(void **state) {
    (void)state;
    const sparsed_pattern_info told = told_info();
    sparsed_pattern_info other = told;
    other.ratio = 0.4;
    const sparsed_pattern_info info = union_info(&told, &other);
    assert_int_equal(info.mode, 0);
    assert_true(info.ratio == 0.0);
    assert_int_equal(info.gen_len, 64);
    assert_int_equal(info.always_first, 2);
    sparsed_pattern_info checked = info;
    assert_int_equal(spd_pattern_check_info(&checked, NULL), SPARSED_OK);
}

static sparsed_pattern *head_ratio_pattern(const double *ratios) {
    const sparsed_pattern_info info = told_info();
    const uint8_t mask[SMALL_MASK] = {0};
    float scores[SMALL_MASK];
    sparsed_pattern *plain = mask_pattern(&info, mask), *scored, *result;
    for (int i = 0; i < SMALL_MASK; i++)
        scores[i] = (float)(i % 13);
    assert_int_equal(sparsed_pattern_with_scores(plain, scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_rethreshold(scored, ratios, SMALL_HEADS, &result, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(plain);
    sparsed_pattern_release(scored);
    return result;
}

static void test_pattern_union__ratios_of_heads(void **state) {
    (void)state;
    static const double first[] = {0.1, 0.2, 0.3}, second[] = {0.1, 0.3, 0.2};
    sparsed_pattern *a = head_ratio_pattern(first), *b = head_ratio_pattern(second);
    sparsed_pattern *same = combine(sparsed_pattern_union, a, a);
    sparsed_pattern *differ = combine(sparsed_pattern_union, a, b);
    assert_memory_equal(same->ratios, first, sizeof first);
    assert_true(describe(same).pattern_flags & SPARSED_PATTERN_HEAD_RATIOS);
    assert_int_equal(describe(same).score_dtype, 0);
    assert_null(same->scores);
    assert_null(differ->ratios);
    assert_int_equal(describe(differ).pattern_flags, SPARSED_PATTERN_Q_START);
    assert_int_equal(describe(differ).mode, 0);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
    sparsed_pattern_release(same);
    sparsed_pattern_release(differ);
}

/* ---- Jaccard ---- */

static double jaccard_of(const sparsed_pattern *a, const sparsed_pattern *b, uint32_t head) {
    double value = -1.0;
    sparsed_message message;
    if (sparsed_pattern_jaccard(a, b, head, &value, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return value;
}

static void test_pattern_jaccard__of_heads_and_all(void **state) {
    (void)state;
    uint8_t a_mask[SMALL_MASK], b_mask[SMALL_MASK];
    double both[SMALL_HEADS + 1] = {0}, either[SMALL_HEADS + 1] = {0};
    sparsed_pattern *a = small_pattern(1), *b = small_pattern(2);
    assert_int_equal(sparsed_pattern_to_mask(a, a_mask), SPARSED_OK);
    assert_int_equal(sparsed_pattern_to_mask(b, b_mask), SPARSED_OK);
    for (int i = 0; i < SMALL_MASK; i++) {
        int head = i / (SMALL_K_BLOCKS * SMALL_Q_BLOCKS) % SMALL_HEADS;
        both[head] += a_mask[i] & b_mask[i];
        either[head] += a_mask[i] | b_mask[i];
    }
    for (uint32_t h = 0; h < SMALL_HEADS; h++) {
        assert_true(jaccard_of(a, b, h) == both[h] / either[h]);
        both[SMALL_HEADS] += both[h];
        either[SMALL_HEADS] += either[h];
    }
    assert_true(jaccard_of(a, b, UINT32_MAX) == both[SMALL_HEADS] / either[SMALL_HEADS]);
    assert_true(jaccard_of(a, a, UINT32_MAX) == 1.0);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
}

static void test_pattern_jaccard__nothing_kept(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *nothing = mask_pattern(&info, mask), *some = small_pattern(1);
    assert_true(jaccard_of(nothing, nothing, 0) == 1.0);
    assert_true(jaccard_of(nothing, some, 0) == 0.0);
    sparsed_pattern_release(nothing);
    sparsed_pattern_release(some);
}

/* ---- refusals ---- */

static sparsed_pattern *fixed_pattern(void) {
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_pattern_info info = small_info();
    sparsed_pattern *p;
    info.mode = SPARSED_MODE_WINDOW;
    info.window = 10;
    assert_int_equal(spd_pattern_check_info(&info, NULL), SPARSED_OK);
    assert_int_equal(spd_pattern_create(&info, NULL, true, &allocator, &p, NULL), SPARSED_OK);
    return p;
}

static void refuse(operation combine_two, const sparsed_pattern *a, const sparsed_pattern *b,
                   sparsed_status expected, const char *named) {
    sparsed_pattern *result = (sparsed_pattern *)(void *)&result;
    sparsed_message message;
    sparsed_status status = combine_two(a, b, &result, &message);
    assert_error_text(message.text, status, expected, named);
    assert_null(result);
    assert_int_equal(combine_two(a, b, &result, NULL), expected);
}

static void test_pattern_union__refuses(void **state) {
    (void)state;
    const operation operations[] = {sparsed_pattern_union, sparsed_pattern_intersection};
    const uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern_info info = small_info();
    info.kv_len = 1199;
    sparsed_pattern *a = small_pattern(1), *b = mask_pattern(&info, mask);
    sparsed_pattern *fixed = fixed_pattern();
    for (int i = 0; i < 2; i++) {
        sparsed_message message;
        refuse(operations[i], NULL, a, SPARSED_E_INVALID, "a is NULL");
        refuse(operations[i], a, NULL, SPARSED_E_INVALID, "b is NULL");
        refuse(operations[i], a, b, SPARSED_E_MISMATCH, "kv_len is 1200, the other's is 1199");
        refuse(operations[i], a, fixed, SPARSED_E_INVALID, "the modes are 0 and 5");
        refuse(operations[i], fixed, fixed, SPARSED_E_INVALID, "the modes are 5 and 5");
        sparsed_status status = operations[i](a, a, NULL, &message);
        assert_error_text(message.text, status, SPARSED_E_INVALID, "result is NULL");
    }
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
    sparsed_pattern_release(fixed);
}

static void test_pattern_jaccard__refuses(void **state) {
    (void)state;
    const uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern_info info = small_info();
    sparsed_message message;
    double value = -1.0;
    info.q_len = 71;
    sparsed_pattern *a = small_pattern(1), *b = mask_pattern(&info, mask);
    sparsed_pattern *fixed = fixed_pattern();
    sparsed_status status = sparsed_pattern_jaccard(a, b, UINT32_MAX, &value, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "q_len is 70, the other's is 71");
    assert_true(value == 0.0);
    status = sparsed_pattern_jaccard(NULL, b, UINT32_MAX, &value, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "a is NULL");
    status = sparsed_pattern_jaccard(a, NULL, UINT32_MAX, &value, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "b is NULL");
    status = sparsed_pattern_jaccard(a, a, SMALL_HEADS, &value, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "head is 3 of 3");
    status = sparsed_pattern_jaccard(a, a, 0, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "jaccard is NULL");
    assert_true(jaccard_of(fixed, fixed, 0) == 1.0); /* fixed modes are fine here */
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
    sparsed_pattern_release(fixed);
}

/* ---- memory ---- */

static sparsed_status make_union(void *argument, sparsed_pattern **pattern,
                                 sparsed_message *message) {
    return sparsed_pattern_union(argument, argument, pattern, message);
}

static void test_pattern_union__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    static const double ratios[] = {0.1, 0.2, 0.3};
    const sparsed_pattern_info info = told_info();
    const uint8_t mask[SMALL_MASK] = {0};
    sparsed_pattern *a;
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, &allocator, &a, NULL), SPARSED_OK);
    assert_int_equal(spd_pattern_set_ratios(a, ratios, NULL), SPARSED_OK);
    assert_survives_failed_allocations(&counter, make_union, a);
    sparsed_pattern_release(a);
    assert_int_equal(counter.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_union__and_intersection_block_by_block),
        cmocka_unit_test(test_pattern_union__with_itself),
        cmocka_unit_test(test_pattern_union__says_what_both_say),
        cmocka_unit_test(test_pattern_union__ratios_that_differ),
        cmocka_unit_test(test_pattern_union__ratios_of_heads),
        cmocka_unit_test(test_pattern_jaccard__of_heads_and_all),
        cmocka_unit_test(test_pattern_jaccard__nothing_kept),
        cmocka_unit_test(test_pattern_union__refuses),
        cmocka_unit_test(test_pattern_jaccard__refuses),
        cmocka_unit_test(test_pattern_union__every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
