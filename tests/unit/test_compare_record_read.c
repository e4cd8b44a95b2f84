/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Records read back as they were written; what is wrong in a file is refused by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compare/case_mismatch.h"
#include "compare/case_pair.h"
#include "compare/record_read.h"
#include "safetensors.h"
#include "support/made_record.h"
#include "support/test_files.h"

static const char *write_record(test_folder *folder, const record *r) {
    tool_error error = {false, ""};
    const char *path = test_folder_path(folder, "r.safetensors");
    if (!record_write(r, path, &error))
        fail_msg("%s", error.text);
    return path;
}

static void test_record_read__what_was_written(void **state) {
    record made = made_record("a label"), read;
    tool_error error = {false, ""};
    made.cases[0].runs[RECORD_DENSE].seconds = (record_timing){0.5, 0.25, 0.125, 3};
    made.cases[1].choice_differs = 4;
    made.cases[1].scores_differ = 9;
    made.cases[1].scores_differ_at[1] = 2;
    made_record_digest(&made);
    if (!record_read(&read, write_record(*state, &made), &error))
        fail_msg("%s", error.text);
    assert_string_equal(read.label, "a label");
    assert_string_equal(read.suite, made.suite);
    assert_int_equal(read.seed, 1);
    assert_string_equal(read.environment.device.name, made.environment.device.name);
    assert_int_equal(read.environment.device.kind, SPARSED_DEVICE_CPU);
    assert_int_equal(read.case_count, MADE_CASES);
    assert_int_equal(read.cases[1].choice_differs, 4);
    assert_int_equal(read.cases[1].scores_differ, 9);
    assert_int_equal(read.cases[1].scores_differ_at[1], 2);
    assert_int_equal(read.cases[1].scores_check, RECORD_SCORES_ORACLE);
    assert_int_equal(read.cases[1].ranges[1].query_start, 3);
    assert_true(read.cases[0].runs[RECORD_DENSE].seconds.median == 0.25);
    assert_true(read.cases[0].runs[RECORD_DENSE].out_errors.relative == 2e-7);
    for (size_t i = 0; i < MADE_CASES; i++) {
        case_pair pair = {0};
        char differs[MISMATCH_BYTES];
        assert_false(case_mismatch(&made.cases[i], &read.cases[i], differs));
        assert_true(case_pair_compare(&pair, &made.cases[i], &read.cases[i], 1e-3, &error));
        for (int op = 0; op < RECORD_OPS; op++)
            assert_true(pair.runs[op].bitwise && pair.runs[op].out.unequal == 0 &&
                        pair.runs[op].lse.unequal == 0 && pair.runs[op].scores.unequal == 0);
        assert_int_equal(pair.pattern.only_a + pair.pattern.only_b, 0);
    }
    record_free(&read);
    record_free(&made);
}

static void test_record_read__hides_control_characters(void **state) {
    record made = made_record("a\x1b[2J\nb"), read;
    tool_error error = {false, ""};
    if (!record_read(&read, write_record(*state, &made), &error))
        fail_msg("%s", error.text);
    assert_string_equal(read.label, "a?[2J?b");
    record_free(&read);
    record_free(&made);
}

static void test_record_read__a_case_that_did_not_run(void **state) {
    record made = made_record("a"), read;
    tool_error error = {false, ""};
    snprintf(made.cases[0].failure, sizeof made.cases[0].failure, "no kernel");
    if (!record_read(&read, write_record(*state, &made), &error))
        fail_msg("%s", error.text);
    assert_string_equal(read.cases[0].failure, "no kernel");
    assert_null(read.cases[0].rows);
    assert_int_equal(verdict_of_case(&read.cases[0]), VERDICT_FAIL);
    assert_int_equal(verdict_of_case(&read.cases[1]), VERDICT_PASS);
    record_free(&read);
    record_free(&made);
}

/* ---- files that are at fault ---- */

static void refuse(const char *path, const char *what) {
    record read;
    tool_error error = {false, ""};
    if (record_read(&read, path, &error))
        fail_msg("was read, though: %s", what);
    if (!strstr(error.text, what) || !strstr(error.text, path))
        fail_msg("\"%s\" does not say: %s", error.text, what);
    record_free(&read);
}

