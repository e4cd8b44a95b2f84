/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* From scores to kept blocks. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/select.h"
#include "support/attention_case.h"
#include "support/random.h"
#include "support/reference_selection.h"

enum { MAX_BLOCKS = 320 };

/* A problem of one head over `blocks` whole key blocks of 16, query blocks of 16. */
typedef struct selection {
    spd_problem problem;
    spd_extent extent;
} selection;

static selection new_selection_of_rows(const sparsed_desc *desc, const sparsed_select *select) {
    selection s = {0};
    spd_problem plan;
    const sparsed_io io = {.struct_size = sizeof io};
    sparsed_message message = {""};
    if (spd_problem_create(desc, select, &plan, &message) != SPARSED_OK ||
        spd_problem_of_run(&plan, &io, &s.problem, &s.extent, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return s;
}

static selection new_selection(uint32_t mode, uint64_t blocks, uint64_t gen_blocks, double ratio) {
    sparsed_desc desc = case_desc(1, 1, 1, 8, blocks * 16);
    sparsed_select select = case_select(mode, 16, 16, gen_blocks * 16, ratio);
    return new_selection_of_rows(&desc, &select);
}

static void select_row(const selection *s, uint64_t q_block, const float *scores,
                       const float *generation, uint8_t *mask) {
    uint64_t keys[MAX_BLOCKS], row[MAX_BLOCKS / 64];
    memset(row, 0xff, sizeof row); /* must be overwritten */
    spd_select_row(&s->problem, &s->extent, q_block, scores, generation, keys, row);
    for (uint64_t j = 0; j < s->problem.row_words * 64; j++)
        if (j < s->extent.k_blocks)
            mask[j] = spd_bit_get(row, j);
        else
            assert_false(spd_bit_get(row, j));
}

/* The row's kept blocks as text: "0 3 7". */
static const char *kept_list(const selection *s, uint64_t q_block, const float *scores,
                             const float *generation) {
    static char text[4 * MAX_BLOCKS];
    uint8_t mask[MAX_BLOCKS];
    size_t used = 0;
    select_row(s, q_block, scores, generation, mask);
    text[0] = '\0';
    for (uint64_t j = 0; j < s->extent.k_blocks; j++)
        if (mask[j])
            used +=
                (size_t)snprintf(text + used, sizeof text - used, used ? " %u" : "%u", (unsigned)j);
    return text;
}

/* ---- the ranking ---- */

static void test_select_row__partition_equals_a_sort(void **state) {
    (void)state;
    uint64_t random = 5;
    float scores[MAX_BLOCKS];
    double exact[MAX_BLOCKS];
    for (uint64_t n = 1; n <= 300; n++)
        for (int kind = 0; kind < 4; kind++) {
            double ratio = (double)(random_bits(&random) % 1000 + 1) / 1000.0;
            selection s = new_selection(SPARSED_MODE_JOINT, n, 0, ratio);
            for (uint64_t j = 0; j < n; j++) {
                float value = random_float(&random);
                /* random; few values, so many ties; rising; falling */
                scores[j] = kind == 0   ? value
                            : kind == 1 ? floorf(value * 4.0f)
                            : kind == 2 ? (float)j
                                        : (float)(n - j);
                exact[j] = (double)scores[j];
            }
            uint8_t mask[MAX_BLOCKS], expected[MAX_BLOCKS] = {0};
            select_row(&s, 0, scores, NULL, mask);
            reference_rank(exact, 0, n, s.extent.keep_prompt, n, (reference_tie){0.0, 0.0},
                           expected);
            assert_memory_equal(mask, expected, n);
        }
}

static void test_select_row__every_budget(void **state) {
    (void)state;
    uint64_t random = 6;
    float scores[64];
    double exact[64];
    for (uint64_t keep = 1; keep <= 64; keep++) {
        selection s = new_selection(SPARSED_MODE_JOINT, 64, 0, (double)keep / 64.0);
        assert_int_equal(s.extent.keep_prompt, keep);
        for (int j = 0; j < 64; j++) {
            scores[j] = random_float(&random);
            exact[j] = (double)scores[j];
        }
        uint8_t mask[MAX_BLOCKS], expected[64] = {0};
        select_row(&s, 0, scores, NULL, mask);
        reference_rank(exact, 0, 64, keep, 64, (reference_tie){0.0, 0.0}, expected);
        assert_memory_equal(mask, expected, sizeof expected);
    }
}

static void test_select_row__ties_go_to_the_lower_index(void **state) {
    (void)state;
    const float equal[8] = {1, 1, 1, 1, 1, 1, 1, 1}, some[8] = {1, 2, 1, 2, 1, 2, 1, 2};
    selection s = new_selection(SPARSED_MODE_JOINT, 8, 0, 0.375);
    assert_string_equal(kept_list(&s, 0, equal, NULL), "0 1 2");
    assert_string_equal(kept_list(&s, 0, some, NULL), "1 3 5");
    selection larger = new_selection(SPARSED_MODE_JOINT, 8, 0, 0.75);
    assert_string_equal(kept_list(&larger, 0, some, NULL), "0 1 2 3 5 7");
}

/* NaN of either sign, -0 and negative scores rank as 0; denormals and infinity as they are. */
static void test_select_row__special_scores(void **state) {
    (void)state;
    selection one = new_selection(SPARSED_MODE_JOINT, 8, 0, 0.125);
    selection two = new_selection(SPARSED_MODE_JOINT, 8, 0, 0.25);
    selection four = new_selection(SPARSED_MODE_JOINT, 8, 0, 0.5);
    const float nans[8] = {NAN, -NAN, NAN, 0.5f, NAN, NAN, 0.25f, NAN};
    assert_string_equal(kept_list(&one, 0, nans, NULL), "3");
    assert_string_equal(kept_list(&two, 0, nans, NULL), "3 6");
    assert_string_equal(kept_list(&four, 0, nans, NULL), "0 1 3 6");
    const float zeros[8] = {-1.0f, -0.0f, NAN, 0.0f, -FLT_MIN, -INFINITY, FLT_TRUE_MIN, -0.0f};
    assert_string_equal(kept_list(&one, 0, zeros, NULL), "6");
    assert_string_equal(kept_list(&four, 0, zeros, NULL), "0 1 2 6");
    const float tiny[8] = {0, FLT_TRUE_MIN, 2 * FLT_TRUE_MIN, FLT_MIN, FLT_MIN / 2, 0, INFINITY, 1};
    assert_string_equal(kept_list(&four, 0, tiny, NULL), "3 4 6 7");
    const float all_nan[8] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    assert_string_equal(kept_list(&two, 0, all_nan, NULL), "0 1");
}

/* ---- the modes ---- */

/* Blocks 0..5 are prompt, 6..9 generation. */
static const float scores10[10] = {5, 1, 9, 2, 8, 3, 7, 10, 6, 4};
static const float generation10[10] = {99, 99, 99, 99, 99, 99, 1, 3, 4, 2};

static void test_select_row__paper_ranks_the_two_regions_apart(void **state) {
    (void)state;
    selection s = new_selection(SPARSED_MODE_PAPER, 10, 4, 0.3);
    /* ceil(0.3 * 6) = 2 of the prompt, ceil(0.3 * 4) = 2 of the generation, by the same scores */
    assert_string_equal(kept_list(&s, 0, scores10, NULL), "2 4 6 7");
}

static void test_select_row__upstream_drops_generation_blocks_of_the_first_ranking(void **state) {
    (void)state;
    selection s = new_selection(SPARSED_MODE_UPSTREAM_DREAM, 10, 4, 0.3);
    /* The best int(0.3 * 10) + 1 = 4 are 7, 2, 4, 6: of these 2 and 4 are prompt. Of the
     * generation int(0.3 * 4) + 1 = 2 by its own scores: 8 and 7. */
    assert_string_equal(kept_list(&s, 0, scores10, generation10), "2 4 7 8");
    selection llada = new_selection(SPARSED_MODE_UPSTREAM_LLADA, 10, 4, 0.3);
    assert_string_equal(kept_list(&llada, 0, scores10, generation10), "2 4 7 8");
}

static void test_select_row__upstream_may_keep_no_prompt_block(void **state) {
    (void)state;
    const float scores[10] = {1, 1, 1, 1, 1, 1, 5, 6, 7, 8};
    selection s = new_selection(SPARSED_MODE_UPSTREAM_DREAM, 10, 4, 0.3);
    assert_string_equal(kept_list(&s, 0, scores, generation10), "7 8");
}

static void test_select_row__joint_is_one_ranking(void **state) {
    (void)state;
    selection s = new_selection(SPARSED_MODE_JOINT, 10, 4, 0.3);
    assert_string_equal(kept_list(&s, 0, scores10, NULL), "2 4 7");
}

static void test_select_row__generation_smaller_than_the_last_block(void **state) {
    (void)state;
    const float scores[10] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0.5f}, generation[10] = {0};
    sparsed_desc desc = case_desc(1, 1, 1, 8, 156);
    sparsed_select select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 16, 16, 5, 0.3);
    selection s = new_selection_of_rows(&desc, &select);
    assert_int_equal(s.extent.split, 9);
    assert_string_equal(kept_list(&s, 0, scores, generation), "0 1 2 3 9");
    select.gen_len = 0;
    s = new_selection_of_rows(&desc, &select);
    assert_string_equal(kept_list(&s, 0, scores, generation), "0 1 2 3 9");
    select.mode = SPARSED_MODE_PAPER;
    s = new_selection_of_rows(&desc, &select);
    assert_string_equal(kept_list(&s, 0, scores, generation), "0 1 2 9");
}

