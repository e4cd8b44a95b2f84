/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * structure.c and difference.c: the measures of hand-made patterns, against numbers worked out by
 * hand.
 */
#include "pattern/structure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pattern/difference.h"
#include "src/alloc.h"
#include "src/pattern.h"

enum { MAX_HEADS = 4, MAX_BLOCKS = 4096 };

static void assert_near(double actual, double expected) {
    if (!(fabs(actual - expected) < 1e-12))
        fail_msg("%.15g, not %.15g", actual, expected);
}

/* A caller's mask of one batch. */
static sparsed_pattern_info plain_info(uint32_t heads, uint64_t q_len, uint64_t kv_len,
                                       uint32_t block_q, uint32_t block_k) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = 1,
                                  .heads = heads,
                                  .block_q = block_q,
                                  .block_k = block_k,
                                  .q_len = q_len,
                                  .kv_len = kv_len};
}

/* Rows of digits, one a query block of a head: "1000" keeps key block 0 of four. */
static sparsed_pattern *pattern_of(const sparsed_pattern_info *info, const char *const *rows,
                                   size_t count) {
    static uint8_t mask[MAX_BLOCKS];
    sparsed_pattern *pattern = NULL;
    sparsed_message message = {""};
    size_t n = strlen(rows[0]);
    assert_true(count * n <= MAX_BLOCKS);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < n; j++)
            mask[i * n + j] = rows[i][j] == '1';
    if (sparsed_pattern_from_mask(info, mask, NULL, &pattern, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    return pattern;
}

#define ROWS(...)                         \
    ((const char *const[]){__VA_ARGS__}), \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

/* Measures and releases it. */
static pattern_structure measure(sparsed_pattern *pattern, pattern_structure heads[MAX_HEADS]) {
    pattern_structure layer;
    tool_error error;
    if (!pattern_structure_measure(pattern, heads, &layer, &error))
        fail_msg("%s", error.text);
    sparsed_pattern_release(pattern);
    return layer;
}

/* ---- structure ---------------------------------------------------------------------------- */

static void test_pattern_structure_measure__one_column(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 64, 64, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("1000", "1000", "1000", "1000")), head);
    assert_int_equal(head[0].kept_blocks, 4);
    assert_near(head[0].density, 0.25);
    assert_near(head[0].diagonal_share, 0.5); /* in rows 0 and 1 */
    assert_near(head[0].entropy, 0.0);
}

static void test_pattern_structure_measure__diagonal(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 64, 64, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("1000", "0100", "0010", "0001")), head);
    assert_near(head[0].diagonal_share, 1.0);
    assert_near(head[0].entropy, 1.0);
}

static void test_pattern_structure_measure__everything(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 64, 64, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("1111", "1111", "1111", "1111")), head);
    assert_int_equal(head[0].kept_blocks, 16);
    assert_near(head[0].density, 1.0);
    assert_near(head[0].diagonal_share, 10.0 / 16.0);
    assert_near(head[0].entropy, 1.0);
}

static void test_pattern_structure_measure__uneven_columns(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 64, 64, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("1000", "1000", "1000", "0010")), head);
    assert_near(head[0].entropy, -(0.75 * log(0.75) + 0.25 * log(0.25)) / log(4.0));
    assert_near(head[0].diagonal_share, 0.75);
}

static void test_pattern_structure_measure__keeps_nothing(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 32, 32, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("00", "00")), head);
    assert_int_equal(head[0].kept_blocks, 0);
    assert_near(head[0].density, 0.0);
    assert_near(head[0].diagonal_share, 0.0);
    assert_near(head[0].entropy, 0.0);
}

static void test_pattern_structure_measure__one_key_block(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 5, 5, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("1")), head);
    assert_near(head[0].diagonal_share, 1.0);
    assert_near(head[0].entropy, 0.0);
}

/* A query block of 32 rows meets two key blocks of 16, so the first row is near blocks 0 .. 2 and
 * the second near 1 .. 4. */
