/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Every kernel row, and the oracle, against the reference tensors of tests/golden. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "support/attention_golden.h"
#include "support/compare.h"
#include "support/kernel_check.h"
#include "support/kernel_rows.h"

static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};
static const char *const dtype_names[] = {"f32", "f16", "bf16"};

/* ---- attend_small ---- */

/* The file's expectations; mask and scores only if it has a pattern. */
static attention_result expected_of(const safetensors_file *file, const attention_case *c) {
    attention_result r = {.out = attention_golden_values(file, "dense_out", case_out_count(c)),
                          .lse = attention_golden_values(file, "lse", case_lse_count(c))};
    if (!c->select.mode)
        return r;
    r.scores = attention_golden_values(file, "block_scores", case_block_count(c));
    r.mask = attention_golden_mask(file, c);
    return r;
}

/* block_scores_gen [.., nk - split] against a run's generation scores, where the file has them. */
static double generation_error(const safetensors_file *file, const attention_case *c,
                               const attention_result *result) {
    const uint64_t nk = c->problem.k_blocks, split = c->extents[0].split;
    const uint64_t rows = case_block_count(c) / (nk ? nk : 1), width = nk - split;
    double difference = 0.0, norm = 0.0;
    if (!result->scores_generation || !attention_golden_has(file, "block_scores_gen"))
        return 0.0;
    double *expected = attention_golden_values(file, "block_scores_gen", rows * width);
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t j = 0; j < width; j++) {
            double want = expected[r * width + j];
            double d = result->scores_generation[r * nk + split + j] - want;
            difference += d * d;
            norm += want * want;
        }
    free(expected);
    return sqrt(difference / norm);
}

/* The file's own bounds where it was made for this storage type. */
static check_bounds bounds_of(const safetensors_file *file, uint32_t dtype) {
    check_bounds b = check_bounds_of(dtype);
    const char *feed = safetensors_metadata(file, "feed");
    if (feed && strcmp(feed, "F32") == 0) {
        b.out = fmax(b.out, attention_golden_number(file, "tol_out", 0.0));
        b.lse = fmax(b.lse, attention_golden_number(file, "tol_lse", 0.0));
        b.scores = fmax(b.scores, attention_golden_number(file, "tol_scores", 0.0));
    }
    return b;
}

/* The oracle is in double precision; the file's numbers were rounded to float. Its selection, and
 * the file's, must agree but for ties. */
static uint8_t *check_oracle(const safetensors_file *file, const attention_case *c,
                             const attention_result *expected) {
    const reference_tie tie = {attention_golden_number(file, "tie_relative", 1e-3),
                               attention_golden_number(file, "tie_absolute", 1e-20)};
    attention_result oracle = case_oracle(c, NULL);
    uint8_t *choices = NULL;
    assert_error_within("oracle out", relative_error(oracle.out, expected->out, case_out_count(c)),
                        1e-7);
    assert_error_within("oracle lse", lse_error(oracle.lse, expected->lse, case_lse_count(c)),
                        1e-9 + lse_rounding(expected->lse, case_lse_count(c)));
    if (expected->scores) {
        assert_error_within("oracle scores",
                            relative_error(oracle.scores, expected->scores, case_block_count(c)),
                            1e-7);
        assert_error_within("oracle generation scores", generation_error(file, c, &oracle), 1e-7);
        choices = reference_select(c, &oracle, tie);
        assert_mask_matches(c, choices, expected->mask);
    }
    result_free(&oracle);
    return choices;
}

/* Puts the file's mask into kept. */
static void set_mask(const attention_case *c, const uint8_t *mask, sparsed_kept *kept) {
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = c->desc.batch,
                                       .heads = c->desc.heads,
                                       .block_q = c->select.block_q,
                                       .block_k = c->select.block_k,
                                       .q_len = c->desc.q_len,
                                       .kv_len = c->desc.kv_len};
    sparsed_pattern *pattern;
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &pattern, NULL), SPARSED_OK);
    assert_int_equal(sparsed_kept_set(kept, pattern), SPARSED_OK);
    sparsed_pattern_release(pattern);
}

