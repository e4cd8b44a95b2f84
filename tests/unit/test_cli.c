/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * cli.c: what each kind of option takes and refuses, operands, and the layout of the help.
 */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_WORDS = 16 };

/* One option of each kind, and what they were set to. */
typedef struct fixture {
    cli_options options;
    bool flag, flag_given, uint_given;
    const char *string, *optional;
    bool optional_given;
    uint64_t uint;
    double real;
} fixture;

static void fixture_init(fixture *f) {
    *f = (fixture){.string = "unset", .optional = "unset", .uint = 77, .real = 7.5};
    cli_add(&f->options, (cli_option){"flag", CLI_FLAG, &f->flag, &f->flag_given, NULL, "a flag"});
    cli_add(&f->options, (cli_option){"string", CLI_STRING, &f->string, NULL, "TEXT", "some text"});
    cli_add(&f->options, (cli_option){"optional", CLI_OPTIONAL_STRING, &f->optional,
                                      &f->optional_given, "LIST", "text or none"});
    cli_add(&f->options, (cli_option){"uint", CLI_UINT, &f->uint, &f->uint_given, "N", "a number"});
    cli_add(&f->options, (cli_option){"real", CLI_REAL, &f->real, NULL, "X", "any number"});
}

/* Parses words that a NULL ends. */
static bool parse(fixture *f, const char *const *words, bool *help, tool_error *error) {
    char *argv[MAX_WORDS];
    int argc = 0;
    fixture_init(f);
    *error = (tool_error){0};
    for (; words[argc]; argc++) {
        assert_true(argc < MAX_WORDS);
        argv[argc] = (char *)words[argc];
    }
    return cli_parse(&f->options, argc, argv, help, error);
}

static fixture accept(const char *const *words) {
    fixture f;
    tool_error error;
    bool help;
    if (!parse(&f, words, &help, &error))
        fail_msg("%s", error.text);
    assert_false(help);
    return f;
}

static void refuse(const char *const *words, const char *text) {
    fixture f;
    tool_error error;
    bool help;
    assert_false(parse(&f, words, &help, &error));
    assert_true(error.usage);
    if (strcmp(error.text, text) != 0)
        fail_msg("\"%s\", not \"%s\"", error.text, text);
}

/* Two operands, --output and a flag. */
typedef struct operand_fixture {
    cli_options options;
    const char *a, *b, *output;
    bool json;
} operand_fixture;

static void operand_fixture_init(operand_fixture *f) {
    *f = (operand_fixture){.a = "unset", .b = "unset", .output = "unset"};
    cli_add_operand(&f->options, "A", &f->a, "the first file");
    cli_add_operand(&f->options, "B", &f->b, "the second file");
    cli_add(&f->options,
            (cli_option){"output", CLI_STRING, &f->output, NULL, "FILE", "what to write"});
    cli_add(&f->options, (cli_option){"json", CLI_FLAG, &f->json, NULL, NULL, "as JSON"});
}

static bool parse_operands(operand_fixture *f, const char *const *words, bool *help,
                           tool_error *error) {
    char *argv[MAX_WORDS];
    int argc = 0;
    operand_fixture_init(f);
    *error = (tool_error){0};
    for (; words[argc]; argc++) {
        assert_true(argc < MAX_WORDS);
        argv[argc] = (char *)words[argc];
    }
    return cli_parse(&f->options, argc, argv, help, error);
}

static operand_fixture accept_operands(const char *const *words) {
    operand_fixture f;
    tool_error error;
    bool help;
    if (!parse_operands(&f, words, &help, &error))
        fail_msg("%s", error.text);
    assert_false(help);
    return f;
}