static void test_record_read__refuses_what_is_no_record(void **state) {
    test_folder *folder = *state;
    tool_error error;
    refuse(test_folder_path(folder, "absent"), "");
    test_folder_write_text(folder, "text", "not a record, but some text");
    refuse(test_folder_path(folder, "text"), "");
    const safetensors_tensor none = {.name = "x", .dtype = SAFETENSORS_U8};
    const char *path = test_folder_path(folder, "other.safetensors");
    assert_true(safetensors_write(path, &none, 0, NULL, NULL, 0, &error));
    refuse(path, "no record");
}

static void test_record_read__refuses_a_tensor_that_is_not_its_digest(void **state) {
    static const char *const names[] = {"made/dense/out", "made/sparse-own/lse",
                                        "made/build/scores", "made/build/pattern"};
    record made = made_record("a");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        record_run *run = &made.cases[0].runs[k == 1 ? RECORD_SPARSE_OWN : RECORD_BUILD];
        sparsed_fingerprint *digests[] = {&made.cases[0].runs[RECORD_DENSE].out_digest,
                                          &run->lse_digest, &run->scores_digest,
                                          &run->pattern_digest};
        digests[k]->low ^= 1;
        refuse(write_record(*state, &made), names[k]);
        digests[k]->low ^= 1;
    }
    record_free(&made);
}

static void test_record_read__refuses_bits_past_the_last_block(void **state) {
    record made = made_record("a");
    *made_pattern_row(&made, 0, 2, 3) |= 0x40; /* there are 5 key blocks */
    made_record_digest(&made);
    refuse(write_record(*state, &made), "bits past key block 4");
    record_free(&made);
}

static void test_record_read__refuses_two_cases_of_one_name(void **state) {
    record made = made_record("a");
    snprintf(made.cases[1].name, sizeof made.cases[1].name, "%s", made.cases[0].name);
    made.cases[1].failure[0] = '?'; /* else its tensors would be there twice */
    refuse(write_record(*state, &made), "two cases are called made");
    record_free(&made);
}

/* A NaN that the errors know nothing of. */
static void test_record_read__refuses_a_nan_that_is_not_counted(void **state) {
    record made = made_record("a");
    made_out(&made, 0, RECORD_SPARSE_OWN, 2, 30)[1] = NAN;
    made_record_digest(&made);
    made.cases[0].runs[RECORD_SPARSE_OWN].out_errors.ulps[0]++;
    refuse(write_record(*state, &made), "\"cases.made.runs[2].errors.out\"");
    record_free(&made);
}

/* The file once more, with the text `from` of its JSON object become `to`, and a byte of the tensor
 * `changed` another, where they are not NULL. */
static void edit(test_folder *folder, const char *from, const char *to, const char *changed) {
    const char *path = test_folder_path(folder, "r.safetensors");
    tool_error error = {false, ""};
    safetensors_file *file = safetensors_open(path, &error);
    assert_non_null(file);
    const char *text = safetensors_metadata(file, RECORD_METADATA_KEY), *at = strstr(text, from);
    if (!at)
        fail_msg("%s is not in the record", from);
    char *edited = calloc(1, strlen(text) + strlen(to) + 1);
    unsigned char *bytes = NULL;
    assert_non_null(edited);
    sprintf(edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    const size_t count = safetensors_count(file);
    safetensors_tensor *tensors = calloc(count, sizeof *tensors);
    assert_non_null(tensors);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = *safetensors_at(file, i);
        if (!changed || strcmp(tensors[i].name, changed) != 0)
            continue;
        bytes = calloc(1, (size_t)tensors[i].size_bytes);
        assert_non_null(bytes);
        memcpy(bytes, tensors[i].data, (size_t)tensors[i].size_bytes);
        bytes[tensors[i].size_bytes - 4] ^= 1; /* of the last float the least bit */
        tensors[i].data = bytes;
    }
    assert_true(!changed || bytes);
    const char *const keys[] = {RECORD_METADATA_KEY};
    const char *const values[] = {edited};
    path = test_folder_path(folder, "edited.safetensors");
    assert_true(safetensors_write(path, tensors, count, keys, values, 1, &error));
    safetensors_close(file);
    free(tensors);
    free(edited);
    free(bytes);
}

static void refuse_edited(test_folder *folder, const char *from, const char *to, const char *what) {
    edit(folder, from, to, NULL);
    refuse(test_folder_path(folder, "edited.safetensors"), what);
}