static uint64_t count_differences(const attention_case *c, const uint8_t *a, const uint8_t *b) {
    uint64_t n = 0;
    for (uint64_t i = 0; i < case_block_count(c); i++)
        n += a[i] != b[i];
    return n;
}

static void check_pattern(const safetensors_file *file, attention_case *c, sparsed_plan *plan,
                          const attention_result *expected, const uint8_t *choices,
                          check_errors *errors, uint64_t *differences) {
    const check_bounds bounds = bounds_of(file, c->desc.dtype);
    sparsed_kept *kept = case_kept(plan);
    attention_result built = case_run(c, plan, SPARSED_DENSE_BUILD, kept);
    check_result(c, "dense + build", &built,
                 &(attention_result){.out = expected->out,
                                     .lse = expected->lse,
                                     .scores = expected->scores,
                                     .scores_generation = built.scores_generation},
                 bounds, errors);
    double generation = generation_error(file, c, &built);
    assert_error_within("generation scores", generation, bounds.scores);
    assert_mask_matches(c, choices, built.mask);
    *differences += count_differences(c, built.mask, expected->mask);
    set_mask(c, expected->mask, kept);
    attention_result sparse = case_run(c, plan, SPARSED_SPARSE, kept);
    double *sparse_out = attention_golden_values(file, "sparse_out", case_out_count(c));
    double error = relative_error(sparse.out, sparse_out, case_out_count(c));
    assert_error_within("sparse out", error, bounds.out);
    errors->out = fmax(errors->out, error);
    free(sparse_out);
    result_free(&built);
    result_free(&sparse);
    sparsed_kept_destroy(kept);
}

static void check_feed(kernel_row *row, const safetensors_file *file, uint32_t dtype,
                       uint32_t out_dtype, check_errors *errors, uint64_t *differences) {
    attention_case c;
    attention_golden_small(file, dtype, out_dtype, &c);
    attention_result expected = expected_of(file, &c);
    uint8_t *choices = check_oracle(file, &c, &expected);
    sparsed_plan *plan = case_plan(&c, row->context);
    attention_result dense = case_run(&c, plan, SPARSED_DENSE, NULL);
    check_result(&c, "dense", &dense, &expected, bounds_of(file, dtype), errors);
    errors->cases++;
    if (c.select.mode)
        check_pattern(file, &c, plan, &expected, choices, errors, differences);
    result_free(&dense);
    result_free(&expected);
    free(choices);
    sparsed_plan_destroy(plan);
    case_free(&c);
}

/* The storage type that a file's bounds are for. */
static uint32_t made_for(const safetensors_file *file) {
    const char *feed = safetensors_metadata(file, "feed");
    for (int type = 0; feed && type < 3; type++)
        if (strcasecmp(feed, dtype_names[type]) == 0)
            return dtypes[type];
    return SPARSED_F32;
}

static bool takes(const kernel_row *row, uint32_t dtype) {
    return row->info.dtypes >> dtype & 1;
}

/* Every value of the inputs is exact in all three types: one expectation serves every feed. */
static void check_small(void **state, const char *name) {
    kernel_row *row = usable_row(state);
    char path[128];
    snprintf(path, sizeof path, "attend_small/%s.safetensors", name);
    safetensors_file *file = attention_golden_open(path);
    const uint32_t dim = (uint32_t)safetensors_find(file, "q")->shape[3];
    const uint32_t *dims = row->info.head_dims;
    if (dims[0] != 0 && dim != dims[0] && dim != dims[1]) {
        print_message("skipped: kernel row %s does not take head_dim %u\n", row->info.name, dim);
        safetensors_close(file);
        skip();
    }
    for (int type = 0; type < 3; type++) {
        /* the other feeds would compile as many variants again */
        if (row->compiles && takes(row, made_for(file)) && dtypes[type] != made_for(file))
            continue;
        if (!takes(row, dtypes[type]))
            continue;
        check_errors errors = {0};
        uint64_t differences = 0;
        check_feed(row, file, dtypes[type], 0, &errors, &differences);
        if (dtypes[type] != SPARSED_F32)
            check_feed(row, file, dtypes[type], SPARSED_F32, &errors, &differences);
        print_message("%s, %s: out %.1e, lse %.1e, scores %.1e; %llu blocks tie the other way\n",
                      name, dtype_names[type], errors.out, errors.lse, errors.scores,
                      (unsigned long long)differences);
    }
    safetensors_close(file);
}

