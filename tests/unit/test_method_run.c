/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * method_run.c: free runs of whole models with the library's attention, against the golden ones.
 */
#include "method_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "support/api_check.h"
#include "support/model_golden.h"

#define LLADA_DIR GOLDEN_DIR "/llada-tiny"
#define LLADA_GOLDEN "llada-tiny/golden.safetensors"
#define DREAM_DIR MODELS_DIR "/tiny-dream"

enum { MAX_GEN_LENGTH = 64 };

typedef struct twin_case {
    const char *model_dir, *golden, *name; /* of the run: "full" */
    method_kind kind;
    uint32_t mode; /* METHOD_SPARSED */
    dlm_sampler sampler;
    uint32_t block_length;
    bool every_step; /* else only the end counts */
} twin_case;

static const twin_case llada_full = {.model_dir = LLADA_DIR,
                                     .golden = LLADA_GOLDEN,
                                     .name = "full",
                                     .kind = METHOD_DENSE,
                                     .sampler = DLM_LOW_CONFIDENCE,
                                     .every_step = true};

static const twin_case llada_sparsed = {.model_dir = LLADA_DIR,
                                        .golden = LLADA_GOLDEN,
                                        .name = "sparsed",
                                        .kind = METHOD_SPARSED,
                                        .mode = SPARSED_MODE_UPSTREAM_LLADA,
                                        .sampler = DLM_LOW_CONFIDENCE,
                                        .every_step = true};

/* A free run beside its golden twin. */
typedef struct twin_run {
    const model_golden *golden;
    uint32_t *expected; /* [steps][gen_length], or NULL */
    uint32_t steps_seen;
} twin_run;

static bool compare_step(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    twin_run *twin = user;
    uint32_t n = twin->golden->gen_length;
    (void)error;
    assert_int_equal(step, twin->steps_seen);
    twin->steps_seen++;
    for (uint32_t i = 0; twin->expected && i < n; i++)
        if (generated[i] != twin->expected[step * n + i])
            fail_msg("token %u before step %u is %u, not %u", i, step, generated[i],
                     twin->expected[step * n + i]);
    return true;
}

static double golden_number(const model_golden *golden, const char *key) {
    const char *text = safetensors_metadata(golden->file, key);
    assert_non_null(text);
    return strtod(text, NULL);
}

static method_plan plan_of(const twin_case *c, const model_golden *golden) {
    method_plan plan = {.kind = c->kind,
                        .schedule = "upstream",
                        .skip = golden_number(golden, "skip"),
                        .select = SPARSED_SELECT_INIT,
                        .dtype = SPARSED_F32};
    plan.select.mode = c->mode;
    plan.select.ratio = golden_number(golden, "select");
    plan.select.block_q = plan.select.block_k = golden->block;
    return plan;
}

static uint32_t *golden_tokens(const model_golden *golden, const char *run, const char *what,
                               size_t expected_count) {
    char name[64];
    size_t count;
    snprintf(name, sizeof name, "%s.%s", run, what);
    uint32_t *tokens = golden_ids(golden, name, &count);
    assert_int_equal(count, expected_count);
    return tokens;
}

static void assert_tokens_equal(const uint32_t *actual, const uint32_t *expected, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (actual[i] != expected[i])
            fail_msg("final token %u is %u, not %u", i, actual[i], expected[i]);
}

/* Steps by kind, and the work that they amount to. */
static void check_account(const twin_case *c, const model_golden *golden, const method_result *r) {
    bool sparse = c->kind == METHOD_SPARSED;
    uint32_t after = sparse ? golden->steps - golden->end - 1 : 0;
    assert_int_equal(r->dense_steps, sparse ? golden->end : golden->steps);
    assert_int_equal(r->build_steps, sparse ? 1 : 0);
    assert_int_equal(r->sparse_steps, after);
    double work = (golden->steps - after + after * r->density) / golden->steps;
    assert_true(fabs(r->attention_work - work) < 1e-9);
    assert_true(sparse ? r->density > 0.1 && r->density < 0.9 : fabs(r->density - 1.0) < 1e-12);
    double parts = r->linear_seconds + method_attention_seconds(r);
    assert_true(parts > 0.0 && parts <= r->total_seconds);
    assert_true((r->sparse_seconds > 0.0) == sparse && (r->build_seconds > 0.0) == sparse);
    assert_true(strlen(r->kernel) > 0 && r->scratch_bytes > 0);
    assert_true((r->pattern_bytes > 0) == sparse);
}

