/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/config.c: the two real configurations, and each of them with one key changed.
 */
#include "dlm/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "support/test_files.h"

#define DREAM_DIR MODELS_DIR "/tiny-dream"
#define LLADA_DIR GOLDEN_DIR "/llada-tiny"

/* One change of a JSON object: a key and its new value as JSON; NULL removes the key. */
typedef struct change {
    const char *key, *value;
} change;

/* Copies DIR/NAME into the folder with changes; text: what the error says, NULL if there is none.
 */
static void write_changed(test_folder *folder, const char *dir, const char *name,
                          const change *changes, size_t n) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    char *text = test_file_read(path, NULL);
    cJSON *root = cJSON_Parse(text);
    free(text);
    assert_non_null(root);
    for (size_t i = 0; i < n; i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(root, changes[i].key);
        if (changes[i].value) {
            cJSON *value = cJSON_Parse(changes[i].value);
            assert_non_null(value);
            cJSON_AddItemToObject(root, changes[i].key, value);
        }
    }
    text = cJSON_Print(root);
    test_folder_write_text(folder, name, text);
    cJSON_free(text);
    cJSON_Delete(root);
}

/* Loading the folder fails with one line that holds both texts. */
static void expect_refused(test_folder *folder, const char *first, const char *second) {
    dlm_config config;
    tool_error error = {0};
    if (dlm_config_load(folder->path, &config, &error)) {
        dlm_config_free(&config);
        fail_msg("was accepted, expected: %s %s", first, second);
    }
    if (!strstr(error.text, folder->path) || !strstr(error.text, first) ||
        !strstr(error.text, second) || strchr(error.text, '\n')) {
        fail_msg("\"%s\" does not say \"%s\" and \"%s\"", error.text, first, second);
    }
    assert_null(config.prompt_prefix);
}

static void load_folder(test_folder *folder, dlm_config *config) {
    tool_error error;
    if (!dlm_config_load(folder->path, config, &error)) {
        fail_msg("%s", error.text);
    }
}

static void test_dlm_config_load__dream(void **state) {
    (void)state;
    dlm_config config;
    tool_error error;
    test_file_or_skip(DREAM_DIR "/config.json");
    assert_true(dlm_config_load(DREAM_DIR, &config, &error));
    assert_int_equal(config.architecture, DLM_DREAM);
    assert_int_equal(config.layers, 6);
    assert_int_equal(config.hidden, 512);
    assert_int_equal(config.heads, 8);
    assert_int_equal(config.kv_heads, 4);
    assert_int_equal(config.head_dim, 64);
    assert_int_equal(config.intermediate, 1344);
    assert_int_equal(config.vocab, 5120);
    assert_int_equal(config.max_position, 4096);
    assert_true(config.rope_theta == 1e6);
    assert_true(config.rms_norm_eps == 1e-6);
    assert_false(config.tied_embeddings);
    assert_int_equal(config.bos_token, 2);
    assert_int_equal(config.eos_token, 0);
    assert_int_equal(config.mask_token, 1);
    assert_string_equal(config.sampler, "low_confidence");
    assert_int_equal(config.gen_length, 64);
    assert_int_equal(config.steps, 64);
    assert_string_equal(config.prompt_prefix, "<|startoftext|><|user|>");
    assert_string_equal(config.prompt_suffix, "<|assistant|>");
    dlm_config_free(&config);
}

