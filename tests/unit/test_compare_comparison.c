/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Several records: which belong together, and what comes of all their pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compare/comparison.h"
#include "compare/record_summary.h"
#include "compare/report_faults.h"
#include "compare/run_case.h"
#include "compare/suite.h"
#include "support/made_record.h"
#include "support/test_files.h"

enum { MOST = 6, PATH_BYTES = 512 };

typedef struct files {
    test_folder *folder;
    size_t count;
    char path[MOST][PATH_BYTES];
    const char *paths[MOST];
} files;

static void store(files *f, record *r) {
    tool_error error = {false, ""};
    snprintf(f->path[f->count], PATH_BYTES, "%s/%zu.safetensors", f->folder->path, f->count);
    if (!record_write(r, f->path[f->count], &error))
        fail_msg("%s", error.text);
    f->paths[f->count] = f->path[f->count];
    f->count++;
    record_free(r);
}

static void add(files *f, record *r) {
    made_record_digest(r);
    store(f, r);
}

static comparison compare(const files *f) {
    comparison c;
    tool_error error = {false, ""};
    if (!comparison_make(&c, f->paths, f->count, 1e-3, &error))
        fail_msg("%s", error.text);
    return c;
}

static void test_comparison_make__one_record(void **state) {
    files f = {.folder = *state};
    record r = made_record("one");
    add(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.pair_count, 0);
    assert_int_equal(c.all, VERDICT_PASS);
    comparison_free(&c);
}

static void test_comparison_make__merges_many_files(void **state) {
    files f = {.folder = *state};
    for (int i = 0; i < MOST; i++) {
        record r = made_record("many");
        if (i == 4)
            made_out(&r, 1, RECORD_DENSE, 0, 0)[2] += 0.5f;
        add(&f, &r);
    }
    comparison c = compare(&f);
    assert_int_equal(c.pair_count, MOST * (MOST - 1) / 2);
    for (size_t b = 1; b < MOST; b++)
        for (size_t a = 0; a < b; a++) {
            const record_pair *p = comparison_pair(&c, a, b);
            const bool odd = (a == 4) != (b == 4);
            assert_int_equal(p->a, a);
            assert_int_equal(p->b, b);
            assert_int_equal(p->count, MADE_CASES);
            assert_int_equal(p->runs, MADE_CASES * RECORD_OPS);
            assert_int_equal(p->bitwise_runs, MADE_CASES * RECORD_OPS - odd);
            assert_int_equal(p->all, odd ? VERDICT_FAIL : VERDICT_PASS);
            assert_int_equal(p->cases[0].all, VERDICT_PASS);
            assert_int_equal(p->cases[1].all, p->all);
        }
    assert_int_equal(c.all, VERDICT_FAIL);
    comparison_free(&c);
}

static void test_comparison_make__a_subset_of_the_cases(void **state) {
    files f = {.folder = *state};
    record whole = made_record("whole"), part = made_record("part");
    part.cases++;
    part.case_count--;
    part.self_check = true;
    add(&f, &whole);
    add(&f, &part);
    comparison c = compare(&f);
    assert_int_equal(c.pairs[0].count, 1);
    assert_int_equal(c.pairs[0].cases[0].a, 1);
    assert_int_equal(c.pairs[0].cases[0].b, 0);
    assert_int_equal(c.all, VERDICT_PASS);
    comparison_free(&c);
}

static void test_comparison_make__a_case_that_did_not_run(void **state) {
    files f = {.folder = *state};
    record a = made_record("a"), b = made_record("b");
    snprintf(b.cases[0].failure, sizeof b.cases[0].failure, "no memory");
    add(&f, &a);
    add(&f, &b);
    comparison c = compare(&f);
    assert_int_equal(c.record_verdicts[0], VERDICT_PASS);
    assert_int_equal(c.record_verdicts[1], VERDICT_FAIL);
    assert_int_equal(c.pairs[0].count, 1);
    assert_int_equal(c.pairs[0].all, VERDICT_PASS);
    comparison_free(&c);
}

/* ---- faults that are alike ---- */

