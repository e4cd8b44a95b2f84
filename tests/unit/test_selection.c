/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * selection.c: the options of a selection, from words to the library's struct.
 */
#include "selection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_WORDS = 24 };

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Parses words that a NULL ends. */
static selection_options parse(const char *const *words) {
    selection_options selection;
    cli_options options = {0};
    char *argv[MAX_WORDS];
    int argc = 0;
    bool help;
    tool_error error;
    selection_add_options(&selection, "the mode", &options);
    for (; words[argc]; argc++) {
        assert_true(argc < MAX_WORDS);
        argv[argc] = (char *)words[argc];
    }
    if (!cli_parse(&options, argc, argv, &help, &error))
        fail_msg("%s", error.text);
    return selection;
}

/* The default mode is paper. */
static bool make(const char *const *words, sparsed_select *select, tool_error *error) {
    selection_options selection = parse(words);
    *error = (tool_error){0};
    return selection_make(&selection, SPARSED_MODE_PAPER, select, error);
}

static sparsed_select accept(const char *const *words) {
    sparsed_select select;
    tool_error error;
    if (!make(words, &select, &error))
        fail_msg("%s", error.text);
    return select;
}

static void refuse(const char *const *words, const char *text) {
    sparsed_select select;
    tool_error error;
    assert_false(make(words, &select, &error));
    assert_true(error.usage);
    if (strcmp(error.text, text) != 0)
        fail_msg("\"%s\", not \"%s\"", error.text, text);
}

static void test_selection_make__defaults(void **state) {
    (void)state;
    sparsed_select s = accept((const char *const[]){NULL});
    assert_int_equal(s.struct_size, sizeof s);
    assert_int_equal(s.mode, SPARSED_MODE_PAPER);
    assert_int_equal(s.flags, 0);
    assert_int_equal(s.score_reduce, SPARSED_REDUCE_SUM);
    assert_int_equal(s.block_q, 32);
    assert_int_equal(s.block_k, 32);
    assert_int_equal(s.always_first, 0);
    assert_int_equal(s.gen_len, 0);
    assert_true(s.ratio == 0.3 && s.score_scale == 0.0);
}

static void test_selection_make__takes_every_option(void **state) {
    (void)state;
    sparsed_select s = accept(WORDS("--mode", "joint", "--select", "0.55", "--block-size-q", "128",
                                    "--block-size-k", "16", "--score-reduce", "max",
                                    "--dense-generation-rows", "--keep-first", "3",
                                    "--keep-diagonal", "--keep-generation", "--score-scale", "2"));
    assert_int_equal(s.mode, SPARSED_MODE_JOINT);
    assert_int_equal(s.flags, SPARSED_SELECT_DENSE_GENERATION_ROWS | SPARSED_SELECT_KEEP_DIAGONAL |
                                  SPARSED_SELECT_KEEP_GENERATION);
    assert_int_equal(s.score_reduce, SPARSED_REDUCE_MAX);
    assert_int_equal(s.block_q, 128);
    assert_int_equal(s.block_k, 16);
    assert_int_equal(s.always_first, 3);
    assert_true(s.ratio == 0.55 && s.score_scale == 2.0);
}

static void test_selection_make__each_flag_is_its_own(void **state) {
    (void)state;
    assert_int_equal(accept(WORDS("--dense-generation-rows")).flags,
                     SPARSED_SELECT_DENSE_GENERATION_ROWS);
    assert_int_equal(accept(WORDS("--keep-diagonal")).flags, SPARSED_SELECT_KEEP_DIAGONAL);
    assert_int_equal(accept(WORDS("--keep-generation")).flags, SPARSED_SELECT_KEEP_GENERATION);
}

static void test_selection_make__knows_the_modes_by_name(void **state) {
    (void)state;
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_JOINT; mode++)
        assert_int_equal(accept(WORDS("--mode", selection_mode_name(mode))).mode, mode);
    assert_string_equal(selection_mode_name(SPARSED_MODE_UPSTREAM_DREAM), "upstream-dream");
    assert_string_equal(selection_mode_name(SPARSED_MODE_UPSTREAM_LLADA), "upstream-llada");
    assert_string_equal(selection_mode_name(SPARSED_MODE_STREAMING), "streaming");
    assert_string_equal(selection_mode_name(0), "unknown");
    assert_string_equal(selection_mode_name(7), "unknown");
    /* Those two are methods, not ways to choose blocks. */
    refuse(WORDS("--mode", "window"),
           "--mode is 'window', not paper, upstream-dream, upstream-llada or joint");
    refuse(WORDS("--mode", "streaming"),
           "--mode is 'streaming', not paper, upstream-dream, upstream-llada or joint");
    refuse(WORDS("--mode", ""), "--mode is '', not paper, upstream-dream, upstream-llada or joint");
}

static void test_selection_make__block_size_is_both_unless_one_is_given(void **state) {
    (void)state;
    sparsed_select s = accept(WORDS("--block-size", "64"));
    assert_int_equal(s.block_q, 64);
    assert_int_equal(s.block_k, 64);
    s = accept(WORDS("--block-size", "64", "--block-size-k", "16"));
    assert_int_equal(s.block_q, 64);
    assert_int_equal(s.block_k, 16);
    s = accept(WORDS("--block-size-q", "128"));
    assert_int_equal(s.block_q, 128);
    assert_int_equal(s.block_k, 32);
}

