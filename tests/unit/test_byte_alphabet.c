/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/byte_alphabet.c: one character for each byte, in the order that the alphabet is defined by.
 */
#include "dlm/byte_alphabet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The one or two bytes of a code point below 0x800; their number. */
static size_t encode_utf8(unsigned codepoint, char text[2]) {
    if (codepoint < 0x80) {
        text[0] = (char)codepoint;
        return 1;
    }
    text[0] = (char)(0xc0 | codepoint >> 6);
    text[1] = (char)(0x80 | (codepoint & 0x3f));
    return 2;
}

static bool is_visible(unsigned byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

static void test_dlm_byte_alphabet_decode__each_byte(void **state) {
    (void)state;
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[2], decoded[2];
        size_t size;
        size_t length = encode_utf8(is_visible(byte) ? byte : next++, text);
        assert_true(dlm_byte_alphabet_decode(text, length, decoded, &size));
        assert_int_equal(size, 1);
        assert_int_equal((unsigned char)decoded[0], byte);
    }
    assert_int_equal(next, 0x144);
}

static void test_dlm_byte_alphabet_decode__refuses_other_characters(void **state) {
    (void)state;
    static const unsigned others[] = {0x00, 0x20, 0x7f, 0x80, 0xa0, 0xad, 0x144, 0x7ff};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[4] = "ab", decoded[4];
        size_t size;
        size_t length = 2 + encode_utf8(others[i], text + 2);
        assert_false(dlm_byte_alphabet_decode(text, length, decoded, &size));
    }
}

static void test_dlm_byte_alphabet_decode__refuses_invalid_utf8(void **state) {
    (void)state;
    char decoded[4];
    size_t size;
    assert_false(dlm_byte_alphabet_decode("\xff", 1, decoded, &size));
    assert_false(dlm_byte_alphabet_decode("a\xc4", 2, decoded, &size));
    assert_true(dlm_byte_alphabet_decode("", 0, decoded, &size));
    assert_int_equal(size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_byte_alphabet_decode__each_byte),
        cmocka_unit_test(test_dlm_byte_alphabet_decode__refuses_other_characters),
        cmocka_unit_test(test_dlm_byte_alphabet_decode__refuses_invalid_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
