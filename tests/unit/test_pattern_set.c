/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Sets of patterns: what they accept, and what they say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "src/pattern_set.h"
#include "support/api_check.h"
#include "support/counting_allocator.h"
#include "support/pattern_bytes.h"

/* A set of two patterns, layers 0 and 1, that is refused. */
static void assert_refused(const sparsed_pattern_set_info *info, sparsed_pattern *a,
                           sparsed_pattern *b, sparsed_status expected, const char *named) {
    sparsed_pattern *const patterns[] = {a, b};
    const uint32_t layers[] = {0, 1};
    sparsed_pattern_set *set;
    sparsed_message message;
    sparsed_status status =
        sparsed_pattern_set_create(info, patterns, layers, 2, NULL, &set, &message);
    assert_error_text(message.text, status, expected, named);
    assert_null(set);
}

/* ---- create and describe ------------------------------------------------------------------ */

static void test_create__sorts_by_step_then_layer(void **state) {
    (void)state;
    static const uint32_t steps[] = {5, 3, 5, 3}, layers[] = {9, 7, 1, 65535};
    static const uint32_t sorted_steps[] = {3, 3, 5, 5}, sorted_layers[] = {7, 65535, 1, 9};
    sparsed_pattern *patterns[4];
    sparsed_pattern_set *set;
    for (int i = 0; i < 4; i++) {
        sparsed_pattern_info info = rich_info();
        info.step = steps[i];
        info.ratio = 0.1 * (i + 1);
        patterns[i] = rows_pattern(&info, NULL);
    }
    assert_int_equal(sparsed_pattern_set_create(NULL, patterns, layers, 4, NULL, &set, NULL),
                     SPARSED_OK);
    for (uint32_t i = 0; i < 4; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        assert_int_equal(sparsed_pattern_set_entry(set, i, &entry), SPARSED_OK);
        assert_int_equal(entry.struct_size, sizeof entry);
        assert_int_equal(entry.step, sorted_steps[i]);
        assert_int_equal(entry.layer, sorted_layers[i]);
    }
    sparsed_pattern *first;
    assert_int_equal(sparsed_pattern_set_get(set, 0, &first, NULL), SPARSED_OK);
    assert_ptr_equal(first, patterns[1]);
    sparsed_pattern_release(first);
    for (int i = 0; i < 4; i++)
        sparsed_pattern_release(patterns[i]);
    sparsed_pattern_set_release(set);
}

static void test_describe__what_was_given(void **state) {
    (void)state;
    sparsed_pattern_set *set = rich_set(NULL);
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_info shared = {.struct_size = sizeof shared};
    assert_int_equal(sparsed_pattern_set_describe(set, &info, &shared), SPARSED_OK);
    assert_int_equal(info.patterns, RICH_PATTERNS);
    assert_int_equal(info.model_layers, 4);
    assert_int_equal(info.first_head, 2);
    assert_int_equal(info.model_heads, 8);
    assert_int_equal(info.steps, 32);
    assert_true(info.skip == 0.2);
    assert_string_equal(info.schedule, "upstream");
    assert_string_equal(info.creator, "a test 1.0");
    assert_string_equal(info.tag, "caf\xc3\xa9");
    assert_int_equal(info.model.low, 1);
    assert_int_equal(info.prompt.high, 3);
    assert_int_equal(shared.mode, SPARSED_MODE_UPSTREAM_DREAM);
    assert_int_equal(shared.q_blocks, 2);
    assert_int_equal(shared.k_blocks, 7);
    assert_int_equal(shared.step, 0);
    assert_int_equal(shared.kept_blocks, 0);
    assert_int_equal(shared.score_dtype, 0);
    assert_true(shared.ratio == 0.5); /* of the first, the mean of its heads' */
    assert_int_equal(shared.pattern_flags, SPARSED_PATTERN_Q_START | SPARSED_PATTERN_HEAD_RATIOS);
    sparsed_pattern_set_release(set);
}

