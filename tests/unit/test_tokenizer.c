/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * dlm/tokenizer.c and dlm/tokenizer_load.c: the real tokenizers against reference ids, and small
 * ones made here.
 */
#include "dlm/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "safetensors.h"
#include "support/random.h"
#include "support/test_files.h"

#define DREAM_TOKENIZER MODELS_DIR "/tiny-dream/tokenizer.json"
#define LLADA_TOKENIZER GOLDEN_DIR "/llada-tiny/tokenizer.json"
#define FILE_NAME "tokenizer.json"

static dlm_tokenizer *load(const char *path) {
    tool_error error;
    test_file_or_skip(path);
    dlm_tokenizer *tokenizer = dlm_tokenizer_load(path, &error);
    if (!tokenizer) {
        fail_msg("%s", error.text);
    }
    return tokenizer;
}

static uint32_t *encode(const dlm_tokenizer *tokenizer, const char *text, size_t size,
                        bool parse_special, size_t *count) {
    tool_error error;
    uint32_t *ids;
    if (!dlm_tokenizer_encode(tokenizer, text, size, parse_special, &ids, count, &error)) {
        fail_msg("%s", error.text);
    }
    assert_non_null(ids);
    return ids;
}

static void expect_ids(const dlm_tokenizer *tokenizer, const char *text, bool parse_special,
                       const uint32_t *expected, size_t n) {
    size_t count;
    uint32_t *ids = encode(tokenizer, text, strlen(text), parse_special, &count);
    if (count != n || (n > 0 && memcmp(ids, expected, n * sizeof *ids) != 0)) {
        fail_msg("\"%s\" gives %zu other ids", text, count);
    }
    free(ids);
}

static void expect_round_trip(const dlm_tokenizer *tokenizer, const char *text, size_t size) {
    size_t count, decoded_size;
    uint32_t *ids = encode(tokenizer, text, size, false, &count);
    char *decoded = dlm_tokenizer_decode(tokenizer, ids, count, &decoded_size);
    assert_non_null(decoded);
    assert_int_equal(decoded_size, size);
    assert_memory_equal(decoded, text, size);
    assert_int_equal(decoded[size], '\0');
    free(decoded);
    free(ids);
}

/* ---- the real tokenizers ------------------------------------------------------------------ */

static void test_dlm_tokenizer_encode__reference_cases(void **state) {
    (void)state;
    char *json = test_file_read(GOLDEN_DIR "/tokenizer_cases.json", NULL);
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    cJSON *cases = cJSON_Parse(json);
    free(json);
    assert_int_equal(cJSON_GetArraySize(cases), 18);
    const cJSON *one;
    cJSON_ArrayForEach(one, cases) {
        const char *text = cJSON_GetObjectItem(one, "text")->valuestring;
        const cJSON *list = cJSON_GetObjectItem(one, "ids"), *id;
        uint32_t expected[256];
        size_t n = 0;
        cJSON_ArrayForEach(id, list) {
            assert_true(n < 256);
            expected[n++] = (uint32_t)id->valuedouble;
        }
        expect_ids(tokenizer, text, false, expected, n);
        expect_ids(tokenizer, text, true, expected, n);
        expect_round_trip(tokenizer, text, strlen(text));
    }
    cJSON_Delete(cases);
    dlm_tokenizer_free(tokenizer);
}

