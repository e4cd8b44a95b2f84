/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Encoding and decoding; see tokenizer.h. Loading is in tokenizer_load.c.
 */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "tokenizer_internal.h"

typedef struct encode_run {
    const dlm_tokenizer *tokenizer;
    uint32_t *ids;
    size_t count, capacity;
    dlm_bpe_work work;
} encode_run;

void dlm_tokenizer_free(dlm_tokenizer *tokenizer) {
    if (!tokenizer) {
        return;
    }
    dlm_vocabulary_free(&tokenizer->vocabulary);
    dlm_merges_free(&tokenizer->merges);
    dlm_pre_split_free(tokenizer->split);
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        free(tokenizer->added[i].text);
    }
    free(tokenizer->added);
    free(tokenizer);
}

uint32_t dlm_tokenizer_size(const dlm_tokenizer *tokenizer) {
    return tokenizer->vocabulary.size;
}

/* Room for n more ids. */
static bool reserve_ids(encode_run *run, size_t n, tool_error *error) {
    if (n <= run->capacity - run->count) {
        return true;
    }
    size_t capacity = run->capacity + run->capacity / 2 + n;
    uint32_t *grown = NULL;
    if (capacity >= n && capacity <= SIZE_MAX / sizeof *grown) {
        grown = realloc(run->ids, capacity * sizeof *grown);
    }
    if (!grown) {
        return tool_fail(error, "tokenizer: out of memory for %zu more tokens", n);
    }
    run->ids = grown;
    run->capacity = capacity;
    return true;
}

/* A piece_fn: appends the tokens of one piece. */
static bool encode_piece(void *user, const char *piece, size_t size, tool_error *error) {
    encode_run *run = user;
    const dlm_tokenizer *tokenizer = run->tokenizer;
    if (size >= UINT32_MAX) {
        return tool_fail(error, "tokenizer: a piece of %zu bytes is too long", size);
    }
    if (!reserve_ids(run, size, error)) {
        return false;
    }
    uint32_t *ids = run->ids + run->count;
    uint32_t whole;
    if (tokenizer->ignore_merges &&
        dlm_vocabulary_find(&tokenizer->vocabulary, piece, size, &whole) &&
        !tokenizer->vocabulary.tokens[whole].special) {
        ids[0] = whole;
        run->count++;
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        ids[i] = tokenizer->byte_ids[(unsigned char)piece[i]];
    }
    if (!dlm_bpe_merge(&tokenizer->merges, &run->work, ids, &size)) {
        return tool_fail(error, "tokenizer: out of memory for a piece of %zu bytes", size);
    }
    run->count += size;
    return true;
}

/* The longest added token that text begins with; NULL if there is none. */
static const dlm_added_token *added_at(const dlm_tokenizer *tokenizer, const char *text,
                                       size_t size, bool parse_special) {
    if (!tokenizer->added_begins[(unsigned char)text[0]]) {
        return NULL;
    }
    for (size_t i = 0; i < tokenizer->n_added; i++) {
        const dlm_added_token *added = &tokenizer->added[i];
        if ((parse_special || !added->special) && added->size_bytes <= size &&
            memcmp(text, added->text, added->size_bytes) == 0) {
            return added;
        }
    }
    return NULL;
}

static bool encode_text(encode_run *run, const char *text, size_t size, bool parse_special,
                        tool_error *error) {
    const dlm_tokenizer *tokenizer = run->tokenizer;
    size_t begin = 0, at = 0;
    while (begin < size) {
        const dlm_added_token *added = NULL;
        while (at < size && !added) {
            added = added_at(tokenizer, text + at, size - at, parse_special);
            at += added ? 0 : 1;
        }
        if (!dlm_pre_split_run(tokenizer->split, text + begin, at - begin, encode_piece, run,
                               error)) {
            return false;
        }
        if (added) {
            if (!reserve_ids(run, 1, error)) {
                return false;
            }
            run->ids[run->count++] = added->id;
            at += added->size_bytes;
        }
        begin = at;
    }
    return true;
}

bool dlm_tokenizer_encode(const dlm_tokenizer *tokenizer, const char *text, size_t size_bytes,
                          bool parse_special, uint32_t **ids, size_t *count, tool_error *error) {
    encode_run run = {.tokenizer = tokenizer};
    bool encoded = reserve_ids(&run, size_bytes / 4 + 1, error) &&
                   encode_text(&run, text, size_bytes, parse_special, error);
    dlm_bpe_work_free(&run.work);
    if (!encoded) {
        free(run.ids);
        *ids = NULL;
        *count = 0;
        return false;
    }
    *ids = run.ids;
    *count = run.count;
    return true;
}

/* The token of that id if it decodes to something. */
static const dlm_token *decodable(const dlm_tokenizer *tokenizer, uint32_t id) {
    if (id >= tokenizer->vocabulary.size) {
        return NULL;
    }
    const dlm_token *token = &tokenizer->vocabulary.tokens[id];
    return token->kind == DLM_TOKEN_NONE || token->special ? NULL : token;
}

char *dlm_tokenizer_decode(const dlm_tokenizer *tokenizer, const uint32_t *ids, size_t count,
                           size_t *size_bytes) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const dlm_token *token = decodable(tokenizer, ids[i]);
        if (token && token->size_bytes >= SIZE_MAX - size) {
            return NULL;
        }
        size += token ? token->size_bytes : 0;
    }
    char *text = malloc(size + 1);
    if (!text) {
        return NULL;
    }
    char *next = text;
    for (size_t i = 0; i < count; i++) {
        const dlm_token *token = decodable(tokenizer, ids[i]);
        if (token) {
            memcpy(next, tokenizer->vocabulary.bytes + token->offset, token->size_bytes);
            next += token->size_bytes;
        }
    }
    *next = '\0';
    if (size_bytes) {
        *size_bytes = size;
    }
    return text;
}