static void test_describe__defaults(void **state) {
    (void)state;
    const sparsed_pattern_info shape = rich_info();
    sparsed_pattern *p = rows_pattern(&shape, NULL);
    const uint32_t layer = 3;
    sparsed_pattern_set *set;
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    assert_int_equal(sparsed_pattern_set_create(NULL, &p, &layer, 1, NULL, &set, NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_int_equal(info.model_layers, 0);
    assert_int_equal(info.model_heads, RICH_HEADS);
    assert_string_equal(info.schedule, "");
    assert_string_equal(info.creator, "sparsed 0.1.0");
    assert_string_equal(info.tag, "");
    sparsed_pattern_release(p);
    sparsed_pattern_set_release(set);
}

static void test_describe__arguments(void **state) {
    (void)state;
    sparsed_pattern_set *set = rich_set(NULL);
    sparsed_pattern_set_info info = {.struct_size = 0};
    sparsed_pattern_info shared = {.struct_size = 70000};
    sparsed_pattern_entry entry = {.struct_size = sizeof entry};
    sparsed_pattern *p = (sparsed_pattern *)&info;
    sparsed_message message;
    assert_int_equal(sparsed_pattern_set_describe(NULL, NULL, NULL), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_set_describe(set, NULL, NULL), SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_set_describe(set, NULL, &shared), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_set_entry(NULL, 0, &entry), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_set_entry(set, RICH_PATTERNS, &entry), SPARSED_E_INVALID);
    assert_int_equal(sparsed_pattern_set_entry(set, 0, NULL), SPARSED_E_INVALID);
    sparsed_status status = sparsed_pattern_set_get(set, RICH_PATTERNS, &p, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "index is 3");
    assert_null(p);
    status = sparsed_pattern_set_get(set, 0, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "pattern is NULL");
    status = sparsed_pattern_set_get(NULL, 0, &p, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    sparsed_pattern_set_release(set);
}

static void test_retain__keeps_the_set(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_pattern_set *set = rich_set(&allocator);
    assert_ptr_equal(sparsed_pattern_set_retain(set), set);
    sparsed_pattern_set_release(set);
    assert_true(counter.live > 0);
    sparsed_pattern_set_release(set);
    assert_int_equal(counter.live, 0);
    assert_null(sparsed_pattern_set_retain(NULL));
    sparsed_pattern_set_release(NULL);
}

/* ---- find --------------------------------------------------------------------------------- */

static void test_find__every_pattern(void **state) {
    (void)state;
    sparsed_pattern_set *set = rich_set(NULL);
    static const uint32_t steps[] = {3, 3, 5}, layers[] = {0, 2, 0};
    sparsed_message message;
    uint32_t index = 99;
    for (uint32_t i = 0; i < RICH_PATTERNS; i++) {
        assert_int_equal(sparsed_pattern_set_find(set, steps[i], layers[i], &index, &message),
                         SPARSED_OK);
        assert_int_equal(index, i);
    }
    sparsed_status status = sparsed_pattern_set_find(set, 3, 1, &index, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "no layer 1 of step 3");
    status = sparsed_pattern_set_find(set, 5, 2, &index, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "no layer 2 of step 5");
    status = sparsed_pattern_set_find(set, SPARSED_ANY_STEP, 0, &index, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "several, from 3 to 5");
    status = sparsed_pattern_set_find(NULL, 3, 0, &index, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    status = sparsed_pattern_set_find(set, 3, 0, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "index is NULL");
    assert_int_equal(index, 2);
    sparsed_pattern_set_release(set);
}

static void test_find__any_step_of_one(void **state) {
    (void)state;
    sparsed_pattern_set *set = plain_set();
    uint32_t index = 99;
    assert_int_equal(sparsed_pattern_set_find(set, SPARSED_ANY_STEP, 0, &index, NULL), SPARSED_OK);
    assert_int_equal(index, 0);
    sparsed_pattern_set_release(set);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void test_create__arguments(void **state) {
    (void)state;
    const sparsed_pattern_info info = rich_info();
    const sparsed_allocator half = {NULL, NULL, NULL};
    sparsed_pattern *p = rows_pattern(&info, NULL), *const two[] = {p, p};
    const uint32_t layer = 0, large = 65536, same[] = {4, 4};
    sparsed_pattern_set *set;
    sparsed_message message;
    sparsed_status status = sparsed_pattern_set_create(NULL, &p, &layer, 1, NULL, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    status = sparsed_pattern_set_create(NULL, NULL, &layer, 1, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "patterns is NULL");
    status = sparsed_pattern_set_create(NULL, &p, NULL, 1, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "layers is NULL");
    status = sparsed_pattern_set_create(NULL, &p, &layer, 0, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "count is 0");
    status = sparsed_pattern_set_create(NULL, &p, &layer, (1u << 24) + 1, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "count is 16777217");
    status = sparsed_pattern_set_create(NULL, &p, &large, 1, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "layers[0] is 65536");
    status = sparsed_pattern_set_create(NULL, &p, &layer, 1, &half, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "allocator has a NULL function");
    status = sparsed_pattern_set_create(NULL, two, same, 2, NULL, &set, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "layer 4 and step 3");
    assert_null(set);
    assert_refused(NULL, NULL, p, SPARSED_E_INVALID, "patterns[0] is NULL");
    assert_refused(NULL, p, NULL, SPARSED_E_INVALID, "patterns[1] is NULL");
    sparsed_pattern_release(p);
}

static void test_create__impossible_info(void **state) {
    (void)state;
    char long_text[SPD_TEXT_LIMIT + 2];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const struct {
        sparsed_pattern_set_info info;
        const char *named;
    } bad[] = {
        {{.struct_size = 2}, "info.struct_size is 2"},
        {{.struct_size = sizeof bad[0].info, .model_layers = 65537}, "info.model_layers is 65537"},
        {{.struct_size = sizeof bad[0].info, .model_layers = 1}, "layers[1] is 1, not below 1"},
        {{.struct_size = sizeof bad[0].info, .steps = (1u << 20) + 1}, "info.steps 1048577"},
        {{.struct_size = sizeof bad[0].info, .first_head = 1}, "info.first_head is 1 with 3 heads"},
        {{.struct_size = sizeof bad[0].info, .model_heads = 2}, "info.model_heads 2"},
        {{.struct_size = sizeof bad[0].info, .model_heads = 65537}, "info.model_heads 65537"},
        {{.struct_size = sizeof bad[0].info, .first_head = UINT32_MAX, .model_heads = 4},
         "info.first_head is 4294967295"},
        {{.struct_size = sizeof bad[0].info, .skip = -0.1}, "info.skip is -0.1"},
        {{.struct_size = sizeof bad[0].info, .skip = (double)NAN}, "info.skip is "},
        {{.struct_size = sizeof bad[0].info, .schedule = long_text}, "info.schedule has 4096"},
        {{.struct_size = sizeof bad[0].info, .tag = "\xff"}, "info.tag is not UTF-8"},
        {{.struct_size = sizeof bad[0].info, .creator = "\xc3"}, "info.creator is not UTF-8"},
    };
    const sparsed_pattern_info shape = rich_info();
    sparsed_pattern *p = rows_pattern(&shape, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(&bad[i].info, p, p, SPARSED_E_INVALID, bad[i].named);
    sparsed_pattern_release(p);
}

/* Each field that must be equal, changed alone. */
static void test_create__patterns_that_differ(void **state) {
    (void)state;
    const sparsed_pattern_info info = rich_info();
    sparsed_pattern_info other[19];
    static const char *const named[] = {
        "batch is 2, the other's is 1",         "heads is 3, the other's is 2",
        "block_q is 32, the other's is 16",     "block_k is 16, the other's is 64",
        "q_len is 40, the other's is 41",       "kv_len is 100, the other's is 101",
        "q_start is 60, the other's is 7",      "gen_len is 36, the other's is 35",
        "mode is 2, the other's is 3",          "flags is 2, the other's is 0",
        "score_reduce is 1, the other's is 0",  "always_first is 1, the other's is 2",
        "kv_heads is 1, the other's is 0",      "head_dim is 64, the other's is 0",
        "score_heads is 3, the other's is 4",   "dtype is 3, the other's is 1",
        "score_scale is 0.125, the other's is", "window is 0, the other's is 9",
        "sinks is 9, the other's is 0"};
    for (int i = 0; i < 19; i++)
        other[i] = info;
    other[0].batch = 1;
    other[1].heads = 2;
    other[2].block_q = 16;
    other[3].block_k = 64;
    other[4].q_len = 41;
    other[5].kv_len = 101;
    other[6].q_start = 7;
    other[6].pattern_flags = SPARSED_PATTERN_Q_START;
    other[7].gen_len = 35;
    other[8].mode = SPARSED_MODE_UPSTREAM_LLADA;
    other[9].flags = 0;
    other[10].score_reduce = SPARSED_REDUCE_SUM;
    other[11].always_first = 2;
    other[12].kv_heads = 0;
    other[13].head_dim = 0;
    other[14].score_heads = 4;
    other[15].dtype = SPARSED_F32;
    other[16].score_scale = 0.25;
    other[17].mode = other[18].mode = SPARSED_MODE_STREAMING;
    other[17].window = other[18].sinks = 9;
    sparsed_pattern *p = rows_pattern(&info, NULL);
    for (int i = 0; i < 17; i++) {
        sparsed_pattern *q = rows_pattern(&other[i], NULL);
        assert_refused(NULL, p, q, SPARSED_E_MISMATCH, named[i]);
        assert_refused(NULL, p, q, SPARSED_E_MISMATCH, "patterns[0] and [1]: ");
        sparsed_pattern_release(q);
    }
    sparsed_pattern_release(p);
    other[0] = info;
    other[0].mode = SPARSED_MODE_STREAMING;
    p = rows_pattern(&other[0], NULL);
    sparsed_pattern *wide = rows_pattern(&other[17], NULL), *deep = rows_pattern(&other[18], NULL);
    assert_refused(NULL, p, wide, SPARSED_E_MISMATCH, named[17]);
    assert_refused(NULL, deep, p, SPARSED_E_MISMATCH, named[18]);
    sparsed_pattern_release(p);
    sparsed_pattern_release(wide);
    sparsed_pattern_release(deep);
}

static void test_create__rows_that_differ(void **state) {
    (void)state;
    const sparsed_pattern_info info = rich_info();
    spd_extent rows[RICH_BATCH];
    rich_rows(rows);
    sparsed_pattern *p = rows_pattern(&info, rows);
    rows[1].keys--;
    sparsed_pattern *q = rows_pattern(&info, rows);
    assert_refused(NULL, p, q, SPARSED_E_MISMATCH, "keys of batch 1 is 80, the other's is 79");
    sparsed_pattern_release(p);
    sparsed_pattern_release(q);
}

static void test_create__allocation_failures(void **state) {
    (void)state;
    sparsed_pattern *patterns[RICH_PATTERNS];
    uint32_t layers[RICH_PATTERNS];
    const sparsed_pattern_set_info info = rich_set_info();
    sparsed_status status = SPARSED_E_NOMEM;
    size_t failures = 0;
    rich_patterns(patterns, layers);
    for (; status != SPARSED_OK; failures++) {
        counting_allocator counter = COUNTING_ALLOCATOR_INIT;
        const sparsed_allocator allocator = counting_allocator_use(&counter);
        sparsed_pattern_set *set;
        sparsed_message message;
        counter.fail_at = failures;
        status = sparsed_pattern_set_create(&info, patterns, layers, RICH_PATTERNS, &allocator,
                                            &set, &message);
        if (status != SPARSED_OK)
            assert_error_text(message.text, status, SPARSED_E_NOMEM, "no memory");
        sparsed_pattern_set_release(set);
        assert_int_equal(counter.live, 0);
    }
    assert_true(failures > 8);
    for (int i = 0; i < RICH_PATTERNS; i++)
        sparsed_pattern_release(patterns[i]);
}

/* ---- texts -------------------------------------------------------------------------------- */

static void test_text_fits__utf8(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\x01\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xc3x",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe1\x80",
                                      "\xe1\x80x",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "ok\xf1\x80\x80x",
                                      "\xfe"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!spd_text_fits(good[i], strlen(good[i])))
            fail_msg("text %zu is refused", i);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (spd_text_fits(bad[i], strlen(bad[i])))
            fail_msg("text %zu is accepted", i);
    assert_false(spd_text_fits("a\0b", 3));
    assert_true(spd_text_fits("\xc3\xa9", 2));
    assert_false(spd_text_fits("\xc3\xa9", 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create__sorts_by_step_then_layer),
        cmocka_unit_test(test_describe__what_was_given),
        cmocka_unit_test(test_describe__defaults),
        cmocka_unit_test(test_describe__arguments),
        cmocka_unit_test(test_retain__keeps_the_set),
        cmocka_unit_test(test_find__every_pattern),
        cmocka_unit_test(test_find__any_step_of_one),
        cmocka_unit_test(test_create__arguments),
        cmocka_unit_test(test_create__impossible_info),
        cmocka_unit_test(test_create__patterns_that_differ),
        cmocka_unit_test(test_create__rows_that_differ),
        cmocka_unit_test(test_create__allocation_failures),
        cmocka_unit_test(test_text_fits__utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