/* [2, 3] + encode(prompt) + [4] are the first ids of the golden run. */
static void expect_prompt_ids(const char *golden_path, const char *tokenizer_path) {
    tool_error error;
    test_file_or_skip(golden_path);
    dlm_tokenizer *tokenizer = load(tokenizer_path);
    safetensors_file *golden = safetensors_open(golden_path, &error);
    assert_non_null(golden);
    const char *prompt = safetensors_metadata(golden, "prompt");
    const char *length = safetensors_metadata(golden, "prompt_tokens");
    const safetensors_tensor *ids = safetensors_find(golden, "ids");
    assert_true(prompt && length && ids && ids->dtype == SAFETENSORS_I32);
    size_t n = strtoul(length, NULL, 10), count;
    assert_true(n >= 3 && n * 4 <= ids->size_bytes);

    static const char prefix[] = "<|startoftext|><|user|>", suffix[] = "<|assistant|>";
    size_t size = strlen(prefix) + strlen(prompt) + strlen(suffix) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%s%s%s", prefix, prompt, suffix);
    uint32_t *encoded = encode(tokenizer, text, size - 1, true, &count);
    assert_int_equal(count, n);
    assert_memory_equal(encoded, ids->data, n * 4);
    free(encoded);
    encoded = encode(tokenizer, prompt, strlen(prompt), false, &count);
    assert_int_equal(count, n - 3);
    assert_memory_equal(encoded, (const char *)ids->data + 8, count * 4);
    free(encoded);
    free(text);
    safetensors_close(golden);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_encode__prompt_of_e2e_maskgit(void **state) {
    (void)state;
    expect_prompt_ids(GOLDEN_DIR "/e2e_maskgit.safetensors", DREAM_TOKENIZER);
}

static void test_dlm_tokenizer_encode__prompt_of_llada_tiny(void **state) {
    (void)state;
    expect_prompt_ids(GOLDEN_DIR "/llada-tiny/golden.safetensors", LLADA_TOKENIZER);
}

static void test_dlm_tokenizer_decode__round_trip_of_the_eval_rows(void **state) {
    (void)state;
    char *rows = test_file_read(MODELS_DIR "/tiny-dream/eval/tasks-512.jsonl", NULL);
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    size_t n = 0;
    for (char *line = strtok(rows, "\n"); line; line = strtok(NULL, "\n")) {
        cJSON *row = cJSON_Parse(line);
        const cJSON *prompt = cJSON_GetObjectItem(row, "prompt");
        const cJSON *answer = cJSON_GetObjectItem(row, "answer");
        assert_true(cJSON_IsString(prompt) && cJSON_IsString(answer));
        expect_round_trip(tokenizer, prompt->valuestring, strlen(prompt->valuestring));
        expect_round_trip(tokenizer, answer->valuestring, strlen(answer->valuestring));
        cJSON_Delete(row);
        n++;
    }
    assert_true(n > 100);
    free(rows);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_decode__round_trip_of_random_bytes(void **state) {
    (void)state;
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    uint64_t random = 3;
    for (int i = 0; i < 500; i++) {
        char bytes[200];
        size_t size = (size_t)random_bits(&random) % sizeof bytes;
        for (size_t j = 0; j < size; j++) {
            uint64_t bits = random_bits(&random);
            bytes[j] = bits % 3 ? (char)(bits >> 8) : "thea \n\xc3\xa9"[bits >> 8 & 7];
        }
        expect_round_trip(tokenizer, bytes, size);
    }
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_encode__special_tokens_only_if_asked(void **state) {
    (void)state;
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    assert_int_equal(dlm_tokenizer_size(tokenizer), 5120);
    static const char text[] = "<|mask|><|mask|>a<|user";
    size_t count, size;
    uint32_t *ids = encode(tokenizer, text, sizeof text - 1, true, &count);
    assert_true(count > 3);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 1);
    assert_int_equal(ids[2], 105);
    char *decoded = dlm_tokenizer_decode(tokenizer, ids, count, &size);
    assert_string_equal(decoded, "a<|user");
    free(decoded);
    free(ids);
    ids = encode(tokenizer, text, sizeof text - 1, false, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(ids[i] >= 8);
    }
    free(ids);
    expect_round_trip(tokenizer, text, sizeof text - 1);
    /* What lies behind the text does not complete a token. */
    ids = encode(tokenizer, text, 7, true, &count);
    assert_true(count > 1);
    free(ids);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_decode__unknown_ids_are_nothing(void **state) {
    (void)state;
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    static const uint32_t ids[] = {0, 105, 5120, UINT32_MAX, 8, 106};
    size_t size;
    char *text = dlm_tokenizer_decode(tokenizer, ids, 6, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(text, "a\0b", 4);
    free(text);
    text = dlm_tokenizer_decode(tokenizer, NULL, 0, NULL);
    assert_string_equal(text, "");
    free(text);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_encode__of_a_megabyte_takes_seconds_at_most(void **state) {
    (void)state;
    static const char *const units[] = {"e", "the", " ", "\n", "\xff", "a \xc3\xa9", "<", "<|"};
    dlm_tokenizer *tokenizer = load(DREAM_TOKENIZER);
    size_t size = 1 << 20, count;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        for (size_t j = 0; j < size; j++) {
            text[j] = units[i][j % strlen(units[i])];
        }
        clock_t begin = clock();
        free(encode(tokenizer, text, size, true, &count));
        assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 20);
        assert_in_range(count, 1, size);
    }
    free(text);
    dlm_tokenizer_free(tokenizer);
}

/* ---- small tokenizers --------------------------------------------------------------------- */

/* A minimal tokenizer: the 256 bytes (byte b has the id b), and what the parts add to it. Each part
 * is JSON; NULL takes the one here. */
typedef struct parts {
    const char *vocab; /* `, "ab": 256` */
    const char *merges, *added, *pre_tokenizer;
    const char *model; /* more keys of the model, `, "dropout": 0.1` */
    const char *root;  /* more keys of the file */
} parts;

static void append_character(char *text, uint32_t codepoint) {
    char bytes[3] = {(char)codepoint, '\0', '\0'};
    if (codepoint >= 0x80) {
        bytes[0] = (char)(0xc0 | codepoint >> 6);
        bytes[1] = (char)(0x80 | (codepoint & 0x3f));
    }
    if (codepoint == '"' || codepoint == '\\') {
        strcat(text, "\\");
    }
    strcat(text, bytes);
}

/* `"c": 0, ...` over all bytes but `skipped`; -1 skips none. */
static void append_byte_vocabulary(char *text, int skipped) {
    uint32_t next = 0x100;
    const char *comma = "";
    for (int byte = 0; byte < 256; byte++) {
        bool visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
        uint32_t codepoint = visible ? (uint32_t)byte : next++;
        if (byte != skipped) {
            strcat(strcat(text, comma), "\"");
            append_character(text, codepoint);
            sprintf(text + strlen(text), "\":%d", byte);
            comma = ",";
        }
    }
}

static const char *or_else(const char *text, const char *fallback) {
    return text ? text : fallback;
}

static void write_tokenizer(test_folder *folder, const parts *p, int skipped_byte) {
    static char text[1 << 14];
    text[0] = '\0';
    sprintf(text,
            "{\"added_tokens\":%s,\"pre_tokenizer\":%s,\"decoder\":{\"type\":\"ByteLevel\"}%s,",
            or_else(p->added, "[]"),
            or_else(p->pre_tokenizer, "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                                      "\"use_regex\":false}"),
            or_else(p->root, ""));
    sprintf(text + strlen(text), "\"model\":{\"type\":\"BPE\"%s,\"merges\":%s,\"vocab\":{",
            or_else(p->model, ""), or_else(p->merges, "[]"));
    append_byte_vocabulary(text, skipped_byte);
    strcat(strcat(text, or_else(p->vocab, "")), "}}}");
    test_folder_write_text(folder, FILE_NAME, text);
}

static dlm_tokenizer *load_parts(test_folder *folder, const parts *p) {
    write_tokenizer(folder, p, -1);
    return load(test_folder_path(folder, FILE_NAME));
}

static void test_dlm_tokenizer_load__merges_as_strings_or_pairs(void **state) {
    static const char *const forms[] = {"[\"a b\",\"\xc4\xa0 a\",\"\xc4\xa0"
                                        "a b\"]",
                                        "[[\"a\",\"b\"],[\"\xc4\xa0\",\"a\"],[\"\xc4\xa0"
                                        "a\",\"b\"]]"};
    for (size_t i = 0; i < 2; i++) {
        const parts p = {.vocab = ",\"ab\":256,\"\xc4\xa0"
                                  "a\":257,\"\xc4\xa0"
                                  "ab\":300",
                         .merges = forms[i]};
        dlm_tokenizer *tokenizer = load_parts(*state, &p);
        assert_int_equal(dlm_tokenizer_size(tokenizer), 301);
        /* "a b" goes first, and then nothing makes the third merge's left side. */
        static const uint32_t expected[] = {' ', 256, 256, 257};
        expect_ids(tokenizer, " abab a", false, expected, 4);
        dlm_tokenizer_free(tokenizer);
    }
}

static void test_dlm_tokenizer_encode__ignore_merges(void **state) {
    parts p = {.vocab = ",\"abc\":256,\"ab\":257",
               .merges = "[\"a b\"]",
               .model = ",\"ignore_merges\":true"};
    dlm_tokenizer *tokenizer = load_parts(*state, &p);
    static const uint32_t whole[] = {256}, merged[] = {257, 'c'}, longer[] = {257, 'c', 'd'};
    expect_ids(tokenizer, "abc", false, whole, 1);
    expect_ids(tokenizer, "abcd", false, longer, 3);
    dlm_tokenizer_free(tokenizer);
    p.model = NULL;
    tokenizer = load_parts(*state, &p);
    expect_ids(tokenizer, "abc", false, merged, 2);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_encode__text_never_makes_a_special_token(void **state) {
    /* The whole piece is the special token's entry; ignore_merges must not take it. */
    const parts p = {.vocab = ",\"<s>\":256",
                     .added = "[{\"id\":256,\"content\":\"<s>\",\"special\":true}]",
                     .model = ",\"ignore_merges\":true"};
    dlm_tokenizer *tokenizer = load_parts(*state, &p);
    static const uint32_t special[] = {256}, plain[] = {'<', 's', '>'};
    expect_ids(tokenizer, "<s>", true, special, 1);
    expect_ids(tokenizer, "<s>", false, plain, 3);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_encode__added_tokens(void **state) {
    const parts p = {.added = "[{\"id\":256,\"content\":\"<a>\",\"special\":true},"
                              "{\"id\":257,\"content\":\"<a><b>\",\"special\":true},"
                              "{\"id\":258,\"content\":\"xx\"},"
                              "{\"id\":400,\"content\":\"\xe2\x96\x81\",\"special\":false}]"};
    dlm_tokenizer *tokenizer = load_parts(*state, &p);
    assert_int_equal(dlm_tokenizer_size(tokenizer), 401);
    /* The longest goes first; those that are not special are always found, and decoded. */
    static const uint32_t with[] = {257, 256, '<', 'b', '>', 258, 'x', 400};
    static const uint32_t without[] = {'<', 'a', '>', 258};
    expect_ids(tokenizer, "<a><b><a><b>xxx\xe2\x96\x81", true,
               (const uint32_t[]){257, 257, 258, 'x', 400}, 5);
    expect_ids(tokenizer, "<a><b><a>.<b>xxx\xe2\x96\x81", true,
               (const uint32_t[]){257, 256, '.', '<', 'b', '>', 258, 'x', 400}, 9);
    expect_ids(tokenizer, "<a>xx", false, without, 4);
    size_t size;
    char *text = dlm_tokenizer_decode(tokenizer, with, 8, &size);
    assert_string_equal(text, "<b>xxx\xe2\x96\x81");
    free(text);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_load__byte_level_with_its_own_pattern(void **state) {
    /* "a b" would cross the pieces of GPT-2's pattern only where the space is left out. */
    parts p = {.vocab = ",\"a1\":256,\"\xc4\xa0"
                        "a\":257",
               .merges = "[\"a 1\",\"\xc4\xa0 a\"]",
               .pre_tokenizer = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"};
    dlm_tokenizer *tokenizer = load_parts(*state, &p);
    static const uint32_t split[] = {'a', '1', 257}, whole[] = {256, 257};
    expect_ids(tokenizer, "a1 a", false, split, 3);
    dlm_tokenizer_free(tokenizer);
    p.pre_tokenizer = NULL;
    tokenizer = load_parts(*state, &p);
    expect_ids(tokenizer, "a1 a", false, whole, 2);
    dlm_tokenizer_free(tokenizer);
}

static void test_dlm_tokenizer_load__split_by_a_literal(void **state) {
    const parts p = {
        .vocab = ",\"a.\":256",
        .merges = "[\"a .\"]",
        .pre_tokenizer =
            "{\"type\":\"Sequence\",\"pretokenizers\":["
            "{\"type\":\"Split\",\"pattern\":{\"String\":\".\"},"
            "\"behavior\":\"Isolated\",\"invert\":false},"
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}",
        .root = ",\"normalizer\":{\"type\":\"NFC\"}"};
    dlm_tokenizer *tokenizer = load_parts(*state, &p);
    static const uint32_t expected[] = {'a', '.', 'b'};
    expect_ids(tokenizer, "a.b", false, expected, 3);
    dlm_tokenizer_free(tokenizer);
}

/* Loading FILE_NAME fails with one line that holds the path and the text. */
static void expect_refused(test_folder *folder, const char *text) {
    tool_error error = {0};
    const char *path = test_folder_path(folder, FILE_NAME);
    dlm_tokenizer *tokenizer = dlm_tokenizer_load(path, &error);
    if (tokenizer) {
        dlm_tokenizer_free(tokenizer);
        fail_msg("was accepted, expected: %s", text);
    }
    if (!strstr(error.text, path) || !strstr(error.text, text) || strchr(error.text, '\n')) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
    }
}

#define SPLIT(more) "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"}" more "}"

static const struct refused {
    parts p;
    const char *text;
} refused[] = {
    {{.model = ",\"byte_fallback\":true"}, "\"model.byte_fallback\": true is not supported"},
    {{.model = ",\"dropout\":0.1"}, "\"model.dropout\": 0.1 is not supported"},
    {{.model = ",\"continuing_subword_prefix\":\"##\""}, "\"model.continuing_subword_prefix\""},
    {{.model = ",\"end_of_word_suffix\":\"</w>\""}, "\"model.end_of_word_suffix\""},
    {{.model = ",\"ignore_merges\":1"}, "\"model.ignore_merges\": 1"},
    {{.root = ",\"truncation\":{}"}, "\"truncation\""},
    {{.root = ",\"padding\":{}"}, "\"padding\""},
    {{.root = ",\"normalizer\":{\"type\":\"NFKC\"}"}, "\"normalizer.type\": \"NFKC\""},
    {{.root = ",\"normalizer\":[]"}, "\"normalizer.type\" is missing"},
    {{.added = "{}"}, "\"added_tokens\": an object"},
    {{.added = "[{\"content\":\"a\"}]"}, "\"added_tokens[].id\" is missing"},
    {{.added = "[{\"id\":256}]"}, "added token 256 has no content"},
    {{.added = "[{\"id\":16777216,\"content\":\"a\"}]"}, "16777216 is not an integer"},
    {{.added = "[{\"id\":256,\"content\":\"x1\",\"lstrip\":true}]"}, "\"added_tokens[].lstrip\""},
    {{.added = "[{\"id\":256,\"content\":\"x1\",\"rstrip\":true}]"}, "\"added_tokens[].rstrip\""},
    {{.added = "[{\"id\":256,\"content\":\"x1\",\"single_word\":true}]"}, "single_word"},
    {{.added = "[{\"id\":97,\"content\":\"x1\"}]"}, "token \"x1\": its id 97"},
    {{.added = "[{\"id\":256,\"content\":\"a\"}]"}, "token \"a\": its id 256"},
    {{.vocab = ",\"ab\":97"}, "its id 97 is another token's"},
    {{.vocab = ",\"ab\":-1"}, "token \"ab\": id -1"},
    {{.vocab = ",\"ab\":1.5"}, "token \"ab\": id 1.5"},
    {{.vocab = ",\"ab\":4294967296"}, "token \"ab\": id 4294967296"},
    {{.vocab = ",\"ab\":\"1\""}, "token \"ab\": id \"1\""},
    {{.vocab = ",\"ab\":256,\"ab\":257"}, "\"ab\" appears twice"},
    {{.merges = "{}"}, "\"model.merges\": an object"},
    {{.merges = "[\"ab\"]"}, "\"model.merges\"[0] is not a pair"},
    {{.merges = "[[\"a\"]]"}, "\"model.merges\"[0] is not a pair"},
    {{.merges = "[[\"a\",\"b\",\"c\"]]"}, "\"model.merges\"[0] is not a pair"},
    {{.merges = "[[\"a\",1]]"}, "\"model.merges\"[0] is not a pair"},
    {{.merges = "[null]"}, "\"model.merges\"[0] is not a pair"},
    {{.merges = "[\"a b\"]"}, "\"a\" and \"b\", or both together, are not in the vocabulary"},
    {{.merges = "[\"a  b\"]"}, "not in the vocabulary"},
    {{.merges = "[\" a\"]"}, "not in the vocabulary"},
    {{.merges = "[\"\xe2\x82\xac a\"]"}, "not in the vocabulary"},
    {{.pre_tokenizer = "null"}, "\"pre_tokenizer\" has no ByteLevel"},
    {{.pre_tokenizer = "{}"}, "\"pre_tokenizer.type\" is missing"},
    {{.pre_tokenizer = "{\"type\":\"Metaspace\"}"}, "\"Metaspace\" is not supported"},
    {{.pre_tokenizer = "{\"type\":\"Sequence\",\"pretokenizers\":[]}"}, "no ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"Sequence\"}"}, "no ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\","
                       "\"add_prefix_space\":false}," SPLIT("") "]}"},
     "\"Split\" is not supported after ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"},
     "\"pre_tokenizer.add_prefix_space\": true"},
    {{.pre_tokenizer = "{\"type\":\"ByteLevel\"}"}, "add_prefix_space\" is missing"},
    {{.pre_tokenizer = SPLIT("")}, "\"pre_tokenizer.behavior\" is missing"},
    {{.pre_tokenizer = SPLIT(",\"behavior\":\"Removed\"")}, "\"Removed\" is not supported"},
    {{.pre_tokenizer = SPLIT(",\"behavior\":\"Isolated\",\"invert\":true")}, "invert\": true"},
    {{.pre_tokenizer = SPLIT(",\"behavior\":\"Isolated\"")}, "no ByteLevel"},
    {{.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":\"a\",\"behavior\":\"Isolated\"}"},
     "\"pre_tokenizer.pattern.Regex\" is missing"},
    {{.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},"
                       "\"behavior\":\"Isolated\"}"},
     "pattern \"(\""},
};

static void test_dlm_tokenizer_load__refuses_what_it_lacks(void **state) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        write_tokenizer(*state, &refused[i].p, -1);
        expect_refused(*state, refused[i].text);
    }
}

