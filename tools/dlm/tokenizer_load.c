/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Loads a tokenizer.json. Whatever would change the tokens and is not done here is refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../json_file.h"
#include "../json_keys.h"
#include "byte_alphabet.h"
#include "tokenizer_internal.h"

#define MAX_FILE_BYTES ((size_t)1 << 28)

/* What ByteLevel splits by when its use_regex is true: GPT-2's pattern. */
#define BYTE_LEVEL_PATTERN \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

typedef struct load_run {
    dlm_tokenizer *tokenizer;
    const cJSON *root;
    const cJSON *model, *vocab, *merges, *added; /* added may be NULL */
    const char *path;
    tool_error *error;
} load_run;

static json_keys keys_of(const load_run *run, const cJSON *object, const char *prefix) {
    return (json_keys){object, run->path, prefix, run->error};
}

static bool out_of_memory(const load_run *run) {
    return tool_fail(run->error, "%s: out of memory", run->path);
}

static bool check_options(const load_run *run) {
    json_keys root = keys_of(run, run->root, "");
    json_keys model = keys_of(run, run->model, "model.");
    const cJSON *normalizer = json_keys_get(&root, "normalizer");
    json_keys normalizer_keys = keys_of(run, normalizer, "normalizer.");
    json_keys decoder = keys_of(run, json_keys_get(&root, "decoder"), "decoder.");
    return json_keys_absent(&root, "truncation") && json_keys_absent(&root, "padding") &&
           (!normalizer || json_keys_only_string(&normalizer_keys, "type", "NFC")) &&
           json_keys_only_string(&decoder, "type", "ByteLevel") &&
           json_keys_absent(&model, "dropout") &&
           json_keys_empty(&model, "continuing_subword_prefix") &&
           json_keys_empty(&model, "end_of_word_suffix") &&
           json_keys_off(&model, "byte_fallback") &&
           json_keys_bool_or(&model, "ignore_merges", false, &run->tokenizer->ignore_merges);
}

/* Finds the parts that everything else is read from. */
static bool find_parts(load_run *run) {
    json_keys root = keys_of(run, run->root, "");
    run->model = json_keys_get(&root, "model");
    run->added = json_keys_get(&root, "added_tokens");
    if (!cJSON_IsObject(run->model)) {
        return json_keys_fail(&root, "model", "is not an object");
    }
    if (run->added && !cJSON_IsArray(run->added)) {
        return json_keys_fail(&root, "added_tokens", "is not an array");
    }
    json_keys model = keys_of(run, run->model, "model.");
    run->vocab = json_keys_get(&model, "vocab");
    run->merges = json_keys_get(&model, "merges");
    if (!json_keys_only_string(&model, "type", "BPE")) {
        return false;
    }
    if (!cJSON_IsObject(run->vocab)) {
        return json_keys_fail(&model, "vocab", "is not an object");
    }
    return cJSON_IsArray(run->merges) || json_keys_fail(&model, "merges", "is not an array");
}

/* Counts a token into the sizes that the vocabulary needs. */
static void measure(const char *text, uint32_t id, uint32_t *size, size_t *text_bytes) {
    *size = id >= *size ? id + 1 : *size;
    *text_bytes += strlen(text);
}

/* Reads and checks the entries of "added_tokens"; their texts are copied. */
static bool read_added(load_run *run, uint32_t *size, size_t *text_bytes) {
    dlm_tokenizer *tokenizer = run->tokenizer;
    size_t n = (size_t)cJSON_GetArraySize(run->added);
    tokenizer->added = calloc(n + 1, sizeof *tokenizer->added);
    if (!tokenizer->added) {
        return out_of_memory(run);
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, run->added) {
        json_keys keys = keys_of(run, entry, "added_tokens[].");
        const char *content;
        uint32_t id;
        bool special;
        if (!json_keys_string_or(&keys, "content", "", &content) ||
            !json_keys_uint(&keys, "id", 0, DLM_MAX_TOKENS - 1, &id) ||
            !json_keys_bool_or(&keys, "special", false, &special) ||
            !json_keys_off(&keys, "single_word") || !json_keys_off(&keys, "lstrip") ||
            !json_keys_off(&keys, "rstrip")) {
            return false;
        }
        if (*content == '\0') {
            return tool_fail(run->error, "%s: added token %u has no content", run->path, id);
        }
        char *copy = malloc(strlen(content) + 1);
        if (!copy) {
            return out_of_memory(run);
        }
        strcpy(copy, content);
        tokenizer->added[tokenizer->n_added++] = (dlm_added_token){copy, strlen(copy), id, special};
        tokenizer->added_begins[(unsigned char)*copy] = true;
        measure(copy, id, size, text_bytes);
    }
    return true;
}

