/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The library's pipeline as the attention of whole models, on the golden files' own tokens: the
 * pattern that it takes at the pattern step, and the logits that come out with the stored pattern.
 */
#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/compare.h"
#include "support/model_golden.h"
#include "support/reference_selection.h"

enum { MAX_STEPS = 64, MAX_ROWS = 64, SPARSE_ROWS = 4 };

typedef struct stored_case {
    const char *model_dir, *golden;
    uint32_t mode;
} stored_case;

static const stored_case llada_tiny = {GOLDEN_DIR "/llada-tiny", "llada-tiny/golden.safetensors",
                                       SPARSED_MODE_UPSTREAM_LLADA};
static const stored_case e2e_maskgit = {MODELS_DIR "/tiny-dream", "e2e_maskgit.safetensors",
                                        SPARSED_MODE_UPSTREAM_DREAM};
static const stored_case golden_e2e = {MODELS_DIR "/tiny-dream", "golden_e2e.safetensors",
                                       SPARSED_MODE_UPSTREAM_DREAM};

/* A model that attends through a pipeline, on stored tokens. */
typedef struct stored_run {
    model_golden golden;
    dlm_model *model;
    const dlm_config *config;
    sparsed_context *context;
    sparsed_pipeline *pipeline;
    uint32_t blocks; /* nq = nk */
    uint32_t step;
    uint32_t *tokens; /* [len], before `step` */
} stored_run;

static void check(const stored_run *run, sparsed_status status) {
    if (status != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(run->context));
}

/* Rows as the model lays them out: [len][heads][head_dim]. */
static sparsed_desc describe(const dlm_config *c, uint64_t len) {
    sparsed_desc d = SPARSED_DESC_INIT;
    uint64_t q_row = (uint64_t)c->heads * c->head_dim, kv_row = (uint64_t)c->kv_heads * c->head_dim;
    d.dtype = SPARSED_F32;
    d.batch = 1;
    d.heads = c->heads;
    d.kv_heads = c->kv_heads;
    d.head_dim = c->head_dim;
    d.q_len = d.kv_len = len;
    d.q = d.out = (sparsed_strides){len * q_row, c->head_dim, q_row};
    d.k = d.v = (sparsed_strides){len * kv_row, c->head_dim, kv_row};
    return d;
}

static double golden_number(const model_golden *golden, const char *key) {
    const char *text = safetensors_metadata(golden->file, key);
    assert_non_null(text);
    return strtod(text, NULL);
}

static stored_run run_open(sparsed_context *context, const stored_case *c, const char *preset) {
    stored_run run = {.golden = golden_open(c->golden), .context = context};
    const model_golden *golden = &run.golden;
    sparsed_schedule_entry entries[MAX_STEPS];
    sparsed_schedule schedule = {
        .struct_size = sizeof schedule, .steps = golden->steps, .entries = entries};
    sparsed_select select = SPARSED_SELECT_INIT;
    run.model = golden_load_model(c->model_dir);
    run.config = dlm_model_config(run.model);
    run.blocks = (golden->len + golden->block - 1) / golden->block;
    run.tokens = malloc(golden->len * sizeof *run.tokens);
    assert_non_null(run.tokens);
    memcpy(run.tokens, golden->ids, golden->len * sizeof *run.tokens);
    select.mode = c->mode;
    select.block_q = select.block_k = golden->block;
    select.ratio = golden_number(golden, "select");
    select.gen_len = golden->gen_length;
    assert_true(golden->steps <= MAX_STEPS);
    assert_int_equal(sparsed_schedule_preset(preset, golden_number(golden, "skip"), entries,
                                             golden->steps, NULL),
                     SPARSED_OK);
    sparsed_desc desc = describe(run.config, golden->len);
    check(&run, sparsed_pipeline_create(context, &desc, &select, &schedule, run.config->layers,
                                        &run.pipeline));
    return run;
}

static void run_close(stored_run *run) {
    sparsed_pipeline_destroy(run->pipeline);
    free(run->tokens);
    dlm_model_free(run->model);
    golden_close(&run->golden);
}

static bool attend(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                   void *out, uint32_t len, tool_error *error) {
    const stored_run *run = user;
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = (void *)q,
                           .k.mem = (void *)k,
                           .v.mem = (void *)v,
                           .out.mem = out};
    assert_int_equal(len, run->golden.len);
    return sparsed_pipeline_attend(run->pipeline, run->step, layer, &io) == SPARSED_OK ||
           tool_fail(error, "%s", sparsed_context_error(run->context));
}