static void test_select_row__ratio_1_keeps_everything(void **state) {
    (void)state;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++)
        for (uint64_t gen_blocks = 0; gen_blocks <= 10; gen_blocks++) {
            selection s = new_selection(mode, 10, gen_blocks, 1.0);
            assert_string_equal(kept_list(&s, 0, scores10, generation10), "0 1 2 3 4 5 6 7 8 9");
        }
}

static void test_select_row__every_row_keeps_a_block(void **state) {
    (void)state;
    const float zeros[MAX_BLOCKS] = {0.0f};
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++)
        for (uint64_t blocks = 1; blocks <= 20; blocks++)
            for (uint64_t gen_blocks = 0; gen_blocks <= blocks; gen_blocks++) {
                selection s = new_selection(mode, blocks, gen_blocks, 1e-9);
                assert_string_not_equal(kept_list(&s, blocks - 1, zeros, zeros), "");
            }
}

static void test_select_row__paper_with_a_larger_ratio_keeps_a_superset(void **state) {
    (void)state;
    uint64_t random = 8;
    float scores[40];
    uint8_t before[MAX_BLOCKS] = {0}, mask[MAX_BLOCKS];
    for (int j = 0; j < 40; j++)
        scores[j] = floorf(random_float(&random) * 6.0f); /* with ties */
    for (double ratio = 0.01; ratio <= 1.0; ratio += 0.01) {
        selection s = new_selection(SPARSED_MODE_PAPER, 40, 11, ratio);
        select_row(&s, 0, scores, NULL, mask);
        for (int j = 0; j < 40; j++)
            assert_true(mask[j] >= before[j]);
        memcpy(before, mask, sizeof before);
    }
}

