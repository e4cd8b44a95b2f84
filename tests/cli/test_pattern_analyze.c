/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * `sparsed pattern analyze`, the built command, on files made by hand.
 */
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
#include "picture/png.h"
#include "support/test_files.h"

enum { HEADS = 2, SIDE = 8, LAYERS = 2, STEPS = 2, VALUES = HEADS * SIDE * SIDE };

/* Head 0 looks at columns 2 and 5, head 1 at its own block and the one before; in layer 1 the
 * columns are 2 and 6 in step 9. */
static sparsed_pattern *make_pattern(uint32_t layer, uint32_t step, bool with_scores) {
    static uint8_t mask[VALUES];
    static float scores[VALUES];
    sparsed_pattern *bare, *scored;
    sparsed_pattern_info info = {.struct_size = sizeof info};
    info.batch = 1;
    info.heads = HEADS;
    info.block_q = info.block_k = 16;
    info.mode = SPARSED_MODE_JOINT;
    info.ratio = 0.25;
    info.q_len = info.kv_len = SIDE * 16;
    info.step = step;
    memset(mask, 0, sizeof mask);
    for (size_t i = 0; i < SIDE; i++) {
        size_t own = SIDE * SIDE + i * SIDE;
        mask[i * SIDE + 2] = mask[i * SIDE + (layer == 1 && step == 9 ? 6 : 5)] = 1;
        mask[own + i] = mask[own + (i ? i - 1 : 1)] = 1;
    }
    for (size_t i = 0; i < VALUES; i++)
        scores[i] = (float)mask[i];
    assert_int_equal(sparsed_pattern_from_mask(&info, mask, NULL, &bare, NULL), SPARSED_OK);
    if (!with_scores)
        return bare;
    assert_int_equal(sparsed_pattern_with_scores(bare, scores, SPARSED_F16, &scored, NULL),
                     SPARSED_OK);
    sparsed_pattern_release(bare);
    return scored;
}

/* steps: the first so many of 4 and 9. The path is valid until the next call. */
static const char *make_file(test_folder *folder, uint32_t steps, bool with_scores) {
    static const uint32_t step_numbers[STEPS] = {4, 9};
    sparsed_pattern *patterns[LAYERS * STEPS];
    uint32_t layers[LAYERS * STEPS], count = 0;
    sparsed_pattern_set *set;
    static char path[sizeof folder->joined];
    snprintf(path, sizeof path, "%s", test_folder_path(folder, "made.spdp"));
    for (uint32_t s = 0; s < steps; s++)
        for (uint32_t l = 0; l < LAYERS; l++) {
            layers[count] = l;
            patterns[count++] = make_pattern(l, step_numbers[s], with_scores);
        }
    assert_int_equal(sparsed_pattern_set_create(NULL, patterns, layers, count, NULL, &set, NULL),
                     SPARSED_OK);
    assert_int_equal(sparsed_pattern_set_save(set, path, NULL), SPARSED_OK);
    sparsed_pattern_set_release(set);
    for (uint32_t i = 0; i < count; i++)
        sparsed_pattern_release(patterns[i]);
    return path;
}

static command_words analyze_words(const char *path) {
    command_words words = {.count = 0};
    command_add(&words, "pattern");
    command_add(&words, "analyze");
    command_add(&words, path);
    return words;
}

static cJSON *analyze_json(const char *path) {
    command_words words = analyze_words(path);
    command_add(&words, "--json");
    return command_run_json(&words);
}

static const cJSON *item(const cJSON *root, const char *list, int index) {
    const cJSON *found = cJSON_GetArrayItem(json_at(root, list), index);
    assert_non_null(found);
    return found;
}

static double entry(const cJSON *root, const char *matrix, int row, int column) {
    const cJSON *found = cJSON_GetArrayItem(item(root, matrix, row), column);
    assert_true(cJSON_IsNumber(found));
    return found->valuedouble;
}

static void test_analyze_json__steps_and_scores(void **state) {
    cJSON *root = analyze_json(make_file(*state, STEPS, true));
    const cJSON *still = item(root, "per_head", 0), *diagonal = item(root, "per_head", 1);
    const cJSON *moving = item(root, "per_head", 2), *layer = item(root, "per_layer", 1);
    assert_string_equal(json_string(root, "scores"), "f16");
    assert_true(json_number(item(root, "steps", 1), "") == 9.0);
    assert_string_equal(json_string(still, "class"), "column");
    assert_string_equal(json_string(diagonal, "class"), "diagonal");
    assert_true(entry(still, "jaccard", 0, 1) == 1.0);
    assert_true(entry(moving, "jaccard", 0, 1) == 0.333333);
    assert_true(entry(moving, "retained", 0, 1) == 0.5);
    assert_true(json_number(moving, "reuse_loss") == 0.5);
    assert_true(json_number(still, "share_window") == 0.125);
    assert_true(json_number(still, "share_own") == 1.0);
    assert_true(json_number(layer, "classes.column") == 1.0);
    assert_true(json_number(root, "all.classes.diagonal") == 2.0);
    assert_true(entry(root, "all.jaccard", 1, 0) == 0.833333);
    const cJSON *least = item(root, "least_stable.retained_mean", 0);
    assert_true(json_number(least, "layer") == 1.0 && json_number(least, "head") == 0.0);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "least_stable.jaccard_mean")), 4);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "notes")), 0);
    cJSON_Delete(root);
}