static void test_dlm_tokenizer_load__refuses_a_vocabulary_without_a_byte(void **state) {
    const parts p = {0};
    write_tokenizer(*state, &p, 0xad);
    expect_refused(*state, "no token for the byte 0xad");
    write_tokenizer(*state, &p, 0);
    expect_refused(*state, "no token for the byte 0x00");
}

static void test_dlm_tokenizer_load__refuses_other_files(void **state) {
    static const struct {
        const char *file, *text;
    } rows[] = {
        {"", "not valid JSON"},
        {"{}", "\"model\": null is not an object"},
        {"{\"model\":{\"type\":\"WordPiece\"}}", "\"model.type\": \"WordPiece\""},
        {"{\"model\":{\"type\":\"BPE\"}}", "\"model.vocab\": null"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", "\"model.merges\": null"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
         "\"decoder.type\" is missing"},
        {"{\"decoder\":{\"type\":\"Metaspace\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},"
         "\"merges\":[]}}",
         "\"decoder.type\": \"Metaspace\""},
        {"{\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},"
         "\"merges\":[]}}",
         "no token for the byte 0x00"},
    };
    expect_refused(*state, "cannot open");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        test_folder_write_text(*state, FILE_NAME, rows[i].file);
        expect_refused(*state, rows[i].text);
    }
}

