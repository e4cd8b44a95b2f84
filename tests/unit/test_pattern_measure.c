/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a pattern keeps: rows, counts, density, bits outside of a batch's own blocks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/alloc.h"
#include "src/pattern.h"
#include "src/select.h"
#include "support/pattern_case.h"

static uint8_t mask[SMALL_MASK];

static int fill(void **state) {
    (void)state;
    random_mask(mask, SMALL_MASK, 1);
    return 0;
}

static void test_popcount__counts_bits(void **state) {
    (void)state;
    uint64_t word = 0;
    assert_int_equal(spd_popcount(0), 0);
    assert_int_equal(spd_popcount(UINT64_MAX), 64);
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(spd_popcount((uint64_t)1 << i), 1);
        word |= (uint64_t)1 << (i * 37 % 64);
        assert_int_equal(spd_popcount(word), i + 1);
    }
}

/* ---- masks and rows ---- */

static void test_pattern_to_mask__refuses(void **state) {
    (void)state;
    uint8_t back[SMALL_MASK];
    sparsed_pattern *pattern = small_pattern(1);
    assert_int_equal(sparsed_pattern_to_mask(NULL, back), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_to_mask(pattern, NULL), SPARSED_E_INVALID);
    sparsed_pattern_release(pattern);
}

static void test_pattern_row__lists_the_kept_blocks(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    for (uint32_t r = 0; r < SMALL_ROWS; r++) {
        uint32_t blocks[SMALL_K_BLOCKS + 1], b = r / (SMALL_HEADS * SMALL_Q_BLOCKS);
        uint64_t count = 0, alone = 0, n = 0;
        memset(blocks, 0x77, sizeof blocks);
        assert_int_equal(sparsed_pattern_row(pattern, b, r / SMALL_Q_BLOCKS % SMALL_HEADS,
                                             r % SMALL_Q_BLOCKS, blocks, &count),
                         SPARSED_OK);
        assert_int_equal(sparsed_pattern_row(pattern, b, r / SMALL_Q_BLOCKS % SMALL_HEADS,
                                             r % SMALL_Q_BLOCKS, NULL, &alone),
                         SPARSED_OK);
        for (uint32_t j = 0; j < SMALL_K_BLOCKS; j++)
            if (mask[r * SMALL_K_BLOCKS + j])
                assert_int_equal(blocks[n++], j);
        assert_int_equal(count, n);
        assert_int_equal(alone, n);
        assert_int_equal(blocks[n], 0x77777777);
    }
    sparsed_pattern_release(pattern);
}

static void test_pattern_row__everything_and_nothing(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    uint8_t some[SMALL_MASK] = {0};
    uint32_t blocks[SMALL_K_BLOCKS];
    uint64_t count = 99;
    memset(some, 1, SMALL_K_BLOCKS); /* the first row */
    sparsed_pattern *pattern = mask_pattern(&info, some);
    assert_int_equal(sparsed_pattern_row(pattern, 0, 0, 0, blocks, NULL), SPARSED_OK);
    for (uint32_t j = 0; j < SMALL_K_BLOCKS; j++)
        assert_int_equal(blocks[j], j);
    assert_int_equal(sparsed_pattern_row(pattern, 0, 0, 1, blocks, &count), SPARSED_OK);
    assert_int_equal(count, 0);
    sparsed_pattern_release(pattern);
}

static void test_pattern_row__refuses(void **state) {
    (void)state;
    sparsed_pattern *pattern = small_pattern(1);
    uint64_t count;
    assert_int_equal(sparsed_pattern_row(NULL, 0, 0, 0, NULL, &count), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_row(pattern, SMALL_BATCH, 0, 0, NULL, &count),
                     SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_row(pattern, 0, SMALL_HEADS, 0, NULL, &count),
                     SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_row(pattern, 0, 0, SMALL_Q_BLOCKS, NULL, &count),
                     SPARSED_E_INVALID);
    sparsed_pattern_release(pattern);
}