static void test_attend_small__a1_dream_gqa(void **state) {
    check_small(state, "a1_dream_gqa");
}

static void test_attend_small__a2_llada_b16(void **state) {
    check_small(state, "a2_llada_b16");
}

static void test_attend_small__a3_paper_batch2(void **state) {
    check_small(state, "a3_paper_batch2");
}

static void test_attend_small__a4_paper_q64_k32(void **state) {
    check_small(state, "a4_paper_q64_k32");
}

static void test_attend_small__a5_dream_q16_k64(void **state) {
    check_small(state, "a5_dream_q16_k64");
}

static void test_attend_small__a6_small_gen(void **state) {
    check_small(state, "a6_small_gen");
}

static void test_attend_small__a7_rectangular(void **state) {
    check_small(state, "a7_rectangular");
}

static void test_attend_small__a8_bf16(void **state) {
    check_small(state, "a8_bf16");
}

static void test_attend_small__a9_x50(void **state) {
    check_small(state, "a9_x50");
}

static void test_attend_small__a10_padded(void **state) {
    check_small(state, "a10_padded");
}

static void test_attend_small__a11_max_gendense(void **state) {
    check_small(state, "a11_max_gendense");
}

static void test_attend_small__a12_joint_keep(void **state) {
    check_small(state, "a12_joint_keep");
}

/* ---- one layer of a real model ---- */

/* The f16 tensors of a layer at 2048 rows, with f32 outputs. */
static void open_layer(const safetensors_file *file, attention_case *c) {
    *c = (attention_case){.desc = case_desc(1, 8, 4, 64, 2048),
                          .select = case_select(SPARSED_MODE_UPSTREAM_DREAM, 32, 32, 64, 0.3)};
    c->desc.dtype = SPARSED_F16;
    c->desc.out_dtype = SPARSED_F32;
    case_prepare(c, 1);
    attention_golden_load(file, c);
}

/* The file's block means as sums, in the places of a run's scores. */
static attention_result layer_scores(const safetensors_file *file, const attention_case *c) {
    const uint64_t nk = c->problem.k_blocks, rows = case_block_count(c) / nk;
    const uint64_t split = c->extents[0].split, width = nk - split;
    attention_result r = {
        .scores = attention_golden_values(file, "importance_all", rows * nk),
        .scores_generation = calloc(rows * nk, sizeof(double)),
    };
    double *generation = attention_golden_values(file, "importance_gen", rows * width);
    for (uint64_t i = 0; i < rows * nk; i++) {
        r.scores[i] *= 1024.0;
        if (i % nk >= split)
            r.scores_generation[i] = 1024.0 * generation[i / nk * width + i % nk - split];
    }
    free(generation);
    return r;
}

static double check_layer_sparse(const safetensors_file *file, attention_case *c,
                                 sparsed_plan *plan, sparsed_kept *kept) {
    uint8_t *mask = attention_golden_mask(file, c);
    double *expected = attention_golden_values(file, "sparse_out", case_out_count(c));
    set_mask(c, mask, kept);
    attention_result sparse = case_run(c, plan, SPARSED_SPARSE, kept);
    double error = relative_error(sparse.out, expected, case_out_count(c));
    assert_error_within("sparse out", error, 2e-6);
    result_free(&sparse);
    free(expected);
    free(mask);
    return error;
}