/* The density of the last `rows` query rows of a layer's stored mask. */
static double stored_density(const model_golden *golden, const dlm_config *config, uint32_t layer,
                             uint32_t rows) {
    sparsed_pattern_info info = {.struct_size = sizeof info,
                                 .batch = 1,
                                 .heads = config->heads,
                                 .block_q = golden->block,
                                 .block_k = golden->block,
                                 .q_len = rows,
                                 .kv_len = golden->len};
    const uint32_t blocks = (golden->len + golden->block - 1) / golden->block;
    const uint32_t kept = (rows + golden->block - 1) / golden->block;
    uint8_t *mask = malloc((size_t)config->heads * kept * blocks);
    sparsed_pattern *pattern;
    assert_non_null(mask);
    for (size_t head = 0; head < config->heads; head++)
        memcpy(mask + head * kept * blocks,
               golden->mask + (((layer * config->heads + head) * blocks) + blocks - kept) * blocks,
               (size_t)kept * blocks);
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &pattern, NULL), SPARSED_OK);
    double density = sparsed_pattern_density(pattern, UINT32_MAX);
    sparsed_pattern_release(pattern);
    free(mask);
    return density;
}

/* Each layer's density is that of the stored mask, in the last one that of the rows
 * that it needs. */
static void check_density(const model_golden *golden, const dlm_config *config,
                          const method_result *result) {
    const uint32_t first = dlm_reading_position(config, golden->prompt_length);
    assert_int_equal(result->last_layer_rows, golden->len - first / golden->block * golden->block);
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        bool last = layer + 1 == config->layers;
        double density =
            stored_density(golden, config, layer, last ? result->last_layer_rows : golden->len);
        if (fabs(result->layer_density[layer] - density) > 1e-12)
            fail_msg("layer %u has density %.6f, its stored mask %.6f", layer,
                     result->layer_density[layer], density);
    }
}

static void check_twin(sparsed_context *context, const twin_case *c) {
    model_golden golden = golden_open(c->golden);
    dlm_model *model = golden_load_model(c->model_dir);
    twin_run twin = {.golden = &golden};
    const dlm_denoise_options denoise = {.sampler = c->sampler,
                                         .gen_length = golden.gen_length,
                                         .steps = golden.steps,
                                         .block_length = c->block_length,
                                         .before_step = compare_step,
                                         .user = &twin};
    method_plan plan = plan_of(c, &golden);
    method_result result;
    tool_error error;
    assert_true(golden.gen_length <= MAX_GEN_LENGTH);
    uint32_t *final = golden_tokens(&golden, c->name, "gen_final", golden.gen_length);
    if (c->every_step)
        twin.expected = golden_tokens(&golden, c->name, "gen_tokens_before_step",
                                      (size_t)golden.steps * golden.gen_length);
    if (!method_run(context, model, golden.ids, golden.prompt_length, &denoise, &plan, &result,
                    &error))
        fail_msg("%s", error.text);
    assert_int_equal(twin.steps_seen, golden.steps);
    assert_tokens_equal(result.tokens, final, golden.gen_length);
    check_account(c, &golden, &result);
    if (strcmp(c->name, "sparsed") == 0 && c->every_step)
        check_density(&golden, dlm_model_config(model), &result);
    print_message("%s %s: density %.3f, %.1f s, kernel %s\n", c->golden, c->name, result.density,
                  result.total_seconds, result.kernel);
    method_result_free(&result);
    free(twin.expected);
    free(final);
    dlm_model_free(model);
    golden_close(&golden);
}

static void test_method_run__dense_of_llada_tiny(void **state) {
    check_twin(*state, &llada_full);
}

static void test_method_run__sparsed_of_llada_tiny(void **state) {
    check_twin(*state, &llada_sparsed);
}

static void test_method_run__maskgit_plus_of_llada_tiny(void **state) {
    twin_case c = llada_full;
    c.name = "maskgit_plus";
    c.sampler = DLM_MASKGIT_PLUS;
    check_twin(*state, &c);
}

static void test_method_run__entropy_of_llada_tiny(void **state) {
    twin_case c = llada_full;
    c.name = "entropy";
    c.sampler = DLM_ENTROPY;
    check_twin(*state, &c);
}

static void test_method_run__dense_generation_blocks_of_llada_tiny(void **state) {
    twin_case c = llada_full;
    c.name = "blockwise_full";
    c.block_length = 20;
    check_twin(*state, &c);
}

