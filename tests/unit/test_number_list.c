/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * number_list.c: what a list may say, what it may not, and how numbers are told.
 */
#include "number_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void accept(const char *text, const uint32_t *expected, size_t count) {
    number_list list;
    tool_error error;
    if (!number_list_parse("layers", text, "0,4,8-11", 100, &list, &error))
        fail_msg("%s", error.text);
    assert_int_equal(list.count, count);
    assert_memory_equal(list.numbers, expected, count * sizeof *expected);
    number_list_free(&list);
}

static void refuse(const char *text) {
    number_list list;
    tool_error error;
    char expected[128];
    snprintf(expected, sizeof expected,
             "--layers is '%s', not a list such as 0,4,8-11 of numbers below 100", text);
    assert_false(number_list_parse("layers", text, "0,4,8-11", 100, &list, &error));
    assert_true(error.usage);
    assert_string_equal(error.text, expected);
    assert_null(list.numbers);
}

#define NUMBERS(...) \
    ((const uint32_t[]){__VA_ARGS__}), sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void test_number_list_parse__takes_numbers_and_ranges(void **state) {
    (void)state;
    accept("0", NUMBERS(0));
    accept("99", NUMBERS(99));
    accept("0,4,8-11", NUMBERS(0, 4, 8, 9, 10, 11));
    accept("7-7", NUMBERS(7));
    accept("007", NUMBERS(7));
}

static void test_number_list_parse__sorts_and_counts_once(void **state) {
    (void)state;
    accept("9,1,5", NUMBERS(1, 5, 9));
    accept("3-5,4-6,4,3", NUMBERS(3, 4, 5, 6));
}

static void test_number_list_parse__none_means_all(void **state) {
    (void)state;
    const char *const texts[] = {NULL, "all"};
    for (size_t i = 0; i < 2; i++) {
        number_list list;
        tool_error error;
        assert_true(number_list_parse("layers", texts[i], "0,4,8-11", 100, &list, &error));
        assert_null(list.numbers);
        assert_int_equal(list.count, 0);
        assert_true(number_list_has(&list, 0) && number_list_has(&list, 99));
    }
}

static void test_number_list_parse__refuses_what_is_no_list(void **state) {
    (void)state;
    const char *const texts[] = {"",
                                 ",",
                                 "1,",
                                 ",1",
                                 "1,,2",
                                 "1-",
                                 "-1",
                                 "-",
                                 "2-1",
                                 "a",
                                 "1a",
                                 "1 2",
                                 " 1",
                                 "1, 2",
                                 "0x1",
                                 "1.5",
                                 "100",
                                 "0-100",
                                 "18446744073709551617",
                                 "all,1",
                                 "1-2-3",
                                 "+1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        refuse(texts[i]);
}

static void test_number_list_has__finds_its_numbers_only(void **state) {
    (void)state;
    number_list list;
    tool_error error;
    assert_true(number_list_parse("layers", "2,4-6,50", "0,4,8-11", 100, &list, &error));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(number_list_has(&list, i), i == 2 || (i >= 4 && i <= 6) || i == 50);
    number_list_free(&list);
}

static void test_number_list_print__joins_neighbours(void **state) {
    (void)state;
    char text[64];
    number_list_print((const uint32_t[]){0, 1, 2, 5, 7, 8}, 6, text, sizeof text);
    assert_string_equal(text, "0-2,5,7-8");
    number_list_print((const uint32_t[]){3}, 1, text, sizeof text);
    assert_string_equal(text, "3");
    number_list_print(NULL, 0, text, sizeof text);
    assert_string_equal(text, "");
}

static void test_number_list_print__ends_where_the_room_ends(void **state) {
    (void)state;
    uint32_t numbers[100];
    char text[48];
    for (uint32_t i = 0; i < 100; i++)
        numbers[i] = 2 * i;
    number_list_print(numbers, 100, text, sizeof text);
    assert_string_equal(text, "0,2,4,6,8,10,12,14,...");
}

static void test_real_list_parse__keeps_the_order(void **state) {
    static const double expected[] = {0.3, 0.1, 0.3, 1e-3};
    real_list list;
    tool_error error;
    (void)state;
    assert_true(real_list_parse("select", "0.3,0.1,0.3,1e-3", &list, &error));
    assert_int_equal(list.count, 4);
    assert_memory_equal(list.numbers, expected, sizeof expected);
    real_list_free(&list);
    assert_null(list.numbers);
}

static void test_real_list_parse__refuses_what_is_no_list(void **state) {
    const char *const texts[] = {"",  ",",   "1,",    ",1",  "1,,2",
                                 "x", "1 2", "1,nan", "inf", "0.3;0.4"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        real_list list;
        tool_error error;
        char expected[128];
        snprintf(expected, sizeof expected,
                 "--select is '%s', not a list of numbers such as 0.1,0.3", texts[i]);
        assert_false(real_list_parse("select", texts[i], &list, &error));
        assert_true(error.usage);
        assert_string_equal(error.text, expected);
        assert_null(list.numbers);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_list_parse__takes_numbers_and_ranges),
        cmocka_unit_test(test_number_list_parse__sorts_and_counts_once),
        cmocka_unit_test(test_number_list_parse__none_means_all),
        cmocka_unit_test(test_number_list_parse__refuses_what_is_no_list),
        cmocka_unit_test(test_number_list_has__finds_its_numbers_only),
        cmocka_unit_test(test_number_list_print__joins_neighbours),
        cmocka_unit_test(test_number_list_print__ends_where_the_room_ends),
        cmocka_unit_test(test_real_list_parse__keeps_the_order),
        cmocka_unit_test(test_real_list_parse__refuses_what_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
