/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns out of a pipeline into a file, and from there into another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/api_check.h"
#include "support/attention_case.h"
#include "support/counting_allocator.h"
#include "support/test_files.h"

#include <sparsed/pattern.h>

enum { LAYERS = 3, STEPS = 4, OUT_FLOATS = 4 * 100 * 16 };

/* Two sequences, GQA, a last block that is not full. */
static attention_case new_case(uint32_t mode, uint64_t seed) {
    attention_case c = {.desc = case_desc(2, 2, 1, 16, 100),
                        .select = case_select(mode, 32, 16, 30, 0.3)};
    if (mode == SPARSED_MODE_STREAMING) {
        c.select.window = 9;
        c.select.sinks = 3;
    }
    case_prepare(&c, seed);
    assert_int_equal(case_out_count(&c), OUT_FLOATS);
    return c;
}

/* Entries from letters: d dense, D dense + build, B build + sparse, s sparse. */
static sparsed_pipeline *new_pipeline(sparsed_context *context, const sparsed_desc *desc,
                                      const sparsed_select *select, const char *letters,
                                      uint32_t layers) {
    sparsed_schedule_entry entries[16];
    const sparsed_schedule schedule = {.struct_size = sizeof schedule,
                                       .flags = SPARSED_SCHEDULE_SAVE,
                                       .steps = (uint32_t)strlen(letters),
                                       .entries = entries};
    sparsed_pipeline *pipeline;
    for (uint32_t i = 0; i < schedule.steps; i++)
        entries[i] = (sparsed_schedule_entry){
            .op = (uint32_t)(strchr("dD?sB", letters[i]) - (const char *)"dD?sB")};
    if (sparsed_pipeline_create(context, desc, select, &schedule, layers, &pipeline) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return pipeline;
}

static sparsed_pipeline *pipeline_of(sparsed_context *context, const attention_case *c,
                                     const char *letters) {
    return new_pipeline(context, &c->desc, &c->select, letters, LAYERS);
}

static void attend(sparsed_pipeline *pipeline, attention_case *c, uint32_t step, uint32_t layer) {
    memset(c->out.memory, 0xa5, c->out.size_bytes);
    assert_int_equal(sparsed_pipeline_attend(pipeline, step, layer, &c->io), SPARSED_OK);
}

static sparsed_pattern_set *patterns_of(sparsed_context *context, sparsed_pipeline *pipeline) {
    sparsed_pattern_set *set;
    if (sparsed_pipeline_get_patterns(pipeline, NULL, &set) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return set;
}

/* A run of "dDs...": layer i is given the q, k and v of its own case. */
static sparsed_pipeline *built_pipeline(sparsed_context *context, attention_case *cases) {
    sparsed_pipeline *pipeline = pipeline_of(context, cases, "dDss");
    for (uint32_t step = 0; step < 2; step++)
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            attend(pipeline, &cases[layer], step, layer);
    return pipeline;
}

static void new_cases(attention_case *cases, uint32_t mode) {
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        cases[layer] = new_case(mode, 20 + layer);
}

static void free_cases(attention_case *cases) {
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        case_free(&cases[layer]);
}

/* ---- out ---- */

static void test_pipeline_get_patterns__tells_of_the_run(void **state) {
    attention_case cases[LAYERS];
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_info shared = {.struct_size = sizeof shared};
    new_cases(cases, SPARSED_MODE_UPSTREAM_LLADA);
    sparsed_pipeline *pipeline = built_pipeline(*state, cases);
    sparsed_pattern_set *set = patterns_of(*state, pipeline);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, &shared), SPARSED_OK);
    assert_int_equal(info.patterns, LAYERS);
    assert_int_equal(info.model_layers, LAYERS);
    assert_int_equal(info.steps, STEPS);
    assert_int_equal(shared.batch, 2);
    assert_int_equal(shared.heads, 2);
    assert_int_equal(shared.kv_heads, 1);
    assert_int_equal(shared.head_dim, 16);
    assert_int_equal(shared.score_heads, 2);
    assert_int_equal(shared.dtype, SPARSED_F32);
    assert_int_equal(shared.mode, SPARSED_MODE_UPSTREAM_LLADA);
    assert_int_equal(shared.kv_len, 100);
    assert_int_equal(shared.gen_len, 30);
    for (uint32_t i = 0; i < LAYERS; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        assert_int_equal(sparsed_pattern_set_entry(set, i, &entry), SPARSED_OK);
        assert_int_equal(entry.layer, i);
        assert_int_equal(entry.step, 1); /* the step that built it */
        assert_true(entry.ratio == 0.3);
    }
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(pipeline);
    free_cases(cases);
}

