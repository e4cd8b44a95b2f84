/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns as host objects. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "support/api_check.h"
#include "support/counting_allocator.h"
#include "support/random.h"

static sparsed_pattern_info good_info(void) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = 2,
                                  .heads = 3,
                                  .block_q = 32,
                                  .block_k = 16,
                                  .q_len = 70,
                                  .kv_len = 1200};
}

enum { ROWS = 2 * 3 * 3, BLOCKS = 75, MASK = ROWS * BLOCKS };

static uint8_t random_mask[MASK];

static int fill_mask(void **state) {
    (void)state;
    uint64_t random = 1;
    for (int i = 0; i < MASK; i++)
        if (random_bits(&random) % 3 == 0)
            random_mask[i] = (uint8_t)(1 + i % 255); /* anything but 0 keeps */
    return 0;
}

static sparsed_pattern *new_pattern(const sparsed_pattern_info *info, const uint8_t *mask) {
    sparsed_pattern *pattern;
    sparsed_message message;
    if (sparsed_pattern_from_mask(info, mask, NULL, &pattern, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    return pattern;
}

static void test_pattern_from_mask__comes_back_as_zeros_and_ones(void **state) {
    (void)state;
    const sparsed_pattern_info info = good_info();
    sparsed_pattern *pattern = new_pattern(&info, random_mask);
    uint8_t mask[MASK + 1];
    memset(mask, 0x77, sizeof mask);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    for (int i = 0; i < MASK; i++)
        assert_int_equal(mask[i], random_mask[i] != 0);
    assert_int_equal(mask[MASK], 0x77);
    sparsed_pattern_release(pattern);
}

static void test_pattern_describe__derived_and_copied_fields(void **state) {
    (void)state;
    sparsed_pattern_info info = good_info(), described = {.struct_size = sizeof described};
    uint64_t kept = 0;
    info.mode = SPARSED_MODE_PAPER;
    info.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    info.score_reduce = SPARSED_REDUCE_MAX;
    info.always_first = 2;
    info.gen_len = 64;
    info.ratio = 0.3;
    info.score_scale = 0.125;
    info.q_blocks = info.k_blocks = info.kept_blocks = 12345; /* ignored */
    sparsed_pattern *pattern = new_pattern(&info, random_mask);
    for (int i = 0; i < MASK; i++)
        kept += random_mask[i] != 0;
    assert_int_equal(sparsed_pattern_describe(pattern, &described), SPARSED_OK);
    info.q_blocks = 3;
    info.k_blocks = BLOCKS;
    info.kept_blocks = kept;
    assert_memory_equal(&described, &info, sizeof info);
    sparsed_pattern_release(pattern);
}

static void test_pattern_describe__refuses(void **state) {
    (void)state;
    const sparsed_pattern_info info = good_info();
    sparsed_pattern_info described = {.struct_size = 2};
    sparsed_pattern *pattern = new_pattern(&info, random_mask);
    assert_int_equal(sparsed_pattern_describe(pattern, &described), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_describe(pattern, NULL), SPARSED_E_INVALID);
    described.struct_size = sizeof described;
    assert_int_equal(sparsed_pattern_describe(NULL, &described), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_to_mask(NULL, random_mask), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_to_mask(pattern, NULL), SPARSED_E_INVALID);
    sparsed_pattern_release(pattern);
}

static void test_pattern_release__counts_references(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const sparsed_pattern_info info = good_info();
    sparsed_pattern *pattern;
    uint8_t mask[MASK];
    assert_int_equal(sparsed_pattern_from_mask(&info, random_mask, &allocator, &pattern, NULL),
                     SPARSED_OK);
    assert_ptr_equal(sparsed_pattern_retain(pattern), pattern);
    sparsed_pattern_release(pattern);
    assert_true(counter.live > 0);
    assert_int_equal(sparsed_pattern_to_mask(pattern, mask), SPARSED_OK);
    sparsed_pattern_release(pattern);
    assert_int_equal(counter.live, 0);
    sparsed_pattern_release(NULL);
    assert_null(sparsed_pattern_retain(NULL));
}

enum { THREADS = 4, TURNS = 20000 };

static void *take_and_drop(void *pattern) {
    for (int i = 0; i < TURNS; i++)
        sparsed_pattern_release(sparsed_pattern_retain(pattern));
    sparsed_pattern_release(pattern);
    return NULL;
}

/* Each thread ends with a release of its own; the last one of all frees, wherever it happens. */
static void test_pattern_release__from_several_threads(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const sparsed_pattern_info info = good_info();
    sparsed_pattern *pattern;
    pthread_t threads[THREADS];
    assert_int_equal(sparsed_pattern_from_mask(&info, random_mask, &allocator, &pattern, NULL),
                     SPARSED_OK);
    for (int i = 1; i < THREADS; i++)
        sparsed_pattern_retain(pattern);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, pattern), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter.live, 0);
}