static void test_dlm_tokenizer_load__survives_random_damage(void **state) {
    test_folder *folder = *state;
    const parts p = {.vocab = ",\"ab\":256,\"abc\":257",
                     .merges = "[\"a b\",[\"ab\",\"c\"]]",
                     .added = "[{\"id\":258,\"content\":\"<s>\",\"special\":true}]"};
    write_tokenizer(folder, &p, -1);
    size_t size;
    char *text = test_file_read(test_folder_path(folder, FILE_NAME), &size);
    uint64_t random = 5;
    size_t loaded = 0;
    for (int i = 0; i < 2000; i++) {
        size_t at = (size_t)random_bits(&random) % size;
        char before = text[at];
        text[at] = "0123456789[]{}\",: ab\xc3\xa9"[random_bits(&random) % 22];
        test_folder_write(folder, FILE_NAME, text, size);
        tool_error error;
        dlm_tokenizer *tokenizer = dlm_tokenizer_load(test_folder_path(folder, FILE_NAME), &error);
        if (tokenizer) {
            expect_round_trip(tokenizer, "abc <s> abcabc", 14);
            loaded++;
            dlm_tokenizer_free(tokenizer);
        }
        text[at] = before;
    }
    free(text);
    assert_in_range(loaded, 1, 1999);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dlm_tokenizer_encode__reference_cases),
        cmocka_unit_test(test_dlm_tokenizer_encode__prompt_of_e2e_maskgit),
        cmocka_unit_test(test_dlm_tokenizer_encode__prompt_of_llada_tiny),
        cmocka_unit_test(test_dlm_tokenizer_decode__round_trip_of_the_eval_rows),
        cmocka_unit_test(test_dlm_tokenizer_decode__round_trip_of_random_bytes),
        cmocka_unit_test(test_dlm_tokenizer_encode__special_tokens_only_if_asked),
        cmocka_unit_test(test_dlm_tokenizer_decode__unknown_ids_are_nothing),
        cmocka_unit_test(test_dlm_tokenizer_encode__of_a_megabyte_takes_seconds_at_most),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__merges_as_strings_or_pairs),
        TEST_IN_FOLDER(test_dlm_tokenizer_encode__ignore_merges),
        TEST_IN_FOLDER(test_dlm_tokenizer_encode__text_never_makes_a_special_token),
        TEST_IN_FOLDER(test_dlm_tokenizer_encode__added_tokens),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__byte_level_with_its_own_pattern),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__split_by_a_literal),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__refuses_what_it_lacks),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__refuses_a_vocabulary_without_a_byte),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__refuses_other_files),
        TEST_IN_FOLDER(test_dlm_tokenizer_load__survives_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
