/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* compare/run_case.c, record_json.c, record_write.c: a case on a device, and the file of it. */
#include "compare/run_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compare/pattern_bytes.h"
#include "compare/record_summary.h"
#include "compare/sample.h"
#include "safetensors.h"
#include "src/oracle.h"
#include "support/test_files.h"

static const case_repeats once = {1, 0.0};

static const suite_case *find(generator_kind kind, uint32_t dtype) {
    for (size_t i = 0; i < suite_count(); i++)
        if (suite_at(i)->kind == kind && suite_at(i)->shape->dtype == dtype)
            return suite_at(i);
    fail_msg("no such case");
    return NULL;
}

/* A record of some cases, run on the CPU, or on SPARSED_DEVICE. */
static void make_record(const suite_case *const *cases, size_t n, const char *kernel, record *r) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    tool_error error;
    options.kernel = kernel;
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    *r = (record){.suite = SUITE_NAME, .suite_version = SUITE_VERSION, .seed = SUITE_SEED};
    r->environment.device.struct_size = sizeof r->environment.device;
    assert_int_equal(sparsed_context_device(context, &r->environment.device), SPARSED_OK);
    r->cases = record_room(r, n, sizeof *r->cases);
    r->case_count = n;
    assert_non_null(r->cases);
    for (size_t i = 0; i < n; i++) {
        case_input input;
        if (!case_input_generate(cases[i], SUITE_SEED, &input, &error) ||
            !run_case(context, &input, once, r, &r->cases[i], &error))
            fail_msg("%s", error.text);
        case_input_free(&input);
    }
    sparsed_context_destroy(context);
}

static bool same(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

static void test_run_case__passes_on_a_sound_device(void **state) {
    (void)state;
    const suite_case *const cases[] = {
        find(GENERATOR_NORMAL, SPARSED_F32), find(GENERATOR_LARGE, SPARSED_BF16),
        find(GENERATOR_DENORMALS, SPARSED_F16), find(GENERATOR_PADDED, SPARSED_F16)};
    record r;
    make_record(cases, 4, NULL, &r);
    for (size_t i = 0; i < r.case_count; i++) {
        const record_case *c = &r.cases[i];
        char reason[FAULT_BYTES];
        record_reason(c, reason);
        if (verdict_of_case(c) != VERDICT_PASS)
            fail_msg("%s: %s", c->name, reason);
        assert_int_equal(c->choice_differs, 0);
        assert_int_equal(c->scores_check, RECORD_SCORES_ORACLE);
        assert_int_equal(c->scores_differ, 0);
        assert_true(c->kept_blocks > 0 && c->fixed_kept_blocks > 0);
        assert_true(c->runs[RECORD_DENSE].seconds.repeats == 1);
    }
    record_free(&r);
}

/* What is stored of a case is what its digest is of, where it is stored whole. */
static void test_run_case__stores_a_small_case_whole(void **state) {
    (void)state;
    const suite_case *const cases[] = {find(GENERATOR_PADDED, SPARSED_F32)};
    const sparsed_fingerprint none = {0, 0};
    record r;
    make_record(cases, 1, NULL, &r);
    const record_case *c = &r.cases[0];
    uint64_t rows = (uint64_t)c->desc.batch * c->desc.heads * c->desc.q_len;
    uint64_t blocks = (uint64_t)c->desc.batch * c->desc.heads * c->q_blocks;
    assert_int_equal(c->row_count, c->desc.q_len);
    for (int op = 0; op < RECORD_OPS; op++) {
        const record_run *run = &c->runs[op];
        uint64_t bytes = rows * c->desc.head_dim * sizeof(float);
        assert_true(same(run->out_digest, sparsed_fingerprint_add(none, run->out, bytes)));
        bytes = rows * sizeof(float);
        assert_true(same(run->lse_digest, sparsed_fingerprint_add(none, run->lse, bytes)));
    }
    const record_run *build = &c->runs[RECORD_BUILD];
    uint64_t bytes = blocks * pattern_bytes_of_row(c->k_blocks);
    assert_true(same(build->pattern_digest, sparsed_fingerprint_add(none, build->pattern, bytes)));
    bytes = c->rankings * blocks * c->k_blocks * sizeof(float);
    assert_true(same(build->scores_digest, sparsed_fingerprint_add(none, build->scores, bytes)));
    record_free(&r);
}

/* The rows of a large case, by running it again. */
static void test_run_case__stores_the_sampled_rows(void **state) {
    (void)state;
    const suite_case *const cases[] = {find(GENERATOR_CLUSTERS, SPARSED_F32)};
    sparsed_context *context;
    sparsed_plan *plan;
    case_input in;
    tool_error error;
    record r;
    make_record(cases, 1, NULL, &r);
    const record_case *c = &r.cases[0];
    assert_int_equal(c->row_count, SAMPLE_ROWS);
    assert_true(case_input_generate(cases[0], SUITE_SEED, &in, &error));
    uint64_t dim = c->desc.head_dim, row_bytes = dim * sizeof(float);
    float *out = test_calloc(case_input_out_count(&in), sizeof *out);
    assert_int_equal(sparsed_context_create(NULL, &context, NULL), SPARSED_OK);
    assert_int_equal(sparsed_plan_create(context, &c->desc, &c->select, &plan), SPARSED_OK);
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = (void *)in.q,
                           .k.mem = (void *)in.k,
                           .v.mem = (void *)in.v,
                           .out.mem = out};
    assert_int_equal(sparsed_plan_run(plan, SPARSED_DENSE, &io, NULL), SPARSED_OK);
    for (uint64_t i = 0; i < case_input_heads(&in) * c->row_count; i++) {
        uint64_t row = i / c->row_count * c->desc.q_len + c->rows[i % c->row_count];
        assert_memory_equal((const float *)c->runs[RECORD_DENSE].out + i * dim, out + row * dim,
                            row_bytes);
    }
    sparsed_plan_destroy(plan);
    sparsed_context_destroy(context);
    case_input_free(&in);
    test_free(out);
    record_free(&r);
}