static void test_pipeline_get_patterns__what_the_caller_says(void **state) {
    attention_case cases[LAYERS];
    const sparsed_pattern_set_info given = {.struct_size = sizeof given,
                                            .model_layers = 8,
                                            .steps = 64,
                                            .skip = 0.25,
                                            .schedule = "warm",
                                            .tag = "a tag",
                                            .model = {1, 2},
                                            .prompt = {3, 4}};
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_set *set;
    new_cases(cases, SPARSED_MODE_PAPER);
    sparsed_pipeline *pipeline = built_pipeline(*state, cases);
    assert_int_equal(sparsed_pipeline_get_patterns(pipeline, &given, &set), SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_int_equal(info.model_layers, 8);
    assert_int_equal(info.steps, 64);
    assert_true(info.skip == 0.25);
    assert_string_equal(info.schedule, "warm");
    assert_string_equal(info.tag, "a tag");
    assert_true(info.model.low == 1 && info.model.high == 2);
    assert_true(info.prompt.low == 3 && info.prompt.high == 4);
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(pipeline);
    free_cases(cases);
}

/* Each build notes its own step, whatever the step before it noted. */
static void test_pipeline_get_patterns__step_of_the_last_build(void **state) {
    attention_case c = new_case(SPARSED_MODE_PAPER, 5);
    sparsed_pipeline *pipeline = new_pipeline(*state, &c.desc, &c.select, "DsDsBs", 1);
    static const uint32_t built_at[] = {0, 0, 2, 2, 4, 4};
    for (uint32_t step = 0; step < 6; step++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        attend(pipeline, &c, step, 0);
        sparsed_pattern_set *set = patterns_of(*state, pipeline);
        assert_int_equal(sparsed_pattern_set_entry(set, 0, &entry), SPARSED_OK);
        assert_int_equal(entry.step, built_at[step]);
        sparsed_pattern_set_release(set);
    }
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

static void test_pipeline_get_patterns__names_a_layer_without_one(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case(SPARSED_MODE_PAPER, 5);
    sparsed_pattern_set *set = (sparsed_pattern_set *)(void *)&c;
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "Dsss");
    attend(pipeline, &c, 0, 0);
    attend(pipeline, &c, 0, 2);
    assert_context_error(context, sparsed_pipeline_get_patterns(pipeline, NULL, &set),
                         SPARSED_E_STATE, "layer 1 has no pattern");
    assert_null(set);
    sparsed_pipeline_destroy(pipeline);
    case_free(&c);
}

/* ---- and in again ---- */

/* The outputs of run A's sparse steps, [LAYERS][OUT_FLOATS]. */
static void run_sparse(sparsed_pipeline *pipeline, attention_case *cases, uint32_t step,
                       float (*outputs)[OUT_FLOATS]) {
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        attend(pipeline, &cases[layer], step, layer);
        memcpy(outputs[layer], cases[layer].out.memory, sizeof outputs[layer]);
    }
}

