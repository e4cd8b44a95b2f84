/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The tokens of a byte-level BPE vocabulary: id to bytes, bytes to id.
 */
#ifndef TOOLS_DLM_VOCABULARY_H
#define TOOLS_DLM_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLM_MAX_TOKENS (1u << 24)

typedef enum dlm_token_kind {
    DLM_TOKEN_NONE, /* no token has this id */
    DLM_TOKEN_BYTES,
    DLM_TOKEN_TEXT /* not written in the byte alphabet: is decoded, never made from text */
} dlm_token_kind;

typedef struct dlm_token {
    size_t offset; /* into dlm_vocabulary.bytes */
    uint32_t size_bytes;
    uint8_t kind;
    bool special;
} dlm_token;

typedef struct dlm_vocabulary {
    dlm_token *tokens; /* [size] */
    uint32_t size;     /* largest id + 1 */
    char *bytes;
    size_t bytes_used, bytes_capacity;
    uint32_t *slots; /* hash table of ids of DLM_TOKEN_BYTES */
    size_t slot_count;
} dlm_vocabulary;

typedef enum dlm_vocabulary_result {
    DLM_VOCABULARY_ADDED,
    DLM_VOCABULARY_SAME,    /* the id had this very token already */
    DLM_VOCABULARY_CONFLICT /* the id has another token, or the token another id */
} dlm_vocabulary_result;

/* Room for ids below size and texts of text_bytes together. false if out of memory; free it all the
 * same. */
bool dlm_vocabulary_init(dlm_vocabulary *vocabulary, uint32_t size, size_t text_bytes);
void dlm_vocabulary_free(dlm_vocabulary *vocabulary);

/* Adds a token as tokenizer.json writes it: in the byte alphabet, or else plain UTF-8. */
dlm_vocabulary_result dlm_vocabulary_add(dlm_vocabulary *vocabulary, uint32_t id, const char *text);

/* The id of the token with these bytes. */
bool dlm_vocabulary_find(const dlm_vocabulary *vocabulary, const char *bytes, size_t size_bytes,
                         uint32_t *id);

#endif