static void test_analyze_json__one_step(void **state) {
    cJSON *root = analyze_json(make_file(*state, 1, true));
    const cJSON *head = item(root, "per_head", 0);
    assert_true(cJSON_IsNull(json_at(head, "jaccard_mean")));
    assert_true(cJSON_IsNull(json_at(head, "reuse_loss")));
    assert_true(json_number(head, "share_column") == 1.0);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "least_stable.jaccard_mean")), 0);
    assert_non_null(strstr(item(root, "notes", 0)->valuestring, "one step only"));
    cJSON_Delete(root);
}

static void test_analyze_json__no_scores(void **state) {
    cJSON *root = analyze_json(make_file(*state, STEPS, false));
    const cJSON *head = item(root, "per_head", 0);
    assert_true(json_number(head, "jaccard_mean") == 1.0);
    assert_true(cJSON_IsNull(json_at(head, "class")));
    assert_true(cJSON_IsNull(json_at(head, "retained")));
    assert_true(cJSON_IsNull(json_at(root, "all.classes")));
    assert_int_equal(cJSON_GetArraySize(json_at(root, "least_stable.retained_mean")), 0);
    assert_non_null(strstr(item(root, "notes", 0)->valuestring, "block scores"));
    cJSON_Delete(root);
}

static void test_analyze_json__layers_and_step(void **state) {
    command_words words = analyze_words(make_file(*state, STEPS, true));
    command_add(&words, "--json");
    command_add_option(&words, "--layers", "1");
    command_add_option(&words, "--step", "9");
    cJSON *root = command_run_json(&words);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "per_layer")), 1);
    assert_true(json_number(item(root, "per_layer", 0), "layer") == 1.0);
    assert_int_equal(cJSON_GetArraySize(json_at(root, "steps")), 1);
    cJSON_Delete(root);
}

static void test_analyze__tables(void **state) {
    command_words words = analyze_words(make_file(*state, STEPS, true));
    command_add_option(&words, "--top", "1");
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_int_equal(output.err_bytes, 0);
    assert_non_null(strstr(output.out, "2 layers x 2 heads"));
    assert_non_null(strstr(output.out, "\nsteps 4 9\n"));
    assert_non_null(strstr(output.out, "2 / 2 / 0\n"));
    const char *least = strstr(output.out, "\nLeast stable by the Jaccard index");
    assert_non_null(least);
    assert_non_null(strstr(least, "\n1     0        0.500    0.500    0.333  column\n\n"));
    command_output_free(&output);
}

static void test_analyze__counts_in_words(void **state) {
    (void)state;
    const char *path = PATTERNS_DIR "/v1/minimal.spdp";
    test_file_or_skip(path);
    const command_words words = analyze_words(path);
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    assert_non_null(strstr(output.out, "minimal.spdp: 1 layer x 1 head\n"));
    command_output_free(&output);
}

static void test_analyze__picture(void **state) {
    test_folder *folder = *state;
    const char *path = make_file(folder, STEPS, true);
    const char *picture = test_folder_path(folder, "page.png");
    size_t size;
    command_words words = analyze_words(path);
    command_add(&words, "-o");
    command_add(&words, picture);
    if (!png_available(&(tool_error){false, ""})) {
        print_message("skipped: this build writes no PNG (%s)\n", picture);
        skip();
    }
    command_output output = command_run(&words);
    assert_int_equal(output.status, 0);
    char *bytes = test_file_read(picture, &size);
    assert_true(size > 1000);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    free(bytes);
    command_output_free(&output);
}

/* One line on stderr that says `text`, nothing on stdout. */
static void assert_refused(const command_words *words, int status, const char *text) {
    command_output output = command_run(words);
    assert_int_equal(output.status, status);
    assert_int_equal(output.out_bytes, 0);
    assert_non_null(strstr(output.err, text));
    assert_ptr_equal(strchr(output.err, '\n'), output.err + output.err_bytes - 1);
    command_output_free(&output);
}

static void test_analyze__bad_words(void **state) {
    const char *path = make_file(*state, 1, true);
    command_words words = analyze_words(path);
    command_add_option(&words, "--layers", "5");
    assert_refused(&words, 1, "5");
    words = analyze_words(path);
    command_add_option(&words, "--top", "few");
    assert_refused(&words, 2, "--top is 'few'");
    words = analyze_words(path);
    command_add_option(&words, "-o", path);
    assert_refused(&words, 2, "which does not end in .png");
    words = analyze_words("no such file.spdp");
    assert_refused(&words, 1, "no such file.spdp");
    words = (command_words){.count = 0};
    command_add(&words, "pattern");
    command_add(&words, "analyze");
    assert_refused(&words, 2, "FILE");
}

static void test_analyze__steps_of_other_layers(void **state) {
    (void)state;
    command_words words = analyze_words(PATTERNS_DIR "/v1/several_steps.spdp");
    test_file_or_skip(PATTERNS_DIR "/v1/several_steps.spdp");
    assert_refused(&words, 1, "holds other layers of step");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_analyze_json__steps_and_scores),
        TEST_IN_FOLDER(test_analyze_json__one_step),
        TEST_IN_FOLDER(test_analyze_json__no_scores),
        TEST_IN_FOLDER(test_analyze_json__layers_and_step),
        TEST_IN_FOLDER(test_analyze__tables),
        cmocka_unit_test(test_analyze__counts_in_words),
        TEST_IN_FOLDER(test_analyze__picture),
        TEST_IN_FOLDER(test_analyze__bad_words),
        cmocka_unit_test(test_analyze__steps_of_other_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