/* ---- options ---- */

static selection with_options(uint32_t flags, uint32_t always_first) {
    selection s = new_selection(SPARSED_MODE_JOINT, 10, 4, 0.1);
    s.problem.select.flags = flags;
    s.problem.select.always_first = always_first;
    return s;
}

static void test_select_row__dense_generation_rows(void **state) {
    (void)state;
    selection s = with_options(SPARSED_SELECT_DENSE_GENERATION_ROWS, 0);
    assert_string_equal(kept_list(&s, 5, scores10, NULL), "7");
    assert_string_equal(kept_list(&s, 6, scores10, NULL), "0 1 2 3 4 5 6 7 8 9");
    s.extent.generation_position--; /* the last row of block 5 is a generation row now */
    assert_string_equal(kept_list(&s, 5, scores10, NULL), "0 1 2 3 4 5 6 7 8 9");
    assert_string_equal(kept_list(&s, 4, scores10, NULL), "7");
    s.extent.generation_position = s.extent.keys; /* no generation rows at all */
    assert_string_equal(kept_list(&s, 9, scores10, NULL), "7");
}

static void test_select_row__always_first(void **state) {
    (void)state;
    selection s = with_options(0, 2);
    assert_string_equal(kept_list(&s, 3, scores10, NULL), "0 1 7");
    s = with_options(0, UINT32_MAX);
    assert_string_equal(kept_list(&s, 3, scores10, NULL), "0 1 2 3 4 5 6 7 8 9");
}

static void test_select_row__keep_diagonal(void **state) {
    (void)state;
    selection s = with_options(SPARSED_SELECT_KEEP_DIAGONAL, 0);
    assert_string_equal(kept_list(&s, 0, scores10, NULL), "0 7");
    assert_string_equal(kept_list(&s, 9, scores10, NULL), "7 9");
    s.problem.select.block_q = 64;
    assert_string_equal(kept_list(&s, 1, scores10, NULL), "4 5 6 7");
    assert_string_equal(kept_list(&s, 2, scores10, NULL), "7 8 9"); /* half a block */
}

