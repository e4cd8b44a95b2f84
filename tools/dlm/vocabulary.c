/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The tokens of a byte-level BPE vocabulary; see vocabulary.h. The table is open addressing with
 * linear probing, at most half full.
 */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "byte_alphabet.h"

#define NO_ID UINT32_MAX

bool dlm_vocabulary_init(dlm_vocabulary *vocabulary, uint32_t size, size_t text_bytes) {
    *vocabulary = (dlm_vocabulary){.size = size, .bytes_capacity = text_bytes, .slot_count = 16};
    while (vocabulary->slot_count / 2 < size) {
        vocabulary->slot_count *= 2;
    }
    vocabulary->tokens = calloc((size_t)size + 1, sizeof *vocabulary->tokens);
    vocabulary->bytes = malloc(text_bytes + 1);
    vocabulary->slots = malloc(vocabulary->slot_count * sizeof *vocabulary->slots);
    if (!vocabulary->tokens || !vocabulary->bytes || !vocabulary->slots) {
        return false;
    }
    for (size_t i = 0; i < vocabulary->slot_count; i++) {
        vocabulary->slots[i] = NO_ID;
    }
    return true;
}

void dlm_vocabulary_free(dlm_vocabulary *vocabulary) {
    free(vocabulary->tokens);
    free(vocabulary->bytes);
    free(vocabulary->slots);
    *vocabulary = (dlm_vocabulary){0};
}

/* FNV-1a. */
static uint64_t hash_bytes(const char *bytes, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    }
    return hash ^ hash >> 32;
}

static bool token_equals(const dlm_vocabulary *vocabulary, uint32_t id, const char *bytes,
                         size_t size) {
    const dlm_token *token = &vocabulary->tokens[id];
    return token->size_bytes == size && memcmp(vocabulary->bytes + token->offset, bytes, size) == 0;
}

/* The slot with the token of these bytes, or the free one where it would go. */
static size_t find_slot(const dlm_vocabulary *vocabulary, const char *bytes, size_t size) {
    size_t mask = vocabulary->slot_count - 1;
    size_t slot = (size_t)hash_bytes(bytes, size) & mask;
    while (vocabulary->slots[slot] != NO_ID &&
           !token_equals(vocabulary, vocabulary->slots[slot], bytes, size)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

dlm_vocabulary_result dlm_vocabulary_add(dlm_vocabulary *vocabulary, uint32_t id,
                                         const char *text) {
    char *bytes = vocabulary->bytes + vocabulary->bytes_used;
    size_t text_size = strlen(text), size;
    dlm_token_kind kind = DLM_TOKEN_BYTES;
    if (!dlm_byte_alphabet_decode(text, text_size, bytes, &size)) {
        size = text_size;
        memcpy(bytes, text, size);
        kind = DLM_TOKEN_TEXT;
    }
    dlm_token *token = &vocabulary->tokens[id];
    if (token->kind != DLM_TOKEN_NONE) {
        return token->kind == kind && token_equals(vocabulary, id, bytes, size)
                   ? DLM_VOCABULARY_SAME
                   : DLM_VOCABULARY_CONFLICT;
    }
    if (kind == DLM_TOKEN_BYTES) {
        size_t slot = find_slot(vocabulary, bytes, size);
        if (vocabulary->slots[slot] != NO_ID) {
            return DLM_VOCABULARY_CONFLICT;
        }
        vocabulary->slots[slot] = id;
    }
    *token = (dlm_token){vocabulary->bytes_used, (uint32_t)size, (uint8_t)kind, false};
    vocabulary->bytes_used += size;
    return DLM_VOCABULARY_ADDED;
}

bool dlm_vocabulary_find(const dlm_vocabulary *vocabulary, const char *bytes, size_t size_bytes,
                         uint32_t *id) {
    *id = vocabulary->slots[find_slot(vocabulary, bytes, size_bytes)];
    return *id != NO_ID;
}