static void test_pattern_structure_measure__blocks_of_two_sizes(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 96, 96, 32, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("111111", "000000", "000000")), head);
    assert_near(head[0].diagonal_share, 3.0 / 6.0);
    measure(pattern_of(&info, ROWS("000000", "111111", "000000")), head);
    assert_near(head[0].diagonal_share, 4.0 / 6.0);
    measure(pattern_of(&info, ROWS("000000", "000000", "111111")), head);
    assert_near(head[0].diagonal_share, 3.0 / 6.0);
}

/* The last block of the queries has 8 rows, which lie in key block 2 alone. */
static void test_pattern_structure_measure__partial_query_block(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 72, 72, 64, 32);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("000", "111")), head);
    assert_near(head[0].diagonal_share, 2.0 / 3.0);
    assert_near(head[0].density, 8.0 / 72.0);
    /* Rows 0 .. 7 of 128: key block 0 alone, though the query block would reach to block 3. */
    sparsed_pattern_info first = plain_info(1, 8, 128, 64, 16);
    first.pattern_flags = SPARSED_PATTERN_Q_START;
    measure(pattern_of(&first, ROWS("11111111")), head);
    assert_near(head[0].diagonal_share, 2.0 / 8.0);
}

/* The two query blocks are the last rows: keys 96 .. 127, blocks 6 and 7. */
static void test_pattern_structure_measure__fewer_queries_than_keys(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(1, 32, 128, 16, 16);
    pattern_structure head[MAX_HEADS];
    measure(pattern_of(&info, ROWS("11111111", "11111111")), head);
    assert_near(head[0].diagonal_share, 5.0 / 16.0);
    measure(pattern_of(&info, ROWS("11000000", "11000000")), head);
    assert_near(head[0].diagonal_share, 0.0);
}

static void test_pattern_structure_measure__layer_is_the_mean_of_the_heads(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(2, 32, 32, 16, 16);
    pattern_structure head[MAX_HEADS];
    const pattern_structure layer = measure(pattern_of(&info, ROWS("10", "10", "11", "11")), head);
    assert_int_equal(head[0].kept_blocks, 2);
    assert_int_equal(head[1].kept_blocks, 4);
    assert_int_equal(layer.kept_blocks, 6);
    assert_near(layer.density, 0.75);
    assert_near(layer.entropy, 0.5);
    assert_near(layer.diagonal_share, 1.0);
}

/* Batch 0 has 32 valid rows from row 32 on, blocks 0 and 1 of its own, and keeps three of the four;
 * batch 1 has all 64, and keeps all 16. */
static void test_pattern_structure_measure__each_batch_by_its_own_rows(void **state) {
    (void)state;
    sparsed_pattern_info info = plain_info(1, 64, 64, 16, 16);
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_pattern *pattern = NULL;
    pattern_structure head[MAX_HEADS];
    info.batch = 2;
    const spd_extent extents[2] = {{.key_start = 32, .keys = 32, .query_start = 32, .queries = 32},
                                   {.keys = 64, .queries = 64}};
    assert_int_equal(spd_pattern_check_info(&info, NULL), SPARSED_OK);
    assert_int_equal(spd_pattern_create(&info, extents, true, &allocator, &pattern, NULL),
                     SPARSED_OK);
    uint64_t *bits = spd_pattern_own_bits(pattern);
    bits[0] = 3;
    bits[1] = 1;
    for (int i = 4; i < 8; i++)
        bits[i] = 15;
    spd_pattern_count(pattern);
    measure(pattern, head);
    const double first = -(2.0 / 3.0 * log(2.0 / 3.0) + 1.0 / 3.0 * log(1.0 / 3.0)) / log(2.0);
    assert_int_equal(head[0].kept_blocks, 19);
    assert_near(head[0].entropy, (3.0 * first + 16.0) / 19.0);
    assert_near(head[0].diagonal_share, 13.0 / 19.0);
    assert_near(head[0].density, (768.0 + 4096.0) / (1024.0 + 4096.0));
}

