/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/pre_split.c: what is a piece, shown as the text with | between the pieces.
 */
#include "dlm/pre_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct joined {
    char text[256];
    size_t pieces;
} joined;

static bool join(void *user, const char *piece, size_t size_bytes, tool_error *error) {
    joined *all = user;
    assert_true(size_bytes > 0);
    if (all->pieces++ == 20) {
        return tool_fail(error, "stopped");
    }
    strncat(all->text, "|", 2);
    strncat(all->text, piece, size_bytes);
    return true;
}

static dlm_pre_split *create(const char *first, const char *second) {
    tool_error error;
    dlm_pre_split *split = dlm_pre_split_create();
    assert_non_null(split);
    assert_true(!first || dlm_pre_split_add(split, first, false, "file", &error));
    assert_true(!second || dlm_pre_split_add(split, second, true, "file", &error));
    return split;
}

static void expect(const char *first, const char *second, const char *text, const char *pieces) {
    dlm_pre_split *split = create(first, second);
    joined all = {0};
    tool_error error;
    if (!dlm_pre_split_run(split, text, strlen(text), join, &all, &error)) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(all.text, pieces);
    dlm_pre_split_free(split);
}

static void test_dlm_pre_split_run__keeps_matches_and_gaps(void **state) {
    (void)state;
    expect(NULL, NULL, "any text", "|any text");
    expect("[a-z]+", NULL, "", "");
    expect("[a-z]+", NULL, "ab1cd23", "|ab|1|cd|23");
    expect("[a-z]+", NULL, "123", "|123");
    expect("[a-z]", NULL, "ab", "|a|b");
    expect("(a)(b)(c)", NULL, "xabcx", "|x|abc|x");
}

static void test_dlm_pre_split_run__an_empty_match_cuts(void **state) {
    (void)state;
    expect("(?=b)", NULL, "abcb", "|a|bc|b");
    expect("x*", NULL, "\xc3\xa9xa", "|\xc3\xa9|x|a");
}

static void test_dlm_pre_split_run__step_after_step(void **state) {
    (void)state;
    expect("[a-z.]+", ".", "a.b12..", "|a|.|b|12|.|.");
    /* A literal is no pattern, and sees one piece at a time. */
    expect("a", "aa", "aa", "|a|a");
}

static void test_dlm_pre_split_run__unicode_classes(void **state) {
    (void)state;
    expect(" ?\\p{L}+|\\p{N}|\\s+", NULL, "na\xc3\xafve \xc3\xa9t\xc3\xa9 \xd9\xa1\xc2\xa0!",
           "|na\xc3\xafve| \xc3\xa9t\xc3\xa9| |\xd9\xa1|\xc2\xa0|!");
    expect("(?i:'s)|\\w+", NULL, "It'S", "|It|'S");
}

static void test_dlm_pre_split_run__invalid_bytes_are_pieces(void **state) {
    (void)state;
    expect("[^ ]+", NULL, "a\xff\xfe\x62 c", "|a|\xff\xfe|b| |c");
    expect("[^ ]+", NULL, "\xc3", "|\xc3");
    /* Overlong, surrogate, beyond U+10FFFF, cut off. */
    expect("[^ ]+", NULL,
           "a\xc0\xaf"
           "b\xed\xa0\x80"
           "c\xf4\x90\x80\x80"
           "d\xe2\x82",
           "|a|\xc0\xaf|b|\xed\xa0\x80|c|\xf4\x90\x80\x80|d|\xe2\x82");
}

static void test_dlm_pre_split_run__stops_when_told(void **state) {
    (void)state;
    dlm_pre_split *split = create(".", NULL);
    joined all = {0};
    tool_error error;
    assert_false(dlm_pre_split_run(split, "abcdefghijklmnopqrstuvwxyz", 26, join, &all, &error));
    assert_string_equal(error.text, "stopped");
    assert_int_equal(all.pieces, 21);
    dlm_pre_split_free(split);
}

static void test_dlm_pre_split_run__reports_a_pattern_that_gives_up(void **state) {
    (void)state;
    dlm_pre_split *split = create("(a+)+$", NULL);
    joined all = {0};
    tool_error error;
    char text[64];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 'b';
    assert_false(dlm_pre_split_run(split, text, sizeof text, join, &all, &error));
    assert_non_null(strstr(error.text, "\"(a+)+$\" failed"));
    dlm_pre_split_free(split);
}

static bool count(void *user, const char *piece, size_t size_bytes, tool_error *error) {
    (void)piece;
    (void)error;
    *(size_t *)user += size_bytes;
    return true;
}

static void test_dlm_pre_split_run__of_a_long_piece_that_backtracks(void **state) {
    (void)state;
    dlm_pre_split *split = create("(?:a|b)+c|.", NULL);
    size_t size = 300000, covered = 0;
    char *text = malloc(size);
    tool_error error;
    assert_non_null(text);
    memset(text, 'a', size);
    text[size - 1] = 'c';
    if (!dlm_pre_split_run(split, text, size, count, &covered, &error)) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(covered, size);
    free(text);
    dlm_pre_split_free(split);
}

static void test_dlm_pre_split_add__refuses_a_bad_pattern(void **state) {
    (void)state;
    tool_error error;
    dlm_pre_split *split = dlm_pre_split_create();
    assert_non_null(split);
    assert_false(dlm_pre_split_add(split, "a(b", false, "file", &error));
    assert_non_null(strstr(error.text, "file: pattern \"a(b\""));
    assert_false(dlm_pre_split_add(split, "\\C", false, "file", &error));
    for (int i = 0; i < 8; i++) {
        assert_true(dlm_pre_split_add(split, "a", false, "file", &error));
    }
    assert_false(dlm_pre_split_add(split, "a", false, "file", &error));
    assert_non_null(strstr(error.text, "more than 8"));
    dlm_pre_split_free(split);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_pre_split_run__keeps_matches_and_gaps),
        cmocka_unit_test(test_dlm_pre_split_run__an_empty_match_cuts),
        cmocka_unit_test(test_dlm_pre_split_run__step_after_step),
        cmocka_unit_test(test_dlm_pre_split_run__unicode_classes),
        cmocka_unit_test(test_dlm_pre_split_run__invalid_bytes_are_pieces),
        cmocka_unit_test(test_dlm_pre_split_run__stops_when_told),
        cmocka_unit_test(test_dlm_pre_split_run__reports_a_pattern_that_gives_up),
        cmocka_unit_test(test_dlm_pre_split_run__of_a_long_piece_that_backtracks),
        cmocka_unit_test(test_dlm_pre_split_add__refuses_a_bad_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