/* ---- counts ---- */

static void test_pattern_count__of_heads_and_all(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    uint64_t expected[SMALL_HEADS] = {0}, all = 0;
    for (int i = 0; i < SMALL_MASK; i++) {
        expected[i / (SMALL_K_BLOCKS * SMALL_Q_BLOCKS) % SMALL_HEADS] += mask[i] != 0;
        all += mask[i] != 0;
    }
    for (uint32_t h = 0; h < SMALL_HEADS; h++)
        assert_int_equal(sparsed_pattern_count(pattern, h), expected[h]);
    assert_int_equal(sparsed_pattern_count(pattern, UINT32_MAX), all);
    assert_int_equal(sparsed_pattern_count(pattern, SMALL_HEADS), 0);
    assert_int_equal(sparsed_pattern_count(NULL, 0), 0);
    sparsed_pattern_release(pattern);
}

/* ---- density ---- */

/* Counts the pairs of one head, element by element, over each batch's valid rows. */
static double count_density(const sparsed_pattern_info *info, const spd_extent *extents,
                            uint32_t head) {
    uint64_t nq = (info->q_len + info->block_q - 1) / info->block_q;
    uint64_t nk = (info->kv_len + info->block_k - 1) / info->block_k;
    double kept = 0.0, total = 0.0;
    for (uint64_t b = 0; b < info->batch; b++)
        for (uint64_t r = 0; r < extents[b].queries; r++)
            for (uint64_t k = 0; k < extents[b].keys; k++, total += 1.0)
                kept += mask[((b * info->heads + head) * nq + r / info->block_q) * nk +
                             k / info->block_k] != 0;
    return kept / total;
}

static void test_pattern_density__counts_elements(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    double all = 0.0;
    info.kv_len = 1190; /* partial blocks on both sides */
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    for (uint32_t head = 0; head < info.heads; head++) {
        double expected = count_density(&info, pattern->extents, head);
        assert_true(fabs(sparsed_pattern_density(pattern, head) - expected) < 1e-12);
        all += expected / info.heads;
    }
    assert_true(fabs(sparsed_pattern_density(pattern, UINT32_MAX) - all) < 1e-12);
    assert_true(sparsed_pattern_density(pattern, info.heads) == 0.0);
    assert_true(sparsed_pattern_density(NULL, 0) == 0.0);
    sparsed_pattern_release(pattern);
}

/* Bits of the mask that lie in a batch's own blocks, as a padded build leaves them. */
static sparsed_pattern *padded_pattern(const spd_extent *extents) {
    const sparsed_allocator allocator = spd_default_allocator();
    sparsed_pattern_info info = small_info();
    sparsed_pattern *p;
    assert_int_equal(spd_pattern_check_info(&info, NULL), SPARSED_OK);
    assert_int_equal(spd_pattern_create(&info, extents, true, &allocator, &p, NULL), SPARSED_OK);
    for (uint64_t r = 0; r < SMALL_ROWS; r++) {
        const spd_extent *e = &p->extents[r / (SMALL_HEADS * SMALL_Q_BLOCKS)];
        for (uint64_t j = 0; j < e->k_blocks && r % SMALL_Q_BLOCKS < e->q_blocks; j++)
            if (mask[r * SMALL_K_BLOCKS + j])
                spd_bit_set(spd_pattern_own_bits(p) + r * p->row_words, j);
    }
    spd_pattern_count(p);
    return p;
}

static const spd_extent padded[SMALL_BATCH] = {
    {.key_start = 30, .keys = 1037, .queries = 40, .query_position = 997},
    {.key_start = 7, .keys = 1024, .query_start = 1, .queries = 64, .query_position = 960}};

static void test_pattern_density__padded_batches(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern = padded_pattern(padded);
    for (uint32_t head = 0; head < info.heads; head++)
        assert_true(fabs(sparsed_pattern_density(pattern, head) -
                         count_density(&info, pattern->extents, head)) < 1e-12);
    sparsed_pattern_release(pattern);
}