/* ---- difference --------------------------------------------------------------------------- */

/* One head, one row of eight blocks of which the last four are the generation region. */
static sparsed_pattern_info row_info(uint32_t mode, double ratio) {
    sparsed_pattern_info info = plain_info(1, 16, 128, 16, 16);
    info.mode = mode;
    info.ratio = ratio;
    info.gen_len = 64;
    return info;
}

static sparsed_pattern *scored_row(const sparsed_pattern_info *info, const char *row,
                                   const float *scores) {
    sparsed_pattern *bare = pattern_of(info, &row, 1), *scored = NULL;
    sparsed_message message = {""};
    if (sparsed_pattern_with_scores(bare, scores, SPARSED_F32, &scored, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(bare);
    return scored;
}

static pattern_difference compare(const sparsed_pattern *a, const sparsed_pattern *b,
                                  const sparsed_pattern *scored) {
    const pattern_pair pair = {a, b, scored, 1e-3};
    pattern_difference heads[MAX_HEADS], all;
    tool_error error;
    if (!pattern_difference_measure(&pair, heads, &all, &error))
        fail_msg("%s", error.text);
    assert_memory_equal(&all, &heads[0], sizeof all);
    return all;
}

/* What the row of scores makes of b, seen from a. */
static pattern_difference compare_rows(const sparsed_pattern_info *info, const float *scores,
                                       const char *row_a, const char *row_b) {
    sparsed_pattern *a = scored_row(info, row_a, scores), *b = pattern_of(info, &row_b, 1);
    const pattern_difference d = compare(a, b, a);
    const pattern_difference other_way = compare(b, a, a);
    assert_int_equal(other_way.only_a, d.only_b);
    assert_int_equal(other_way.only_b, d.only_a);
    assert_int_equal(other_way.ties, d.ties);
    assert_int_equal(other_way.real, d.real);
    assert_near(other_way.largest, d.largest);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
    return d;
}

static void check(pattern_difference d, uint64_t both, uint64_t only_a, uint64_t only_b,
                  uint64_t ties, uint64_t real, double largest) {
    assert_int_equal(d.both, both);
    assert_int_equal(d.only_a, only_a);
    assert_int_equal(d.only_b, only_b);
    assert_int_equal(d.ties, ties);
    assert_int_equal(d.real, real);
    if (!(fabs(d.largest - largest) < 1e-6))
        fail_msg("largest distance %.9g, not %.9g", d.largest, largest);
}

static void test_pattern_difference_measure__counts_without_scores(void **state) {
    (void)state;
    const sparsed_pattern_info info = plain_info(2, 32, 64, 16, 16);
    sparsed_pattern *a = pattern_of(&info, ROWS("1100", "0011", "1111", "0000"));
    sparsed_pattern *b = pattern_of(&info, ROWS("1010", "0011", "1110", "0001"));
    const pattern_pair pair = {a, b, NULL, 1e-3};
    pattern_difference heads[MAX_HEADS], all;
    tool_error error;
    assert_true(pattern_difference_measure(&pair, heads, &all, &error));
    check(heads[0], 3, 1, 1, 0, 0, 0.0);
    check(heads[1], 3, 1, 1, 0, 0, 0.0);
    check(all, 6, 2, 2, 0, 0, 0.0);
    assert_near(pattern_difference_jaccard(&heads[0]), 0.6);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
}

static void test_pattern_difference_jaccard__of_nothing_is_one(void **state) {
    (void)state;
    assert_near(pattern_difference_jaccard(&(pattern_difference){0}), 1.0);
}

/* Budgets 2 and 2: the thresholds are 3 and 7. */
static void test_pattern_difference_measure__paper_ranks_the_regions_apart(void **state) {
    (void)state;
    const sparsed_pattern_info info = row_info(SPARSED_MODE_PAPER, 0.5);
    const float scores[8] = {4.0f, 3.0f, 2.0f, 1.0f, 8.0f, 7.0f, 6.0f, 5.0f};
    check(compare_rows(&info, scores, "11001100", "11001100"), 4, 0, 0, 0, 0, 0.0);
    check(compare_rows(&info, scores, "11001100", "10101100"), 3, 1, 1, 1, 1, 1.0 / 3.0);
    check(compare_rows(&info, scores, "11001100", "11001001"), 3, 1, 1, 1, 1, 2.0 / 7.0);
    check(compare_rows(&info, scores, "11001100", "01001100"), 3, 1, 0, 0, 1, 0.25);
}

static void test_pattern_difference_measure__within_the_tolerance_is_a_tie(void **state) {
    (void)state;
    const sparsed_pattern_info info = row_info(SPARSED_MODE_PAPER, 0.5);
    const float scores[8] = {4.0f, 3.0f, 2.998f, 2.99f, 8.0f, 7.0f, 6.0f, 5.0f};
    check(compare_rows(&info, scores, "11001100", "10101100"), 3, 1, 1, 2, 0, 0.002 / 3.0);
    check(compare_rows(&info, scores, "11001100", "10011100"), 3, 1, 1, 1, 1, 0.01 / 3.0);
}

/* One ranking: the third of eight is 6, whatever the region. */
static void test_pattern_difference_measure__joint_ranks_all_blocks(void **state) {
    (void)state;
    const sparsed_pattern_info info = row_info(SPARSED_MODE_JOINT, 0.375);
    const float scores[8] = {1.0f, 3.0f, 2.0f, 0.0f, 8.0f, 7.0f, 6.0f, 5.0f};
    check(compare_rows(&info, scores, "00001110", "00001101"), 2, 1, 1, 1, 1, 1.0 / 6.0);
    check(compare_rows(&info, scores, "00001110", "01001100"), 2, 1, 1, 1, 1, 0.5);
}

/* The first ranking takes int(8 * 0.25) + 1 = 3 of all blocks: 9, 5, 4, of which 5 is a generation
 * block's and dropped; threshold 4. The second, int(4 * 0.25) + 1 = 2 of the generation blocks by
 * scores of their own: threshold 0.5. */
static void test_pattern_difference_measure__upstream_has_two_rankings(void **state) {
    (void)state;
    const sparsed_pattern_info info = row_info(SPARSED_MODE_UPSTREAM_DREAM, 0.25);
    const float scores[16] = {9.0f, 4.0f, 3.0f, 1.0f, 5.0f, 0.0f, 0.0f, 0.0f,
                              0.0f, 0.0f, 0.0f, 0.0f, 0.1f, 0.5f, 0.6f, 0.4f};
    check(compare_rows(&info, scores, "11000110", "10100110"), 3, 1, 1, 1, 1, 0.25);
    check(compare_rows(&info, scores, "11000110", "11000011"), 3, 1, 1, 1, 1, 0.2);
    check(compare_rows(&info, scores, "11000110", "11001100"), 3, 1, 1, 0, 2, 0.8);
}

/* As they rank: negative scores and NaN are 0. */
static void test_pattern_difference_measure__scores_that_are_none_rank_as_zero(void **state) {
    (void)state;
    const sparsed_pattern_info info = row_info(SPARSED_MODE_PAPER, 0.75);
    const float scores[8] = {4.0f, NAN, -2.0f, 0.0f, 8.0f, 7.0f, 6.0f, 5.0f};
    check(compare_rows(&info, scores, "11101110", "11011110"), 5, 1, 1, 2, 0, 0.0);
    check(compare_rows(&info, scores, "11101110", "01111110"), 5, 1, 1, 1, 1, 1.0);
}

/* Many equal scores and an order of every kind: the threshold of 200 blocks is the 100th. */
static void test_pattern_difference_measure__finds_the_threshold_of_long_rows(void **state) {
    (void)state;
    sparsed_pattern_info info = plain_info(1, 16, 3200, 16, 16);
    uint8_t mask[200];
    float scores[200];
    sparsed_pattern *bare, *a, *b;
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.5;
    for (int order = 0; order < 4; order++) {
        for (int j = 0; j < 200; j++) {
            int value = order == 0 ? j : order == 1 ? 199 - j : order == 2 ? j * 67 % 200 : j / 50;
            scores[j] = 1.0f + (float)value;
        }
        const float threshold = order == 3 ? 3.0f : 101.0f;
        memset(mask, 1, sizeof mask);
        assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &bare, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_with_scores(bare, scores, SPARSED_F32, &a, NULL),
                         SPARSED_OK);
        for (int j = 0; j < 200; j++) {
            mask[j] = 0;
            assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &b, NULL), SPARSED_OK);
            const double s = scores[j], t = threshold;
            const pattern_difference d = compare(a, b, a);
            assert_near(d.largest, fabs(s - t) / fmax(s, t));
            sparsed_pattern_release(b);
            mask[j] = 1;
        }
        sparsed_pattern_release(bare);
        sparsed_pattern_release(a);
    }
}