static void test_method_run__sparsed_generation_blocks_of_llada_tiny(void **state) {
    twin_case c = llada_sparsed;
    c.name = "blockwise_sparsed";
    c.block_length = 20;
    check_twin(*state, &c);
}

/* In tiny-dream the order of filling rests on the last bit of saturated confidences, so only the
 * end is compared. */
static void test_method_run__dense_end_of_e2e_maskgit(void **state) {
    check_twin(*state, &(twin_case){.model_dir = DREAM_DIR,
                                    .golden = "e2e_maskgit.safetensors",
                                    .name = "full",
                                    .kind = METHOD_DENSE,
                                    .sampler = DLM_MASKGIT_PLUS});
}

static void test_method_run__sparsed_end_of_e2e_maskgit(void **state) {
    check_twin(*state, &(twin_case){.model_dir = DREAM_DIR,
                                    .golden = "e2e_maskgit.safetensors",
                                    .name = "sparsed",
                                    .kind = METHOD_SPARSED,
                                    .mode = SPARSED_MODE_UPSTREAM_DREAM,
                                    .sampler = DLM_MASKGIT_PLUS});
}

static void test_method_run__dense_end_of_golden_e2e(void **state) {
    check_twin(*state, &(twin_case){.model_dir = DREAM_DIR,
                                    .golden = "golden_e2e.safetensors",
                                    .name = "full",
                                    .kind = METHOD_DENSE,
                                    .sampler = DLM_LOW_CONFIDENCE});
}

static void test_method_run__sparsed_end_of_golden_e2e(void **state) {
    check_twin(*state, &(twin_case){.model_dir = DREAM_DIR,
                                    .golden = "golden_e2e.safetensors",
                                    .name = "sparsed",
                                    .kind = METHOD_SPARSED,
                                    .mode = SPARSED_MODE_UPSTREAM_DREAM,
                                    .sampler = DLM_LOW_CONFIDENCE});
}

/* A short run of llada-tiny on its golden prompt; true, or false with *error. */
static bool short_run(sparsed_context *context, const method_plan *plan,
                      const dlm_denoise_options *denoise, method_result *result,
                      tool_error *error) {
    model_golden golden = golden_open(LLADA_GOLDEN);
    dlm_model *model = golden_load_model(LLADA_DIR);
    bool done =
        method_run(context, model, golden.ids, golden.prompt_length, denoise, plan, result, error);
    dlm_model_free(model);
    golden_close(&golden);
    return done;
}

static method_plan short_plan(method_kind kind, uint32_t mode, const char *schedule) {
    method_plan plan = {.kind = kind,
                        .schedule = schedule,
                        .skip = 0.2,
                        .select = SPARSED_SELECT_INIT,
                        .dtype = SPARSED_F32};
    plan.select.mode = mode;
    return plan;
}

static void test_method_run__counts_the_steps_of_each_schedule(void **state) {
    const struct {
        const char *name;
        uint32_t dense, build, sparse;
    } schedules[] = {{"upstream", 2, 1, 5},  {"paper", 0, 1, 7}, {"no-dense", 0, 1, 7},
                     {"rebuild", 2, 6, 0},   {"dense", 8, 0, 0}, {"window:2:5", 5, 1, 2},
                     {"window:0:8", 0, 1, 7}};
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
        method_plan plan =
            short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, schedules[i].name);
        method_result r;
        tool_error error;
        if (!short_run(*state, &plan, &denoise, &r, &error))
            fail_msg("%s", error.text);
        if (r.dense_steps != schedules[i].dense || r.build_steps != schedules[i].build ||
            r.sparse_steps != schedules[i].sparse)
            fail_msg("%s: %u dense, %u building and %u sparse steps", schedules[i].name,
                     r.dense_steps, r.build_steps, r.sparse_steps);
        method_result_free(&r);
    }
}

/* The share of keys that the last `rows` of `len` query rows attend to, counted one by one. */
static double counted_density(uint32_t len, uint32_t rows, uint32_t window, uint64_t sinks) {
    double count = 0.0;
    for (uint32_t i = len - rows; i < len; i++)
        for (uint32_t j = 0; j < len; j++)
            count += j < sinks || (j + window >= i && j <= i + window);
    return count / rows / len;
}

