/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* compare/all_scores.c: wrong block scores in query blocks that a record does not store. */
#include "compare/all_scores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compare/case_describe.h"
#include "compare/expected.h"
#include "support/test_files.h"

/* A case with scores that are right. */
typedef struct scored {
    case_input input;
    record memory;
    record_case c;
    float *scores;
    uint64_t rows; /* of scores */
} scored;

static void make(scored *s, const char *name) {
    tool_error error;
    char of_case[SUITE_NAME_BYTES] = "";
    size_t i = 0;
    for (; i < suite_count() && strcmp(of_case, name) != 0; i++)
        suite_name(suite_at(i), of_case);
    assert_string_equal(of_case, name);
    *s = (scored){.rows = 0};
    if (!case_input_generate(suite_at(i - 1), SUITE_SEED, &s->input, &error))
        fail_msg("%s", error.text);
    assert_true(case_describe(&s->input, &s->memory, &s->c));
    s->c.bounds.scores = (record_bound){5e-6, 1e-4};
    s->rows = s->c.rankings * case_input_heads(&s->input) * s->c.q_blocks;
    s->scores = test_calloc(s->rows * s->c.k_blocks, sizeof *s->scores);
}

static void release(scored *s) {
    test_free(s->scores);
    record_free(&s->memory);
    case_input_free(&s->input);
}

/* The oracle's own scores. */
static void set_expected(scored *s) {
    tool_error error;
    const uint64_t count = s->rows * s->c.k_blocks;
    double *want = test_calloc(count, sizeof *want);
    uint64_t *all = test_calloc(s->c.q_blocks, sizeof *all);
    for (uint64_t i = 0; i < s->c.q_blocks; i++)
        all[i] = i;
    assert_true(expected_scores(&s->input, all, s->c.q_blocks, want, &error));
    for (uint64_t i = 0; i < count; i++)
        s->scores[i] = (float)want[i];
    test_free(want);
    test_free(all);
}

/* Scores that only add up to each block's query rows. */
static void set_sums(scored *s) {
    const uint64_t blocks = s->c.q_blocks, width = s->c.k_blocks, last = blocks - 1;
    for (uint64_t i = 0; i < s->rows * width; i++) {
        const uint64_t rows = i / width % blocks < last
                                  ? s->c.select.block_q
                                  : s->c.desc.q_len - last * s->c.select.block_q;
        s->scores[i] = (float)rows / (float)width;
    }
}

static float *row_of(scored *s, uint64_t ranking, uint64_t head, uint64_t q_block) {
    const uint64_t heads = case_input_heads(&s->input);
    return s->scores + ((ranking * heads + head) * s->c.q_blocks + q_block) * s->c.k_blocks;
}

static void check(scored *s, record_scores_check by, uint64_t differ) {
    tool_error error;
    if (!all_scores_check(&s->input, s->scores, &s->c, &error))
        fail_msg("%s", error.text);
    assert_int_equal(s->c.scores_check, by);
    assert_int_equal(s->c.scores_differ, differ);
}

static void check_place(const scored *s, uint64_t at, uint64_t head, uint64_t q_block) {
    assert_int_equal(s->c.scores_differ_at[0], at);
    assert_int_equal(s->c.scores_differ_at[1], head);
    assert_int_equal(s->c.scores_differ_at[2], q_block);
}

/* A query block that is not among those stored. */
static uint64_t unsampled(const record_case *c) {
    for (uint64_t i = 0; i < c->query_block_count; i++)
        if (c->query_blocks[i] != i)
            return i;
    fail_msg("all are stored");
    return 0;
}

static void test_all_scores_check__by_the_oracle(void **state) {
    (void)state;
    scored s;
    make(&s, "f32-d64-b16x64-clusters-700"); /* reduction max: no sum is known */
    set_expected(&s);
    check(&s, RECORD_SCORES_ORACLE, 0);
    const uint64_t block = unsampled(&s.c);
    float *row = row_of(&s, 0, 1, block);
    row[3] += 1e-3f * row[3] + 1e-3f;
    check(&s, RECORD_SCORES_ORACLE, 1);
    check_place(&s, 0, 1, block);
    row_of(&s, 0, 1, block + 1)[0] = NAN;
    check(&s, RECORD_SCORES_ORACLE, 2);
    check_place(&s, 0, 1, block);
    release(&s);
}

