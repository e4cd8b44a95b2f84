/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/weights.c: the shards of the real models, and folders whose index is wrong.
 */
#include "dlm/weights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/test_files.h"

#define INDEX "model.safetensors.index.json"
#define SHARD "one.safetensors"

static const float values[6] = {1, 2, 3, 4, 5, 6};

/* A shard with "a" F32 [2, 3], "b" F32 [6], "i" I32 [6]. */
static void write_shard(test_folder *folder, const char *name) {
    const safetensors_tensor tensors[] = {
        {.name = "a", .rank = 2, .shape = {2, 3}, .data = values, .size_bytes = sizeof values},
        {.name = "b", .rank = 1, .shape = {6}, .data = values, .size_bytes = sizeof values},
        {.name = "i",
         .dtype = SAFETENSORS_I32,
         .rank = 1,
         .shape = {6},
         .data = values,
         .size_bytes = sizeof values}};
    tool_error error;
    assert_true(
        safetensors_write(test_folder_path(folder, name), tensors, 3, NULL, NULL, 0, &error));
}

static dlm_weights *open_dir(const char *dir) {
    tool_error error;
    dlm_weights *weights = dlm_weights_open(dir, &error);
    if (!weights) {
        fail_msg("%s", error.text);
    }
    return weights;
}

/* Opening the folder fails with one line that holds both texts. */
static void expect_refused(test_folder *folder, const char *first, const char *second) {
    tool_error error = {0};
    dlm_weights *weights = dlm_weights_open(folder->path, &error);
    if (weights) {
        dlm_weights_close(weights);
        fail_msg("was accepted, expected: %s %s", first, second);
    }
    if (!strstr(error.text, first) || !strstr(error.text, second) || strchr(error.text, '\n')) {
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.text, first, second);
    }
}

static void test_dlm_weights_get__of_three_shards(void **state) {
    (void)state;
    test_file_or_skip(MODELS_DIR "/tiny-dream/" INDEX);
    tool_error error;
    dlm_weights *weights = open_dir(MODELS_DIR "/tiny-dream");
    const safetensors_tensor *embedding =
        dlm_weights_get(weights, "model.embed_tokens.weight", 5120, 512, &error);
    assert_non_null(embedding);
    assert_int_equal(embedding->dtype, SAFETENSORS_BF16);
    for (int layer = 0; layer < 6; layer++) {
        char name[64];
        snprintf(name, sizeof name, "model.layers.%d.self_attn.k_proj.weight", layer);
        assert_non_null(dlm_weights_get(weights, name, 256, 512, &error));
        snprintf(name, sizeof name, "model.layers.%d.self_attn.k_proj.bias", layer);
        assert_non_null(dlm_weights_get(weights, name, 256, 0, &error));
    }
    dlm_weights_close(weights);
}

static void test_dlm_weights_get__of_one_file_without_index(void **state) {
    test_folder *folder = *state;
    tool_error error;
    write_shard(folder, "model.safetensors");
    dlm_weights *weights = open_dir(folder->path);
    const safetensors_tensor *a = dlm_weights_get(weights, "a", 2, 3, &error);
    assert_non_null(a);
    assert_memory_equal(a->data, values, sizeof values);
    assert_non_null(dlm_weights_get(weights, "b", 6, 0, &error));
    dlm_weights_close(weights);
}

static void test_dlm_weights_get__names_what_is_wrong(void **state) {
    test_folder *folder = *state;
    tool_error error;
    write_shard(folder, "model.safetensors");
    dlm_weights *weights = open_dir(folder->path);
    assert_null(dlm_weights_get(weights, "c", 6, 0, &error));
    assert_non_null(strstr(error.text, folder->path));
    assert_non_null(strstr(error.text, "\"c\" is missing"));
    assert_null(dlm_weights_get(weights, "a", 3, 2, &error));
    assert_non_null(strstr(error.text, folder->path));
    assert_non_null(strstr(error.text, "\"a\" is F32 [2, 3], not F32, F16 or BF16 [3, 2]"));
    assert_null(dlm_weights_get(weights, "a", 2, 4, &error));
    assert_null(dlm_weights_get(weights, "a", 6, 0, &error));
    assert_non_null(strstr(error.text, "BF16 [6]"));
    assert_null(dlm_weights_get(weights, "b", 6, 1, &error));
    assert_non_null(strstr(error.text, "\"b\" is F32 [6]"));
    assert_null(dlm_weights_get(weights, "i", 6, 0, &error));
    assert_non_null(strstr(error.text, "\"i\" is I32 [6]"));
    dlm_weights_close(weights);
}

