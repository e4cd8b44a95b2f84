/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * utf8.c at the edges of each length, and on what RFC 3629 forbids.
 */
#include "utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_utf8_decode__first_and_last_of_each_length(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        uint32_t codepoint;
    } rows[] = {
        {"\x00", 1, 0},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t codepoint = 1;
        assert_int_equal(utf8_decode(rows[i].text, rows[i].length, &codepoint), rows[i].length);
        assert_int_equal(codepoint, rows[i].codepoint);
        for (size_t cut = 0; cut < rows[i].length; cut++) {
            assert_int_equal(utf8_decode(rows[i].text, cut, &codepoint), 0);
        }
    }
}

static void test_utf8_decode__refuses_what_is_forbidden(void **state) {
    (void)state;
    static const char *const rows[] = {"\x80",
                                       "\xbf",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc2\x41",
                                       "\xe0\x80\x80",
                                       "\xe0\x9f\xbf",
                                       "\xe1\x80\x41",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xff",
                                       "\xfe",
                                       "\xf0\x80\x80\x80",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t codepoint;
        assert_int_equal(utf8_decode(rows[i], strlen(rows[i]), &codepoint), 0);
    }
}

static void test_utf8_valid_prefix__ends_before_the_first_fault(void **state) {
    (void)state;
    assert_int_equal(utf8_valid_prefix("", 0), 0);
    assert_int_equal(utf8_valid_prefix("a\0\xc3\xa9", 4), 4);
    assert_int_equal(utf8_valid_prefix("a\xc3\xa9\xc3", 4), 3);
    assert_int_equal(utf8_valid_prefix("\xff", 1), 0);
}

static void check_repair(const char *text, size_t size, const char *expected) {
    char *repaired = utf8_repair(text, size);
    assert_non_null(repaired);
    assert_string_equal(repaired, expected);
    free(repaired);
}

static void test_utf8_repair__replaces_what_is_not_text(void **state) {
    (void)state;
    check_repair("", 0, "");
    check_repair("caf\xc3\xa9", 5, "caf\xc3\xa9");
    check_repair("a\x9b"
                 "b",
                 3,
                 "a\xef\xbf\xbd"
                 "b");
    check_repair("a\0b", 3,
                 "a\xef\xbf\xbd"
                 "b");
    check_repair("\xe4\xbd", 2, "\xef\xbf\xbd\xef\xbf\xbd"); /* a character cut short */
}

static void test_utf8_hide_controls__leaves_all_else(void **state) {
    (void)state;
    char plain[] = "a \xc3\xa9 \xc2\xa0\xe2\x82\xac~", odd[] = "\x1b[2J\na\x7f\xc2\x9b"
                                                               "b\xc3";
    assert_false(utf8_has_controls(plain));
    assert_false(utf8_has_controls(""));
    assert_true(utf8_has_controls(odd));
    utf8_hide_controls(plain);
    assert_string_equal(plain, "a \xc3\xa9 \xc2\xa0\xe2\x82\xac~");
    utf8_hide_controls(odd);
    assert_string_equal(odd, "?[2J?a??b\xc3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_hide_controls__leaves_all_else),
        cmocka_unit_test(test_utf8_decode__first_and_last_of_each_length),
        cmocka_unit_test(test_utf8_decode__refuses_what_is_forbidden),
        cmocka_unit_test(test_utf8_valid_prefix__ends_before_the_first_fault),
        cmocka_unit_test(test_utf8_repair__replaces_what_is_not_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