static void test_method_run__fixed_patterns_have_their_exact_density(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 40, .steps = 2};
    for (uint64_t sinks = 0; sinks <= 4; sinks += 4) {
        method_plan plan =
            short_plan(sinks ? METHOD_STREAMING : METHOD_WINDOW,
                       sinks ? SPARSED_MODE_STREAMING : SPARSED_MODE_WINDOW, "no-dense");
        method_result r;
        tool_error error;
        plan.select.window = 30;
        plan.select.sinks = sinks;
        if (!short_run(*state, &plan, &denoise, &r, &error))
            fail_msg("%s", error.text);
        double exact = sparsed_fixed_density(271, 30, sinks);
        double last = counted_density(271, r.last_layer_rows, 30, sinks);
        uint32_t rows = r.last_layer_rows;
        assert_in_range(rows, 40, 40 + plan.select.block_q - 1);
        assert_true(fabs(r.layer_density[0] - exact) < 1e-12);
        assert_true(fabs(r.layer_density[2] - last) < 1e-12);
        double mean = (2.0 * 271 * exact + rows * last) / (2 * 271 + rows);
        assert_true(fabs(r.density - mean) < 1e-12);
        assert_true(fabs(r.attention_work - r.density) < 1e-12);
        assert_int_equal(r.window, 30);
        method_result_free(&r);
    }
}

/* A build after which no step is sparse is not made. */
static void test_method_run__builds_nothing_that_no_step_uses(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 2};
    method_plan plan = short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, "upstream");
    method_result r;
    tool_error error;
    if (!short_run(*state, &plan, &denoise, &r, &error))
        fail_msg("%s", error.text);
    assert_int_equal(r.dense_steps, 2);
    assert_int_equal(r.build_steps + r.sparse_steps, 0);
    assert_true(fabs(r.density - 1.0) < 1e-12 && r.attention_work == 1.0);
    method_result_free(&r);
}

static void test_method_run__half_types_fill_every_position(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 40, .steps = 16};
    const sparsed_dtype dtypes[] = {SPARSED_BF16, SPARSED_F16};
    for (size_t i = 0; i < 2; i++) {
        method_plan plan = short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, "upstream");
        method_result r;
        tool_error error;
        plan.dtype = dtypes[i];
        if (!short_run(*state, &plan, &denoise, &r, &error))
            fail_msg("%s", error.text);
        for (uint32_t t = 0; t < 40; t++)
            assert_int_not_equal(r.tokens[t], 1);
        assert_true(r.product_dtype == SPARSED_F32 || dtypes[i] == SPARSED_BF16);
        method_result_free(&r);
    }
}

static bool stop_at_three(void *user, uint32_t step, const uint32_t *generated, tool_error *error) {
    (void)user;
    (void)generated;
    return step < 3 || tool_fail(error, "stopped before step %u", step);
}

static void assert_fails(sparsed_context *context, const method_plan *plan,
                         const dlm_denoise_options *denoise, bool usage, const char *text) {
    method_result result;
    tool_error error = {0};
    assert_false(short_run(context, plan, denoise, &result, &error));
    assert_null(result.tokens);
    assert_null(result.layer_density);
    assert_null(result.patterns);
    assert_int_equal(error.usage, usage);
    if (!strstr(error.text, text))
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
}

/* What a saved set says of itself, and its entries as (step, layer). */
static void check_saved(const method_result *r, uint32_t patterns, const uint32_t *steps,
                        uint32_t score_dtype) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    const uint32_t layers = 3;
    assert_non_null(r->patterns);
    assert_int_equal(sparsed_pattern_set_describe(r->patterns, &info, NULL), SPARSED_OK);
    assert_int_equal(info.patterns, patterns);
    assert_int_equal(info.model_layers, layers);
    assert_int_equal(info.steps, 8);
    assert_string_equal(info.schedule, "told");
    for (uint32_t i = 0; i < patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        assert_int_equal(sparsed_pattern_set_entry(r->patterns, i, &entry), SPARSED_OK);
        assert_int_equal(entry.step, steps[i / layers]);
        assert_int_equal(entry.layer, i % layers);
        assert_int_equal(entry.score_dtype, score_dtype);
    }
}

static method_plan saving_plan(const char *schedule, method_saving saving, uint32_t score_dtype) {
    method_plan plan = short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, schedule);
    plan.saving = saving;
    plan.score_dtype = score_dtype;
    plan.saved_info = (sparsed_pattern_set_info){
        .struct_size = sizeof plan.saved_info, .model_layers = 3, .steps = 8, .schedule = "told"};
    return plan;
}