static void test_dlm_config_load__llada(void **state) {
    (void)state;
    dlm_config config;
    tool_error error;
    test_file_or_skip(LLADA_DIR "/config.json");
    assert_true(dlm_config_load(LLADA_DIR, &config, &error));
    assert_int_equal(config.architecture, DLM_LLADA);
    assert_int_equal(config.layers, 3);
    assert_int_equal(config.hidden, 128);
    assert_int_equal(config.heads, 4);
    assert_int_equal(config.kv_heads, 4);
    assert_int_equal(config.head_dim, 32);
    assert_int_equal(config.intermediate, 384);
    assert_int_equal(config.vocab, 512);
    assert_int_equal(config.max_position, 1024);
    assert_true(config.rope_theta == 500000);
    assert_true(config.rms_norm_eps == 1e-5);
    assert_false(config.tied_embeddings);
    /* bos_token_id is in generation_config.json alone. */
    assert_int_equal(config.bos_token, 2);
    assert_int_equal(config.eos_token, 0);
    assert_int_equal(config.mask_token, 1);
    assert_int_equal(config.gen_length, 40);
    assert_int_equal(config.steps, 16);
    dlm_config_free(&config);
}

static void test_dlm_config_load__defaults_of_absent_keys(void **state) {
    static const change dream[] = {
        {"num_key_value_heads", "null"}, {"tie_word_embeddings", NULL}, {"head_dim", "32"}};
    static const change llada[] = {{"n_kv_heads", "null"},
                                   {"mlp_hidden_size", "null"},
                                   {"embedding_size", "null"},
                                   {"include_qkv_bias", "null"},
                                   {"alibi", NULL},
                                   {"weight_tying", "true"}};
    dlm_config config;
    write_changed(*state, DREAM_DIR, "config.json", dream, sizeof dream / sizeof *dream);
    load_folder(*state, &config);
    assert_int_equal(config.kv_heads, 8);
    assert_int_equal(config.head_dim, 32);
    assert_string_equal(config.sampler, "low_confidence");
    assert_int_equal(config.gen_length, 64);
    assert_int_equal(config.steps, 64);
    assert_string_equal(config.prompt_prefix, "");
    assert_string_equal(config.prompt_suffix, "");
    dlm_config_free(&config);

    write_changed(*state, LLADA_DIR, "config.json", llada, sizeof llada / sizeof *llada);
    load_folder(*state, &config);
    assert_int_equal(config.kv_heads, 4);
    assert_int_equal(config.intermediate, 512);
    assert_int_equal(config.vocab, 512);
    assert_true(config.tied_embeddings);
    assert_int_equal(config.bos_token, DLM_NO_TOKEN);
    dlm_config_free(&config);
}

static void test_dlm_config_load__embedding_rows_beyond_the_vocabulary(void **state) {
    static const change padded[] = {{"embedding_size", "640"}};
    dlm_config config;
    write_changed(*state, LLADA_DIR, "config.json", padded, 1);
    load_folder(*state, &config);
    assert_int_equal(config.vocab, 640);
    dlm_config_free(&config);
}

static const struct refused {
    change changed;
    const char *text; /* besides the key */
} refused_dream[] = {
    {{"model_type", NULL}, "is missing"},
    {{"model_type", "\"qwen2\""}, "\"qwen2\" is not supported"},
    {{"model_type", "3"}, "3 is not a string"},
    {{"hidden_act", "\"gelu\""}, "\"gelu\" is not supported"},
    {{"hidden_act", NULL}, "is missing"},
    {{"rope_scaling", "{\"rope_type\":\"yarn\"}"}, "an object is not supported"},
    {{"rope_parameters", "{}"}, "not supported"},
    {{"use_sliding_window", "true"}, "not supported"},
    {{"use_mrope", "true"}, "not supported"},
    {{"tie_word_embeddings", "1"}, "1 is not true or false"},
    {{"num_hidden_layers", NULL}, "is missing"},
    {{"num_hidden_layers", "0"}, "0 is not an integer in 1 .. 1024"},
    {{"num_hidden_layers", "1025"}, "1025 is not"},
    {{"hidden_size", "-8"}, "-8 is not"},
    {{"hidden_size", "12.5"}, "12.5 is not"},
    {{"hidden_size", "\"512\""}, "\"512\" is not"},
    {{"hidden_size", "513"}, "513 is not a multiple of 8 heads"},
    {{"hidden_size", "1e300"}, "1e+300 is not"},
    {{"num_attention_heads", "[8]"}, "an array is not"},
    {{"intermediate_size", "0"}, "0 is not"},
    {{"vocab_size", "16777217"}, "16777217 is not"},
    {{"max_position_embeddings", "0"}, "0 is not"},
    {{"rope_theta", "0"}, "0 is not a number above 0"},
    {{"rope_theta", "-1e6"}, "-1000000 is not"},
    {{"rms_norm_eps", NULL}, "is missing"},
    {{"head_dim", "264"}, "264 is not"},
    {{"mask_token_id", "5120"}, "5120 is not an integer in 0 .. 5119"},
    {{"mask_token_id", NULL}, "is missing"},
    {{"eos_token_id", "[0,1]"}, "an array is not"},
    {{"eos_token_id", NULL}, "is missing"},
    {{"bos_token_id", "-1"}, "-1 is not"},
};