static void check_layer_build(const safetensors_file *file, attention_case *c, sparsed_plan *plan,
                              sparsed_kept *kept, const char *name) {
    attention_result expected = layer_scores(file, c);
    attention_result built = case_run(c, plan, SPARSED_DENSE_BUILD, kept);
    double *dense = attention_golden_values(file, "dense_out", case_out_count(c));
    uint8_t *mask = attention_golden_mask(file, c);
    double out = relative_error(built.out, dense, case_out_count(c));
    double all = relative_error(built.scores, expected.scores, case_block_count(c));
    double generation =
        relative_error(built.scores_generation, expected.scores_generation, case_block_count(c));
    assert_error_within("dense out", out, 2e-6);
    assert_error_within("scores", all, 1e-5);
    assert_error_within("generation scores", generation, 1e-5);
    uint8_t *choices = reference_select(c, &expected, check_tie());
    assert_mask_matches(c, choices, mask);
    double ties = assert_mask_matches(c, choices, built.mask);
    assert_true((double)count_differences(c, built.mask, mask) <=
                2.0 * ties * (double)case_block_count(c));
    print_message("%s: dense out %.1e, scores %.1e and %.1e; %llu of %llu blocks differ from the "
                  "file's, %.2f %% near ties\n",
                  name, out, all, generation,
                  (unsigned long long)count_differences(c, built.mask, mask),
                  (unsigned long long)case_block_count(c), 100.0 * ties);
    free(choices);
    free(mask);
    free(dense);
    result_free(&built);
    result_free(&expected);
}

static void check_layer(void **state, const char *name, bool builds) {
    kernel_row *row = usable_row(state);
    if (!takes(row, SPARSED_F16) || !takes(row, SPARSED_F32)) {
        print_message("skipped: kernel row %s does not take f16, as the file has it, or is no more "
                      "exact than f16\n",
                      row->info.name);
        skip();
    }
    char path[128];
    snprintf(path, sizeof path, "%s.safetensors", name);
    safetensors_file *file = attention_golden_open(path);
    attention_case c;
    open_layer(file, &c);
    sparsed_plan *plan = case_plan(&c, row->context);
    sparsed_kept *kept = case_kept(plan);
    if (builds)
        check_layer_build(file, &c, plan, kept, name);
    print_message("%s: sparse out %.1e\n", name, check_layer_sparse(file, &c, plan, kept));
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    case_free(&c);
    safetensors_close(file);
}

static void test_golden_layer__end_layer1(void **state) {
    check_layer(state, "golden_attn_end_layer1", true);
}

static void test_golden_layer__end_layer5(void **state) {
    check_layer(state, "golden_attn_end_layer5", true);
}

static void test_golden_layer__late_layer1(void **state) {
    check_layer(state, "golden_attn_late_layer1", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attend_small__a1_dream_gqa),
        cmocka_unit_test(test_attend_small__a2_llada_b16),
        cmocka_unit_test(test_attend_small__a3_paper_batch2),
        cmocka_unit_test(test_attend_small__a4_paper_q64_k32),
        cmocka_unit_test(test_attend_small__a5_dream_q16_k64),
        cmocka_unit_test(test_attend_small__a6_small_gen),
        cmocka_unit_test(test_attend_small__a7_rectangular),
        cmocka_unit_test(test_attend_small__a8_bf16),
        cmocka_unit_test(test_attend_small__a9_x50),
        cmocka_unit_test(test_attend_small__a10_padded),
        cmocka_unit_test(test_attend_small__a11_max_gendense),
        cmocka_unit_test(test_attend_small__a12_joint_keep),
        cmocka_unit_test(test_golden_layer__end_layer1),
        cmocka_unit_test(test_golden_layer__end_layer5),
        cmocka_unit_test(test_golden_layer__late_layer1),
    };
    return run_tests_on_all_rows(tests, sizeof tests / sizeof *tests);
}