/* What is padding has no scores. */
static void test_all_scores_check__of_padding(void **state) {
    (void)state;
    scored s;
    make(&s, "f32-d64-b32x32-padded-123");
    set_expected(&s);
    check(&s, RECORD_SCORES_ORACLE, 0);
    row_of(&s, 1, 3, 3)[0] = 1e-30f; /* second ranking, second batch */
    check(&s, RECORD_SCORES_ORACLE, 1);
    check_place(&s, 3, 1, 3);
    release(&s);
}

static void test_all_scores_check__by_their_sums(void **state) {
    (void)state;
    scored s;
    make(&s, "bf16-d128-b32x32-clusters-2047");
    set_sums(&s);
    check(&s, RECORD_SCORES_SUMS, 0);
    const uint64_t block = unsampled(&s.c);
    row_of(&s, 1, 2, block)[60] += 2e-4f * 32.0f;
    check(&s, RECORD_SCORES_SUMS, 1);
    check_place(&s, 1, 2, block);
    row_of(&s, 0, 0, 63)[0] = NAN;
    check(&s, RECORD_SCORES_SUMS, 2);
    check_place(&s, 0, 0, 63);
    release(&s);
}

/* What a user's own input may hold: the oracle's score is a NaN where the device's is. */
static void set_key(scored *s, uint64_t kv_head, uint64_t row, float value) {
    assert_int_equal(s->c.desc.dtype, SPARSED_F32);
    ((float *)s->input.generated[1])[(kv_head * s->c.desc.kv_len + row) * s->c.desc.head_dim] =
        value;
}

static void test_all_scores_check__of_input_that_is_no_number(void **state) {
    (void)state;
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        scored s;
        make(&s, "f32-d64-b16x64-clusters-700");
        set_key(&s, 0, 100, odd[i]);
        set_expected(&s);
        check(&s, RECORD_SCORES_ORACLE, 0);
        float *score = row_of(&s, 0, 0, 1);
        assert_true(isnan(score[1]));
        score[1] = 0.5f; /* a number in its place is wrong */
        check(&s, RECORD_SCORES_ORACLE, 1);
        check_place(&s, 0, 0, 1);
        release(&s);
    }
}

/* Of a NaN in a query row alone that row's query block has no sum. */
static void test_all_scores_check__of_sums_that_are_no_numbers(void **state) {
    (void)state;
    scored s;
    make(&s, "bf16-d128-b32x32-clusters-2047");
    set_sums(&s);
    const uint64_t block = unsampled(&s.c), row = 2 * s.c.desc.q_len + 32 * block + 5;
    ((uint16_t *)s.input.generated[0])[row * s.c.desc.head_dim + 7] = 0x7fc0;
    row_of(&s, 0, 2, block)[3] = row_of(&s, 1, 2, block)[60] = NAN;
    check(&s, RECORD_SCORES_SUMS, 0);
    row_of(&s, 0, 2, block + 1)[3] = NAN;
    check(&s, RECORD_SCORES_SUMS, 1);
    check_place(&s, 0, 2, block + 1);
    release(&s);
}

/* With the reduction max nothing is known of a row but its oracle. */
static void test_all_scores_check__says_that_it_checked_nothing(void **state) {
    (void)state;
    scored s;
    make(&s, "bf16-d128-b32x32-clusters-2047");
    s.input.problem.select.score_reduce = SPARSED_REDUCE_MAX;
    check(&s, RECORD_SCORES_NONE, 0);
    release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_scores_check__by_the_oracle),
        cmocka_unit_test(test_all_scores_check__of_padding),
        cmocka_unit_test(test_all_scores_check__by_their_sums),
        cmocka_unit_test(test_all_scores_check__of_input_that_is_no_number),
        cmocka_unit_test(test_all_scores_check__of_sums_that_are_no_numbers),
        cmocka_unit_test(test_all_scores_check__says_that_it_checked_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