static void test_pattern_from_mask__every_failing_allocation(void **state) {
    (void)state;
    const sparsed_pattern_info info = good_info();
    for (size_t n = 0;; n++) {
        counting_allocator counter = COUNTING_ALLOCATOR_INIT;
        const sparsed_allocator allocator = counting_allocator_use(&counter);
        sparsed_pattern *pattern = (sparsed_pattern *)&counter;
        sparsed_message message;
        counter.fail_at = n;
        sparsed_status status =
            sparsed_pattern_from_mask(&info, random_mask, &allocator, &pattern, &message);
        if (status == SPARSED_OK) {
            assert_true(n > 0 && counter.calls == n);
            sparsed_pattern_release(pattern);
            assert_int_equal(counter.live, 0);
            break;
        }
        assert_error_text(message.text, status, SPARSED_E_NOMEM, "no memory for a pattern");
        assert_null(pattern);
        assert_int_equal(counter.live, 0);
    }
}

/* ---- refusals ---- */

static void refuse(const sparsed_pattern_info *info, const char *named) {
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&pattern;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_from_mask(info, random_mask, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, named);
    assert_null(pattern);
    assert_int_equal(sparsed_pattern_from_mask(info, random_mask, NULL, &pattern, NULL),
                     SPARSED_E_INVALID);
}

static void test_pattern_from_mask__refuses_infos(void **state) {
    (void)state;
    sparsed_pattern_info info = good_info();
    refuse(NULL, "info is NULL");
    info.struct_size = 3;
    refuse(&info, "info.struct_size is 3");
    info = good_info();
    info.batch = 0;
    refuse(&info, "batch is 0");
    info = good_info();
    info.heads = 0;
    refuse(&info, "heads is 0");
    info = good_info();
    info.block_q = 0;
    refuse(&info, "block_q is 0");
    info = good_info();
    info.block_k = 33;
    refuse(&info, "block_k 33");
    info = good_info();
    info.q_len = 0;
    refuse(&info, "q_len is 0");
    info = good_info();
    info.kv_len = 0;
    refuse(&info, "kv_len 0");
    info = good_info();
    info.q_len = 1201;
    refuse(&info, "q_len is 1201");
    info = good_info();
    info.mode = SPARSED_MODE_WINDOW;
    refuse(&info, "info.mode is 5");
    info.mode = 99;
    refuse(&info, "info.mode is 99");
}

/* The bit rows of such a pattern have more bytes than 64 bits count: nothing may be allocated as if
 * they were few, nor the mask be read. */
static void test_pattern_from_mask__refuses_sizes_that_wrap(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    const uint8_t mask[1] = {0};
    static const uint32_t shapes[][2] = {
        {1024, 65536}, {65536, 1024}, {512, 65536}, {65536, 65536}};
    counter.limit_bytes = 1 << 26;
    for (size_t i = 0; i < 4; i++) {
        sparsed_pattern_info info = good_info();
        sparsed_pattern *pattern;
        info.batch = shapes[i][0];
        info.heads = shapes[i][1];
        info.block_q = info.block_k = 16;
        info.q_len = info.kv_len = 2147483647;
        sparsed_status status = sparsed_pattern_from_mask(&info, mask, &allocator, &pattern, NULL);
        assert_true(status == SPARSED_E_INVALID || status == SPARSED_E_NOMEM);
        assert_null(pattern);
        assert_int_equal(counter.live, 0);
    }
}