static void run_or_fail(sparsed_context *context, const method_plan *plan,
                        const dlm_denoise_options *denoise, method_result *result) {
    tool_error error;
    if (!short_run(context, plan, denoise, result, &error))
        fail_msg("%s", error.text);
}

static void test_method_run__saves_the_last_patterns(void **state) {
    const struct {
        const char *schedule;
        double skip;
        uint32_t step, builds;
    } cases[] = {{"upstream", 0.2, 2, 1},
                 {"rebuild", 0.2, 7, 6},
                 {"no-dense", 0.2, 0, 1},
                 {"upstream", 0.75, 7, 1}}; /* no step uses it */
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        method_plan plan = saving_plan(cases[i].schedule, METHOD_SAVE_LAST, 0);
        method_result r;
        plan.skip = cases[i].skip;
        run_or_fail(*state, &plan, &denoise, &r);
        assert_int_equal(r.build_steps, cases[i].builds);
        assert_int_equal(r.sparse, i < 3);
        check_saved(&r, 3, &cases[i].step, 0);
        method_result_free(&r);
    }
}

static void test_method_run__saves_what_listed_steps_would_choose(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    static const uint32_t listed[] = {1, 4, 7};
    static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16};
    sparsed_schedule_entry entries[8] = {{SPARSED_DENSE, 0, 0.0}};
    method_plan dense = short_plan(METHOD_DENSE, 0, "dense");
    method_result expected;
    run_or_fail(*state, &dense, &denoise, &expected);
    for (uint32_t i = 0; i < 3; i++)
        entries[listed[i]].op = SPARSED_DENSE_BUILD;
    for (uint32_t i = 0; i < 2; i++) {
        method_plan plan = saving_plan("dense", METHOD_SAVE_EVERY, dtypes[i]);
        method_result r;
        plan.entries = entries;
        run_or_fail(*state, &plan, &denoise, &r);
        check_saved(&r, 9, listed, dtypes[i]);
        assert_false(r.sparse);
        assert_int_equal(r.dense_steps, 5);
        assert_int_equal(r.build_steps, 3);
        assert_tokens_equal(r.tokens, expected.tokens, 8);
        method_result_free(&r);
    }
    method_result_free(&expected);
}