/* Keeps two rows of each head of the first case, and two query blocks' scores. */
static record sampled_record(void) {
    enum { KEPT = 2, HEADS = MADE_BATCH * MADE_HEADS };
    static const uint64_t kept[KEPT] = {0, MADE_LENGTH - 1};
    record r = made_record("a");
    record_case *c = &r.cases[0];
    made_record_sample_blocks(&r);
    made_record_digest(&r);
    c->rows = kept; /* the tensors begin with as much as is kept */
    c->row_count = KEPT;
    for (int op = 0; op < RECORD_OPS; op++) {
        record_run *run = &c->runs[op];
        run->out_errors.count = run->out_errors.ulps[0] = (uint64_t)HEADS * KEPT * MADE_DIM;
        run->lse_errors.count = run->lse_errors.ulps[0] = (uint64_t)HEADS * KEPT;
    }
    return r;
}

/* The digests of whole tensors cannot tell. */
static void test_record_read__refuses_a_changed_sample(void **state) {
    static const char *const names[] = {"made/dense/out", "made/dense/lse", "made/sparse-fixed/out",
                                        "made/build/scores"};
    record made = sampled_record(), read;
    tool_error error = {false, ""};
    char what[128];
    if (!record_read(&read, write_record(*state, &made), &error))
        fail_msg("%s", error.text);
    record_free(&read);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        edit(*state, "", "", names[i]);
        snprintf(what, sizeof what, "tensor %s is not that of its digest", names[i]);
        refuse(test_folder_path(*state, "edited.safetensors"), what);
    }
    record_free(&made);
}