/* Run B: a fresh context, sparse from step 0 on with the patterns of the file. */
static void warm_run(attention_case *cases, const char *path, uint32_t flags,
                     float (*outputs)[OUT_FLOATS]) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_context *context;
    sparsed_pattern_set *set;
    sparsed_message message;
    void *opened;
    assert_int_equal(open_default_context(&opened), 0);
    context = opened;
    sparsed_pipeline *pipeline = pipeline_of(context, cases, "ss");
    assert_context_error(context, sparsed_pipeline_attend(pipeline, 0, 0, &cases[0].io),
                         SPARSED_E_STATE, "needs a pattern");
    if (sparsed_pattern_set_load(path, &options, &set, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    if (sparsed_pipeline_set_patterns(pipeline, set, SPARSED_ANY_STEP) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    sparsed_pattern_set_release(set);
    run_sparse(pipeline, cases, 1, outputs);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
}

static void check_round_trip(test_folder *folder, uint32_t mode) {
    static float first[LAYERS][OUT_FLOATS], second[LAYERS][OUT_FLOATS];
    static const uint32_t load_flags[] = {0, SPARSED_LOAD_MAP};
    attention_case cases[LAYERS];
    sparsed_message message;
    void *opened;
    const char *path = test_folder_path(folder, "run.spdp");
    new_cases(cases, mode);
    assert_int_equal(open_default_context(&opened), 0);
    sparsed_pipeline *pipeline = built_pipeline(opened, cases);
    sparsed_pattern_set *set = patterns_of(opened, pipeline);
    if (sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_set_release(set);
    run_sparse(pipeline, cases, 3, first);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(opened);
    for (size_t i = 0; i < 2; i++) {
        memset(second, 0, sizeof second);
        warm_run(cases, path, load_flags[i], second);
        assert_memory_equal(first, second, sizeof first);
    }
    assert_memory_not_equal(first[0], first[1], sizeof first[0]);
    free_cases(cases);
}

static void test_pipeline_set_patterns__warm_run_equals_the_first(void **state) {
    for (uint32_t mode = SPARSED_MODE_PAPER; mode <= SPARSED_MODE_STREAMING; mode++)
        if (mode != SPARSED_MODE_WINDOW)
            check_round_trip(*state, mode);
}

/* Patterns of a batch's own valid rows serve those rows only. */
static void test_pipeline_set_patterns__valid_rows_are_compared_when_it_runs(void **state) {
    sparsed_context *context = *state;
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3),
                        .has_valid = true,
                        .valid_end = {90}};
    case_prepare(&c, 3);
    sparsed_pipeline *from = new_pipeline(context, &c.desc, &c.select, "Ds", 1);
    sparsed_pipeline *to = new_pipeline(context, &c.desc, &c.select, "ss", 1);
    attend(from, &c, 0, 0);
    sparsed_pattern_set *set = patterns_of(context, from);
    assert_int_equal(sparsed_pipeline_set_patterns(to, set, SPARSED_ANY_STEP), SPARSED_OK);
    attend(to, &c, 0, 0);
    c.valid_end[0] = 100;
    sparsed_status status = sparsed_pipeline_attend(to, 1, 0, &c.io);
    assert_context_error(context, status, SPARSED_E_MISMATCH, "90");
    assert_context_error(context, status, SPARSED_E_MISMATCH, "100");
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(to);
    case_free(&c);
}

static void expect_mismatch(sparsed_context *context, const sparsed_pattern_set *set,
                            const sparsed_desc *desc, const sparsed_select *select, uint32_t layers,
                            const char *field, const char *value, const char *other) {
    sparsed_pipeline *pipeline = new_pipeline(context, desc, select, "ss", layers);
    sparsed_status status = sparsed_pipeline_set_patterns(pipeline, set, SPARSED_ANY_STEP);
    assert_context_error(context, status, SPARSED_E_MISMATCH, field);
    assert_context_error(context, status, SPARSED_E_MISMATCH, value);
    assert_context_error(context, status, SPARSED_E_MISMATCH, other);
    sparsed_pipeline_destroy(pipeline);
}

static void test_pipeline_set_patterns__names_each_mismatch(void **state) {
    sparsed_context *context = *state;
    attention_case cases[LAYERS];
    new_cases(cases, SPARSED_MODE_UPSTREAM_LLADA);
    const sparsed_desc good = cases[0].desc;
    const sparsed_select chosen = cases[0].select;
    sparsed_pipeline *pipeline = built_pipeline(context, cases);
    sparsed_pattern_set *set = patterns_of(context, pipeline);
    sparsed_desc d = good;
    sparsed_select s = chosen;
    d.batch = 3;
    expect_mismatch(context, set, &d, &s, LAYERS, "batch", "2", "3");
    d = good;
    d.heads = 5;
    expect_mismatch(context, set, &d, &s, LAYERS, "heads", "2", "5");
    d = good;
    d.kv_heads = 2;
    expect_mismatch(context, set, &d, &s, LAYERS, "kv_heads", "1", "2");
    d = good;
    d.head_dim = 24;
    expect_mismatch(context, set, &d, &s, LAYERS, "head_dim", "16", "24");
    d = good;
    d.score_heads = 7;
    expect_mismatch(context, set, &d, &s, LAYERS, "score_heads", "2", "7");
    d = good;
    d.q_len = d.kv_len = 99;
    expect_mismatch(context, set, &d, &s, LAYERS, "_len", "100", "99");
    d = good;
    d.kv_len = 120;
    d.flags = SPARSED_DESC_Q_START;
    d.q_start = 7;
    expect_mismatch(context, set, &d, &s, LAYERS, "q_start", "0", "7");
    d = good;
    s.block_q = 64;
    expect_mismatch(context, set, &d, &s, LAYERS, "block_q", "32", "64");
    s = chosen;
    s.block_k = 128;
    expect_mismatch(context, set, &d, &s, LAYERS, "block_k", "16", "128");
    s = chosen;
    s.gen_len = 31;
    expect_mismatch(context, set, &d, &s, LAYERS, "gen_len", "30", "31");
    s = chosen;
    expect_mismatch(context, set, &d, &s, LAYERS - 1, "layers", "3", "2");
    expect_mismatch(context, set, &d, &s, LAYERS + 1, "layers", "3", "4");
    s.mode = SPARSED_MODE_WINDOW;
    expect_mismatch(context, set, &d, &s, LAYERS, "mode", "", "");
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(pipeline);
    free_cases(cases);
}

/* Query rows in the middle of the sequence: where they lie matters. */
static void test_pipeline_set_patterns__names_q_start(void **state) {
    sparsed_context *context = *state;
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    c.desc.q_len = 40;
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 10;
    case_prepare(&c, 3);
    sparsed_pipeline *from = new_pipeline(context, &c.desc, &c.select, "Ds", 1);
    attend(from, &c, 0, 0);
    sparsed_pattern_set *set = patterns_of(context, from);
    sparsed_desc d = c.desc;
    d.q_start = 20;
    expect_mismatch(context, set, &d, &c.select, 1, "q_start", "10", "20");
    d.flags = 0;
    d.q_start = 0;
    expect_mismatch(context, set, &d, &c.select, 1, "q_start", "10", "60");
    sparsed_pipeline *to = new_pipeline(context, &c.desc, &c.select, "ss", 1);
    assert_int_equal(sparsed_pipeline_set_patterns(to, set, SPARSED_ANY_STEP), SPARSED_OK);
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(to);
    case_free(&c);
}

/* The patterns of all layers, said to be of some of a model's heads. */
static sparsed_pattern_set *shard_of(sparsed_context *context, sparsed_pipeline *pipeline,
                                     uint32_t first_head, uint32_t model_heads) {
    const sparsed_pattern_set_info info = {
        .struct_size = sizeof info, .first_head = first_head, .model_heads = model_heads};
    sparsed_pattern_set *set;
    if (sparsed_pipeline_get_patterns(pipeline, &info, &set) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    return set;
}

/* Heads 2 and 3 of 8 are not a whole model of 2 heads, nor are heads 0 and 1 of 8. */
static void test_pipeline_set_patterns__refuses_a_shard(void **state) {
    static const uint32_t first_heads[] = {2, 0};
    static const char *const texts[] = {"heads 2 to 3 of 8", "heads 0 to 1 of 8"};
    sparsed_context *context = *state;
    attention_case cases[LAYERS];
    new_cases(cases, SPARSED_MODE_PAPER);
    sparsed_pipeline *from = built_pipeline(context, cases);
    sparsed_pipeline *to = pipeline_of(context, cases, "ss");
    for (size_t i = 0; i < 2; i++) {
        sparsed_pattern_set *set = shard_of(context, from, first_heads[i], 8);
        sparsed_pattern *pattern;
        sparsed_status status = sparsed_pipeline_set_patterns(to, set, SPARSED_ANY_STEP);
        assert_context_error(context, status, SPARSED_E_MISMATCH, texts[i]);
        assert_context_error(context, status, SPARSED_E_MISMATCH, "sparsed_pipeline_set_pattern");
        /* The way that the message points to. */
        assert_int_equal(sparsed_pattern_set_get(set, 1, &pattern, NULL), SPARSED_OK);
        assert_int_equal(sparsed_pipeline_set_pattern(to, 1, pattern), SPARSED_OK);
        sparsed_pattern_release(pattern);
        sparsed_pattern_set_release(set);
    }
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(to);
    free_cases(cases);
}

/* Runs may be shorter than the plan: what one of them built serves another one, from a file too. */
static void check_shorter_run(sparsed_context *context, const char *path, uint32_t flags,
                              uint64_t q_start) {
    attention_case c = {.desc = case_desc(1, 2, 1, 16, 100),
                        .select = case_select(SPARSED_MODE_PAPER, 32, 16, 30, 0.3)};
    float first[2 * 30 * 16];
    c.desc.q_len = 40;
    c.desc.flags = flags;
    c.desc.q_start = q_start;
    case_prepare(&c, 3);
    c.io.q_len = 30;
    c.io.kv_len = 80;
    sparsed_pipeline *from = new_pipeline(context, &c.desc, &c.select, "Ds", 1);
    sparsed_pipeline *to = new_pipeline(context, &c.desc, &c.select, "ss", 1);
    attend(from, &c, 0, 0);
    sparsed_pattern_set *set = patterns_of(context, from);
    attend(from, &c, 1, 0);
    memcpy(first, c.out.memory, sizeof first);
    assert_int_equal(sparsed_pattern_set_save(set, path, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    assert_int_equal(sparsed_pattern_set_load(path, NULL, &set, NULL), SPARSED_OK);
    if (sparsed_pipeline_set_patterns(to, set, SPARSED_ANY_STEP) != SPARSED_OK)
        fail_msg("%s", sparsed_context_error(context));
    attend(to, &c, 0, 0);
    assert_memory_equal(first, c.out.memory, sizeof first);
    c.io.kv_len = 79;
    assert_context_error(context, sparsed_pipeline_attend(to, 1, 0, &c.io), SPARSED_E_MISMATCH,
                         "kv_len is 80");
    /* What is no run of the plan is refused at once. */
    sparsed_select select = c.select;
    select.gen_len = 90;
    expect_mismatch(context, set, &c.desc, &select, 1, "gen_len", "30", "90");
    c.desc.flags = SPARSED_DESC_Q_START;
    c.desc.q_start = 60;
    expect_mismatch(context, set, &c.desc, &c.select, 1, "q_start", "in the set", "60");
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(to);
    case_free(&c);
}

static void test_pipeline_set_patterns__of_a_shorter_run(void **state) {
    const char *path = test_folder_path(*state, "short.spdp");
    void *context;
    assert_int_equal(open_default_context(&context), 0);
    check_shorter_run(context, path, 0, 0);
    check_shorter_run(context, path, SPARSED_DESC_Q_START, 45);
    sparsed_context_destroy(context);
}

/* A refused set leaves the patterns that were there. */
static void test_pipeline_set_patterns__keeps_the_old_ones_if_it_fails(void **state) {
    sparsed_context *context = *state;
    static float before[LAYERS][OUT_FLOATS], after[LAYERS][OUT_FLOATS];
    attention_case cases[LAYERS];
    new_cases(cases, SPARSED_MODE_PAPER);
    sparsed_pipeline *pipeline = built_pipeline(context, cases);
    attention_case other = new_case(SPARSED_MODE_PAPER, 77);
    other.select.gen_len = 29;
    sparsed_pipeline *from = pipeline_of(context, &other, "Dsss");
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        attend(from, &other, 0, layer);
    sparsed_pattern_set *set = patterns_of(context, from);
    run_sparse(pipeline, cases, 2, before);
    assert_context_error(context, sparsed_pipeline_set_patterns(pipeline, set, SPARSED_ANY_STEP),
                         SPARSED_E_MISMATCH, "gen_len");
    run_sparse(pipeline, cases, 3, after);
    assert_memory_equal(before, after, sizeof before);
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(pipeline);
    case_free(&other);
    free_cases(cases);
}

/* A set of two steps: one of them is asked for. */
static void test_pipeline_set_patterns__takes_the_step_asked_for(void **state) {
    sparsed_context *context = *state;
    attention_case early = new_case(SPARSED_MODE_PAPER, 5), late = new_case(SPARSED_MODE_PAPER, 6);
    sparsed_pipeline *from = new_pipeline(context, &early.desc, &early.select, "DsDs", 1);
    sparsed_pipeline *to = new_pipeline(context, &early.desc, &early.select, "ss", 1);
    sparsed_pattern *patterns[2];
    const uint32_t layers[2] = {0, 0};
    sparsed_pattern_set *set;
    attend(from, &early, 0, 0);
    assert_int_equal(sparsed_pipeline_get_pattern(from, 0, &patterns[0]), SPARSED_OK);
    attend(from, &late, 2, 0);
    assert_int_equal(sparsed_pipeline_get_pattern(from, 0, &patterns[1]), SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_create(NULL, patterns, layers, 2, NULL, &set, NULL),
                     SPARSED_OK);
    assert_context_error(context, sparsed_pipeline_set_patterns(to, set, SPARSED_ANY_STEP),
                         SPARSED_E_MISMATCH, "step");
    assert_context_error(context, sparsed_pipeline_set_patterns(to, set, 1), SPARSED_E_MISMATCH,
                         "step");
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t expected[512], actual[512];
        sparsed_pattern *pattern;
        assert_true(case_block_count(&early) <= sizeof expected);
        assert_int_equal(sparsed_pipeline_set_patterns(to, set, 2 * i), SPARSED_OK);
        assert_int_equal(sparsed_pipeline_get_pattern(to, 0, &pattern), SPARSED_OK);
        assert_int_equal(sparsed_pattern_to_mask(patterns[i], expected), SPARSED_OK);
        assert_int_equal(sparsed_pattern_to_mask(pattern, actual), SPARSED_OK);
        assert_memory_equal(actual, expected, case_block_count(&early));
        sparsed_pattern_release(pattern);
        sparsed_pattern_release(patterns[i]);
    }
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(from);
    sparsed_pipeline_destroy(to);
    case_free(&early);
    case_free(&late);
}

/* ---- refusals and memory ---- */

static void test_pipeline_patterns__refuses_null_and_dense_only(void **state) {
    sparsed_context *context = *state;
    attention_case c = new_case(SPARSED_MODE_PAPER, 5);
    sparsed_pattern_set_info info = {.struct_size = 2};
    sparsed_pipeline *pipeline = pipeline_of(context, &c, "Dsss");
    sparsed_pipeline *dense = new_pipeline(context, &c.desc, NULL, "dd", 1);
    sparsed_pattern_set *set = (sparsed_pattern_set *)(void *)&c;
    assert_int_equal(sparsed_pipeline_get_patterns(NULL, NULL, &set), SPARSED_E_INVALID);
    assert_null(set);
    for (uint32_t layer = 0; layer < LAYERS; layer++)
        attend(pipeline, &c, 0, layer);
    assert_context_error(context, sparsed_pipeline_get_patterns(pipeline, NULL, NULL),
                         SPARSED_E_INVALID, "set is NULL");
    assert_context_error(context, sparsed_pipeline_get_patterns(pipeline, &info, &set),
                         SPARSED_E_INVALID, "info.struct_size is 2");
    assert_context_error(context, sparsed_pipeline_get_patterns(dense, NULL, &set), SPARSED_E_STATE,
                         "no selection");
    set = patterns_of(context, pipeline);
    assert_int_equal(sparsed_pipeline_set_patterns(NULL, set, 0), SPARSED_E_INVALID);
    assert_context_error(context, sparsed_pipeline_set_patterns(pipeline, NULL, 0),
                         SPARSED_E_INVALID, "set is NULL");
    assert_context_error(context, sparsed_pipeline_set_patterns(dense, set, 0), SPARSED_E_STATE,
                         "no selection");
    sparsed_pattern_set_release(set);
    sparsed_pipeline_destroy(pipeline);
    sparsed_pipeline_destroy(dense);
    case_free(&c);
}

static void test_pipeline_patterns__every_failing_allocation(void **state) {
    (void)state;
    counting_allocator counter = COUNTING_ALLOCATOR_INIT;
    const sparsed_allocator allocator = counting_allocator_use(&counter);
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    attention_case cases[LAYERS];
    options.allocator = &allocator;
    assert_int_equal(sparsed_context_create(&options, &context, NULL), SPARSED_OK);
    new_cases(cases, SPARSED_MODE_PAPER);
    sparsed_pipeline *pipeline = built_pipeline(context, cases);
    const size_t live = counter.live;
    sparsed_status status = SPARSED_E_NOMEM;
    size_t n = 0;
    for (; status != SPARSED_OK; n++) {
        sparsed_pattern_set *set = (sparsed_pattern_set *)&counter;
        counter.fail_at = counter.calls + n;
        status = sparsed_pipeline_get_patterns(pipeline, NULL, &set);
        if (status != SPARSED_OK) {
            assert_context_error(context, status, SPARSED_E_NOMEM, "memory");
            assert_null(set);
        }
        counter.fail_at = SIZE_MAX;
        if (status == SPARSED_OK)
            assert_int_equal(sparsed_pipeline_set_patterns(pipeline, set, 1), SPARSED_OK);
        sparsed_pattern_set_release(set);
        assert_int_equal(counter.live, live);
    }
    assert_true(n > 5);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
    assert_int_equal(counter.live, 0);
    free_cases(cases);
}

/* The set outlives pipeline and context. */
static void test_pipeline_get_patterns__set_outlives_the_context(void **state) {
    (void)state;
    attention_case cases[LAYERS];
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern *pattern;
    void *context;
    assert_int_equal(open_default_context(&context), 0);
    new_cases(cases, SPARSED_MODE_PAPER);
    sparsed_pipeline *pipeline = built_pipeline(context, cases);
    sparsed_pattern_set *set = patterns_of(context, pipeline);
    sparsed_pipeline_destroy(pipeline);
    sparsed_context_destroy(context);
    assert_int_equal(sparsed_pattern_set_describe(set, &info, NULL), SPARSED_OK);
    assert_int_equal(info.patterns, LAYERS);
    assert_int_equal(sparsed_pattern_set_get(set, 2, &pattern, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    assert_true(sparsed_pattern_count(pattern, UINT32_MAX) > 0);
    sparsed_pattern_release(pattern);
    free_cases(cases);
}

int main(void) {
    const struct CMUnitTest in_context[] = {
        cmocka_unit_test(test_pipeline_get_patterns__tells_of_the_run),
        cmocka_unit_test(test_pipeline_get_patterns__what_the_caller_says),
        cmocka_unit_test(test_pipeline_get_patterns__step_of_the_last_build),
        cmocka_unit_test(test_pipeline_get_patterns__names_a_layer_without_one),
        cmocka_unit_test(test_pipeline_get_patterns__set_outlives_the_context),
        cmocka_unit_test(test_pipeline_set_patterns__valid_rows_are_compared_when_it_runs),
        cmocka_unit_test(test_pipeline_set_patterns__names_each_mismatch),
        cmocka_unit_test(test_pipeline_set_patterns__names_q_start),
        cmocka_unit_test(test_pipeline_set_patterns__refuses_a_shard),
        cmocka_unit_test(test_pipeline_set_patterns__keeps_the_old_ones_if_it_fails),
        cmocka_unit_test(test_pipeline_set_patterns__takes_the_step_asked_for),
        cmocka_unit_test(test_pipeline_patterns__refuses_null_and_dense_only),
        cmocka_unit_test(test_pipeline_patterns__every_failing_allocation),
    };
    const struct CMUnitTest in_folder[] = {
        TEST_IN_FOLDER(test_pipeline_set_patterns__warm_run_equals_the_first),
        TEST_IN_FOLDER(test_pipeline_set_patterns__of_a_shorter_run),
    };
    int failed = cmocka_run_group_tests(in_context, open_default_context, close_default_context);
    return failed + cmocka_run_group_tests(in_folder, NULL, NULL);
}