static const struct refused refused_llada[] = {
    {{"alibi", "true"}, "true is not supported, only false"},
    {{"rope", "false"}, "false is not supported, only true"},
    {{"rope", NULL}, "is missing"},
    {{"block_type", "\"sequential\""}, "\"sequential\" is not supported, only \"llama\""},
    {{"block_type", NULL}, "is missing"},
    {{"block_group_size", "2"}, "2 is not supported, only 1"},
    {{"layer_norm_type", "\"default\""}, "\"default\" is not supported, only \"rms\""},
    {{"layer_norm_with_affine", "false"}, "only true"},
    {{"bias_for_layer_norm", "true"}, "only false"},
    {{"activation_type", "\"swiglu\""}, "\"swiglu\" is not supported"},
    {{"attention_layer_norm", "true"}, "only false"},
    {{"include_bias", "true"}, "only false"},
    {{"include_bias", NULL}, "is missing"},
    {{"include_qkv_bias", "true"}, "only false"},
    {{"input_emb_norm", "true"}, "only false"},
    {{"scale_logits", "true"}, "only false"},
    {{"clip_qkv", "8.0"}, "8 is not supported, only null"},
    {{"multi_query_attention", "true"}, "only false"},
    {{"weight_tying", NULL}, "is missing"},
    {{"n_layers", NULL}, "is missing"},
    {{"d_model", "130"}, "130 is not a multiple of 4 heads"},
    {{"n_heads", "0"}, "0 is not"},
    {{"mlp_hidden_size", "4294967296"}, "4294967296 is not"},
    {{"embedding_size", "511"}, "511 is below"},
    {{"vocab_size", NULL}, "is missing"},
    {{"max_sequence_length", NULL}, "is missing"},
    {{"rope_theta", "\"x\""}, "\"x\" is not"},
    {{"mask_token_id", "512"}, "512 is not"},
};

static void test_dlm_config_load__refuses_each_key_of_dream(void **state) {
    for (size_t i = 0; i < sizeof refused_dream / sizeof *refused_dream; i++) {
        const struct refused *row = &refused_dream[i];
        char key[64];
        snprintf(key, sizeof key, "\"%s\"", row->changed.key);
        write_changed(*state, DREAM_DIR, "config.json", &row->changed, 1);
        expect_refused(*state, key, row->text);
    }
}

static void test_dlm_config_load__refuses_each_key_of_llada(void **state) {
    for (size_t i = 0; i < sizeof refused_llada / sizeof *refused_llada; i++) {
        const struct refused *row = &refused_llada[i];
        char key[64];
        snprintf(key, sizeof key, "\"%s\"", row->changed.key);
        write_changed(*state, LLADA_DIR, "config.json", &row->changed, 1);
        expect_refused(*state, key, row->text);
    }
}