static void test_dlm_weights_open__of_unaligned_data(void **state) {
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    unsigned char bytes[8 + sizeof header - 1 + 4] = {sizeof header - 1};
    memcpy(bytes + 8, header, sizeof header - 1);
    memcpy(bytes + 8 + sizeof header - 1, &values[2], 4);
    tool_error error;
    test_folder *folder = *state;
    test_folder_write(folder, "model.safetensors", bytes, sizeof bytes);
    dlm_weights *weights = open_dir(folder->path);
    const safetensors_tensor *a = dlm_weights_get(weights, "a", 1, 0, &error);
    assert_non_null(a);
    assert_int_not_equal((uintptr_t)a->data % 4, 0);
    assert_memory_equal(a->data, &values[2], 4);
    dlm_weights_close(weights);
}

static void test_dlm_weights_open__uses_the_index_where_there_is_one(void **state) {
    test_folder *folder = *state;
    tool_error error;
    write_shard(folder, SHARD);
    write_shard(folder, "two.safetensors");
    test_folder_write_text(folder, "model.safetensors", "not read");
    test_folder_write_text(folder, INDEX,
                           "{\"weight_map\":{\"b\":\"two.safetensors\",\"a\":\"" SHARD "\"}}");
    dlm_weights *weights = open_dir(folder->path);
    assert_non_null(dlm_weights_get(weights, "a", 2, 3, &error));
    assert_non_null(dlm_weights_get(weights, "b", 6, 0, &error));
    assert_null(dlm_weights_get(weights, "i", 6, 0, &error));
    dlm_weights_close(weights);
}

static void test_dlm_weights_open__refuses_each_defect(void **state) {
    static const struct {
        const char *index, *first, *second;
    } rows[] = {
        {"{\"weight_map\":{\"a\":\"" SHARD "\",\"c\":\"" SHARD "\"}}", "\"c\"",
         "is not in its shard \"" SHARD "\""},
        {"{\"weight_map\":{\"a\":\"none.safetensors\"}}", "none.safetensors", "cannot open"},
        {"{\"weight_map\":{\"a\":\"bad.safetensors\"}}", "bad.safetensors", "too few"},
        {"{\"weight_map\":{\"a\":\"../" SHARD "\"}}", "\"../" SHARD "\"", "not a file of this"},
        {"{\"weight_map\":{\"a\":\"x/../../" SHARD "\"}}", "\"a\"", "not a file of this"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "\"/etc/passwd\"", "not a file of this"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "\"..\"", "not a file of this"},
        {"{\"weight_map\":{\"a\":\"\"}}", "\"a\"", "not a file of this"},
        {"{\"weight_map\":{\"a\":null}}", "null", "not a file of this"},
        {"{\"weight_map\":{\"a\":7}}", "is 7", "not a file of this"},
        {"{\"weight_map\":{\"a\":\"" SHARD "\",\"a\":\"" SHARD "\"}}", INDEX, "appears twice"},
        {"{\"weight_map\":[]}", INDEX, "\"weight_map\" is not an object"},
        {"{}", INDEX, "\"weight_map\" is not an object"},
        {"{", INDEX, "not valid JSON"},
    };
    test_folder *folder = *state;
    write_shard(folder, SHARD);
    test_folder_write_text(folder, "bad.safetensors", "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_folder_write_text(folder, INDEX, rows[i].index);
        expect_refused(folder, rows[i].first, rows[i].second);
    }
    assert_int_equal(unlink(test_folder_path(folder, INDEX)), 0);
    expect_refused(folder, folder->path, "has neither");
    test_folder_write_text(folder, "model.safetensors", "");
    expect_refused(folder, "model.safetensors", "too few");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_weights_get__of_three_shards),
        TEST_IN_FOLDER(test_dlm_weights_get__of_one_file_without_index),
        TEST_IN_FOLDER(test_dlm_weights_get__names_what_is_wrong),
        TEST_IN_FOLDER(test_dlm_weights_open__of_unaligned_data),
        TEST_IN_FOLDER(test_dlm_weights_open__uses_the_index_where_there_is_one),
        TEST_IN_FOLDER(test_dlm_weights_open__refuses_each_defect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
