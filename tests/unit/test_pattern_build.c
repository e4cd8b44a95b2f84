/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns from a caller's mask, bits and CSR; what an info may say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/pattern.h"
#include "support/api_check.h"
#include "support/pattern_case.h"

enum { WORDS = 2 }; /* of a row of small_info: 75 blocks */

static uint8_t mask[SMALL_MASK];
static uint64_t bits[SMALL_ROWS * WORDS];
static uint64_t row_starts[SMALL_ROWS + 1];
static uint32_t blocks[SMALL_MASK];

/* The same choice three times. */
static int fill(void **state) {
    (void)state;
    uint64_t n = 0;
    random_mask(mask, SMALL_MASK, 1);
    for (uint64_t r = 0; r < SMALL_ROWS; r++) {
        for (uint32_t j = 0; j < SMALL_K_BLOCKS; j++)
            if (mask[r * SMALL_K_BLOCKS + j]) {
                bits[r * WORDS + j / 64] |= (uint64_t)1 << j % 64;
                blocks[n++] = j;
            }
        row_starts[r + 1] = n;
    }
    return 0;
}

/* ---- three ways in ---- */

static void test_pattern_from_mask__comes_back_as_zeros_and_ones(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern = mask_pattern(&info, mask);
    uint8_t back[SMALL_MASK + 1];
    memset(back, 0x77, sizeof back);
    assert_int_equal(sparsed_pattern_to_mask(pattern, back), SPARSED_OK);
    for (int i = 0; i < SMALL_MASK; i++)
        assert_int_equal(back[i], mask[i] != 0);
    assert_int_equal(back[SMALL_MASK], 0x77);
    assert_true(spd_pattern_bits_fit(pattern));
    sparsed_pattern_release(pattern);
}

static void test_pattern_from_bits__equals_the_mask(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *expected = mask_pattern(&info, mask), *pattern;
    sparsed_message message;
    assert_int_equal(sparsed_pattern_from_bits(&info, bits, NULL, &pattern, &message), SPARSED_OK);
    assert_string_equal(message.text, "");
    assert_same_blocks(pattern, expected);
    sparsed_pattern_release(pattern);
    sparsed_pattern_release(expected);
}