static void refuse_operands(const char *const *words, const char *text) {
    operand_fixture f;
    tool_error error;
    bool help;
    assert_false(parse_operands(&f, words, &help, &error));
    assert_true(error.usage);
    if (strcmp(error.text, text) != 0)
        fail_msg("\"%s\", not \"%s\"", error.text, text);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_cli_parse__leaves_what_is_not_given(void **state) {
    (void)state;
    fixture f = accept((const char *const[]){NULL});
    assert_false(f.flag || f.flag_given || f.optional_given || f.uint_given);
    assert_string_equal(f.string, "unset");
    assert_string_equal(f.optional, "unset");
    assert_int_equal(f.uint, 77);
    assert_true(f.real == 7.5);
}

static void test_cli_parse__takes_the_next_word_as_value(void **state) {
    (void)state;
    fixture f = accept(WORDS("--string", "a b", "--uint", "12", "--flag", "--real", "-2.5e-1",
                             "--optional", "x,y"));
    assert_true(f.flag && f.flag_given && f.optional_given && f.uint_given);
    assert_string_equal(f.string, "a b");
    assert_string_equal(f.optional, "x,y");
    assert_int_equal(f.uint, 12);
    assert_true(f.real == -0.25);
}

static void test_cli_parse__takes_what_follows_the_first_equals_sign(void **state) {
    (void)state;
    fixture f = accept(WORDS("--string=a=b", "--uint=0", "--real=1", "--optional=z"));
    assert_string_equal(f.string, "a=b");
    assert_string_equal(f.optional, "z");
    assert_int_equal(f.uint, 0);
    assert_true(f.real == 1.0);
    f = accept(WORDS("--string="));
    assert_string_equal(f.string, "");
}

static void test_cli_parse__value_may_look_like_an_option(void **state) {
    (void)state;
    fixture f = accept(WORDS("--string", "--flag"));
    assert_string_equal(f.string, "--flag");
    assert_false(f.flag);
}

static void test_cli_parse__optional_value_is_no_option(void **state) {
    (void)state;
    fixture f = accept(WORDS("--optional", "--flag"));
    assert_string_equal(f.optional, "");
    assert_true(f.optional_given && f.flag);
    f = accept(WORDS("--optional"));
    assert_string_equal(f.optional, "");
    f = accept(WORDS("--optional="));
    assert_string_equal(f.optional, "");
}

static void test_cli_parse__takes_the_largest_number(void **state) {
    (void)state;
    fixture f = accept(WORDS("--uint", "18446744073709551615"));
    assert_true(f.uint == UINT64_MAX);
    refuse(WORDS("--uint", "18446744073709551616"),
           "--uint is '18446744073709551616', not a whole number from 0 on");
}

static void test_cli_parse__refuses_what_is_no_whole_number(void **state) {
    (void)state;
    refuse(WORDS("--uint", "-1"), "--uint is '-1', not a whole number from 0 on");
    refuse(WORDS("--uint", "+1"), "--uint is '+1', not a whole number from 0 on");
    refuse(WORDS("--uint", " 1"), "--uint is ' 1', not a whole number from 0 on");
    refuse(WORDS("--uint", "1 "), "--uint is '1 ', not a whole number from 0 on");
    refuse(WORDS("--uint", "1.0"), "--uint is '1.0', not a whole number from 0 on");
    refuse(WORDS("--uint", "1e3"), "--uint is '1e3', not a whole number from 0 on");
    refuse(WORDS("--uint", "0x10"), "--uint is '0x10', not a whole number from 0 on");
    refuse(WORDS("--uint="), "--uint is '', not a whole number from 0 on");
}

static void test_cli_parse__refuses_what_is_no_number(void **state) {
    (void)state;
    refuse(WORDS("--real", "nan"), "--real is 'nan', not a number");
    refuse(WORDS("--real", "inf"), "--real is 'inf', not a number");
    refuse(WORDS("--real", "1e999"), "--real is '1e999', not a number");
    refuse(WORDS("--real", "0.3x"), "--real is '0.3x', not a number");
    refuse(WORDS("--real", "0,3"), "--real is '0,3', not a number");
    refuse(WORDS("--real="), "--real is '', not a number");
}

static void test_cli_parse__refuses_words_that_are_no_options(void **state) {
    (void)state;
    refuse(WORDS("word"), "'word' is not an option");
    refuse(WORDS("-f"), "'-f' is not an option");
    refuse(WORDS(""), "'' is not an option");
    refuse(WORDS("--"), "unknown option '--'");
    refuse(WORDS("--fla"), "unknown option '--fla'");
    refuse(WORDS("--flags"), "unknown option '--flags'");
    refuse(WORDS("--Flag"), "unknown option '--Flag'");
    refuse(WORDS("--="), "unknown option '--'");
    refuse(WORDS("--nothing=5"), "unknown option '--nothing'");
    refuse(WORDS("--flag", "word"), "'word' is not an option");
}

static void test_cli_parse__refuses_a_value_too_few_or_too_many(void **state) {
    (void)state;
    refuse(WORDS("--string"), "--string needs a value (TEXT)");
    refuse(WORDS("--flag", "--uint"), "--uint needs a value (N)");
    refuse(WORDS("--real"), "--real needs a value (X)");
    refuse(WORDS("--flag=1"), "--flag takes no value, '1' was given");
    refuse(WORDS("--flag="), "--flag takes no value, '' was given");
}

static void test_cli_parse__refuses_an_option_given_twice(void **state) {
    (void)state;
    refuse(WORDS("--flag", "--flag"), "--flag is given twice");
    refuse(WORDS("--uint", "1", "--uint=1"), "--uint is given twice");
    refuse(WORDS("--optional", "--optional"), "--optional is given twice");
}

static void test_cli_parse__control_characters_stay_on_one_line(void **state) {
    (void)state;
    refuse(WORDS("--uint", "1\n2\t3\x7f"), "--uint is '1?2?3?', not a whole number from 0 on");
}

static void test_cli_parse__help_ends_the_parsing(void **state) {
    (void)state;
    const char *const *words[] = {WORDS("--help"), WORDS("-h"), WORDS("--flag", "--help", "--bad")};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        tool_error error;
        bool help = false;
        assert_true(parse(&f, words[i], &help, &error));
        assert_true(help);
    }
    refuse(WORDS("--bad", "--help"), "unknown option '--bad'");
}