static void test_selection_make__names_the_block_size_that_is_wrong(void **state) {
    (void)state;
    refuse(WORDS("--block-size", "33"), "--block-size is 33, not 16, 32, 64 or 128");
    refuse(WORDS("--block-size", "0"), "--block-size is 0, not 16, 32, 64 or 128");
    refuse(WORDS("--block-size", "256"), "--block-size is 256, not 16, 32, 64 or 128");
    refuse(WORDS("--block-size-q", "8"), "--block-size-q is 8, not 16, 32, 64 or 128");
    refuse(WORDS("--block-size-k", "48"), "--block-size-k is 48, not 16, 32, 64 or 128");
    /* 2^32 + 32 must not pass for 32. */
    refuse(WORDS("--block-size", "4294967328"),
           "--block-size is 4294967328, not 16, 32, 64 or 128");
}

static void test_selection_make__ratio_is_above_0_and_at_most_1(void **state) {
    (void)state;
    assert_true(accept(WORDS("--select", "1")).ratio == 1.0);
    assert_true(accept(WORDS("--select", "1e-300")).ratio == 1e-300);
    refuse(WORDS("--select", "0"), "--select is 0, not in (0, 1]");
    refuse(WORDS("--select", "-0.5"), "--select is -0.5, not in (0, 1]");
    refuse(WORDS("--select", "1.5"), "--select is 1.5, not in (0, 1]");
}

static void test_selection_make__refuses_other_ranges(void **state) {
    (void)state;
    refuse(WORDS("--score-scale", "-1"), "--score-scale is -1, not above 0");
    refuse(WORDS("--score-scale", "0"), "--score-scale is 0, not above 0");
    refuse(WORDS("--score-reduce", "mean"), "--score-reduce is 'mean', not sum or max");
    refuse(WORDS("--score-reduce", ""), "--score-reduce is '', not sum or max");
    assert_true(accept(WORDS("--keep-first", "4294967295")).always_first == UINT32_MAX);
    refuse(WORDS("--keep-first", "4294967296"), "--keep-first is 4294967296, above 4294967295");
}

static void check_used(const char *const *words, bool with_sparsed, bool with_window,
                       bool with_streaming, const char *text) {
    selection_options selection = parse(words);
    tool_error error = {0};
    bool used = selection_check_used(&selection, with_sparsed, with_window, with_streaming, "dense",
                                     &error);
    assert_int_equal(used, text == NULL);
    if (text) {
        assert_true(error.usage);
        assert_string_equal(error.text, text);
    }
}

static void test_selection_check_used__names_what_nothing_uses(void **state) {
    (void)state;
    const char *const ranking[][2] = {{"--keep-first=2", "--keep-first"},
                                      {"--keep-diagonal", "--keep-diagonal"},
                                      {"--keep-generation", "--keep-generation"},
                                      {"--dense-generation-rows", "--dense-generation-rows"},
                                      {"--score-scale=2", "--score-scale"},
                                      {"--score-reduce=max", "--score-reduce"},
                                      {"--mode=joint", "--mode"}};
    for (size_t i = 0; i < sizeof ranking / sizeof *ranking; i++) {
        char text[96];
        snprintf(text, sizeof text, "%s goes with --attention sparsed, not dense", ranking[i][1]);
        check_used(WORDS(ranking[i][0]), false, true, true, text);
        check_used(WORDS(ranking[i][0]), true, false, false, NULL);
    }
    check_used(WORDS("--window=3"), true, false, false,
               "--window goes with --attention window or streaming, not dense");
    check_used(WORDS("--window=3"), false, true, false, NULL);
    check_used(WORDS("--window=3"), false, false, true, NULL);
    check_used(WORDS("--sinks=3"), true, true, false,
               "--sinks goes with --attention streaming, not dense");
    check_used(WORDS("--sinks=3"), false, false, true, NULL);
}

static void test_selection_check_used__defaults_are_no_words(void **state) {
    (void)state;
    check_used((const char *const[]){NULL}, false, false, false, NULL);
    check_used(WORDS("--score-reduce=sum"), false, false, false, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selection_make__defaults),
        cmocka_unit_test(test_selection_make__takes_every_option),
        cmocka_unit_test(test_selection_make__each_flag_is_its_own),
        cmocka_unit_test(test_selection_make__knows_the_modes_by_name),
        cmocka_unit_test(test_selection_make__block_size_is_both_unless_one_is_given),
        cmocka_unit_test(test_selection_make__names_the_block_size_that_is_wrong),
        cmocka_unit_test(test_selection_make__ratio_is_above_0_and_at_most_1),
        cmocka_unit_test(test_selection_make__refuses_other_ranges),
        cmocka_unit_test(test_selection_check_used__names_what_nothing_uses),
        cmocka_unit_test(test_selection_check_used__defaults_are_no_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