static void test_report_faults_make__groups_what_one_record_has_against_others(void **state) {
    files f = {.folder = *state};
    for (int i = 0; i < 4; i++) {
        record r = made_record("many");
        if (i == 2)
            made_out(&r, 1, RECORD_DENSE, 0, 0)[2] += 0.5f;
        if (i == 3)
            *made_lse(&r, 0, RECORD_DENSE, 4, 37) += 5e-5f;
        add(&f, &r);
    }
    comparison c = compare(&f);
    report_faults all;
    tool_error error;
    char who[REPORT_WHO_BYTES];
    assert_true(report_faults_make(&all, &c, &error));
    assert_int_equal(all.count, 2);
    report_fault_who(&all.list[0], who);
    assert_string_equal(who, "D against A, B, C");
    assert_string_equal(all.list[0].name, MADE_CASE);
    assert_int_equal(all.list[0].v, VERDICT_WARN);
    report_fault_who(&all.list[1], who);
    assert_string_equal(who, "C against A, B, D");
    assert_int_equal(all.list[1].v, VERDICT_FAIL);
    report_faults_free(&all);
    comparison_free(&c);
}

static void test_report_faults_make__groups_no_strangers(void **state) {
    files f = {.folder = *state};
    for (int i = 0; i < 2; i++) {
        record r = made_record("two");
        made_out(&r, 0, RECORD_DENSE, i ? 4 : 3, 0)[2] += 0.5f * (float)i;
        r.cases[0].choice_differs = 1;
        add(&f, &r);
    }
    comparison c = compare(&f);
    report_faults all;
    tool_error error;
    char who[REPORT_WHO_BYTES];
    assert_true(report_faults_make(&all, &c, &error));
    assert_int_equal(all.count, 2); /* the same of both records, and one of the pair */
    report_fault_who(&all.list[0], who);
    assert_string_equal(who, "A, B");
    assert_false(all.list[0].of_pairs);
    report_fault_who(&all.list[1], who);
    assert_string_equal(who, "A, B");
    assert_true(all.list[1].of_pairs);
    report_faults_free(&all);
    comparison_free(&c);
}

/* ---- verdicts of one record ---- */

static void check_own(void **state, void (*change)(record_case *c), verdict v) {
    files f = {.folder = *state};
    record r = made_record("own");
    change(&r.cases[0]);
    add(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.own[0][0].all, v);
    assert_int_equal(c.own[0][1].all, VERDICT_PASS);
    assert_int_equal(c.record_verdicts[0], v);
    assert_int_equal(c.all, v);
    comparison_free(&c);
}

static void warn_out(record_case *c) {
    c->runs[RECORD_BUILD].out_errors.relative = c->runs[RECORD_BUILD].out_errors.max_abs = 5e-6;
}
static void fail_out(record_case *c) {
    c->runs[RECORD_BUILD].out_errors.relative = c->runs[RECORD_BUILD].out_errors.max_abs = 5e-5;
}
static void excuse_out(record_case *c) {
    float *out = (float *)c->runs[RECORD_BUILD].out;
    for (size_t i = 0; i < (size_t)MADE_BATCH * MADE_HEADS * MADE_LENGTH * MADE_DIM; i++)
        out[i] *= 1e-37f;
    fail_out(c);
    c->runs[RECORD_BUILD].out_errors.max_abs = 1e-39;
    c->bounds.out_absolute = 0x1p-126;
}
/* No file widens its own bounds. */
static void widen_bounds(record_case *c) {
    fail_out(c);
    c->bounds = (record_bounds){{0.5, 0.9}, {0.5, 0.9}, {0.5, 0.9}, 0.9};
}
static void fail_lse(record_case *c) {
    c->runs[RECORD_DENSE].lse_errors.max_abs = 5e-4;
}
static void fail_scores(record_case *c) {
    c->runs[RECORD_BUILD].scores_errors.relative = 5e-4;
    c->runs[RECORD_BUILD].scores_errors.max_abs = 5e-3;
}
static void fail_nan(record_case *c) {
    c->runs[RECORD_SPARSE_OWN].out_errors.nonfinite = 1;
}
static void fail_choice(record_case *c) {
    c->choice_differs = 1;
}
static void fail_other_scores(record_case *c) {
    c->scores_check = RECORD_SCORES_SUMS;
    c->scores_differ = 1;
}
static void fail_repeat(record_case *c) {
    c->runs[RECORD_SPARSE_FIXED].repeatable = false;
}