static void test_cli_parse__takes_operands_in_order(void **state) {
    (void)state;
    const char *const *words[] = {WORDS("one", "two", "--json", "-o", "three"),
                                  WORDS("--json", "one", "-o", "three", "two"),
                                  WORDS("-o", "three", "--json", "one", "two"),
                                  WORDS("one", "--output=three", "two", "--json")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        operand_fixture f = accept_operands(words[i]);
        assert_string_equal(f.a, "one");
        assert_string_equal(f.b, "two");
        assert_string_equal(f.output, "three");
        assert_true(f.json);
    }
}

static void test_cli_parse__names_operands_too_few_or_too_many(void **state) {
    (void)state;
    refuse_operands((const char *const[]){NULL}, "A is missing");
    refuse_operands(WORDS("--json"), "A is missing");
    refuse_operands(WORDS("one"), "B is missing");
    refuse_operands(WORDS("-o", "one", "two"), "B is missing");
    refuse_operands(WORDS("one", "two", "three"), "'three' is one word too many");
    refuse_operands(WORDS("", "two"), "A is ''");
    refuse_operands(WORDS("one", ""), "B is ''");
}

static void test_cli_parse__operand_begins_with_no_dash(void **state) {
    (void)state;
    refuse_operands(WORDS("-", "two"), "'-' is not an option");
    refuse_operands(WORDS("one", "-two"), "'-two' is not an option");
    refuse_operands(WORDS("--two"), "unknown option '--two'");
}

/* A list of at most three operands, and a flag. */
static bool parse_list(const char *const *words, const char **values, size_t *count,
                       tool_error *error) {
    cli_options options = {0};
    char *argv[MAX_WORDS];
    int argc = 0;
    bool json = false, help;
    *error = (tool_error){0};
    cli_add_operand_list(&options, "FILE...", values, 3, count, "files");
    cli_add(&options, (cli_option){"json", CLI_FLAG, &json, NULL, NULL, "as JSON"});
    for (; words[argc]; argc++) {
        assert_true(argc < MAX_WORDS);
        argv[argc] = (char *)words[argc];
    }
    return cli_parse(&options, argc, argv, &help, error);
}

static void test_cli_parse__takes_a_list_of_operands(void **state) {
    const char *values[3];
    size_t count;
    tool_error error;
    (void)state;
    assert_true(parse_list(WORDS("one"), values, &count, &error));
    assert_int_equal(count, 1);
    assert_true(parse_list(WORDS("one", "--json", "two", "three"), values, &count, &error));
    assert_int_equal(count, 3);
    assert_string_equal(values[0], "one");
    assert_string_equal(values[2], "three");
}

static void test_cli_parse__names_what_is_wrong_with_a_list(void **state) {
    static const struct {
        const char *words[5], *text;
    } rows[] = {{{NULL}, "FILE... is missing"},
                {{"--json", NULL}, "FILE... is missing"},
                {{"one", "", NULL}, "one of FILE... is ''"},
                {{"1", "2", "3", "4", NULL}, "'4' is one too many, 3 are the most"}};
    const char *values[3];
    size_t count;
    tool_error error;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(parse_list(rows[i].words, values, &count, &error));
        assert_true(error.usage);
        assert_string_equal(error.text, rows[i].text);
    }
}

static void test_cli_parse__short_o_is_output(void **state) {
    (void)state;
    assert_string_equal(accept_operands(WORDS("a", "b", "-o", "-x")).output, "-x");
    refuse_operands(WORDS("a", "b", "-o"), "--output needs a value (FILE)");
    refuse_operands(WORDS("-o", "x", "a", "b", "--output", "y"), "--output is given twice");
    refuse_operands(WORDS("-ox"), "'-ox' is not an option");
    refuse_operands(WORDS("-o=x"), "'-o=x' is not an option");
    refuse(WORDS("-o", "x"), "'-o' is not an option");
}

