/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Matching a set against a problem: every field in turn, named with both values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "src/number_text.h"
#include "support/api_check.h"
#include "support/pattern_bytes.h"

enum { LAYERS = 3 };

/* A set of layers 0 to 2 of one step, and the problem that it was built for. */
typedef struct match_case {
    sparsed_pattern_info shape;
    sparsed_pattern_set_info info;
    sparsed_desc desc;
    sparsed_select select;
    sparsed_pattern_match match;
} match_case;

/* The match points into the case, which stays where it is. */
static void prepare(match_case *c) {
    *c = (match_case){.shape = rich_info(), .info = rich_set_info()};
    c->info.model_layers = LAYERS;
    c->shape.score_reduce = SPARSED_REDUCE_SUM;
    c->desc = (sparsed_desc)SPARSED_DESC_INIT;
    c->desc.dtype = SPARSED_F32; /* not what it was built with */
    c->desc.batch = RICH_BATCH;
    c->desc.heads = RICH_HEADS;
    c->desc.kv_heads = 1;
    c->desc.head_dim = 64;
    c->desc.q_len = 40;
    c->desc.kv_len = 100;
    c->select = (sparsed_select)SPARSED_SELECT_INIT;
    c->select.block_k = 16;
    c->select.gen_len = 36;
    c->select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    c->select.always_first = 1;
    c->match = (sparsed_pattern_match){.struct_size = sizeof c->match,
                                       .layers = LAYERS,
                                       .step = SPARSED_ANY_STEP,
                                       .desc = &c->desc,
                                       .select = &c->select,
                                       .model = {1, 2},
                                       .prompt = {0, 3},
                                       .first_head = 2,
                                       .model_heads = 8};
}