static void test_run_case__says_why_a_case_did_not_run(void **state) {
    (void)state;
    const suite_case *const cases[] = {find(GENERATOR_NORMAL, SPARSED_F32)};
    sparsed_context *context;
    sparsed_kernel_info kernels[32];
    size_t count = 32;
    const char *refusing = NULL;
    for (size_t i = 0; i < count; i++)
        kernels[i].struct_size = sizeof kernels[i];
    assert_int_equal(sparsed_context_create(NULL, &context, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kernel_list(context, kernels, &count), SPARSED_OK);
    for (size_t i = 0; i < count; i++)
        if (!(kernels[i].dtypes >> SPARSED_F32 & 1) || !kernels[i].usable)
            refusing = kernels[i].name;
    sparsed_context_destroy(context);
    if (!refusing)
        skip();
    record r;
    make_record(cases, 1, refusing, &r);
    char reason[FAULT_BYTES];
    assert_true(r.cases[0].failure[0] != '\0');
    assert_int_equal(verdict_of_case(&r.cases[0]), VERDICT_FAIL);
    record_reason(&r.cases[0], reason);
    assert_non_null(strstr(reason, refusing));
    record_free(&r);
}

/* ---- the file ---- */

static const safetensors_tensor *tensor(const safetensors_file *file, const record_case *c,
                                        const char *name) {
    char full[2 * RECORD_NAME_BYTES];
    snprintf(full, sizeof full, "%s/%s", c->name, name);
    const safetensors_tensor *t = safetensors_find(file, full);
    if (!t)
        fail_msg("no tensor %s", full);
    return t;
}

static void check_shape(const safetensors_tensor *t, safetensors_dtype dtype, uint32_t rank,
                        const uint64_t *shape) {
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->rank, rank);
    assert_memory_equal(t->shape, shape, rank * sizeof *shape);
}

static void test_record_write__holds_what_the_record_has(void **state) {
    test_folder *folder = *state;
    const suite_case *const cases[] = {find(GENERATOR_PADDED, SPARSED_BF16),
                                       find(GENERATOR_TIES, SPARSED_F32)};
    const char *path = test_folder_path(folder, "record.safetensors");
    tool_error error;
    record r;
    make_record(cases, 2, NULL, &r);
    snprintf(r.cases[1].failure, sizeof r.cases[1].failure, "the device was lost");
    if (!record_write(&r, path, &error))
        fail_msg("%s", error.text);
    safetensors_file *file = safetensors_open(path, &error);
    assert_non_null(file);
    const record_case *c = &r.cases[0];
    const uint64_t out[] = {c->desc.batch, c->desc.heads, c->row_count, c->desc.head_dim};
    const uint64_t scores[] = {2, c->desc.batch, c->desc.heads, c->q_blocks, c->k_blocks};
    const uint64_t pattern[] = {c->desc.batch, c->desc.heads, c->q_blocks, 1};
    check_shape(tensor(file, c, "sparse-own/out"), SAFETENSORS_BF16, 4, out);
    check_shape(tensor(file, c, "dense/lse"), SAFETENSORS_F32, 3, out);
    check_shape(tensor(file, c, "build/scores"), SAFETENSORS_F32, 5, scores);
    check_shape(tensor(file, c, "build/pattern"), SAFETENSORS_U8, 4, pattern);
    const safetensors_tensor *fixed = tensor(file, c, "sparse-fixed/out");
    assert_memory_equal(fixed->data, c->runs[RECORD_SPARSE_FIXED].out, fixed->size_bytes);
    /* The case that failed has no tensors. */
    assert_int_equal(safetensors_count(file), 10);
    cJSON *root = cJSON_Parse(safetensors_metadata(file, RECORD_METADATA_KEY));
    const cJSON *list = cJSON_GetObjectItem(root, "cases");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_null(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "runs"));
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "failure")),
        "the device was lost");
    cJSON_Delete(root);
    safetensors_close(file);
    record_free(&r);
}