static bool measure_vocabulary(const load_run *run, uint32_t *size, size_t *text_bytes) {
    const cJSON *entry;
    cJSON_ArrayForEach(entry, run->vocab) {
        uint64_t id;
        if (!json_uint(entry, &id) || id >= DLM_MAX_TOKENS) {
            char text[JSON_DESCRIBE_BYTES];
            json_describe(entry, text);
            return tool_fail(run->error, "%s: token \"%.200s\": id %s is not an integer below %u",
                             run->path, entry->string, text, DLM_MAX_TOKENS);
        }
        measure(entry->string, (uint32_t)id, size, text_bytes);
    }
    return true;
}

static bool add_token(const load_run *run, uint32_t id, const char *text) {
    if (dlm_vocabulary_add(&run->tokenizer->vocabulary, id, text) == DLM_VOCABULARY_CONFLICT) {
        return tool_fail(run->error,
                         "%s: token \"%.200s\": its id %u is another token's, or it has another id",
                         run->path, text, id);
    }
    return true;
}

static bool find_bytes(load_run *run) {
    for (unsigned byte = 0; byte < 256; byte++) {
        char text = (char)(unsigned char)byte;
        if (!dlm_vocabulary_find(&run->tokenizer->vocabulary, &text, 1,
                                 &run->tokenizer->byte_ids[byte])) {
            return tool_fail(run->error, "%s: \"model.vocab\" has no token for the byte 0x%02x",
                             run->path, byte);
        }
    }
    return true;
}

static int compare_lengths(const void *a, const void *b) {
    size_t x = ((const dlm_added_token *)a)->size_bytes;
    size_t y = ((const dlm_added_token *)b)->size_bytes;
    return x > y ? -1 : x < y;
}

static bool load_tokens(load_run *run) {
    dlm_tokenizer *tokenizer = run->tokenizer;
    uint32_t size = 0;
    size_t text_bytes = 0;
    if (!read_added(run, &size, &text_bytes) || !measure_vocabulary(run, &size, &text_bytes)) {
        return false;
    }
    if (!dlm_vocabulary_init(&tokenizer->vocabulary, size, text_bytes)) {
        return out_of_memory(run);
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, run->vocab) {
        if (!add_token(run, (uint32_t)entry->valuedouble, entry->string)) {
            return false;
        }
    }
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        const dlm_added_token *added = &tokenizer->added[i];
        if (!add_token(run, added->id, added->text)) {
            return false;
        }
        tokenizer->vocabulary.tokens[added->id].special = added->special;
    }
    qsort(tokenizer->added, tokenizer->n_added, sizeof *tokenizer->added, compare_lengths);
    return find_bytes(run);
}

/* The two sides of a merge, written "a b" or ["a", "b"]; false if it is neither. */
static bool merge_sides(const cJSON *entry, const char *side[2], size_t side_bytes[2]) {
    if (cJSON_IsString(entry)) {
        const char *space = strchr(entry->valuestring, ' ');
        if (!space) {
            return false;
        }
        side[0] = entry->valuestring;
        side_bytes[0] = (size_t)(space - entry->valuestring);
        side[1] = space + 1;
        side_bytes[1] = strlen(space + 1);
        return true;
    }
    const cJSON *left = cJSON_IsArray(entry) ? entry->child : NULL;
    const cJSON *right = left ? left->next : NULL;
    if (!right || !cJSON_IsString(left) || !cJSON_IsString(right) || right->next) {
        return false;
    }
    side[0] = left->valuestring;
    side[1] = right->valuestring;
    side_bytes[0] = strlen(side[0]);
    side_bytes[1] = strlen(side[1]);
    return true;
}

/* Finds the tokens of both sides and of what they make together. */
static bool resolve_merge(const dlm_vocabulary *vocabulary, const char *const side[2],
                          const size_t side_bytes[2], char *scratch, dlm_merge *merge) {
    size_t left, right;
    return dlm_byte_alphabet_decode(side[0], side_bytes[0], scratch, &left) &&
           dlm_byte_alphabet_decode(side[1], side_bytes[1], scratch + left, &right) &&
           dlm_vocabulary_find(vocabulary, scratch, left, &merge->left) &&
           dlm_vocabulary_find(vocabulary, scratch + left, right, &merge->right) &&
           dlm_vocabulary_find(vocabulary, scratch, left + right, &merge->result);
}

/* How much of a text a message shows. */
static int shown(size_t text_bytes) {
    return text_bytes < 60 ? (int)text_bytes : 60;
}