/* A row of whole words has no bits past its blocks. */
static void test_pattern_from_bits__whole_words(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    uint64_t full[SMALL_ROWS * WORDS];
    sparsed_pattern *pattern;
    info.kv_len = 128 * 16;
    memset(full, 0xff, sizeof full);
    assert_int_equal(sparsed_pattern_from_bits(&info, full, NULL, &pattern, NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_count(pattern, UINT32_MAX), SMALL_ROWS * 128);
    assert_true(sparsed_pattern_density(pattern, UINT32_MAX) == 1.0);
    sparsed_pattern_release(pattern);
}

static void test_pattern_from_csr__equals_the_mask(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *expected = mask_pattern(&info, mask), *pattern;
    sparsed_message message;
    assert_int_equal(sparsed_pattern_from_csr(&info, row_starts, blocks, NULL, &pattern, &message),
                     SPARSED_OK);
    assert_string_equal(message.text, "");
    assert_same_blocks(pattern, expected);
    sparsed_pattern_release(pattern);
    sparsed_pattern_release(expected);
}

static void test_pattern_from_csr__empty_needs_no_blocks(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    const uint64_t nothing[SMALL_ROWS + 1] = {0};
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_pattern_from_csr(&info, nothing, NULL, NULL, &pattern, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_count(pattern, UINT32_MAX), 0);
    sparsed_pattern_release(pattern);
}

/* ---- blocks refused ---- */

static void test_pattern_from_bits__refuses_bits_past_the_blocks(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    uint64_t bad[SMALL_ROWS * WORDS] = {0};
    for (int bit = 75; bit < 128; bit += 52) {
        sparsed_pattern *pattern = (sparsed_pattern *)(void *)bad;
        sparsed_message message;
        bad[7 * WORDS + 1] = (uint64_t)1 << (bit - 64);
        sparsed_status status = sparsed_pattern_from_bits(&info, bad, NULL, &pattern, &message);
        assert_error_text(message.text, status, SPARSED_E_INVALID,
                          "bits of row 7 (of 18) are set past its 75 key blocks");
        assert_null(pattern);
    }
}

static void refuse_csr(const uint64_t *starts, const uint32_t *entries, const char *named) {
    const sparsed_pattern_info info = small_info();
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&pattern;
    sparsed_message message;
    sparsed_status status =
        sparsed_pattern_from_csr(&info, starts, entries, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
    assert_null(pattern);
}

static void test_pattern_from_csr__refuses_row_starts(void **state) {
    (void)state;
    uint64_t starts[SMALL_ROWS + 1];
    memcpy(starts, row_starts, sizeof starts);
    starts[0] = 1;
    refuse_csr(starts, blocks, "row_starts[0] is 1, not 0");
    starts[0] = 0;
    starts[3] = starts[2] - 1;
    refuse_csr(starts, blocks, "row_starts[3] is");
    memset(starts, 0, sizeof starts);
    starts[SMALL_ROWS] = UINT64_MAX; /* far more than a row's blocks: none of them is read */
    refuse_csr(starts, blocks, "row_starts[18] is 18446744073709551615 after 0");
    starts[SMALL_ROWS] = 76;
    refuse_csr(starts, blocks, "row_starts[18] is 76 after 0: not 0 to 75 key blocks");
    starts[SMALL_ROWS] = 1;
    refuse_csr(starts, NULL, "blocks is NULL");
}

static void test_pattern_from_csr__refuses_blocks(void **state) {
    (void)state;
    uint64_t starts[SMALL_ROWS + 1] = {0};
    uint32_t entries[3] = {4, 9, 75};
    for (int r = 3; r <= SMALL_ROWS; r++)
        starts[r] = 3;
    refuse_csr(starts, entries, "blocks of row 2: entry 2 is 75, and there are 75 key blocks");
    entries[2] = 9;
    refuse_csr(starts, entries, "blocks of row 2: entry 2 is 9 after 9, which does not rise");
    entries[1] = 3;
    refuse_csr(starts, entries, "blocks of row 2: entry 1 is 3 after 4, which does not rise");
}

/* ---- arguments refused ---- */

static void test_pattern_from__refuses_null_arguments(void **state) {
    (void)state;
    const sparsed_pattern_info info = small_info();
    const sparsed_allocator broken = {NULL, NULL, NULL};
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&pattern;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_from_mask(&info, NULL, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "mask is NULL");
    assert_null(pattern);
    status = sparsed_pattern_from_bits(&info, NULL, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "bits is NULL");
    status = sparsed_pattern_from_csr(&info, NULL, blocks, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "row_starts is NULL");
    status = sparsed_pattern_from_mask(&info, mask, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_from_bits(&info, bits, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_from_csr(&info, row_starts, blocks, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_from_mask(&info, mask, &broken, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "allocator");
}

static void refuse(const sparsed_pattern_info *info, const char *named) {
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&pattern;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_from_mask(info, mask, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
    assert_null(pattern);
    assert_int_equal(sparsed_pattern_from_mask(info, mask, NULL, &pattern, NULL),
                     SPARSED_E_INVALID);
}

static void test_pattern_from_mask__refuses_dimensions(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    refuse(NULL, "info is NULL");
    info.struct_size = 3;
    refuse(&info, "info.struct_size is 3");
    info = small_info();
    info.batch = 0;
    refuse(&info, "batch is 0");
    info = small_info();
    info.heads = 0;
    refuse(&info, "heads is 0");
    info.heads = 65537;
    refuse(&info, "heads is 65537");
    info = small_info();
    info.block_q = 0;
    refuse(&info, "block_q is 0");
    info = small_info();
    info.block_k = 33;
    refuse(&info, "block_k 33");
    info = small_info();
    info.q_len = 0;
    refuse(&info, "q_len is 0");
    info = small_info();
    info.kv_len = 0;
    refuse(&info, "kv_len is 0");
    info = small_info();
    info.q_len = 1201;
    refuse(&info, "q_len is 1201");
    info = small_info();
    info.gen_len = 1201;
    refuse(&info, "gen_len is 1201");
    info = small_info();
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    info.q_start = 1131;
    refuse(&info, "q_start is 1131");
    info.q_start = UINT64_MAX;
    refuse(&info, "q_start is 18446744073709551615");
}

static void test_pattern_from_mask__refuses_origins(void **state) {
    (void)state;
    sparsed_pattern_info info = small_info();
    info.mode = SPARSED_MODE_WINDOW;
    refuse(&info, "info.mode is 5");
    info.mode = 99;
    refuse(&info, "info.mode is 99");
    info.mode = SPARSED_MODE_PAPER;
    refuse(&info, "ratio is 0");
    info.ratio = NAN;
    refuse(&info, "ratio is nan");
    info = small_info();
    info.ratio = 1.5;
    refuse(&info, "ratio is 1.5");
    info = small_info();
    info.score_scale = INFINITY;
    refuse(&info, "info.score_scale is inf");
    info.score_scale = -1.0;
    refuse(&info, "info.score_scale is -1");
    info = small_info();
    info.flags = 8;
    refuse(&info, "flags is 0x8");
    info = small_info();
    info.score_reduce = 2;
    refuse(&info, "score_reduce is 2");
    info = small_info();
    info.pattern_flags = 4;
    refuse(&info, "info.pattern_flags is 0x4");
    info = small_info();
    info.step = 1 << 20;
    refuse(&info, "info.step is 1048576");
    info = small_info();
    info.kv_heads = 2;
    refuse(&info, "kv_heads is 2");
    info = small_info();
    info.head_dim = 12;
    refuse(&info, "head_dim is 12");
    info = small_info();
    info.dtype = 4;
    refuse(&info, "dtype is 4");
    info = small_info();
    info.window = 3;
    refuse(&info, "info.window is 3 in mode 0");
    info = small_info();
    info.sinks = 3;
    refuse(&info, "info.sinks is 3 in mode 0");
}

/* ---- infos of files ---- */

static void test_pattern_check_info__accepts_fixed_modes(void **state) {
    (void)state;
    sparsed_message message = {""};
    sparsed_pattern_info info = small_info();
    info.mode = SPARSED_MODE_WINDOW;
    info.window = 100;
    assert_int_equal(spd_pattern_check_info(&info, &message), SPARSED_OK);
    assert_int_equal(info.q_blocks, SMALL_Q_BLOCKS);
    assert_int_equal(info.k_blocks, SMALL_K_BLOCKS);
    assert_int_equal(info.q_start, 1130);
    assert_int_equal(info.pattern_flags, SPARSED_PATTERN_Q_START);
    info.sinks = 4;
    assert_error_text(message.text, spd_pattern_check_info(&info, &message), SPARSED_E_INVALID,
                      "info.sinks is 4 in mode 5");
    info.mode = SPARSED_MODE_STREAMING;
    assert_int_equal(spd_pattern_check_info(&info, NULL), SPARSED_OK);
}

/* The bit rows of such a pattern have more bytes than 64 bits count: nothing may be allocated as if
 * they were few, nor the mask be read. */
static void test_pattern_from_mask__refuses_sizes_that_wrap(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const uint8_t one[1] = {0};
    static const uint32_t shapes[][2] = {
        {1024, 65536}, {65536, 1024}, {512, 65536}, {65536, 65536}};
    counter.limit_bytes = 1 << 26;
    for (size_t i = 0; i < 4; i++) {
        sparsed_pattern_info info = small_info();
        sparsed_pattern *pattern;
        info.batch = shapes[i][0];
        info.heads = shapes[i][1];
        info.block_q = info.block_k = 16;
        info.q_len = info.kv_len = 2147483647;
        sparsed_status status = sparsed_pattern_from_mask(&info, one, &allocator, &pattern, NULL);
        assert_true(status == SPARSED_E_INVALID || status == SPARSED_E_NOMEM);
        assert_null(pattern);
        assert_int_equal(counter.live, 0);
    }
}

/* ---- memory ---- */

typedef struct maker {
    sparsed_pattern_info info;
    sparsed_allocator allocator;
} maker;

static sparsed_status make_from_mask(void *argument, sparsed_pattern **pattern,
                                     sparsed_message *message) {
    const maker *m = argument;
    return sparsed_pattern_from_mask(&m->info, mask, &m->allocator, pattern, message);
}

static sparsed_status make_from_bits(void *argument, sparsed_pattern **pattern,
                                     sparsed_message *message) {
    const maker *m = argument;
    return sparsed_pattern_from_bits(&m->info, bits, &m->allocator, pattern, message);
}

static sparsed_status make_from_csr(void *argument, sparsed_pattern **pattern,
                                    sparsed_message *message) {
    const maker *m = argument;
    return sparsed_pattern_from_csr(&m->info, row_starts, blocks, &m->allocator, pattern, message);
}

static void test_pattern_from__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    maker m = {small_info(), counting_allocator_use(&counter)};
    assert_survives_failed_allocations(&counter, make_from_mask, &m);
    assert_survives_failed_allocations(&counter, make_from_bits, &m);
    assert_survives_failed_allocations(&counter, make_from_csr, &m);
    assert_int_equal(counter.live, 0);
}

/* What is refused after the pattern was begun is given back too. */
static void test_pattern_from__refusal_keeps_nothing(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const sparsed_pattern_info info = small_info();
    uint64_t starts[SMALL_ROWS + 1] = {1}, bad[SMALL_ROWS * WORDS];
    sparsed_pattern *pattern;
    memset(bad, 0xff, sizeof bad);
    assert_int_equal(sparsed_pattern_from_bits(&info, bad, &allocator, &pattern, NULL),
                     SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_from_csr(&info, starts, blocks, &allocator, &pattern, NULL),
                     SPARSED_E_INVALID);
    assert_int_equal(counter.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_from_mask__comes_back_as_zeros_and_ones),
        cmocka_unit_test(test_pattern_from_bits__equals_the_mask),
        cmocka_unit_test(test_pattern_from_bits__whole_words),
        cmocka_unit_test(test_pattern_from_csr__equals_the_mask),
        cmocka_unit_test(test_pattern_from_csr__empty_needs_no_blocks),
        cmocka_unit_test(test_pattern_from_bits__refuses_bits_past_the_blocks),
        cmocka_unit_test(test_pattern_from_csr__refuses_row_starts),
        cmocka_unit_test(test_pattern_from_csr__refuses_blocks),
        cmocka_unit_test(test_pattern_from__refuses_null_arguments),
        cmocka_unit_test(test_pattern_from_mask__refuses_dimensions),
        cmocka_unit_test(test_pattern_from_mask__refuses_origins),
        cmocka_unit_test(test_pattern_check_info__accepts_fixed_modes),
        cmocka_unit_test(test_pattern_from_mask__refuses_sizes_that_wrap),
        cmocka_unit_test(test_pattern_from__every_failing_allocation),
        cmocka_unit_test(test_pattern_from__refusal_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, fill, NULL);
}