static void test_pattern_from_mask__refuses_null_arguments(void **state) {
    (void)state;
    const sparsed_pattern_info info = good_info();
    sparsed_pattern *pattern = (sparsed_pattern *)(void *)&pattern;
    sparsed_message message;
    const sparsed_allocator broken = {NULL, NULL, NULL};
    sparsed_status status = sparsed_pattern_from_mask(&info, NULL, NULL, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "mask is NULL");
    assert_null(pattern);
    status = sparsed_pattern_from_mask(&info, random_mask, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_from_mask(&info, random_mask, &broken, &pattern, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "allocator");
}

/* ---- density ---- */

/* Counts the pairs of one head, element by element. */
static double count_density(const sparsed_pattern_info *info, const uint8_t *mask, uint32_t head) {
    uint64_t nq = (info->q_len + info->block_q - 1) / info->block_q;
    uint64_t nk = (info->kv_len + info->block_k - 1) / info->block_k;
    double kept = 0.0;
    for (uint64_t b = 0; b < info->batch; b++)
        for (uint64_t r = 0; r < info->q_len; r++)
            for (uint64_t k = 0; k < info->kv_len; k++)
                kept += mask[((b * info->heads + head) * nq + r / info->block_q) * nk +
                             k / info->block_k] != 0;
    return kept / (double)(info->batch * info->q_len * info->kv_len);
}

static void test_pattern_density__counts_elements(void **state) {
    (void)state;
    sparsed_pattern_info info = good_info();
    double all = 0.0;
    info.kv_len = 1190; /* partial blocks on both sides */
    sparsed_pattern *pattern = new_pattern(&info, random_mask);
    for (uint32_t head = 0; head < info.heads; head++) {
        double expected = count_density(&info, random_mask, head);
        assert_true(fabs(sparsed_pattern_density(pattern, head) - expected) < 1e-12);
        all += expected / info.heads;
    }
    assert_true(fabs(sparsed_pattern_density(pattern, UINT32_MAX) - all) < 1e-12);
    assert_true(sparsed_pattern_density(pattern, info.heads) == 0.0);
    assert_true(sparsed_pattern_density(NULL, 0) == 0.0);
    sparsed_pattern_release(pattern);
}

static void test_pattern_density__nothing_and_everything(void **state) {
    (void)state;
    const sparsed_pattern_info info = good_info();
    uint8_t mask[MASK] = {0};
    sparsed_pattern *nothing = new_pattern(&info, mask);
    memset(mask, 1, sizeof mask);
    sparsed_pattern *everything = new_pattern(&info, mask);
    assert_true(sparsed_pattern_density(nothing, UINT32_MAX) == 0.0);
    assert_true(sparsed_pattern_density(everything, UINT32_MAX) == 1.0);
    sparsed_pattern_release(nothing);
    sparsed_pattern_release(everything);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_from_mask__comes_back_as_zeros_and_ones),
        cmocka_unit_test(test_pattern_describe__derived_and_copied_fields),
        cmocka_unit_test(test_pattern_describe__refuses),
        cmocka_unit_test(test_pattern_release__counts_references),
        cmocka_unit_test(test_pattern_release__from_several_threads),
        cmocka_unit_test(test_pattern_from_mask__every_failing_allocation),
        cmocka_unit_test(test_pattern_from_mask__refuses_infos),
        cmocka_unit_test(test_pattern_from_mask__refuses_sizes_that_wrap),
        cmocka_unit_test(test_pattern_from_mask__refuses_null_arguments),
        cmocka_unit_test(test_pattern_density__counts_elements),
        cmocka_unit_test(test_pattern_density__nothing_and_everything),
    };
    return cmocka_run_group_tests(tests, fill_mask, NULL);
}