static bool load_merge(load_run *run, const cJSON *entry, uint32_t rank) {
    const char *side[2];
    size_t side_bytes[2];
    if (!merge_sides(entry, side, side_bytes)) {
        return tool_fail(run->error, "%s: \"model.merges\"[%u] is not a pair of tokens", run->path,
                         rank);
    }
    char *scratch = malloc(side_bytes[0] + side_bytes[1] + 1);
    if (!scratch) {
        return out_of_memory(run);
    }
    dlm_merge merge = {.rank = rank};
    bool resolved = resolve_merge(&run->tokenizer->vocabulary, side, side_bytes, scratch, &merge);
    free(scratch);
    if (!resolved) {
        return tool_fail(run->error,
                         "%s: \"model.merges\"[%u]: \"%.*s\" and \"%.*s\", or both together, are "
                         "not in the vocabulary",
                         run->path, rank, shown(side_bytes[0]), side[0], shown(side_bytes[1]),
                         side[1]);
    }
    dlm_merges_put(&run->tokenizer->merges, merge);
    return true;
}

static bool load_merges(load_run *run) {
    if (!dlm_merges_init(&run->tokenizer->merges, (size_t)cJSON_GetArraySize(run->merges))) {
        return out_of_memory(run);
    }
    uint32_t rank = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, run->merges) {
        if (!load_merge(run, entry, rank++)) {
            return false;
        }
    }
    return true;
}

static bool load_split(load_run *run, const cJSON *step) {
    json_keys keys = keys_of(run, step, "pre_tokenizer.");
    const cJSON *pattern = json_keys_get(&keys, "pattern");
    json_keys pattern_keys = keys_of(run, pattern, "pre_tokenizer.pattern.");
    const char *regex, *literal;
    if (!json_keys_only_string(&keys, "behavior", "Isolated") || !json_keys_off(&keys, "invert") ||
        !json_keys_string_or(&pattern_keys, "Regex", NULL, &regex) ||
        !json_keys_string_or(&pattern_keys, "String", NULL, &literal)) {
        return false;
    }
    if (!regex && !literal) {
        return json_keys_missing(&pattern_keys, "Regex");
    }
    return dlm_pre_split_add(run->tokenizer->split, regex ? regex : literal, !regex, run->path,
                             run->error);
}

static bool load_byte_level(load_run *run, const cJSON *step) {
    json_keys keys = keys_of(run, step, "pre_tokenizer.");
    bool use_regex;
    if (!json_keys_only_bool(&keys, "add_prefix_space", false) ||
        !json_keys_bool_or(&keys, "use_regex", true, &use_regex)) {
        return false;
    }
    return !use_regex || dlm_pre_split_add(run->tokenizer->split, BYTE_LEVEL_PATTERN, false,
                                           run->path, run->error);
}

static bool load_pre_tokenizer_step(load_run *run, const cJSON *step, bool *byte_level) {
    json_keys keys = keys_of(run, step, "pre_tokenizer.");
    const char *type;
    if (!json_keys_string_or(&keys, "type", NULL, &type)) {
        return false;
    }
    if (!type) {
        return json_keys_missing(&keys, "type");
    }
    /* It would see the byte alphabet instead of the text. */
    if (*byte_level) {
        return json_keys_fail(&keys, "type", "is not supported after ByteLevel");
    }
    if (strcmp(type, "Split") == 0) {
        return load_split(run, step);
    }
    if (strcmp(type, "ByteLevel") != 0) {
        return json_keys_fail(&keys, "type",
                              "is not supported, only Split and ByteLevel, or a Sequence of them");
    }
    *byte_level = true;
    return load_byte_level(run, step);
}

static bool load_pre_tokenizer(load_run *run) {
    run->tokenizer->split = dlm_pre_split_create();
    if (!run->tokenizer->split) {
        return out_of_memory(run);
    }
    json_keys root = keys_of(run, run->root, "");
    const cJSON *top = json_keys_get(&root, "pre_tokenizer");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(top, "type");
    bool byte_level = false;
    if (cJSON_IsString(type) && strcmp(type->valuestring, "Sequence") == 0) {
        const cJSON *step;
        cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(top, "pretokenizers")) {
            if (!load_pre_tokenizer_step(run, step, &byte_level)) {
                return false;
            }
        }
    } else if (top && !load_pre_tokenizer_step(run, top, &byte_level)) {
        return false;
    }
    return byte_level || tool_fail(run->error, "%s: \"pre_tokenizer\" has no ByteLevel", run->path);
}

dlm_tokenizer *dlm_tokenizer_load(const char *path, tool_error *error) {
    load_run run = {.path = path, .error = error};
    bool loaded = false;
    cJSON *root = json_file_read(path, MAX_FILE_BYTES, error);
    if (!root) {
        return NULL;
    }
    run.root = root;
    run.tokenizer = calloc(1, sizeof *run.tokenizer);
    if (!run.tokenizer) {
        out_of_memory(&run);
        goto done;
    }
    loaded = find_parts(&run) && check_options(&run) && load_tokens(&run) && load_merges(&run) &&
             load_pre_tokenizer(&run);
done:
    cJSON_Delete(root);
    if (!loaded) {
        dlm_tokenizer_free(run.tokenizer);
        return NULL;
    }
    return run.tokenizer;
}