/* Scores that came along choose what a build with their ratio chooses. */
static void test_method_run__saved_scores_choose_anew(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    method_plan plan = saving_plan("upstream", METHOD_SAVE_LAST, SPARSED_F32);
    const double ratio = 0.6;
    method_result saved, direct;
    run_or_fail(*state, &plan, &denoise, &saved);
    plan.select.ratio = ratio;
    run_or_fail(*state, &plan, &denoise, &direct);
    for (uint32_t layer = 0; layer < 3; layer++) {
        sparsed_pattern *from, *chosen, *wanted;
        double jaccard = 0.0;
        assert_int_equal(sparsed_pattern_set_get(saved.patterns, layer, &from, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_set_get(direct.patterns, layer, &wanted, NULL),
                         SPARSED_OK);
        assert_int_equal(sparsed_pattern_rethreshold(from, &ratio, 1, &chosen, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pattern_jaccard(chosen, wanted, UINT32_MAX, &jaccard, NULL),
                         SPARSED_OK);
        assert_true(jaccard == 1.0);
        assert_int_equal(sparsed_pattern_jaccard(from, wanted, UINT32_MAX, &jaccard, NULL),
                         SPARSED_OK);
        assert_true(jaccard < 1.0);
        sparsed_pattern_release(from);
        sparsed_pattern_release(chosen);
        sparsed_pattern_release(wanted);
    }
    method_result_free(&saved);
    method_result_free(&direct);
}

/* Patterns that are saved are whole, in the last layer too. */
static void test_method_run__saves_whole_patterns(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    method_plan plan = saving_plan("upstream", METHOD_SAVE_LAST, 0);
    method_result part, whole;
    run_or_fail(*state, &plan, &denoise, &whole);
    plan.saving = METHOD_SAVE_NONE;
    run_or_fail(*state, &plan, &denoise, &part);
    assert_true(part.last_layer_rows < 8 + plan.select.block_q);
    assert_int_equal(whole.last_layer_rows, 239);
    assert_tokens_equal(part.tokens, whole.tokens, 8);
    assert_true(part.layer_density[0] == whole.layer_density[0]);
    method_result_free(&part);
    method_result_free(&whole);
}

/* The steps of a warm run are those of the schedule, and its density that of the patterns. */
static void test_method_run__starts_with_given_patterns(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    method_plan plan = saving_plan("no-dense", METHOD_SAVE_LAST, 0);
    method_result first, second;
    run_or_fail(*state, &plan, &denoise, &first);
    method_plan warm = short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, "warm");
    warm.patterns = first.patterns;
    warm.skip = 0.0;
    run_or_fail(*state, &warm, &denoise, &second);
    assert_int_equal(second.sparse_steps, 8);
    assert_int_equal(second.dense_steps + second.build_steps, 0);
    assert_true(second.sparse && !second.patterns);
    assert_true(second.density == first.density);
    assert_true(second.attention_work == first.attention_work);
    /* The same blocks in the same steps: a build that is used at once changes nothing. */
    assert_tokens_equal(second.tokens, first.tokens, 8);
    method_result_free(&second);
    warm.select.block_k = 64;
    assert_fails(*state, &warm, &denoise, false, "block_k");
    method_result_free(&first);
}

static void test_method_run__saves_nothing_if_nothing_is_built(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    method_plan plan = saving_plan("dense", METHOD_SAVE_LAST, SPARSED_F16);
    method_result r;
    run_or_fail(*state, &plan, &denoise, &r);
    assert_null(r.patterns);
    method_result_free(&r);
}

static void test_method_run__fails_with_nothing_left(void **state) {
    const dlm_denoise_options denoise = {.gen_length = 8, .steps = 8};
    const dlm_denoise_options stopped = {.gen_length = 8, .steps = 8, .before_step = stop_at_three};
    const dlm_denoise_options too_long = {.gen_length = 2000, .steps = 8};
    method_plan plan = short_plan(METHOD_SPARSED, SPARSED_MODE_UPSTREAM_LLADA, "upstream");
    assert_fails(*state, &plan, &stopped, false, "stopped before step 3");
    assert_fails(*state, &plan, &too_long, true, "--gen-length 2000");
    plan.schedule = "sometimes";
    assert_fails(*state, &plan, &denoise, true, "sometimes");
    plan.schedule = "window:3:9";
    assert_fails(*state, &plan, &denoise, true, "window:3:9");
    plan.schedule = "upstream";
    plan.select.block_k = 48;
    assert_fails(*state, &plan, &denoise, true, "48");
}

static void test_method_parse__knows_the_four_methods(void **state) {
    (void)state;
    method_kind kind;
    for (int i = 0; i < METHOD_KINDS; i++) {
        assert_true(method_parse(method_name((method_kind)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(method_parse("", &kind));
    assert_false(method_parse("Dense", &kind));
    assert_false(method_parse("windows", &kind));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_parse__knows_the_four_methods),
        cmocka_unit_test(test_method_run__dense_of_llada_tiny),
        cmocka_unit_test(test_method_run__sparsed_of_llada_tiny),
        cmocka_unit_test(test_method_run__maskgit_plus_of_llada_tiny),
        cmocka_unit_test(test_method_run__entropy_of_llada_tiny),
        cmocka_unit_test(test_method_run__dense_generation_blocks_of_llada_tiny),
        cmocka_unit_test(test_method_run__sparsed_generation_blocks_of_llada_tiny),
        cmocka_unit_test(test_method_run__counts_the_steps_of_each_schedule),
        cmocka_unit_test(test_method_run__fixed_patterns_have_their_exact_density),
        cmocka_unit_test(test_method_run__builds_nothing_that_no_step_uses),
        cmocka_unit_test(test_method_run__half_types_fill_every_position),
        cmocka_unit_test(test_method_run__saves_whole_patterns),
        cmocka_unit_test(test_method_run__saves_the_last_patterns),
        cmocka_unit_test(test_method_run__saves_what_listed_steps_would_choose),
        cmocka_unit_test(test_method_run__saved_scores_choose_anew),
        cmocka_unit_test(test_method_run__starts_with_given_patterns),
        cmocka_unit_test(test_method_run__saves_nothing_if_nothing_is_built),
        cmocka_unit_test(test_method_run__fails_with_nothing_left),
        cmocka_unit_test(test_method_run__dense_end_of_e2e_maskgit),
        cmocka_unit_test(test_method_run__sparsed_end_of_e2e_maskgit),
        cmocka_unit_test(test_method_run__dense_end_of_golden_e2e),
        cmocka_unit_test(test_method_run__sparsed_end_of_golden_e2e),
    };
    return cmocka_run_group_tests(tests, open_default_context, close_default_context);
}
