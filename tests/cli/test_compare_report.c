/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare report`, the built command: exit codes, the tables, JSON that fits its schema, a
 * page that needs nothing else. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_command.h"
#include "support/json_schema.h"
#include "support/made_record.h"
#include "support/test_files.h"

enum { PATH_BYTES = 512 };

typedef struct two_files {
    char a[PATH_BYTES], b[PATH_BYTES], page[PATH_BYTES];
} two_files;

/* Writes and frees a record. */
static void write_record(record *r, const char *path) {
    tool_error error = {false, ""};
    made_record_digest(r);
    if (!record_write(r, path, &error))
        fail_msg("%s", error.text);
    record_free(r);
}

static two_files name_files(const test_folder *folder) {
    two_files f;
    snprintf(f.a, sizeof f.a, "%s/a.safetensors", folder->path);
    snprintf(f.b, sizeof f.b, "%s/b.safetensors", folder->path);
    snprintf(f.page, sizeof f.page, "%s/page.html", folder->path);
    return f;
}

typedef void plant(record *r);

static two_files write_two(void **state, plant *change) {
    two_files f = name_files(*state);
    record a = made_record("good"), b = made_record("odd");
    if (change)
        change(&b);
    write_record(&a, f.a);
    write_record(&b, f.b);
    return f;
}

static command_output run_report(const two_files *f, const char *word, const char *value) {
    command_words words = {.count = 0};
    command_add(&words, "compare");
    command_add(&words, "report");
    command_add(&words, f->a);
    command_add(&words, f->b);
    if (word)
        command_add(&words, word);
    if (value)
        command_add(&words, value);
    return command_run(&words);
}

/* The object, which must fit the schema. */
static cJSON *report_json(const two_files *f, int status) {
    char text[JSON_SCHEMA_TEXT_BYTES];
    command_output output = run_report(f, "--json", NULL);
    char *schema_text = test_file_read(DOCS_DIR "/compare-report.schema.json", NULL);
    cJSON *schema = cJSON_Parse(schema_text), *root = cJSON_Parse(output.out);
    assert_int_equal(output.status, status);
    assert_non_null(schema);
    assert_non_null(root);
    const char *misfit = json_schema_misfit(schema, root, text);
    if (misfit)
        fail_msg("%s", misfit);
    cJSON_Delete(schema);
    free(schema_text);
    command_output_free(&output);
    return root;
}

/* ---- exit codes and words ---- */

static void expect_in(const char *page, const char *text) {
    if (!strstr(page, text))
        fail_msg("the page has no %s", text);
}

static void add_to_element(record *r) {
    made_out(r, 0, RECORD_SPARSE_FIXED, 4, 37)[5] += 0.25f;
}
static void shift_block(record *r) {
    memmove(made_out(r, 1, RECORD_DENSE, 0, 16), made_out(r, 1, RECORD_DENSE, 0, 32),
            sizeof(float) * MADE_BLOCK * MADE_DIM);
}
static void swap_heads(record *r) {
    made_swap(made_pattern_row(r, 0, 3, 0), made_pattern_row(r, 0, 4, 0), MADE_BLOCKS);
}
static void put_nan(record *r) {
    *made_lse(r, 0, RECORD_BUILD, 5, 3) = NAN;
}
static void warn_only(record *r) {
    r->cases[1].runs[RECORD_DENSE].out_errors.relative = 5e-6;
    r->cases[1].runs[RECORD_DENSE].out_errors.max_abs = 5e-6;
}

static void test_compare_report__names_what_was_planted(void **state) {
    static const struct {
        plant *change;
        const char *line;
    } rows[] = {
        {add_to_element, "fail  A, B  made: sparse-fixed out, batch 1, head 1, query block 2: one "
                         "element, row 37, column 5: "},
        {shift_block, "fail  A, B  padded: dense out, batch 0, head 0, query block 1: shifted "
                      "block: B holds the rows of A that are 16 further on\n"},
        {swap_heads, "fail  A, B  made: build pattern, batch 1, head 0: swapped heads: this and "
                     "head 1 are the other way round\n"},
        {put_nan, "fail  A, B  made: build lse, batch 1, head 2, query block 0: one element is not "
                  "finite, row 3: "},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const two_files f = write_two(state, rows[k].change);
        command_output output = run_report(&f, NULL, NULL);
        assert_int_equal(output.status, 1);
        if (!strstr(output.out, rows[k].line))
            fail_msg("no line \"%s\" in:\n%s", rows[k].line, output.out);
        assert_non_null(strstr(output.out, "\nVerdict: fail\n"));
        assert_string_equal(output.err, "sparsed compare: the verdict is fail: of 2 records and 1 "
                                        "pair, 1 failed\n");
        command_output_free(&output);
    }
}

/* The line that begins so has that, too. */
static void expect_row(const char *text, const char *begins, const char *has) {
    const char *line = strstr(text, begins);
    assert_non_null(line);
    const char *at = strstr(line + 1, has), *end = strchr(line + 1, '\n');
    if (!at || at > end)
        fail_msg("no \"%s\" in the line of \"%s\" of:\n%s", has, begins + 1, text);
}

static void lse_only(record *r) {
    r->cases[0].runs[RECORD_BUILD].lse_errors.max_abs = 5e-5;
    r->cases[0].runs[RECORD_BUILD].scores_errors.relative = 1.0;
    r->cases[0].runs[RECORD_BUILD].scores_errors.max_abs = 5.0;
    r->cases[1].runs[RECORD_DENSE].repeatable = false;
    r->cases[1].choice_differs = 3;
}

/* What a warning or failure is of, where the error of the outputs is fine. */
static void test_compare_report__marks_tell_the_result_at_fault(void **state) {
    const two_files f = write_two(state, lse_only);
    command_output output = run_report(&f, NULL, NULL);
    assert_int_equal(output.status, 1);
    expect_row(output.out, "\n" MADE_CASE " ", "2.0e-07 !ls ");
    expect_row(output.out, "\npadded ", "2.0e-07 !cr ");
    command_output_free(&output);
}

static void make_input(record *r) {
    snprintf(r->suite, sizeof r->suite, "input");
    r->case_count = 1;
}

static void test_compare_report__names_the_problem_of_an_input(void **state) {
    const two_files f = name_files(*state);
    record a = made_record("good"), b = made_record("odd");
    make_input(&a);
    make_input(&b);
    write_record(&a, f.a);
    write_record(&b, f.b);
    command_output output = run_report(&f, "--html", f.page);
    assert_int_equal(output.status, 0);
    static const char problem[] =
        "f32, outputs f32, batch 2, 3 heads on 3 key heads of dimension 8, 70 query rows on 70 keys";
    assert_non_null(strstr(output.out, problem));
    char *page = test_file_read(f.page, NULL);
    assert_non_null(strstr(page, problem));
    free(page);
    command_output_free(&output);
}

static void take_time(record *r) {
    for (size_t i = 0; i < MADE_CASES; i++)
        for (int op = 0; op < RECORD_OPS; op++)
            r->cases[i].runs[op].seconds = (record_timing){0.5, 0.25, 0.125, 3};
}

static void test_compare_report__tells_times_and_environment(void **state) {
    const two_files f = write_two(state, take_time);
    command_output output = run_report(&f, "--html", f.page);
    assert_non_null(strstr(output.out, "\nTimes: milliseconds"));
    assert_non_null(strstr(output.out, "2\ncases together\n"));
    expect_row(output.out, "\nB           ", " 500 ");
    assert_non_null(strstr(output.out, "\n   day  "));
    char *page = test_file_read(f.page, NULL);
    static const char *const parts[] = {">Times<",
                                        "250.00/250.00/250.00",
                                        "made (UTC)",
                                        "options",
                                        "(NMSE)",
                                        "Log-sum-exps against the oracle",
                                        "2 records, 1 pair.",
                                        "1e-4 of what fails"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(page, parts[i]))
            fail_msg("the page has no %s", parts[i]);
    assert_null(strstr(page, "Outputs stored in f16")); /* there are none */
    free(page);
    command_output_free(&output);
}

static void test_compare_report__passes_and_warns_with_exit_code_0(void **state) {
    two_files f = write_two(state, NULL);
    command_output output = run_report(&f, NULL, NULL);
    assert_int_equal(output.status, 0);
    assert_string_equal(output.err, "");
    assert_non_null(strstr(output.out, "\nVerdict: pass\n"));
    assert_null(strstr(output.out, "Failures and warnings"));
    command_output_free(&output);

    f = write_two(state, warn_only);
    output = run_report(&f, NULL, NULL);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "warn  B    padded: dense out: error 5e-06, above 2e-06"));
    expect_row(output.out, "\npadded ", " 5.0e-06 ?o ");
    assert_non_null(strstr(output.out, "\nVerdict: warn\n"));
    command_output_free(&output);
}

static void other_version(record *r) {
    r->suite_version = 7;
}

static void warn_then_fail(record *r) {
    r->cases[0].runs[RECORD_DENSE].out_errors.relative = 5e-6;
    r->cases[0].runs[RECORD_DENSE].out_errors.max_abs = 5e-6;
    r->cases[1].runs[RECORD_DENSE].repeatable = false;
}

static void test_compare_report__tells_failures_first(void **state) {
    two_files f = write_two(state, warn_then_fail);
    command_output output = run_report(&f, NULL, NULL);
    const char *warns = strstr(output.out, "\nwarn  B"), *fails = strstr(output.out, "\nfail  B");
    assert_int_equal(output.status, 1);
    assert_non_null(warns);
    assert_non_null(fails);
    assert_true(fails < warns);
    command_output_free(&output);
}

static void test_compare_report__refuses_other_suites_with_exit_code_2(void **state) {
    two_files f = write_two(state, other_version);
    command_output output = run_report(&f, "--html", f.page);
    assert_int_equal(output.status, 2);
    assert_string_equal(output.out, "");
    assert_non_null(strstr(output.err, "version 7"));
    assert_int_equal(test_folder_count(*state, "page"), 0);
    command_output_free(&output);
    test_folder_write_text(*state, "b.safetensors", "no record");
    output = run_report(&f, "--html", f.page);
    assert_int_equal(output.status, 2);
    assert_int_equal(test_folder_count(*state, "page"), 0);
    command_output_free(&output);
}

/* ---- JSON ---- */

static void test_compare_report__json_fits_the_schema(void **state) {
    static plant *const changes[] = {NULL,       add_to_element, shift_block,
                                     swap_heads, put_nan,        warn_only};
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        const two_files f = write_two(state, changes[k]);
        const bool failed = changes[k] && changes[k] != warn_only;
        cJSON *root = report_json(&f, failed);
        assert_string_equal(json_string(root, "verdict"), failed       ? "fail"
                                                          : changes[k] ? "warn"
                                                                       : "pass");
        cJSON_Delete(root);
    }
}

/* What sets records apart beside the device. */
static const char *const given =
    "2 threads  --device cpu --threads 2 SPARSED_CPU_ISA=avx2 OMP_NUM_THREADS=<2> "
    "SPARSED_KERNEL_DIR=...\n";

static void one_unit(record *r) {
    r->environment.device.compute_units = 1;
    r->environment.device_option[0] = '\0';
    r->environment.threads_option = 0;
    r->environment.variable_count = 0;
}

static void test_compare_report__tells_options_and_variables(void **state) {
    const two_files f = write_two(state, one_unit);
    command_output output = run_report(&f, "--html", f.page);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, given));
    assert_non_null(strstr(output.out, "1 thread   none\n"));
    command_output_free(&output);
    char *page = test_file_read(f.page, NULL);
    expect_in(page, "OMP_NUM_THREADS=&lt;2&gt;");
    expect_in(page, "2 threads");
    free(page);
    cJSON *root = report_json(&f, 0);
    const cJSON *a = cJSON_GetArrayItem(json_at(root, "records"), 0);
    const cJSON *b = cJSON_GetArrayItem(json_at(root, "records"), 1);
    assert_string_equal(json_string(a, "options.device"), "cpu");
    assert_string_equal(json_string(a, "variables.OMP_NUM_THREADS"), "<2>");
    assert_string_equal(json_string(a, "variables.SPARSED_KERNEL_DIR"), "/home/kernels");
    assert_int_equal((int)json_number(a, "options.threads"), 2);
    assert_int_equal((int)json_number(a, "device.compute_units"), 2);
    assert_int_equal((int)json_number(b, "device.compute_units"), 1);
    assert_int_equal(cJSON_GetArraySize(json_at(b, "variables")), 0);
    cJSON_Delete(root);
}

static void test_compare_report__json_tells_the_place(void **state) {
    const two_files f = write_two(state, add_to_element);
    cJSON *root = report_json(&f, 1);
    const cJSON *pair = cJSON_GetArrayItem(json_at(root, "pairs"), 0);
    const cJSON *at = cJSON_GetArrayItem(json_at(pair, "cases"), 0);
    const cJSON *found = cJSON_GetArrayItem(json_at(at, "findings"), 0);
    assert_string_equal(json_string(at, "name"), MADE_CASE);
    assert_string_equal(json_string(found, "kind"), "element");
    assert_string_equal(json_string(found, "op"), "sparse-fixed");
    assert_int_equal((int)json_number(found, "batch"), 1);
    assert_int_equal((int)json_number(found, "head"), 1);
    assert_int_equal((int)json_number(found, "query_block"), 2);
    assert_int_equal((int)json_number(found, "row"), 37);
    assert_int_equal((int)json_number(found, "column"), 5);
    assert_true(json_number(found, "value_b") - json_number(found, "value_a") > 0.2);
    assert_int_equal((int)json_number(pair, "runs"), MADE_CASES * RECORD_OPS);
    assert_int_equal((int)json_number(pair, "runs_equal"), MADE_CASES * RECORD_OPS - 1);
    cJSON_Delete(root);
}

/* ---- the page ---- */

static void test_compare_report__page_needs_nothing_else(void **state) {
    static const char *const foreign[] = {"http",    "src=",  "href=",   "url(",
                                          "<script", "<link", "@import", "<iframe"};
    const two_files f = write_two(state, swap_heads);
    const char *path = PAGES_DIR "/planted.html"; /* tests/page/render.sh opens it too */
    command_output output = run_report(&f, "--html", path);
    assert_int_equal(output.status, 1);
    command_output_free(&output);
    char *page = test_file_read(path, NULL);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strstr(page, foreign[i]))
            fail_msg("the page has %s", foreign[i]);
    expect_in(page, "No device &lt;&amp;&quot;&gt;");
    expect_in(page, "Verdict: fail");
    expect_in(page, "swapped heads: this and head 1");
    expect_in(page, "Outputs given one pattern");
    expect_in(page, "Outputs stored in f32");
    expect_in(page, "<strong>made: A and B</strong>");
    assert_null(strstr(page, "nan"));
    free(page);
}

/* ---- records of a device ---- */

static void record_quick(const char *path, const char *threads) {
    command_words words = {.count = 0};
    command_add(&words, "compare");
    command_add(&words, "record");
    command_add(&words, "--self-check");
    command_add_option(&words, "--device", "cpu");
    command_add_option(&words, "--threads", threads);
    command_add_option(&words, "--output", path);
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    command_output_free(&output);
}

static void test_compare_report__a_device_on_other_threads_is_equal(void **state) {
    const two_files f = name_files(*state);
    record_quick(f.a, "1");
    record_quick(f.b, "2");
    cJSON *root = report_json(&f, 0);
    const cJSON *pair = cJSON_GetArrayItem(json_at(root, "pairs"), 0);
    assert_true(json_number(pair, "runs") > 0.0);
    assert_true(json_number(pair, "runs") == json_number(pair, "runs_equal"));
    assert_true(json_number(pair, "pattern.jaccard") == 1.0);
    assert_string_equal(json_string(root, "verdict"), "pass");
    cJSON_Delete(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_compare_report__names_what_was_planted),
        TEST_IN_FOLDER(test_compare_report__marks_tell_the_result_at_fault),
        TEST_IN_FOLDER(test_compare_report__names_the_problem_of_an_input),
        TEST_IN_FOLDER(test_compare_report__tells_times_and_environment),
        TEST_IN_FOLDER(test_compare_report__passes_and_warns_with_exit_code_0),
        TEST_IN_FOLDER(test_compare_report__tells_failures_first),
        TEST_IN_FOLDER(test_compare_report__refuses_other_suites_with_exit_code_2),
        TEST_IN_FOLDER(test_compare_report__json_fits_the_schema),
        TEST_IN_FOLDER(test_compare_report__tells_options_and_variables),
        TEST_IN_FOLDER(test_compare_report__json_tells_the_place),
        TEST_IN_FOLDER(test_compare_report__page_needs_nothing_else),
        TEST_IN_FOLDER(test_compare_report__a_device_on_other_threads_is_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
