/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Byte-level BPE from a Hugging Face tokenizer.json: added (special) tokens are split out first,
 * the rest is pre-split by the file's own regular expressions (PCRE2), mapped to the byte alphabet
 * and merged by rank.
 *
 * Two things are left to the caller: a file's "NFC" normalizer is accepted, but text is taken as it
 * comes, so text beyond ASCII should be in NFC already; a "post_processor" (begin and end tokens
 * around the text) is not applied.
 */
#ifndef TOOLS_DLM_TOKENIZER_H
#define TOOLS_DLM_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "../error.h"

typedef struct dlm_tokenizer dlm_tokenizer;

/* Reads a tokenizer.json. NULL on failure; what the file asks for and this reader lacks is an error
 * that names it. */
dlm_tokenizer *dlm_tokenizer_load(const char *path, tool_error *error);
void dlm_tokenizer_free(dlm_tokenizer *tokenizer); /* NULL is ignored */

/* Encodes text[0 .. size_bytes-1] (any bytes; UTF-8 is expected) with special tokens recognised
 * only if parse_special; added tokens that are not special always are. *ids is malloc'd, the caller
 * frees it. A tokenizer may encode on several threads at once. */
bool dlm_tokenizer_encode(const dlm_tokenizer *tokenizer, const char *text, size_t size_bytes,
                          bool parse_special, uint32_t **ids, size_t *count, tool_error *error);

/* Decodes ids to bytes, special tokens left out; malloc'd and NUL-terminated, NULL if out of
 * memory. *size_bytes may be NULL. Unknown ids decode to nothing. */
char *dlm_tokenizer_decode(const dlm_tokenizer *tokenizer, const uint32_t *ids, size_t count,
                           size_t *size_bytes);

/* Largest id + 1. */
uint32_t dlm_tokenizer_size(const dlm_tokenizer *tokenizer);

#endif