/* ---- the summary ---- */

static void test_record_reason__names_what_is_wrong(void **state) {
    (void)state;
    const suite_case *const cases[] = {find(GENERATOR_NORMAL, SPARSED_F32)};
    char reason[FAULT_BYTES];
    record r;
    make_record(cases, 1, NULL, &r);
    record_case *c = &r.cases[0];
    c->runs[RECORD_SPARSE_OWN].out_errors.relative = 0.03;
    record_reason(c, reason);
    assert_non_null(strstr(reason, "sparse-own out: error 0.03, above"));
    c->runs[RECORD_SPARSE_OWN].out_errors.relative = 6e-6; /* usual, and allowed */
    assert_int_equal(verdict_of_case(c), VERDICT_WARN);
    record_reason(c, reason);
    assert_non_null(strstr(reason, "sparse-own out: error 6e-06, above"));
    c->runs[RECORD_DENSE].lse_errors.nonfinite = 2;
    record_reason(c, reason);
    assert_non_null(strstr(reason, "dense lse: 2 elements are not finite"));
    c->runs[RECORD_DENSE].lse_errors.nonfinite = 0;
    c->runs[RECORD_BUILD].repeatable = false;
    record_reason(c, reason);
    assert_non_null(strstr(reason, "build: not the same in every run"));
    c->choice_differs = 7;
    record_reason(c, reason);
    assert_non_null(strstr(reason, "7 key blocks are not what"));
    c->choice_differs = 0;
    c->scores_differ = 3;
    c->scores_differ_at[2] = 5;
    record_reason(c, reason);
    assert_non_null(strstr(reason,
                           "rows of scores 3 are not what the oracle expects, first batch 0, "
                           "head 0, query block 5"));
    assert_int_equal(record_count_verdicts(&r).of[VERDICT_FAIL], 1);
    record_free(&r);
}

/* One element that the norm does not show. */
static void test_record_reason__names_one_wrong_element(void **state) {
    (void)state;
    const suite_case *const cases[] = {find(GENERATOR_NORMAL, SPARSED_BF16)};
    char reason[FAULT_BYTES];
    record r;
    make_record(cases, 1, NULL, &r);
    record_case *c = &r.cases[0];
    record_errors *e = &c->runs[RECORD_SPARSE_FIXED].out_errors;
    const verdict before = verdict_of_case(c);
    assert_true(before != VERDICT_FAIL);
    const double allowed = verdict_element_allowed(c, RECORD_SPARSE_FIXED);
    assert_true(allowed > verdict_element_error(c, RECORD_SPARSE_FIXED));
    e->expected = e->got + 0.99 * allowed;
    assert_int_equal(verdict_of_case(c), before);
    e->expected = e->got + 1.01 * allowed;
    e->max_abs = fabs(e->got - e->expected);
    assert_int_equal(verdict_of_case(c), VERDICT_FAIL);
    record_reason(c, reason);
    assert_non_null(strstr(reason, "sparse-fixed out: an element is off by"));
    char place[64];
    snprintf(place, sizeof place, "head %u, row %u, column %u: ", (unsigned)e->worst[1],
             (unsigned)e->worst[2], (unsigned)e->worst[3]);
    assert_non_null(strstr(reason, place));
    record_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_case__passes_on_a_sound_device),
        cmocka_unit_test(test_run_case__stores_a_small_case_whole),
        cmocka_unit_test(test_run_case__stores_the_sampled_rows),
        cmocka_unit_test(test_run_case__says_why_a_case_did_not_run),
        TEST_IN_FOLDER(test_record_write__holds_what_the_record_has),
        cmocka_unit_test(test_record_reason__names_one_wrong_element),
        cmocka_unit_test(test_record_reason__names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