/* One forward pass at `step`, from the tokens that the golden run `name` had before it. */
static void forward(stored_run *run, const char *name, uint32_t step, const uint32_t *rows,
                    uint32_t n_rows, float *logits) {
    const model_golden *golden = &run->golden;
    const dlm_attention attention = {attend, run, SPARSED_F32, SPARSED_F32, true, 0};
    char tensor[64];
    size_t count;
    tool_error error;
    snprintf(tensor, sizeof tensor, "%s.gen_tokens_before_step", name);
    uint32_t *before = golden_ids(golden, tensor, &count);
    assert_int_equal(count, (size_t)golden->steps * golden->gen_length);
    memcpy(run->tokens + golden->prompt_length, before + (size_t)step * golden->gen_length,
           golden->gen_length * sizeof *before);
    free(before);
    run->step = step;
    if (!dlm_model_forward(run->model, run->tokens, golden->len, rows, n_rows, &attention, logits,
                           &error))
        fail_msg("%s", error.text);
}

static size_t layer_blocks(const stored_run *run) {
    return (size_t)run->config->heads * run->blocks * run->blocks;
}

/* The mask that the pipeline holds for a layer; malloc'd. */
static uint8_t *get_mask(const stored_run *run, uint32_t layer) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    sparsed_pattern *pattern;
    uint8_t *mask = malloc(layer_blocks(run));
    assert_non_null(mask);
    check(run, sparsed_pipeline_get_pattern(run->pipeline, layer, &pattern));
    check(run, sparsed_pattern_describe(pattern, &info));
    assert_int_equal(info.q_blocks, run->blocks);
    assert_int_equal(info.k_blocks, run->blocks);
    check(run, sparsed_pattern_to_mask(pattern, mask));
    sparsed_pattern_release(pattern);
    return mask;
}

static void set_stored_masks(const stored_run *run) {
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = run->config->heads,
                                       .block_q = run->golden.block,
                                       .block_k = run->golden.block,
                                       .q_len = run->golden.len,
                                       .kv_len = run->golden.len};
    for (uint32_t layer = 0; layer < run->config->layers; layer++) {
        sparsed_pattern *pattern;
        check(run, sparsed_pattern_from_mask(&info, run->golden.mask + layer * layer_blocks(run),
                                             NULL, &pattern, NULL));
        check(run, sparsed_pipeline_set_pattern(run->pipeline, layer, pattern));
        sparsed_pattern_release(pattern);
    }
}

/* What ranks the blocks of a row, from the file's block means. */
static void read_scores(const float *means, uint32_t n, double area, double *scores) {
    for (uint32_t i = 0; i < n; i++)
        scores[i] = (double)means[i] * area;
}

/* Marks the blocks of a row that a rounding error may swap. */
static void choose_row(const stored_run *run, const float *all, const float *generation, size_t row,
                       uint8_t *choices) {
    const reference_tie tie = {1e-3, 1e-20};
    const uint32_t n = run->blocks, split = golden_fact(&run->golden, "last");
    const double area = (double)run->golden.block * run->golden.block;
    double scores[128];
    assert_true(n <= 128);
    memset(choices, REFERENCE_DROPPED, n);
    read_scores(all + row * n, n, area, scores);
    reference_rank(scores, 0, n, golden_fact(&run->golden, "keep1"), split, tie, choices);
    read_scores(generation + row * (n - split), n - split, area, scores + split);
    reference_rank(scores, split, n, golden_fact(&run->golden, "keep2"), n, tie, choices);
}

/* Every block as stored, but for those that tie. Returns how many differ. */
static size_t compare_masks(const stored_run *run) {
    const uint32_t n = run->blocks;
    const size_t rows = (size_t)run->config->heads * n;
    float *all = golden_floats(&run->golden, "sparsed.importance_all", NULL);
    float *generation = golden_floats(&run->golden, "sparsed.importance_gen", NULL);
    size_t different = 0;
    uint8_t choices[128];
    for (uint32_t layer = 0; layer < run->config->layers; layer++) {
        uint8_t *mask = get_mask(run, layer);
        for (size_t row = 0; row < rows; row++) {
            size_t at = layer * rows + row;
            choose_row(run, all, generation, at, choices);
            for (uint32_t j = 0; j < n; j++) {
                bool stored = run->golden.mask[at * n + j] != 0;
                assert_true(choices[j] == REFERENCE_EITHER || stored == (choices[j] == 1));
                different += stored != (mask[row * n + j] != 0);
                if (stored != (mask[row * n + j] != 0) && choices[j] != REFERENCE_EITHER)
                    fail_msg("layer %u, row %zu of heads and blocks: block %u", layer, row, j);
            }
        }
        free(mask);
    }
    free(generation);
    free(all);
    return different;
}

/* The pattern is taken in the dense step `end`, from the tokens before it. */
static size_t check_pattern(sparsed_context *context, const stored_case *c) {
    stored_run run = run_open(context, c, "upstream");
    sparsed_op op;
    check(&run, sparsed_pipeline_op(run.pipeline, run.golden.end, &op));
    assert_int_equal(op, SPARSED_DENSE_BUILD);
    forward(&run, "sparsed", run.golden.end, NULL, 0, NULL);
    size_t different = compare_masks(&run);
    print_message("%s: %zu of %zu blocks differ from the stored masks\n", c->golden, different,
                  run.config->layers * layer_blocks(&run));
    run_close(&run);
    return different;
}