static void test_pattern_density__batch_without_rows(void **state) {
    (void)state;
    const spd_extent none[SMALL_BATCH] = {{0}, {.keys = 50}};
    sparsed_pattern *pattern = padded_pattern(none);
    assert_true(sparsed_pattern_density(pattern, UINT32_MAX) == 0.0);
    sparsed_pattern_release(pattern);
}

static void test_pattern_density__nothing_and_everything(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    uint8_t flat[SMALL_MASK] = {0};
    sparsed_pattern *nothing = mask_pattern(&info, flat);
    memset(flat, 1, sizeof flat);
    sparsed_pattern *everything = mask_pattern(&info, flat);
    assert_true(sparsed_pattern_density(nothing, UINT32_MAX) == 0.0);
    assert_true(sparsed_pattern_density(everything, UINT32_MAX) == 1.0);
    sparsed_pattern_release(nothing);
    sparsed_pattern_release(everything);
}

/* ---- ratio ---- */

static void test_pattern_ratio__of_a_head(void **state) {
    (void)state;
    const double ratios[SMALL_HEADS] = {0.25, 0.5, 1.0};
    sparsed_pattern_info info = small_info();
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.3;
    sparsed_pattern *pattern = mask_pattern(&info, mask), *scored, *own;
    float *scores = calloc(SMALL_MASK, sizeof *scores);
    assert_non_null(scores);
    assert_int_equal(sparsed_pattern_with_scores(pattern, scores, SPARSED_F32, &scored, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_rethreshold(scored, ratios, SMALL_HEADS, &own, NULL),
                     SPARSED_OK);
    for (uint32_t head = 0; head < SMALL_HEADS; head++) {
        assert_true(sparsed_pattern_ratio(pattern, head) == 0.3);
        assert_true(sparsed_pattern_ratio(own, head) == ratios[head]);
    }
    assert_true(sparsed_pattern_ratio(own, SMALL_HEADS) == 0.0);
    assert_true(sparsed_pattern_ratio(NULL, 0) == 0.0);
    free(scores);
    sparsed_pattern_release(pattern);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(own);
}

/* ---- bits outside ---- */

static void test_pattern_bits_fit__finds_every_bit_outside(void **state) {
    (void)state;
    sparsed_pattern *p = padded_pattern(padded);
    uint64_t *bits = spd_pattern_own_bits(p);
    assert_true(spd_pattern_bits_fit(p));
    for (uint64_t r = 0; r < SMALL_ROWS; r++)
        for (uint64_t j = 0; j < p->row_words * 64; j++) {
            const spd_extent *e = &p->extents[r / (SMALL_HEADS * SMALL_Q_BLOCKS)];
            const bool own = r % SMALL_Q_BLOCKS < e->q_blocks && j < e->k_blocks;
            const uint64_t word = bits[r * p->row_words + j / 64];
            spd_bit_set(bits + r * p->row_words, j);
            assert_int_equal(spd_pattern_bits_fit(p), own);
            bits[r * p->row_words + j / 64] = word;
        }
    sparsed_pattern_release(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_popcount__counts_bits),
        cmocka_unit_test(test_pattern_to_mask__refuses),
        cmocka_unit_test(test_pattern_row__lists_the_kept_blocks),
        cmocka_unit_test(test_pattern_row__everything_and_nothing),
        cmocka_unit_test(test_pattern_row__refuses),
        cmocka_unit_test(test_pattern_count__of_heads_and_all),
        cmocka_unit_test(test_pattern_density__counts_elements),
        cmocka_unit_test(test_pattern_density__padded_batches),
        cmocka_unit_test(test_pattern_density__batch_without_rows),
        cmocka_unit_test(test_pattern_density__nothing_and_everything),
        cmocka_unit_test(test_pattern_ratio__of_a_head),
        cmocka_unit_test(test_pattern_bits_fit__finds_every_bit_outside),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