static void test_dlm_config_load__refuses_heads_that_do_not_fit(void **state) {
    static const change kv[] = {{"num_key_value_heads", "3"}};
    static const change odd[] = {{"head_dim", "60"}};
    static const change narrow[] = {{"n_heads", "32"}, {"n_kv_heads", "32"}};
    static const change wide[] = {{"num_attention_heads", "65536"}, {"head_dim", "256"}};
    static const change ratio[] = {{"mlp_hidden_size", NULL}, {"mlp_ratio", "8193"}};
    write_changed(*state, DREAM_DIR, "config.json", kv, 1);
    expect_refused(*state, "8 heads", "3 key/value heads");
    write_changed(*state, DREAM_DIR, "config.json", odd, 1);
    expect_refused(*state, "head dimension 60", "multiple of 8");
    write_changed(*state, LLADA_DIR, "config.json", narrow, 2);
    expect_refused(*state, "head dimension 4", "multiple of 8");
    write_changed(*state, DREAM_DIR, "config.json", wide, 2);
    expect_refused(*state, "65536 heads of 256", "wider than");
    write_changed(*state, LLADA_DIR, "config.json", ratio, 2);
    expect_refused(*state, "\"mlp_ratio\"", "8193 is not");
}

static void test_dlm_config_load__refuses_generation_keys(void **state) {
    static const struct refused rows[] = {
        {{"alg", "3"}, "3 is not a string"},
        {{"alg", "\"a name of more than thirty-one bytes\""}, "is no sampler's name"},
        {{"max_new_tokens", "0"}, "0 is not"},
        {{"max_new_tokens", "\"64\""}, "\"64\" is not"},
        {{"steps", "1.5"}, "1.5 is not"},
        {{"prompt_prefix", "[]"}, "an array is not a string"},
        {{"prompt_suffix", "false"}, "false is not a string"},
        {{"bos_token_id", "512"}, "512 is not"},
    };
    write_changed(*state, LLADA_DIR, "config.json", NULL, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_changed(*state, LLADA_DIR, "generation_config.json", &rows[i].changed, 1);
        expect_refused(*state, "generation_config.json", rows[i].text);
        expect_refused(*state, rows[i].changed.key, rows[i].text);
    }
}

static void test_dlm_config_load__refuses_files_that_are_no_json(void **state) {
    test_folder *folder = *state;
    expect_refused(folder, "config.json", "cannot open");
    test_folder_write_text(folder, "config.json", "");
    expect_refused(folder, "config.json", "not valid JSON");
    test_folder_write_text(folder, "config.json", "[1]");
    expect_refused(folder, "config.json", "not an object");
    test_folder_write_text(folder, "config.json", "{\"model_type\":\"Dream\"");
    expect_refused(folder, "config.json", "not valid JSON");
    test_folder_write(folder, "config.json", "{}\0{}", 5);
    expect_refused(folder, "config.json", "NUL");
    test_folder_write_text(folder, "config.json", "{\"d_model\":1,\"d_model\":2}");
    expect_refused(folder, "\"d_model\"", "appears twice");
    write_changed(folder, DREAM_DIR, "config.json", NULL, 0);
    test_folder_write_text(folder, "generation_config.json", "{\"steps\":}");
    expect_refused(folder, "generation_config.json", "not valid JSON at byte 9");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_config_load__dream),
        cmocka_unit_test(test_dlm_config_load__llada),
        TEST_IN_FOLDER(test_dlm_config_load__defaults_of_absent_keys),
        TEST_IN_FOLDER(test_dlm_config_load__embedding_rows_beyond_the_vocabulary),
        TEST_IN_FOLDER(test_dlm_config_load__refuses_each_key_of_dream),
        TEST_IN_FOLDER(test_dlm_config_load__refuses_each_key_of_llada),
        TEST_IN_FOLDER(test_dlm_config_load__refuses_heads_that_do_not_fit),
        TEST_IN_FOLDER(test_dlm_config_load__refuses_generation_keys),
        TEST_IN_FOLDER(test_dlm_config_load__refuses_files_that_are_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