static void test_comparison_make__verdicts_against_the_oracle(void **state) {
    check_own(state, warn_out, VERDICT_WARN);
    check_own(state, fail_out, VERDICT_FAIL);
    check_own(state, excuse_out, VERDICT_PASS);
    check_own(state, widen_bounds, VERDICT_FAIL);
    check_own(state, fail_lse, VERDICT_FAIL);
    check_own(state, fail_scores, VERDICT_FAIL);
    check_own(state, fail_nan, VERDICT_FAIL);
    check_own(state, fail_choice, VERDICT_FAIL);
    check_own(state, fail_other_scores, VERDICT_FAIL);
    check_own(state, fail_repeat, VERDICT_FAIL);
}

/* ---- patterns that no scores choose ---- */

static void check_pattern(void **state, size_t index, void (*change)(record *r), const char *what) {
    files f = {.folder = *state};
    char text[FAULT_BYTES] = "";
    record r = made_record("own");
    made_record_sample_blocks(&r);
    change(&r);
    add(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.all, VERDICT_FAIL);
    record_reason(&c.records[0].cases[index], text);
    if (!strstr(text, what))
        fail_msg("\"%s\" does not say: %s", text, what);
    comparison_free(&c);
}

/* Of 5 key blocks, the last one the generation region, each ranking keeps as many as its ratio says
 * and one more: 3 (those of them before the last block) and 1. */
static void empty_row(record *r) {
    *made_pattern_row(r, 0, 4, 2) = 0;
}
static void keep_all(record *r) {
    *made_pattern_row(r, 0, 4, 2) = 0x1f;
}
static void keep_one_less(record *r) {
    *made_pattern_row(r, 0, 4, 2) = 0x10 | 1;
}
static void keep_without_generation(record *r) {
    *made_pattern_row(r, 0, 4, 2) = 7;
}
static void keep_padding(record *r) {
    *made_pattern_row(r, 1, 4, 4) = 1;
}
static void keep_diagonal(record *r) {
    r->cases[0].select.flags = SPARSED_SELECT_KEEP_DIAGONAL;
    *made_pattern_row(r, 0, 4, 2) = 0x10 | 3;
}
static void keep_beyond_the_range(record *r) {
    *made_pattern_row(r, 1, 4, 2) |= 0x10; /* of batch 1, which has 4 key blocks */
}
static void own_is_fixed(record *r) {
    made_record_digest(r);
    r->cases[0].fixed_digest = r->cases[0].runs[RECORD_BUILD].pattern_digest;
}

static void test_comparison_make__fails_patterns_that_no_scores_choose(void **state) {
    const char *place = "first batch 1, head 1, query block 2: ";
    check_pattern(state, 0, empty_row, place);
    check_pattern(state, 0, empty_row,
                  "0 + 0 key blocks (prompt + generation), should be 2 to 3 + 1");
    check_pattern(state, 0, keep_all, "4 + 1 key blocks");
    check_pattern(state, 0, keep_one_less, "1 + 1 key blocks");
    check_pattern(state, 0, keep_without_generation, "3 + 0 key blocks");
    check_pattern(state, 0, keep_diagonal, "query blocks keep what no scores");
    check_pattern(state, 0, own_is_fixed, "is the fixed one");
    check_pattern(state, 1, keep_padding, "first batch 1, head 1, query block 4: 1 + 0 key");
    check_pattern(state, 1, keep_beyond_the_range,
                  "first batch 1, head 1, query block 2: 1 + 1 key");
}

static void test_comparison_make__fails_another_number_of_kept_blocks(void **state) {
    for (uint64_t more = 0; more < 2; more++) {
        files f = {.folder = *state};
        char text[FAULT_BYTES] = "";
        record r = made_record("own");
        if (more)
            r.cases[1].kept_blocks++;
        else
            r.cases[1].kept_blocks--;
        store(&f, &r);
        comparison c = compare(&f);
        assert_int_equal(c.own[0][0].all, VERDICT_PASS);
        assert_int_equal(c.own[0][1].all, VERDICT_FAIL);
        record_reason(&c.records[0].cases[1], text);
        assert_non_null(strstr(text, "key blocks are kept, kept_blocks is "));
        comparison_free(&c);
    }
}

/* ---- whether all of the suite is there ---- */