static void test_record_read__refuses_each_fault_of_the_json_object(void **state) {
    static const struct {
        const char *from, *to, *what;
    } edits[] = {
        {"\"record_version\":1", "\"record_version\":2", "record of version 2"},
        {"\"record_version\":1", "\"record_version\":0", "record of version 0"},
        {"\"stored_digests\":", "\"x\":", "\"cases.made.runs[0].stored_digests\" is missing"},
        {"\"label\":", "\"x\":", "\"label\" is missing"},
        {"\"seed\":\"1\"", "\"seed\":\"-1\"", "\"suite.seed\""},
        {"\"seed\":\"1\"", "\"seed\":\"18446744073709551616\"", "\"suite.seed\""},
        {"\"seed\":\"1\"", "\"seed\":\"01\"", "\"suite.seed\""},
        {"\"kind\":\"cpu\"", "\"kind\":\"abacus\"", "environment.device.kind"},
        {"\"compute_units\":2", "\"compute_units\":-1", "compute_units"},
        {"\"cases\":[", "\"cases\":[3,", "\"cases.name\""},
        {"\"name\":\"made\",\"d", "\"name\":\"ma/de\",\"d", "cases.name"},
        {"\"name\":\"made\",\"d", "\"name\":\"\",\"d", "cases.name"},
        {"\"dtype\":\"f32\"", "\"dtype\":\"f64\"", "\"cases.made.problem.dtype\""},
        {"\"heads\":3", "\"heads\":0", "\"cases.made.problem.heads\""},
        {"\"heads\":3", "\"heads\":4", "type and shape"},
        {"\"batch\":2", "\"batch\":1", "\"cases.made.ranges\""},
        {"\"q_len\":70", "\"q_len\":1e300", "\"cases.made.problem.q_len\""},
        {"\"mode\":\"upstream-dream\"", "\"mode\":\"window\"", "\"cases.made.select.mode\""},
        {"\"mode\":\"upstream-dream\"", "\"mode\":\"joint\"", "\"cases.made.rankings\""},
        {"\"block_k\":16", "\"block_k\":24", "\"cases.made.select.block_k\""},
        {"\"block_q\":16", "\"block_q\":32", "\"cases.made.q_blocks\""},
        {"\"q_blocks\":5", "\"q_blocks\":4", "\"cases.made.ranges[0].q_blocks\""},
        {"\"ratio\":0.4", "\"ratio\":0", "\"cases.made.select.ratio\""},
        {"\"q\":\"0", "\"q\":\"G", "\"cases.made.input_digests.q\""},
        {"\"out\":[", "\"out\":[1,", "\"cases.made.bounds.out\""},
        {"\"keys\":70", "\"keys\":71", "\"cases.made.ranges[0].keys\""},
        {"\"split\":4", "\"split\":3", "\"cases.made.ranges[0].split\""},
        {"\"keys\":70", "\"keys\":66", "\"cases.made.ranges[0].queries\""},
        {"\"query_position\":0", "\"query_position\":1", "\"cases.made.ranges[0].query_position\""},
        {"\"ratio\":0.4", "\"ratio\":1e9", "\"cases.made.select.ratio\""},
        {"\"fixed_kept_blocks\":0", "\"fixed_kept_blocks\":151", "\"cases.made.fixed_kept"},
        {"\"split\":4", "\"split\":6", "\"cases.made.ranges[0].split\""},
        {"\"rows\":[0,", "\"rows\":[0,0,", "\"cases.made.rows\""},
        {"\"rows\":[0,", "\"rows\":[", "type and shape"},
        {"\"query_blocks\":[0,1,2,3,4]", "\"query_blocks\":[0,1,2,3,5]", "query_blocks"},
        {"\"query_blocks\":[0,1,2,3,4]", "\"query_blocks\":[]", "query_blocks"},
        {"\"rankings\":2", "\"rankings\":1", "\"cases.made.rankings\""},
        {"\"count\":3360", "\"count\":0", "\"cases.made.runs[0].errors.out.count\""},
        {"\"ulps\":[3360,", "\"ulps\":[3361,", "\"cases.made.runs[0].errors.out\""},
        {"\"nonfinite\":0", "\"nonfinite\":1", "\"cases.made.runs[0].errors.out\""},
        {"\"at\":[0,", "\"at\":[2,", "\"cases.made.runs[0].errors.out.worst.at\""},
        {"\"out\":[", "\"out\":[0,1e999],\"x\":[", "\"cases.made.bounds.out\""},
        {"\"choice_differs\":0", "\"choice_differs\":null", "choice_differs"},
        {"\"held_to\":\"oracle\"", "\"held_to\":\"it\"", "\"cases.made.all_scores.held_to\""},
        {"\"differ\":0", "\"differ\":-1", "\"cases.made.all_scores.differ\""},
        {"\"op\":\"dense\"", "\"op\":\"build\"", "\"cases.made.runs[0].op\""},
        {"\"repeatable\":true", "\"repeatable\":1", "repeatable"},
        {"\"relative\":2e-07", "\"relative\":-2e-7", "relative"},
        {"\"relative\":2e-07", "\"relative\":null", "relative"},
        {"\"max_abs\":1e-06", "\"max_abs\":0", "\"cases.made.runs[0].errors.out.max_abs\""},
        {"\"max_abs\":1e-06", "\"max_abs\":1e-45", "\"cases.made.runs[0].errors.out.max_abs\""},
        {"\"relative\":2e-07", "\"relative\":0.5", "\"cases.made.runs[0].errors.out.max_abs\""},
        {"\"got\":0", "\"got\":1.1e-6", "max_abs\" is 1e-06, but \"worst\" is off by 1.1e-06"},
        {"\"fastest\":0", "\"fastest\":1", "\"cases.made.runs[0].seconds.fastest\""},
        {"\"at\":[0,", "\"at\":[0,0,", "\"cases.made.runs[0].errors.out.worst.at\""},
        {"\"ulps\":[3360,", "\"ulps\":[0.5,", "\"cases.made.runs[0].errors.out.ulps\""},
        {"\"first\":0", "\"first\":\"now\"", "\"cases.made.runs[0].seconds.first\""},
    };
    record made = made_record("a");
    write_record(*state, &made);
    for (size_t k = 0; k < sizeof edits / sizeof *edits; k++)
        refuse_edited(*state, edits[k].from, edits[k].to, edits[k].what);
    record_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_record_read__what_was_written),
        TEST_IN_FOLDER(test_record_read__hides_control_characters),
        TEST_IN_FOLDER(test_record_read__a_case_that_did_not_run),
        TEST_IN_FOLDER(test_record_read__refuses_what_is_no_record),
        TEST_IN_FOLDER(test_record_read__refuses_a_tensor_that_is_not_its_digest),
        TEST_IN_FOLDER(test_record_read__refuses_bits_past_the_last_block),
        TEST_IN_FOLDER(test_record_read__refuses_a_nan_that_is_not_counted),
        TEST_IN_FOLDER(test_record_read__refuses_two_cases_of_one_name),
        TEST_IN_FOLDER(test_record_read__refuses_each_fault_of_the_json_object),
        TEST_IN_FOLDER(test_record_read__refuses_a_changed_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