static sparsed_pattern_set *make_set(const match_case *c) {
    static const uint32_t layers[LAYERS] = {0, 1, 2};
    sparsed_pattern *p = rows_pattern(&c->shape, NULL), *const patterns[LAYERS] = {p, p, p};
    sparsed_pattern_set *set;
    sparsed_message message;
    if (sparsed_pattern_set_create(&c->info, patterns, layers, LAYERS, NULL, &set, &message) !=
        SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(p);
    return set;
}

static void assert_match(const match_case *c) {
    sparsed_pattern_set *set = make_set(c);
    sparsed_message message;
    if (sparsed_pattern_set_match(set, &c->match, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    assert_string_equal(message.text, "");
    sparsed_pattern_set_release(set);
}

static void assert_no_match(const match_case *c, sparsed_status expected, const char *named) {
    sparsed_pattern_set *set = make_set(c);
    sparsed_message message;
    sparsed_status status = sparsed_pattern_set_match(set, &c->match, &message);
    assert_error_text(message.text, status, expected, named);
    sparsed_pattern_set_release(set);
}

static void test_match__its_own_problem(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    assert_match(&c);
    c.match.step = 3;
    assert_match(&c);
    c.match.flags = SPARSED_MATCH_SELECTION;
    assert_match(&c);
}

/* What the set does not know is not compared. */
static void test_match__unknown_facts(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    c.shape.kv_heads = c.shape.head_dim = c.shape.score_heads = c.shape.dtype = 0;
    c.info.model_layers = 0;
    c.match.layers = 2;
    c.match.model = c.match.prompt = (sparsed_fingerprint){0, 0};
    assert_match(&c);
    c.desc.kv_heads = 3;
    c.desc.head_dim = 128;
    c.desc.score_heads = 77;
    assert_match(&c);
}

/* Without a word about it the problem has the whole model's heads, which a shard is not. */
static void test_match__whole_model_and_shards(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    c.match.first_head = c.match.model_heads = 0;
    assert_no_match(&c, SPARSED_E_MISMATCH, "first_head is 2 in the set, 0 here");
    c.info.first_head = 0;
    assert_no_match(&c, SPARSED_E_MISMATCH, "model_heads is 8 in the set, 3 here");
    c.info.model_heads = 0;
    assert_match(&c);
    c.match.model_heads = 3;
    assert_match(&c);
    c.match.model_heads = 8; /* the first shard of such a model */
    assert_no_match(&c, SPARSED_E_MISMATCH, "model_heads is 3 in the set, 8 here");
    /* A caller who does not know of the fields yet. */
    c.match.model_heads = 0;
    c.match.struct_size = offsetof(sparsed_pattern_match, first_head);
    assert_match(&c);
}

/* score_heads only scales the scores of upstream-llada. */
static void test_match__score_heads(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    c.desc.score_heads = 32;
    assert_match(&c);
    c.shape.mode = c.select.mode = SPARSED_MODE_UPSTREAM_LLADA;
    assert_no_match(&c, SPARSED_E_MISMATCH, "score_heads is 3 in the set, 32 here");
}

typedef struct match_change {
    size_t offset; /* of a number in match_case */
    uint64_t value;
    const char *named;
    uint32_t bytes;
} match_change;

#define CHANGE(field, value, named) \
    { offsetof(match_case, field), value, named, sizeof(((match_case *)0)->field) }

static void check_changes(const match_case *good, const match_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        match_case c = *good;
        const uint32_t small = (uint32_t)changes[i].value;
        c.match.desc = &c.desc;
        c.match.select = &c.select;
        if (changes[i].bytes == 4)
            memcpy((unsigned char *)&c + changes[i].offset, &small, 4);
        else
            memcpy((unsigned char *)&c + changes[i].offset, &changes[i].value, 8);
        assert_no_match(&c, SPARSED_E_MISMATCH, changes[i].named);
    }
}

static void test_match__every_dimension(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    const match_change changes[] = {
        CHANGE(desc.batch, 1, "batch is 2 in the set, 1 here"),
        CHANGE(desc.heads, 6, "heads is 3 in the set, 6 here"),
        CHANGE(match.first_head, 5, "first_head is 2 in the set, 5 here"),
        CHANGE(match.first_head, 0, "first_head is 2 in the set, 0 here"),
        CHANGE(info.first_head, 0, "first_head is 0 in the set, 2 here"),
        CHANGE(match.model_heads, 9, "model_heads is 8 in the set, 9 here"),
        CHANGE(info.model_heads, 16, "model_heads is 16 in the set, 8 here"),
        CHANGE(desc.kv_heads, 3, "kv_heads is 1 in the set, 3 here"),
        CHANGE(desc.head_dim, 128, "head_dim is 64 in the set, 128 here"),
        CHANGE(select.block_q, 64, "block_q is 32 in the set, 64 here"),
        CHANGE(select.block_k, 32, "block_k is 16 in the set, 32 here"),
        CHANGE(desc.q_len, 39, "q_len is 40 in the set, 39 here"),
        CHANGE(desc.kv_len, 101, "kv_len is 100 in the set, 101 here"),
        CHANGE(desc.flags, SPARSED_DESC_Q_START, "q_start is 60 in the set, 0 here"),
        CHANGE(select.gen_len, 35, "gen_len is 36 in the set, 35 here"),
        CHANGE(match.layers, 2, "model_layers is 3 in the set, 2 here"),
        CHANGE(match.layers, 4, "model_layers is 3 in the set, 4 here"),
        CHANGE(match.step, 2, "no layer 0 of step 2"),
        CHANGE(match.model.low, 9,
               "model fingerprint is 00000000000000020000000000000001 in the set, "
               "00000000000000020000000000000009 here"),
        CHANGE(info.model.high, 0, "model fingerprint is 0000000000000000"),
        CHANGE(match.prompt.high, 9, "prompt fingerprint is 0000000000000003"),
    };
    check_changes(&c, changes, sizeof changes / sizeof *changes);
}

/* A set of 40 x 100 serves runs of these lengths, of a problem of as many rows or more. */
static void test_match__shorter_lengths(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    c.match.flags = SPARSED_MATCH_SHORTER;
    assert_match(&c);
    c.desc.kv_len = 130;
    assert_match(&c); /* the query rows are the last ones, as in the set */
    c.desc.q_len = 41;
    assert_match(&c);
    const match_change changes[] = {
        CHANGE(desc.q_len, 39, "q_len is 40 in the set, 39 here"),
        CHANGE(desc.kv_len, 99, "kv_len is 100 in the set, 99 here"),
        CHANGE(desc.flags, SPARSED_DESC_Q_START, "q_start is 60 in the set, 0 here"),
        CHANGE(select.gen_len, 120, "gen_len is 36 in the set, 120 here"),
        CHANGE(match.flags, 0, "q_len is 40 in the set, 41 here"),
    };
    check_changes(&c, changes, sizeof changes / sizeof *changes);
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 60;
    assert_match(&c);
    c.desc.q_start = 89; /* where a run as long as the problem has its last row */
    assert_no_match(&c, SPARSED_E_MISMATCH, "q_start is 60 in the set, 89 here");
}

/* Without the flag they do not matter, with it they do. */
static void test_match__selection(void **state) {
    match_case c;
    double ratio = 0.4, scale = 0.25;
    uint64_t ratio_bits, scale_bits;
    (void)state;
    memcpy(&ratio_bits, &ratio, 8);
    memcpy(&scale_bits, &scale, 8);
    prepare(&c);
    const match_change changes[] = {
        CHANGE(select.mode, SPARSED_MODE_PAPER, "mode is 2 in the set, 1 here"),
        CHANGE(shape.mode, 0, "mode is 0 in the set, 2 here"),
        CHANGE(select.score_reduce, SPARSED_REDUCE_MAX, "score_reduce is 0 in the set, 1 here"),
        CHANGE(select.flags, 0, "flags is 2 in the set, 0 here"),
        CHANGE(select.always_first, 0, "always_first is 1 in the set, 0 here"),
        CHANGE(select.ratio, ratio_bits, "ratio is 0.3 in the set, 0.4 here"),
        CHANGE(select.score_scale, scale_bits, "score_scale is 0.125 in the set, 0.25 here"),
    };
    c.match.flags = SPARSED_MATCH_SELECTION;
    check_changes(&c, changes, sizeof changes / sizeof *changes);
    prepare(&c);
    c.select.mode = SPARSED_MODE_PAPER;
    c.select.score_reduce = SPARSED_REDUCE_MAX;
    c.select.flags = c.select.always_first = 0;
    c.select.ratio = ratio;
    c.select.score_scale = scale;
    assert_match(&c);
}

/* Numbers in messages are as short as they can be, and never the same for two that differ. */
static void test_number_text__reads_back(void **state) {
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.3, "0.3"},    {0.1 + 0.2, "0.30000000000000004"},
                 {1.0, "1"},      {1.0 / 3.0, "0.3333333333333333"},
                 {0.0, "0"},      {-2.5e-300, "-2.5e-300"},
                 {1e22, "1e+22"}, {5e-324, "4.94066e-324"},
                 {20.0, "20"},    {HUGE_VAL, "inf"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const spd_number_text number = spd_number_text_of(cases[i].value);
        assert_string_equal(number.text, cases[i].text);
        assert_true(strtod(number.text, NULL) == cases[i].value);
    }
    assert_non_null(strstr(spd_number_text_of(nan("")).text, "nan"));
}

/* A schedule's step may have had a ratio of its own: the run's is compared. */
static void test_match__ratio_of_the_run(void **state) {
    match_case c;
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    (void)state;
    prepare(&c);
    c.info.ratio = c.select.ratio = 0.4;
    c.match.flags = SPARSED_MATCH_SELECTION;
    assert_match(&c);
    sparsed_pattern_set *set = make_set(&c);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_true(info.ratio == 0.4);
    sparsed_pattern_set_release(set);
    c.select.ratio = 0.3; /* the patterns' */
    assert_no_match(&c, SPARSED_E_MISMATCH, "ratio is 0.4");
}

static void test_match__fixed_modes(void **state) {
    match_case c;
    (void)state;
    prepare(&c);
    c.shape.mode = c.select.mode = SPARSED_MODE_STREAMING;
    c.shape.flags = c.shape.always_first = 0;
    c.shape.ratio = c.shape.score_scale = 0.0;
    c.shape.window = c.select.window = 20;
    c.shape.sinks = c.select.sinks = 4;
    c.match.flags = SPARSED_MATCH_SELECTION; /* what a fixed mode does not use is not compared */
    assert_match(&c);
    c.match.flags = 0;
    assert_match(&c);
    const match_change changes[] = {
        CHANGE(select.mode, SPARSED_MODE_WINDOW, "mode is 6 in the set, 5 here"),
        CHANGE(select.mode, SPARSED_MODE_PAPER, "mode is 6 in the set, 1 here"),
        CHANGE(select.window, 21, "window is 20 in the set, 21 here"),
        CHANGE(select.sinks, 0, "sinks is 4 in the set, 0 here"),
    };
    check_changes(&c, changes, sizeof changes / sizeof *changes);
    prepare(&c);
    c.select.mode = SPARSED_MODE_WINDOW;
    assert_no_match(&c, SPARSED_E_MISMATCH, "mode is 2 in the set, 5 here");
}

/* Some layers are missing, or there are several steps. */
static void test_match__layers_and_steps(void **state) {
    match_case c;
    sparsed_pattern_set *set = rich_set(NULL);
    sparsed_message message;
    (void)state;
    prepare(&c);
    c.match.layers = 4;
    sparsed_status status = sparsed_pattern_set_match(set, &c.match, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "several, from 3 to 5");
    c.match.step = 3;
    status = sparsed_pattern_set_match(set, &c.match, &message);
    assert_error_text(message.text, status, SPARSED_E_MISMATCH, "no layer 1 of step 3");
    sparsed_pattern_set_release(set);
}

static void test_match__arguments(void **state) {
    match_case c;
    sparsed_message message;
    (void)state;
    prepare(&c);
    sparsed_status status = sparsed_pattern_set_match(NULL, &c.match, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "set is NULL");
    c.match.layers = 0;
    assert_no_match(&c, SPARSED_E_INVALID, "match.layers is 0");
    c.match.layers = 65537;
    assert_no_match(&c, SPARSED_E_INVALID, "match.layers is 65537");
    c.match.layers = LAYERS;
    c.match.flags = 4;
    assert_no_match(&c, SPARSED_E_INVALID, "match.flags is 0x4");
    c.match.flags = 0;
    c.match.desc = NULL;
    assert_no_match(&c, SPARSED_E_INVALID, "match.desc is NULL");
    c.match.desc = &c.desc;
    c.match.select = NULL;
    assert_no_match(&c, SPARSED_E_INVALID, "match.select is NULL");
    c.match.select = &c.select;
    c.match.struct_size = 1;
    assert_no_match(&c, SPARSED_E_INVALID, "match.struct_size is 1");
    c.match.struct_size = sizeof c.match;
    c.match.first_head = 6;
    assert_no_match(&c, SPARSED_E_INVALID,
                    "match.first_head is 6 with 3 heads, match.model_heads 8");
    c.match.first_head = UINT32_MAX;
    assert_no_match(&c, SPARSED_E_INVALID, "match.first_head is 4294967295");
    c.match.first_head = 1;
    c.match.model_heads = 0;
    assert_no_match(&c, SPARSED_E_INVALID, "match.model_heads 3");
    c.desc.heads = 0;
    assert_no_match(&c, SPARSED_E_INVALID, "desc.heads is 0");
    sparsed_pattern_set *set = make_set(&c);
    status = sparsed_pattern_set_match(set, NULL, &message);
    assert_error_text(message.text, status, SPARSED_E_INVALID, "match is NULL");
    sparsed_pattern_set_release(set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match__its_own_problem),
        cmocka_unit_test(test_match__unknown_facts),
        cmocka_unit_test(test_match__whole_model_and_shards),
        cmocka_unit_test(test_match__score_heads),
        cmocka_unit_test(test_match__every_dimension),
        cmocka_unit_test(test_match__shorter_lengths),
        cmocka_unit_test(test_match__selection),
        cmocka_unit_test(test_number_text__reads_back),
        cmocka_unit_test(test_match__ratio_of_the_run),
        cmocka_unit_test(test_match__fixed_modes),
        cmocka_unit_test(test_match__layers_and_steps),
        cmocka_unit_test(test_match__arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
