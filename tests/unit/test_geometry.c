/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Split and budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/geometry.h"

#include <sparsed/sparsed.h>

/* The rule as docs/algorithm.md says it. */
static uint64_t split_by_search(uint64_t keys, uint64_t block, uint64_t gen_len) {
    uint64_t blocks = (keys + block - 1) / block;
    for (uint64_t i = 0; i < blocks; i++)
        if (keys - i * block <= gen_len)
            return i;
    return blocks - 1;
}

static void test_split_block__follows_the_rule(void **state) {
    (void)state;
    for (uint64_t block = 16; block <= 128; block *= 2)
        for (uint64_t keys = 1; keys <= 300; keys++)
            for (uint64_t gen_len = 0; gen_len <= keys; gen_len++)
                assert_int_equal(spd_split_block(keys, block, gen_len),
                                 split_by_search(keys, block, gen_len));
}

static void test_split_block__no_generation_rows(void **state) {
    (void)state;
    assert_int_equal(spd_split_block(320, 32, 0), 9);
    assert_int_equal(spd_split_block(321, 32, 0), 10);
    assert_int_equal(spd_split_block(1, 32, 0), 0);
}

static void test_split_block__all_rows_are_generation(void **state) {
    (void)state;
    assert_int_equal(spd_split_block(320, 32, 320), 0);
    assert_int_equal(spd_split_block(7, 128, 7), 0);
}

static void test_split_block__generation_smaller_than_the_last_block(void **state) {
    (void)state;
    assert_int_equal(spd_split_block(300, 32, 5), 9);  /* the last block has 12 keys */
    assert_int_equal(spd_split_block(300, 32, 12), 9); /* exactly the last block */
    assert_int_equal(spd_split_block(300, 32, 13), 9); /* block 8 straddles: it is prompt */
    assert_int_equal(spd_split_block(300, 32, 44), 8);
}

static void test_split_block__no_keys(void **state) {
    (void)state;
    assert_int_equal(spd_split_block(0, 32, 0), 0);
}

static void test_split_block__huge_lengths(void **state) {
    (void)state;
    assert_int_equal(spd_split_block(2147483647, 16, 1), 134217727);
    assert_int_equal(spd_split_block(2147483647, 16, 2147483647), 0);
}

static void budgets(uint32_t mode, double ratio, uint64_t blocks, uint64_t split, uint64_t prompt,
                    uint64_t generation) {
    uint64_t keep_prompt, keep_generation;
    spd_budgets(mode, ratio, blocks, split, &keep_prompt, &keep_generation);
    if (keep_prompt != prompt || keep_generation != generation)
        fail_msg("mode %u, ratio %g, %llu blocks, split %llu: %llu and %llu", mode, ratio,
                 (unsigned long long)blocks, (unsigned long long)split,
                 (unsigned long long)keep_prompt, (unsigned long long)keep_generation);
}

/* int(0.29 * 100) is 28 and ceil(0.55 * 100) is 56 in double; in float both come out otherwise. */
static void test_budgets__products_are_taken_as_they_come(void **state) {
    (void)state;
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 0.29, 100, 0, 29, 29);
    budgets(SPARSED_MODE_UPSTREAM_LLADA, 0.29, 200, 100, 58, 29);
    budgets(SPARSED_MODE_PAPER, 0.55, 200, 100, 56, 56);
    budgets(SPARSED_MODE_JOINT, 0.55, 100, 0, 56, 0);
}

static void test_budgets__golden_cases(void **state) {
    (void)state;
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 0.3, 11, 8, 4, 1);
    budgets(SPARSED_MODE_UPSTREAM_LLADA, 0.25, 16, 12, 5, 2);
    budgets(SPARSED_MODE_PAPER, 0.3, 13, 8, 3, 2);
    budgets(SPARSED_MODE_JOINT, 0.2, 10, 10, 2, 0);
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 0.3, 64, 62, 20, 1);
}

static void test_budgets__ratio_1_keeps_everything(void **state) {
    (void)state;
    for (uint64_t blocks = 1; blocks < 200; blocks++)
        for (uint64_t split = 0; split < blocks; split++) {
            budgets(SPARSED_MODE_PAPER, 1.0, blocks, split, split, blocks - split);
            budgets(SPARSED_MODE_UPSTREAM_DREAM, 1.0, blocks, split, blocks, blocks - split);
            budgets(SPARSED_MODE_UPSTREAM_LLADA, 1.0, blocks, split, blocks, blocks - split);
            budgets(SPARSED_MODE_JOINT, 1.0, blocks, split, blocks, 0);
        }
}

static void test_budgets__smallest_ratio_keeps_a_block(void **state) {
    (void)state;
    budgets(SPARSED_MODE_PAPER, 1e-300, 50, 40, 1, 1);
    budgets(SPARSED_MODE_PAPER, 1e-300, 50, 0, 0, 1); /* there is no prompt block */
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 1e-300, 50, 40, 1, 1);
    budgets(SPARSED_MODE_JOINT, 1e-300, 50, 40, 1, 0);
}

static void test_budgets__never_more_than_there_are(void **state) {
    (void)state;
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 0.999, 3, 2, 3, 1);
    budgets(SPARSED_MODE_UPSTREAM_DREAM, 0.7, 1, 0, 1, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_block__follows_the_rule),
        cmocka_unit_test(test_split_block__no_generation_rows),
        cmocka_unit_test(test_split_block__all_rows_are_generation),
        cmocka_unit_test(test_split_block__generation_smaller_than_the_last_block),
        cmocka_unit_test(test_split_block__no_keys),
        cmocka_unit_test(test_split_block__huge_lengths),
        cmocka_unit_test(test_budgets__products_are_taken_as_they_come),
        cmocka_unit_test(test_budgets__golden_cases),
        cmocka_unit_test(test_budgets__ratio_1_keeps_everything),
        cmocka_unit_test(test_budgets__smallest_ratio_keeps_a_block),
        cmocka_unit_test(test_budgets__never_more_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