/* Float and double arithmetic choose the same blocks here. */
static void test_pipeline_get_pattern__is_the_stored_one_of_llada_tiny(void **state) {
    assert_int_equal(check_pattern(*state, &llada_tiny), 0);
}

static void test_pipeline_get_pattern__is_the_stored_one_of_e2e_maskgit(void **state) {
    check_pattern(*state, &e2e_maskgit);
}

/* The file has no scores to tell ties by: one block in a thousand may differ. */
static void test_pipeline_get_pattern__is_the_stored_one_of_golden_e2e(void **state) {
    stored_run run = run_open(*state, &golden_e2e, "upstream");
    const size_t n = layer_blocks(&run), all = run.config->layers * n;
    size_t different = 0;
    forward(&run, "sparsed", run.golden.end, NULL, 0, NULL);
    for (uint32_t layer = 0; layer < run.config->layers; layer++) {
        uint8_t *mask = get_mask(&run, layer);
        for (size_t i = 0; i < n; i++)
            different += (mask[i] != 0) != (run.golden.mask[layer * n + i] != 0);
        free(mask);
    }
    print_message("golden_e2e: %zu of %zu blocks differ from the stored masks\n", different, all);
    run_close(&run);
    assert_true(different <= all / 1000);
}

/* Compares a step's logits with the stored ones, at generation positions 0, 1, G/2, G-1, or all of
 * them where the file has all. Returns the error. */
static double check_step(stored_run *run, const char *name, uint32_t step) {
    const model_golden *golden = &run->golden;
    const uint32_t few[SPARSE_ROWS] = {0, 1, golden->gen_length / 2, golden->gen_length - 1};
    const uint32_t vocab = run->config->vocab;
    uint32_t rows[MAX_ROWS];
    char tensor[64];
    size_t count;
    snprintf(tensor, sizeof tensor, "%s.logits.step%u", name, step);
    float *expected = golden_floats(golden, tensor, &count);
    uint32_t n = (uint32_t)(count / vocab);
    assert_true(n == SPARSE_ROWS || (n == golden->gen_length && n <= MAX_ROWS));
    for (uint32_t i = 0; i < n; i++)
        rows[i] = golden->prompt_length + (n == SPARSE_ROWS ? few[i] : i);
    float *logits = malloc(count * sizeof *logits);
    assert_non_null(logits);
    forward(run, name, step, rows, n, logits);
    double error = golden_relative_error(logits, expected, count);
    assert_error_within(tensor, error, 2e-5);
    free(logits);
    free(expected);
    return error;
}

static void check_logits(sparsed_context *context, const stored_case *c, const char *name,
                         const char *preset) {
    stored_run run = run_open(context, c, preset);
    const uint32_t end = run.golden.end;
    const uint32_t steps[] = {0, end, end + 1, golden_fact(&run.golden, "late"),
                              run.golden.steps - 1};
    bool sparse = strcmp(preset, "dense") != 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i += SMALL_TESTS ? 2 : 1) {
        sparsed_op op;
        check(&run, sparsed_pipeline_op(run.pipeline, steps[i], &op));
        assert_int_equal(op == SPARSED_SPARSE, sparse && steps[i] > end);
        if (sparse && steps[i] == end + 1)
            set_stored_masks(&run);
        print_message("%s %s step %u: error %.1e\n", c->golden, name, steps[i],
                      check_step(&run, name, steps[i]));
    }
    run_close(&run);
}

static void test_pipeline_attend__dense_logits_of_llada_tiny(void **state) {
    check_logits(*state, &llada_tiny, "full", "dense");
}

static void test_pipeline_attend__sparse_logits_of_llada_tiny(void **state) {
    check_logits(*state, &llada_tiny, "sparsed", "upstream");
}

static void test_pipeline_attend__dense_logits_of_e2e_maskgit(void **state) {
    check_logits(*state, &e2e_maskgit, "full", "dense");
}

static void test_pipeline_attend__sparse_logits_of_e2e_maskgit(void **state) {
    check_logits(*state, &e2e_maskgit, "sparsed", "upstream");
}

static void test_pipeline_attend__sparse_logits_of_golden_e2e(void **state) {
    check_logits(*state, &golden_e2e, "sparsed", "upstream");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline_get_pattern__is_the_stored_one_of_llada_tiny),
        cmocka_unit_test(test_pipeline_get_pattern__is_the_stored_one_of_e2e_maskgit),
        cmocka_unit_test(test_pipeline_get_pattern__is_the_stored_one_of_golden_e2e),
        cmocka_unit_test(test_pipeline_attend__dense_logits_of_llada_tiny),
        cmocka_unit_test(test_pipeline_attend__sparse_logits_of_llada_tiny),
        cmocka_unit_test(test_pipeline_attend__dense_logits_of_e2e_maskgit),
        cmocka_unit_test(test_pipeline_attend__sparse_logits_of_e2e_maskgit),
        cmocka_unit_test(test_pipeline_attend__sparse_logits_of_golden_e2e),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