static void test_cli_parse__help_needs_no_operand(void **state) {
    (void)state;
    operand_fixture f;
    tool_error error;
    bool help = false;
    assert_true(parse_operands(&f, WORDS("--help"), &help, &error));
    assert_true(help);
}

/* What cli_print_options prints; malloc'd. */
static char *print(const cli_options *options) {
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_print_options(options, file);
    long size = ftell(file);
    assert_true(size > 0);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}

static void test_cli_print_options__shows_each_kind(void **state) {
    (void)state;
    fixture f;
    fixture_init(&f);
    char *text = print(&f.options);
    assert_string_equal(text, "  --flag                      a flag\n"
                              "  --string TEXT               some text\n"
                              "  --optional[=LIST]           text or none\n"
                              "  --uint N                    a number\n"
                              "  --real X                    any number\n");
    free(text);
}

static void test_cli_print_options__shows_operands_and_the_short_form(void **state) {
    (void)state;
    operand_fixture f;
    operand_fixture_init(&f);
    char *text = print(&f.options);
    assert_string_equal(text, "  A                           the first file\n"
                              "  B                           the second file\n"
                              "  -o, --output FILE           what to write\n"
                              "  --json                      as JSON\n");
    free(text);
}

static void test_cli_print_options__wraps_at_100_columns(void **state) {
    (void)state;
    cli_options options = {0};
    /* 30 + 70 columns: the last one that fits; then a name that leaves no room beside it. */
    cli_add(&options, (cli_option){"fits", CLI_FLAG, NULL, NULL, NULL,
                                   "0123456789 0123456789 0123456789 0123456789 0123456789 "
                                   "0123456789 0123 next"});
    cli_add(&options,
            (cli_option){"a-very-long-name-of-an-option", CLI_UINT, NULL, NULL, "N", "below"});
    char *text = print(&options);
    assert_string_equal(text, "  --fits                      0123456789 0123456789 0123456789 "
                              "0123456789 0123456789 0123456789 0123\n"
                              "                              next\n"
                              "  --a-very-long-name-of-an-option N\n"
                              "                              below\n");
    free(text);
}

static void test_cli_add__holds_64_options(void **state) {
    (void)state;
    cli_options options = {0};
    for (int i = 0; i < CLI_MAX_OPTIONS + 1; i++)
        cli_add(&options, (cli_option){"name", CLI_FLAG, NULL, NULL, NULL, ""});
    assert_int_equal(options.count, CLI_MAX_OPTIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cli_parse__leaves_what_is_not_given),
        cmocka_unit_test(test_cli_parse__takes_the_next_word_as_value),
        cmocka_unit_test(test_cli_parse__takes_what_follows_the_first_equals_sign),
        cmocka_unit_test(test_cli_parse__value_may_look_like_an_option),
        cmocka_unit_test(test_cli_parse__optional_value_is_no_option),
        cmocka_unit_test(test_cli_parse__takes_the_largest_number),
        cmocka_unit_test(test_cli_parse__refuses_what_is_no_whole_number),
        cmocka_unit_test(test_cli_parse__refuses_what_is_no_number),
        cmocka_unit_test(test_cli_parse__refuses_words_that_are_no_options),
        cmocka_unit_test(test_cli_parse__refuses_a_value_too_few_or_too_many),
        cmocka_unit_test(test_cli_parse__refuses_an_option_given_twice),
        cmocka_unit_test(test_cli_parse__control_characters_stay_on_one_line),
        cmocka_unit_test(test_cli_parse__help_ends_the_parsing),
        cmocka_unit_test(test_cli_parse__takes_operands_in_order),
        cmocka_unit_test(test_cli_parse__names_operands_too_few_or_too_many),
        cmocka_unit_test(test_cli_parse__operand_begins_with_no_dash),
        cmocka_unit_test(test_cli_parse__takes_a_list_of_operands),
        cmocka_unit_test(test_cli_parse__names_what_is_wrong_with_a_list),
        cmocka_unit_test(test_cli_parse__short_o_is_output),
        cmocka_unit_test(test_cli_parse__help_needs_no_operand),
        cmocka_unit_test(test_cli_print_options__shows_each_kind),
        cmocka_unit_test(test_cli_print_options__shows_operands_and_the_short_form),
        cmocka_unit_test(test_cli_print_options__wraps_at_100_columns),
        cmocka_unit_test(test_cli_add__holds_64_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
