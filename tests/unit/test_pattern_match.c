/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Matching a set against a problem: every field in turn, named with both values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

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
                                       .prompt = {0, 3}};
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
        CHANGE(select.ratio, ratio_bits, "ratio is 0.29999999999999999 in the set, 0.40000000000"),
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
    c.match.flags = 2;
    assert_no_match(&c, SPARSED_E_INVALID, "match.flags is 0x2");
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
        cmocka_unit_test(test_match__score_heads),
        cmocka_unit_test(test_match__every_dimension),
        cmocka_unit_test(test_match__selection),
        cmocka_unit_test(test_match__ratio_of_the_run),
        cmocka_unit_test(test_match__fixed_modes),
        cmocka_unit_test(test_match__layers_and_steps),
        cmocka_unit_test(test_match__arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