/* Query rows 5 .. 36 of 160: the blocks that they meet, not those of their own numbers. */
static void test_select_row__diagonal_of_fewer_query_rows(void **state) {
    (void)state;
    sparsed_desc desc = case_desc(1, 1, 1, 8, 160);
    sparsed_select select = case_select(SPARSED_MODE_JOINT, 16, 16, 64, 0.1);
    select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    desc.q_len = 32;
    selection last = new_selection_of_rows(&desc, &select);
    assert_string_equal(kept_list(&last, 0, scores10, NULL), "7 8");
    assert_string_equal(kept_list(&last, 1, scores10, NULL), "7 9");
    desc.flags = SPARSED_DESC_Q_START;
    desc.q_start = 5;
    selection given = new_selection_of_rows(&desc, &select);
    assert_string_equal(kept_list(&given, 0, scores10, NULL), "0 1 7");
    assert_string_equal(kept_list(&given, 1, scores10, NULL), "1 2 7");
}

static void test_select_row__keep_generation(void **state) {
    (void)state;
    selection s = with_options(SPARSED_SELECT_KEEP_GENERATION, 0);
    assert_string_equal(kept_list(&s, 0, scores10, NULL), "6 7 8 9");
}

static void test_select_row__options_are_outside_the_budget(void **state) {
    (void)state;
    selection s = new_selection(SPARSED_MODE_JOINT, 10, 4, 0.2);
    s.problem.select.always_first = 1;
    s.problem.select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    assert_string_equal(kept_list(&s, 5, scores10, NULL), "0 2 5 7");
}

/* ---- fixed modes ---- */

static void test_fixed_row__keeps_every_block_that_a_row_meets(void **state) {
    (void)state;
    static const uint64_t windows[] = {0, 1, 15, 16, 40, 1000}, sinks[] = {0, 1, 16, 17, 1000};
    static const uint32_t blocks[][2] = {{16, 16}, {64, 16}, {16, 64}, {32, 128}};
    for (size_t b = 0; b < 4; b++)
        for (size_t w = 0; w < 6; w++)
            for (size_t n = 0; n < 5; n++) {
                sparsed_desc desc = case_desc(1, 1, 1, 8, 150);
                sparsed_select select =
                    case_select(n ? SPARSED_MODE_STREAMING : SPARSED_MODE_WINDOW, blocks[b][0],
                                blocks[b][1], 0, 0.0);
                select.window = windows[w];
                select.sinks = sinks[n];
                selection s = new_selection_of_rows(&desc, &select);
                for (uint64_t i = 0; i < s.extent.q_blocks; i++) {
                    uint64_t row[1], expected[1] = {0};
                    spd_fixed_row(&s.problem, &s.extent, i, row);
                    for (uint64_t r = i * blocks[b][0]; r < (i + 1) * blocks[b][0] && r < 150; r++)
                        for (uint64_t key = 0; key < 150; key++)
                            if ((r > key ? r - key : key - r) <= windows[w] || key < sinks[n])
                                spd_bit_set(expected, key / blocks[b][1]);
                    assert_true(row[0] == expected[0]);
                }
            }
}

static void test_bits_set_range__sets_no_other_bit(void **state) {
    (void)state;
    for (uint64_t first = 0; first <= 130; first += 13)
        for (uint64_t end = first; end <= 190; end += 7) {
            uint64_t row[3] = {0};
            spd_bits_set_range(row, first, end);
            for (uint64_t i = 0; i < 192; i++)
                assert_int_equal(spd_bit_get(row, i), i >= first && i < end);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select_row__partition_equals_a_sort),
        cmocka_unit_test(test_select_row__every_budget),
        cmocka_unit_test(test_select_row__ties_go_to_the_lower_index),
        cmocka_unit_test(test_select_row__special_scores),
        cmocka_unit_test(test_select_row__paper_ranks_the_two_regions_apart),
        cmocka_unit_test(test_select_row__upstream_drops_generation_blocks_of_the_first_ranking),
        cmocka_unit_test(test_select_row__upstream_may_keep_no_prompt_block),
        cmocka_unit_test(test_select_row__joint_is_one_ranking),
        cmocka_unit_test(test_select_row__generation_smaller_than_the_last_block),
        cmocka_unit_test(test_select_row__ratio_1_keeps_everything),
        cmocka_unit_test(test_select_row__every_row_keeps_a_block),
        cmocka_unit_test(test_select_row__paper_with_a_larger_ratio_keeps_a_superset),
        cmocka_unit_test(test_select_row__dense_generation_rows),
        cmocka_unit_test(test_select_row__always_first),
        cmocka_unit_test(test_select_row__keep_diagonal),
        cmocka_unit_test(test_select_row__diagonal_of_fewer_query_rows),
        cmocka_unit_test(test_select_row__keep_generation),
        cmocka_unit_test(test_select_row__options_are_outside_the_budget),
        cmocka_unit_test(test_fixed_row__keeps_every_block_that_a_row_meets),
        cmocka_unit_test(test_bits_set_range__sets_no_other_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
