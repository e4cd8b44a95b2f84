/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed pattern info|diff|convert|rethreshold`, the built command, on pattern files that are
 * made here through the library, and on masks of `sparsed attend`.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sparsed/pattern.h>

#include "cli/run_command.h"
#include "json_file.h"
#include "safetensors.h"
#include "support/test_files.h"

enum { BATCH = 2, HEADS = 2, LEN = 120, BLOCK = 16, BLOCKS = 8, LAYERS = 2 };
enum { CELLS = BATCH * HEADS * BLOCKS * BLOCKS };

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void check(sparsed_status status, const sparsed_message *message) {
    if (status != SPARSED_OK)
        fail_msg("%d: %s", status, message->text);
}

static void assert_near(double actual, double expected) {
    if (!(fabs(actual - expected) < 1e-12))
        fail_msg("%.17g, not %.17g", actual, expected);
}

/* ---- files -------------------------------------------------------------------------------- */

static sparsed_pattern_info make_info(uint32_t step) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = BATCH,
                                  .heads = HEADS,
                                  .block_q = BLOCK,
                                  .block_k = BLOCK,
                                  .mode = SPARSED_MODE_UPSTREAM_DREAM,
                                  .flags = SPARSED_SELECT_KEEP_DIAGONAL,
                                  .score_reduce = SPARSED_REDUCE_MAX,
                                  .always_first = 1,
                                  .step = step,
                                  .q_len = LEN,
                                  .kv_len = LEN,
                                  .gen_len = 40,
                                  .ratio = 0.4,
                                  .score_scale = 0.1234567890123,
                                  .kv_heads = 1,
                                  .head_dim = 64,
                                  .score_heads = 2,
                                  .dtype = SPARSED_BF16};
}

/* Scores of both rankings; equal for equal seeds. */
static void make_scores(uint32_t seed, float scores[2 * CELLS]) {
    memset(scores, 0, 2 * CELLS * sizeof *scores);
    for (size_t i = 0; i < 2 * CELLS; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (i < CELLS || i % BLOCKS >= 5)
            scores[i] = (float)(seed >> 8) * 0x1p-24f;
    }
}

/* A pattern that its own scores give. */
static sparsed_pattern *make_pattern(uint32_t layer, uint32_t step, uint32_t score_dtype,
                                     double ratio) {
    static const uint8_t nothing[CELLS] = {0};
    const sparsed_pattern_info info = make_info(step);
    float scores[2 * CELLS];
    sparsed_pattern *bare, *scored, *chosen, *result;
    sparsed_message message;
    make_scores(layer * 100 + step, scores);
    check(sparsed_pattern_from_mask(&info, nothing, NULL, &bare, &message), &message);
    check(sparsed_pattern_with_scores(bare, scores, SPARSED_F32, &scored, &message), &message);
    check(sparsed_pattern_rethreshold(scored, &ratio, 1, &chosen, &message), &message);
    check(sparsed_pattern_with_scores(chosen, score_dtype ? scores : NULL, score_dtype, &result,
                                      &message),
          &message);
    sparsed_pattern_release(bare);
    sparsed_pattern_release(scored);
    sparsed_pattern_release(chosen);
    return result;
}

/* Layers 0 and 1 of n steps, at the path. */
static void make_file(const char *path, const uint32_t *steps, size_t n, uint32_t score_dtype,
                      double ratio) {
    sparsed_pattern *patterns[16];
    uint32_t layers[16], count = 0;
    sparsed_pattern_set *set;
    sparsed_message message;
    const sparsed_pattern_set_info info = {.struct_size = sizeof info,
                                           .model_layers = LAYERS,
                                           .first_head = 3,
                                           .model_heads = 8,
                                           .steps = 32,
                                           .skip = 0.2,
                                           .schedule = "upstream",
                                           .tag = "a \"tag\" \xc3\xa4",
                                           .model = {1, 2},
                                           .prompt = {3, UINT64_MAX}};
    for (size_t s = 0; s < n; s++)
        for (uint32_t layer = 0; layer < LAYERS; layer++) {
            layers[count] = layer;
            patterns[count++] = make_pattern(layer, steps[s], score_dtype, ratio);
        }
    check(sparsed_pattern_set_create(&info, patterns, layers, count, NULL, &set, &message),
          &message);
    check(sparsed_pattern_set_save(set, path, &message), &message);
    sparsed_pattern_set_release(set);
    while (count > 0)
        sparsed_pattern_release(patterns[--count]);
}

static const uint32_t one_step[] = {7}, three_steps[] = {2, 7, 11};

/* Paths in the test's folder, each in memory of its own. */
typedef struct paths {
    char a[512], b[512], c[512];
} paths;

static paths make_paths(void **state, const char *a, const char *b, const char *c) {
    paths p;
    test_folder *folder = *state;
    snprintf(p.a, sizeof p.a, "%s", test_folder_path(folder, a));
    snprintf(p.b, sizeof p.b, "%s", test_folder_path(folder, b));
    snprintf(p.c, sizeof p.c, "%s", test_folder_path(folder, c));
    return p;
}

/* ---- the command -------------------------------------------------------------------------- */

static command_words words_of(const char *const *more) {
    command_words words = {.count = 0};
    command_add(&words, "pattern");
    for (; *more; more++)
        command_add(&words, *more);
    return words;
}

static cJSON *run_json(const char *const *more) {
    command_words words = words_of(more);
    command_add(&words, "--json");
    return command_run_json(&words);
}

/* Quiet success. */
static void run_quietly(const char *const *more) {
    const command_words words = words_of(more);
    command_output output = command_run(&words);
    if (output.status != 0)
        fail_msg("exit code %d: %s", output.status, output.err);
    assert_string_equal(output.err, "");
    assert_string_equal(output.out, "");
    command_output_free(&output);
}

static sparsed_pattern_set *load(const char *path) {
    sparsed_pattern_set *set;
    sparsed_message message;
    check(sparsed_pattern_set_load(path, NULL, &set, &message), &message);
    return set;
}

/* Everything but the creator, the tag and the score type is equal. */
static void assert_same_info(const char *path_a, const char *path_b) {
    sparsed_pattern_set *a = load(path_a), *b = load(path_b);
    sparsed_pattern_set_info of_a = {.struct_size = sizeof of_a}, of_b = of_a;
    sparsed_pattern_info shared_a = {.struct_size = sizeof shared_a}, shared_b = shared_a;
    sparsed_pattern_set_describe(a, &of_a, &shared_a);
    sparsed_pattern_set_describe(b, &of_b, &shared_b);
    assert_memory_equal(&shared_a, &shared_b, sizeof shared_a);
    assert_string_equal(of_a.schedule, of_b.schedule);
    of_a.schedule = of_b.schedule = of_a.creator = of_b.creator = of_a.tag = of_b.tag = NULL;
    assert_memory_equal(&of_a, &of_b, sizeof of_a);
    sparsed_pattern_set_release(a);
    sparsed_pattern_set_release(b);
}

/* Both files have pattern i of each, with the same blocks and, wanted, the same scores. */
static void assert_same_pattern(const sparsed_pattern_set *a, uint32_t i,
                                const sparsed_pattern_set *b, uint32_t j, bool scores) {
    sparsed_pattern_entry of_a = {.struct_size = sizeof of_a}, of_b = of_a;
    sparsed_pattern *p, *q;
    sparsed_message message;
    uint8_t mask_p[CELLS], mask_q[CELLS];
    check(sparsed_pattern_set_entry(a, i, &of_a), &message);
    check(sparsed_pattern_set_entry(b, j, &of_b), &message);
    assert_int_equal(of_a.layer, of_b.layer);
    assert_int_equal(of_a.step, of_b.step);
    assert_true(of_a.ratio == of_b.ratio);
    if (scores)
        assert_int_equal(of_a.score_dtype, of_b.score_dtype);
    check(sparsed_pattern_set_get(a, i, &p, &message), &message);
    check(sparsed_pattern_set_get(b, j, &q, &message), &message);
    sparsed_pattern_to_mask(p, mask_p);
    sparsed_pattern_to_mask(q, mask_q);
    assert_memory_equal(mask_p, mask_q, CELLS);
    for (uint32_t r = 0; r < 2 * BATCH * HEADS * BLOCKS && scores; r++) {
        float row_p[BLOCKS], row_q[BLOCKS];
        const uint32_t row = r / 2;
        assert_int_equal(sparsed_pattern_scores(p, r % 2, row / (HEADS * BLOCKS),
                                                row / BLOCKS % HEADS, row % BLOCKS, row_p),
                         SPARSED_OK);
        assert_int_equal(sparsed_pattern_scores(q, r % 2, row / (HEADS * BLOCKS),
                                                row / BLOCKS % HEADS, row % BLOCKS, row_q),
                         SPARSED_OK);
        assert_memory_equal(row_p, row_q, sizeof row_p);
    }
    sparsed_pattern_release(p);
    sparsed_pattern_release(q);
}

static void assert_same_file(const char *path_a, const char *path_b, uint32_t count, bool scores) {
    sparsed_pattern_set *a = load(path_a), *b = load(path_b);
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_set_describe(b, &info, NULL);
    assert_int_equal(info.patterns, count);
    for (uint32_t i = 0; i < count; i++)
        assert_same_pattern(a, i, b, i, scores);
    sparsed_pattern_set_release(a);
    sparsed_pattern_set_release(b);
    assert_same_info(path_a, path_b);
}

/* ---- info --------------------------------------------------------------------------------- */

static void test_pattern_info__tells_all_that_the_file_says(void **state) {
    const paths p = make_paths(state, "a.spdp", "b", "c");
    make_file(p.a, one_step, 1, SPARSED_F16, 0.4);
    cJSON *root = run_json(WORDS("info", p.a));
    assert_string_equal(json_string(root, "file"), p.a);
    assert_string_equal(json_string(root, "built_for.mode"), "upstream-dream");
    assert_true(json_number(root, "built_for.ratio") == 0.4);
    assert_true(json_number(root, "built_for.score_scale") == 0.1234567890123);
    assert_string_equal(json_string(root, "built_for.score_reduce"), "max");
    assert_true(cJSON_IsTrue(json_at(root, "built_for.keep_diagonal")));
    assert_true(cJSON_IsFalse(json_at(root, "built_for.keep_generation")));
    assert_true(cJSON_IsFalse(json_at(root, "built_for.head_ratios")));
    assert_true(cJSON_IsNull(json_at(root, "built_for.window")));
    assert_int_equal(json_number(root, "built_for.keep_first"), 1);
    assert_int_equal(json_number(root, "built_for.q_len"), LEN);
    assert_int_equal(json_number(root, "built_for.gen_length"), 40);
    assert_int_equal(json_number(root, "built_for.first_head"), 3);
    assert_int_equal(json_number(root, "built_for.model_heads"), 8);
    assert_int_equal(json_number(root, "built_for.kv_heads"), 1);
    assert_string_equal(json_string(root, "built_for.dtype"), "bf16");
    assert_int_equal(json_number(root, "built_for.model_layers"), LAYERS);
    assert_int_equal(json_number(root, "built_for.steps"), 32);
    assert_true(json_number(root, "built_for.skip") == 0.2);
    assert_string_equal(json_string(root, "built_for.schedule"), "upstream");
    assert_string_equal(json_string(root, "built_for.tag"), "a \"tag\" \xc3\xa4");
    assert_string_equal(json_string(root, "built_for.model"), "00000000000000020000000000000001");
    assert_string_equal(json_string(root, "built_for.prompt"), "ffffffffffffffff0000000000000003");
    assert_int_equal(cJSON_GetArraySize(json_at(root, "batches")), BATCH);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "patterns")), LAYERS);
    cJSON_Delete(root);
}

/* The measures of a head are those of its pattern; the layer's, their means and sum. */
static void test_pattern_info__measures_layers_and_heads(void **state) {
    const paths p = make_paths(state, "a.spdp", "b", "c");
    make_file(p.a, three_steps, 3, SPARSED_F32, 0.4);
    cJSON *root = run_json(WORDS("info", p.a));
    const cJSON *item, *head;
    uint32_t i = 0;
    cJSON_ArrayForEach(item, json_at(root, "patterns")) {
        const uint32_t layer = i % LAYERS, step = three_steps[i / LAYERS];
        sparsed_pattern *pattern = make_pattern(layer, step, 0, 0.4);
        double density = 0.0;
        uint32_t h = 0;
        assert_int_equal(json_number(item, "layer"), layer);
        assert_int_equal(json_number(item, "step"), step);
        assert_string_equal(json_string(item, "scores"), "f32");
        cJSON_ArrayForEach(head, json_at(item, "heads")) {
            assert_int_equal(json_number(head, "head"), h);
            assert_int_equal(json_number(head, "kept_blocks"), sparsed_pattern_count(pattern, h));
            assert_near(json_number(head, "density"), sparsed_pattern_density(pattern, h));
            density += sparsed_pattern_density(pattern, h++) / HEADS;
        }
        assert_int_equal(h, HEADS);
        assert_int_equal(json_number(item, "kept_blocks"),
                         sparsed_pattern_count(pattern, UINT32_MAX));
        assert_near(json_number(item, "density"), density);
        sparsed_pattern_release(pattern);
        i++;
    }
    assert_int_equal(i, 3 * LAYERS);
    cJSON_Delete(root);
}

static void test_pattern_info__takes_layers_and_a_step(void **state) {
    const paths p = make_paths(state, "a.spdp", "b", "c");
    make_file(p.a, three_steps, 3, 0, 0.4);
    cJSON *root = run_json(WORDS("info", p.a, "--layers", "1", "--step", "11", "--summary"));
    const cJSON *patterns = json_at(root, "patterns"), *item = patterns->child;
    assert_int_equal(cJSON_GetArraySize(patterns), 1);
    assert_int_equal(json_number(item, "layer"), 1);
    assert_int_equal(json_number(item, "step"), 11);
    assert_null(cJSON_GetObjectItem(item, "heads"));
    cJSON_Delete(root);
}

/* Lines of text that begin as a table's do, and hold the word in their columns. */
static int count_lines(const char *text, const char *word) {
    int count = 0;
    for (const char *line = strstr(text, "entropy"); line && (line = strchr(line, '\n')); count++) {
        const char *end = strchr(++line, '\n');
        const char *at = strstr(line, word);
        count -= !(at && end && at < end);
    }
    return count;
}

static void test_pattern_info__prints_a_table(void **state) {
    const paths p = make_paths(state, "a.spdp", "b", "c");
    make_file(p.a, three_steps, 3, 0, 0.4);
    const command_words words = words_of(WORDS("info", p.a));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "upstream-dream"));
    assert_non_null(strstr(output.out, "   step  layer   head"));
    assert_int_equal(count_lines(output.out, "all"), 3 * LAYERS);
    assert_int_equal(count_lines(output.out, "none"), 3 * LAYERS * (HEADS + 1));
    command_output_free(&output);
}

/* A file whose heads were chosen with 0.125, 0.25, 0.5 and 1. */
#define HEAD_RATIOS PATTERNS_DIR "/v1/head_ratios.spdp"
static const double head_ratios[4] = {0.125, 0.25, 0.5, 1.0};

static void assert_head_ratios(const cJSON *list) {
    assert_int_equal(cJSON_GetArraySize(list), 4);
    for (int h = 0; h < 4; h++)
        assert_true(cJSON_GetArrayItem(list, h)->valuedouble == head_ratios[h]);
}

static void test_pattern_info__tells_the_ratio_of_each_head(void **state) {
    (void)state;
    test_file_or_skip(HEAD_RATIOS);
    cJSON *root = run_json(WORDS("info", HEAD_RATIOS));
    const cJSON *pattern = json_at(root, "patterns")->child, *head;
    int h = 0;
    assert_true(json_number(pattern, "ratio") == 0.46875);
    cJSON_ArrayForEach(head, json_at(pattern, "heads"))
        assert_true(json_number(head, "ratio") == head_ratios[h++]);
    assert_int_equal(h, 4);
    cJSON_Delete(root);
    const command_words words = words_of(WORDS("info", HEAD_RATIOS));
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    for (h = 0; h < 4; h++) {
        char line[64];
        snprintf(line, sizeof line, "%9g     f32\n", head_ratios[h]);
        assert_non_null(strstr(output.out, line));
    }
    assert_non_null(strstr(output.out, "  0.46875     f32\n"));
    command_output_free(&output);
}

/* ---- diff --------------------------------------------------------------------------------- */

static void test_pattern_diff__of_a_file_with_itself(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c");
    make_file(p.a, three_steps, 3, SPARSED_F16, 0.4);
    make_file(p.b, three_steps, 3, SPARSED_F32, 0.4);
    cJSON *root = run_json(WORDS("diff", p.a, p.b));
    assert_true(cJSON_IsTrue(json_at(root, "same_blocks")));
    assert_int_equal(cJSON_GetArraySize(json_at(root, "built_for_differs")), 0);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "patterns")), 3 * LAYERS);
    assert_true(json_number(root, "all.jaccard") == 1.0);
    assert_int_equal(json_number(root, "all.real"), 0);
    cJSON_Delete(root);
}

static void test_pattern_diff__tells_fields_and_blocks(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c");
    make_file(p.a, one_step, 1, 0, 0.2);
    make_file(p.b, one_step, 1, SPARSED_F32, 0.6);
    cJSON *root = run_json(WORDS("diff", p.a, p.b, "--tolerance", "0"));
    const cJSON *item, *head;
    uint32_t layer = 0;
    assert_true(cJSON_IsFalse(json_at(root, "same_blocks")));
    assert_int_equal(cJSON_GetArraySize(json_at(root, "built_for_differs")), 1);
    assert_true(json_number(root, "built_for_differs.ratio.a") == 0.2);
    assert_true(json_number(root, "built_for_differs.ratio.b") == 0.6);
    assert_int_equal(json_number(root, "all.only_a"), 0);
    assert_true(json_number(root, "all.real") + json_number(root, "all.ties") ==
                json_number(root, "all.only_b"));
    cJSON_ArrayForEach(item, json_at(root, "patterns")) {
        sparsed_pattern *a = make_pattern(layer, 7, 0, 0.2), *b = make_pattern(layer, 7, 0, 0.6);
        uint32_t h = 0;
        assert_string_equal(json_string(item, "scores_of"), "B");
        cJSON_ArrayForEach(head, json_at(item, "heads")) {
            double jaccard;
            assert_int_equal(sparsed_pattern_jaccard(a, b, h++, &jaccard, NULL), SPARSED_OK);
            assert_true(jaccard < 1.0);
            assert_near(json_number(head, "jaccard"), jaccard);
        }
        sparsed_pattern_release(a);
        sparsed_pattern_release(b);
        layer++;
    }
    assert_int_equal(layer, LAYERS);
    cJSON_Delete(root);
}

/* Two builds at one ratio, from f32 and from f16 scores: what they differ in are ties. */
static void test_pattern_diff__of_rounded_scores_finds_ties_only(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c.spdp");
    make_file(p.a, three_steps, 3, SPARSED_F32, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--scores", "f16"));
    run_quietly(WORDS("rethreshold", p.b, "-o", p.c, "--select", "0.4"));
    cJSON *root = run_json(WORDS("diff", p.a, p.c));
    assert_int_equal(json_number(root, "all.real"), 0);
    assert_true(json_number(root, "all.jaccard") > 0.98);
    cJSON_Delete(root);
}

static void test_pattern_diff__pairs_by_layer_or_by_step(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c.spdp");
    make_file(p.a, three_steps, 3, 0, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--steps", "7", "--layers", "1"));
    cJSON *root = run_json(WORDS("diff", p.a, p.b));
    assert_int_equal(cJSON_GetArraySize(json_at(root, "patterns")), 1);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "only_in_a")), 5);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "only_in_b")), 0);
    assert_true(json_number(root, "all.jaccard") == 1.0);
    assert_true(cJSON_IsFalse(json_at(root, "same_blocks")));
    cJSON_Delete(root);
    /* One step on either side: by layer, whatever the steps. */
    run_quietly(WORDS("convert", p.a, "-o", p.c, "--steps", "2"));
    root = run_json(WORDS("diff", p.b, p.c));
    assert_int_equal(cJSON_GetArraySize(json_at(root, "patterns")), 1);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "only_in_b")), 1);
    assert_int_equal(json_number(json_at(root, "patterns")->child, "step_b"), 2);
    cJSON_Delete(root);
}

/* ---- convert ------------------------------------------------------------------------------ */

static void test_pattern_convert__to_safetensors_and_back(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.safetensors", "c.spdp");
    const uint32_t dtypes[] = {0, SPARSED_F16, SPARSED_F32};
    for (size_t i = 0; i < 3; i++) {
        make_file(p.a, three_steps, 3, dtypes[i], 0.4);
        run_quietly(WORDS("convert", p.a, "-o", p.b));
        run_quietly(WORDS("convert", p.b, "-o", p.c));
        assert_same_file(p.a, p.c, 3 * LAYERS, dtypes[i] != 0);
        cJSON *root = run_json(WORDS("diff", p.a, p.c));
        assert_true(cJSON_IsTrue(json_at(root, "same_blocks")));
        assert_int_equal(cJSON_GetArraySize(json_at(root, "built_for_differs")), 0);
        cJSON_Delete(root);
    }
}

static void test_pattern_convert__writes_tensors_as_specified(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.safetensors", "c");
    tool_error error;
    uint8_t mask[CELLS];
    make_file(p.a, one_step, 1, SPARSED_F32, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b));
    safetensors_file *file = safetensors_open(p.b, &error);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), 2 * LAYERS);
    const safetensors_tensor *t = safetensors_find(file, "step.7.layer.1.block_mask");
    assert_non_null(t);
    assert_int_equal(t->dtype, SAFETENSORS_U8);
    assert_memory_equal(t->shape, ((const uint64_t[]){BATCH, HEADS, BLOCKS, BLOCKS}),
                        4 * sizeof *t->shape);
    sparsed_pattern *pattern = make_pattern(1, 7, 0, 0.4);
    sparsed_pattern_to_mask(pattern, mask);
    assert_memory_equal(t->data, mask, CELLS);
    t = safetensors_find(file, "step.7.layer.1.block_scores");
    assert_non_null(t);
    assert_int_equal(t->dtype, SAFETENSORS_F32);
    assert_memory_equal(t->shape, ((const uint64_t[]){2, BATCH, HEADS, BLOCKS, BLOCKS}),
                        5 * sizeof *t->shape);
    assert_string_equal(safetensors_metadata(file, "format"), "sparsed pattern 1");
    assert_string_equal(safetensors_metadata(file, "score_scale"), "0.1234567890123");
    assert_string_equal(safetensors_metadata(file, "step.7.layer.1.ratio"), "0.4");
    sparsed_pattern_release(pattern);
    safetensors_close(file);
}

static void test_pattern_convert__writes_csr(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.json", "c");
    tool_error error;
    uint8_t mask[CELLS];
    make_file(p.a, three_steps, 3, SPARSED_F32, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--steps", "7,11", "--layers", "1"));
    cJSON *root = json_file_read(p.b, 1 << 20, &error);
    if (!root)
        fail_msg("%s", error.text);
    assert_string_equal(json_string(root, "format"), "sparsed pattern 1");
    assert_int_equal(cJSON_GetArraySize(json_at(root, "patterns")), 2);
    const cJSON *item = cJSON_GetArrayItem(json_at(root, "patterns"), 1);
    sparsed_pattern *pattern = make_pattern(1, 11, 0, 0.4);
    sparsed_pattern_to_mask(pattern, mask);
    assert_int_equal(json_number(item, "step"), 11);
    assert_int_equal(json_number(item, "layer"), 1);
    assert_int_equal(json_number(item, "kept_blocks"), sparsed_pattern_count(pattern, UINT32_MAX));
    const cJSON *start = json_at(item, "row_starts")->child;
    const cJSON *block = json_at(item, "blocks")->child;
    for (int row = 0, at = 0; row < CELLS / BLOCKS; row++, start = start->next) {
        assert_int_equal(start->valuedouble, at);
        for (int j = 0; j < BLOCKS; j++)
            if (mask[row * BLOCKS + j]) {
                assert_non_null(block);
                assert_int_equal(block->valuedouble, j);
                block = block->next;
                at++;
            }
        assert_non_null(start->next);
        assert_int_equal(start->next->valuedouble, at);
    }
    assert_null(block);
    sparsed_pattern_release(pattern);
    cJSON_Delete(root);
}

static void test_pattern_convert__tells_the_ratio_of_each_head(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.json", "c");
    tool_error error;
    test_file_or_skip(HEAD_RATIOS);
    run_quietly(WORDS("convert", HEAD_RATIOS, "-o", p.b));
    cJSON *root = json_file_read(p.b, 1 << 20, &error);
    assert_non_null(root);
    assert_head_ratios(json_at(json_at(root, "patterns")->child, "head_ratios"));
    cJSON_Delete(root);
    make_file(p.a, one_step, 1, 0, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b));
    root = json_file_read(p.b, 1 << 20, &error);
    assert_non_null(root);
    assert_true(cJSON_IsNull(json_at(json_at(root, "patterns")->child, "head_ratios")));
    cJSON_Delete(root);
}

static void test_pattern_convert__drops_narrows_and_tags(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c.spdp");
    make_file(p.a, one_step, 1, SPARSED_F32, 0.4);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--scores", "f16", "--tag", "another"));
    make_file(p.c, one_step, 1, SPARSED_F16, 0.4);
    assert_same_file(p.b, p.c, LAYERS, true);
    cJSON *root = run_json(WORDS("info", p.b));
    assert_string_equal(json_string(root, "built_for.tag"), "another");
    assert_string_equal(json_string(json_at(root, "patterns")->child, "scores"), "f16");
    cJSON_Delete(root);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--scores", "none"));
    assert_same_file(p.a, p.b, LAYERS, false);
    root = run_json(WORDS("info", p.b));
    assert_string_equal(json_string(json_at(root, "patterns")->child, "scores"), "none");
    cJSON_Delete(root);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--scores", "f32"));
    assert_same_file(p.a, p.b, LAYERS, true);
}

/* What `sparsed attend` chose, as a pattern file. */
static void test_pattern_convert__takes_the_mask_of_attend(void **state) {
    const paths p = make_paths(state, "a.safetensors", "b.spdp", "c");
    const char *input = GOLDEN_DIR "/attend_small/a2_llada_b16.safetensors";
    command_words words = {.count = 0};
    test_file_or_skip(input);
    command_add(&words, "attend");
    command_add_option(&words, "--input", input);
    command_add_option(&words, "--output", p.a);
    command_add_option(&words, "--mode", "paper");
    command_add_option(&words, "--block-size", "16");
    command_add_option(&words, "--gen-length", "70");
    command_add(&words, "--json");
    cJSON *attend = command_run_json(&words);
    run_quietly(WORDS("convert", p.a, "-o", p.b, "--length", "250", "--gen-length", "70",
                      "--block-size", "16", "--tag", "from attend"));
    cJSON *info = run_json(WORDS("info", p.b));
    const cJSON *pattern = json_at(info, "patterns")->child;
    assert_true(json_number(pattern, "density") > 0.0);
    assert_int_equal(json_number(pattern, "kept_blocks"), json_number(attend, "kept_blocks"));
    assert_near(json_number(pattern, "density"), json_number(attend, "density"));
    assert_true(cJSON_IsNull(json_at(info, "built_for.mode")));
    assert_int_equal(json_number(info, "built_for.gen_length"), 70);
    cJSON_Delete(attend);
    cJSON_Delete(info);
}

/* ---- rethreshold -------------------------------------------------------------------------- */

static void test_pattern_rethreshold__gives_what_a_direct_build_gives(void **state) {
    const paths p = make_paths(state, "a.spdp", "b.spdp", "c.spdp");
    make_file(p.a, three_steps, 3, SPARSED_F32, 0.4);
    make_file(p.b, three_steps, 3, SPARSED_F32, 0.75);
    run_quietly(WORDS("rethreshold", p.a, "--output", p.c, "--select", "0.75"));
    sparsed_pattern_set *b = load(p.b), *c = load(p.c);
    for (uint32_t i = 0; i < 3 * LAYERS; i++)
        assert_same_pattern(b, i, c, i, true);
    sparsed_pattern_set_release(b);
    sparsed_pattern_set_release(c);
    assert_same_info(p.b, p.c);
    assert_int_equal(test_folder_count(*state, ""), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_pattern_info__tells_all_that_the_file_says),
        TEST_IN_FOLDER(test_pattern_info__measures_layers_and_heads),
        TEST_IN_FOLDER(test_pattern_info__takes_layers_and_a_step),
        TEST_IN_FOLDER(test_pattern_info__prints_a_table),
        cmocka_unit_test(test_pattern_info__tells_the_ratio_of_each_head),
        TEST_IN_FOLDER(test_pattern_diff__of_a_file_with_itself),
        TEST_IN_FOLDER(test_pattern_diff__tells_fields_and_blocks),
        TEST_IN_FOLDER(test_pattern_diff__of_rounded_scores_finds_ties_only),
        TEST_IN_FOLDER(test_pattern_diff__pairs_by_layer_or_by_step),
        TEST_IN_FOLDER(test_pattern_convert__to_safetensors_and_back),
        TEST_IN_FOLDER(test_pattern_convert__writes_tensors_as_specified),
        TEST_IN_FOLDER(test_pattern_convert__writes_csr),
        TEST_IN_FOLDER(test_pattern_convert__tells_the_ratio_of_each_head),
        TEST_IN_FOLDER(test_pattern_convert__drops_narrows_and_tags),
        TEST_IN_FOLDER(test_pattern_convert__takes_the_mask_of_attend),
        TEST_IN_FOLDER(test_pattern_rethreshold__gives_what_a_direct_build_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