/* One case of the suite, run: the reader holds it to the suite's. */
static record suite_record_of(size_t index, bool self_check) {
    record r = {.suite = SUITE_NAME,
                .suite_version = SUITE_VERSION,
                .seed = SUITE_SEED,
                .self_check = self_check,
                .case_count = 1};
    sparsed_context *context;
    case_input input;
    tool_error error;
    r.cases = record_room(&r, 1, sizeof *r.cases);
    assert_non_null(r.cases);
    assert_int_equal(sparsed_context_create(NULL, &context, NULL), SPARSED_OK);
    if (!case_input_generate(suite_at(index), SUITE_SEED, &input, &error) ||
        !run_case(context, &input, (case_repeats){1, 0.0}, &r, &r.cases[0], &error))
        fail_msg("%s", error.text);
    case_input_free(&input);
    sparsed_context_destroy(context);
    return r;
}

static size_t first_case(bool quick) {
    size_t i = 0;
    while (suite_at(i)->quick != quick)
        i++;
    return i;
}

static void keep_text(void *context, verdict v, const finding *place, const char *text) {
    (void)place;
    assert_int_equal(v, VERDICT_WARN);
    snprintf(context, FAULT_BYTES, "%s", text);
}

static void check_missing(void **state, bool self_check, const char *what) {
    files f = {.folder = *state};
    char text[FAULT_BYTES] = "";
    record r = suite_record_of(first_case(true), self_check);
    store(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.record_verdicts[0], VERDICT_WARN);
    assert_int_equal(c.all, VERDICT_WARN);
    faults_of_record(&c.records[0], keep_text, text);
    assert_string_equal(text, what);
    comparison_free(&c);
}

static void test_comparison_make__warns_of_missing_cases(void **state) {
    check_missing(state, false, "holds 1 of 38 cases of the suite");
    check_missing(state, true, "holds 1 of 7 cases of the self-check");
    files f = {.folder = *state};
    record r = suite_record_of(0, false);
    snprintf(r.environment.kernel_option, sizeof r.environment.kernel_option, "cl-generic");
    store(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.all, VERDICT_PASS);
    comparison_free(&c);
}

static void test_comparison_make__refuses_a_self_check_of_other_cases(void **state) {
    files f = {.folder = *state};
    tool_error error = {false, ""};
    comparison c;
    record r = suite_record_of(first_case(false), true);
    store(&f, &r);
    assert_false(comparison_make(&c, f.paths, 1, 1e-3, &error));
    assert_non_null(strstr(error.text, "\"suite.self_check\""));
    comparison_free(&c);
}

static void test_comparison_make__refuses_a_case_that_is_not_the_suites(void **state) {
    files f = {.folder = *state};
    tool_error error = {false, ""};
    comparison c;
    record r = suite_record_of(first_case(true), false);
    snprintf(r.cases[0].data, sizeof r.cases[0].data, "tiny");
    store(&f, &r);
    assert_false(comparison_make(&c, f.paths, 1, 1e-3, &error));
    assert_non_null(strstr(error.text, "data is normal and tiny (suite, file)"));
    comparison_free(&c);
}

static void check_unknown(void **state, const char *suite, uint32_t version, const char *what) {
    files f = {.folder = *state};
    char text[FAULT_BYTES] = "";
    record r = made_record("unknown");
    snprintf(r.suite, sizeof r.suite, "%s", suite);
    r.suite_version = version;
    add(&f, &r);
    comparison c = compare(&f);
    assert_int_equal(c.record_verdicts[0], VERDICT_WARN);
    assert_int_equal(c.all, VERDICT_WARN);
    faults_of_record(&c.records[0], keep_text, text);
    if (!strstr(text, what))
        fail_msg("\"%s\" does not say: %s", text, what);
    comparison_free(&c);
}

static void test_comparison_make__warns_of_a_suite_that_is_not_known(void **state) {
    check_unknown(state, SUITE_NAME, SUITE_VERSION + 1,
                  "suite 'standard', version 2, is not known");
    check_unknown(state, SUITE_INPUT, SUITE_VERSION + 1, "suite 'input', version 2, is not known");
    check_unknown(state, "", SUITE_VERSION, "suite '', version 1, is not known");
}

/* ---- versions ---- */