/* With ratios of their own for heads the budget is not told: the lowest kept score it is. */
static void test_pattern_difference_measure__ratios_of_heads(void **state) {
    (void)state;
    sparsed_pattern_info info = row_info(SPARSED_MODE_PAPER, 0.5);
    const char *const rows[2] = {"11001100", "11001100"};
    const float scores[16] = {4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1, 8, 7, 6, 5};
    sparsed_pattern *bare, *scored, *a, *b;
    pattern_difference heads[MAX_HEADS], all;
    tool_error error;
    info.heads = 2;
    bare = pattern_of(&info, rows, 2);
    assert_int_equal(sparsed_pattern_with_scores(bare, scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_rethreshold(scored, (const double[]){0.25, 0.75}, 2, &a, NULL),
                     SPARSED_OK);
    b = pattern_of(&info, (const char *const[]){"01001000", "11111110"}, 2);
    assert_true(pattern_difference_measure(&(pattern_pair){a, b, a, 1e-3}, heads, &all, &error));
    check(heads[0], 1, 1, 1, 1, 1, 0.25); /* threshold 4: block 1 has 3 */
    check(heads[1], 6, 0, 1, 0, 1, 0.5);  /* threshold 2: block 3 has 1 */
    sparsed_pattern_release(bare);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(a);
    sparsed_pattern_release(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_structure_measure__one_column),
        cmocka_unit_test(test_pattern_structure_measure__diagonal),
        cmocka_unit_test(test_pattern_structure_measure__everything),
        cmocka_unit_test(test_pattern_structure_measure__uneven_columns),
        cmocka_unit_test(test_pattern_structure_measure__keeps_nothing),
        cmocka_unit_test(test_pattern_structure_measure__one_key_block),
        cmocka_unit_test(test_pattern_structure_measure__blocks_of_two_sizes),
        cmocka_unit_test(test_pattern_structure_measure__partial_query_block),
        cmocka_unit_test(test_pattern_structure_measure__fewer_queries_than_keys),
        cmocka_unit_test(test_pattern_structure_measure__layer_is_the_mean_of_the_heads),
        cmocka_unit_test(test_pattern_structure_measure__each_batch_by_its_own_rows),
        cmocka_unit_test(test_pattern_difference_measure__counts_without_scores),
        cmocka_unit_test(test_pattern_difference_jaccard__of_nothing_is_one),
        cmocka_unit_test(test_pattern_difference_measure__paper_ranks_the_regions_apart),
        cmocka_unit_test(test_pattern_difference_measure__within_the_tolerance_is_a_tie),
        cmocka_unit_test(test_pattern_difference_measure__joint_ranks_all_blocks),
        cmocka_unit_test(test_pattern_difference_measure__upstream_has_two_rankings),
        cmocka_unit_test(test_pattern_difference_measure__scores_that_are_none_rank_as_zero),
        cmocka_unit_test(test_pattern_difference_measure__finds_the_threshold_of_long_rows),
        cmocka_unit_test(test_pattern_difference_measure__ratios_of_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