static void refuse(void **state, void (*change)(record *r), const char *what) {
    files f = {.folder = *state};
    record a = made_record("a"), b = made_record("b");
    tool_error error = {false, ""};
    comparison c;
    change(&b);
    add(&f, &a);
    add(&f, &b);
    assert_false(comparison_make(&c, f.paths, 2, 1e-3, &error));
    assert_true(error.usage);
    for (size_t i = 0; i < 2; i++)
        if (!strstr(error.text, f.paths[i]))
            fail_msg("\"%s\" does not name %s", error.text, f.paths[i]);
    if (!strstr(error.text, what))
        fail_msg("\"%s\" does not say: %s", error.text, what);
    comparison_free(&c);
}

static void other_suite(record *r) {
    snprintf(r->suite, sizeof r->suite, "other");
}
static void other_version(record *r) {
    r->suite_version = 2;
}
static void other_seed(record *r) {
    r->seed = UINT64_MAX;
}
static void other_input(record *r) {
    r->cases[1].k_digest.high ^= 1;
}
static void other_problem(record *r) {
    r->cases[0].desc.scale = 0.5;
}

static void test_comparison_make__refuses_what_does_not_belong_together(void **state) {
    refuse(state, other_suite, "suite other, version 1");
    refuse(state, other_version, "version 2");
    refuse(state, other_seed, "seed 18446744073709551615");
    refuse(state, other_input, "same problem in both: the digest of k is ");
    refuse(state, other_problem, "same problem in both: scale is 0.25 and 0.5");
}

/* The first one has not the case on which the others differ. */
static void test_comparison_make__holds_each_two_records_to_one_problem(void **state) {
    files f = {.folder = *state};
    tool_error error = {false, ""};
    comparison c;
    for (int i = 0; i < 3; i++) {
        record r = made_record("one of three");
        if (i == 0)
            r.case_count = 1;
        if (i == 2)
            r.cases[1].desc.scale = 0.5;
        add(&f, &r);
    }
    assert_false(comparison_make(&c, f.paths, 3, 1e-3, &error));
    assert_true(error.usage);
    assert_non_null(strstr(error.text, f.paths[1]));
    assert_non_null(strstr(error.text, f.paths[2]));
    assert_non_null(strstr(error.text, "case padded is not the same problem in both: scale is "));
    comparison_free(&c);
}

static void test_comparison_make__marks_other_versions_of_the_library(void **state) {
    files f = {.folder = *state};
    record a = made_record("a"), b = made_record("b");
    snprintf(b.environment.library_version, sizeof b.environment.library_version, "0.2.0");
    add(&f, &a);
    add(&f, &b);
    comparison c = compare(&f);
    assert_true(c.versions_differ);
    assert_int_equal(c.pairs[0].all, VERDICT_PASS);
    assert_int_equal(c.all, VERDICT_WARN);
    comparison_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_report_faults_make__groups_what_one_record_has_against_others),
        TEST_IN_FOLDER(test_report_faults_make__groups_no_strangers),
        TEST_IN_FOLDER(test_comparison_make__one_record),
        TEST_IN_FOLDER(test_comparison_make__merges_many_files),
        TEST_IN_FOLDER(test_comparison_make__a_subset_of_the_cases),
        TEST_IN_FOLDER(test_comparison_make__a_case_that_did_not_run),
        TEST_IN_FOLDER(test_comparison_make__verdicts_against_the_oracle),
        TEST_IN_FOLDER(test_comparison_make__fails_patterns_that_no_scores_choose),
        TEST_IN_FOLDER(test_comparison_make__fails_another_number_of_kept_blocks),
        TEST_IN_FOLDER(test_comparison_make__warns_of_missing_cases),
        TEST_IN_FOLDER(test_comparison_make__warns_of_a_suite_that_is_not_known),
        TEST_IN_FOLDER(test_comparison_make__refuses_a_self_check_of_other_cases),
        TEST_IN_FOLDER(test_comparison_make__refuses_a_case_that_is_not_the_suites),
        TEST_IN_FOLDER(test_comparison_make__refuses_what_does_not_belong_together),
        TEST_IN_FOLDER(test_comparison_make__holds_each_two_records_to_one_problem),
        TEST_IN_FOLDER(test_comparison_make__marks_other_versions_of_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
