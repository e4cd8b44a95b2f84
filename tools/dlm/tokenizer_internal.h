/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a loaded tokenizer is made of, for tokenizer.c and tokenizer_load.c.
 */
#ifndef TOOLS_DLM_TOKENIZER_INTERNAL_H
#define TOOLS_DLM_TOKENIZER_INTERNAL_H

#include "bpe.h"
#include "pre_split.h"
#include "tokenizer.h"
#include "vocabulary.h"

/* A token that is found in the text before it is split. */
typedef struct dlm_added_token {
    char *text;
    size_t size_bytes;
    uint32_t id;
    bool special;
} dlm_added_token;

struct dlm_tokenizer {
    dlm_vocabulary vocabulary;
    uint32_t byte_ids[256]; /* the tokens of single bytes */
    dlm_merges merges;
    bool ignore_merges; /* a piece that is a token is that token */
    dlm_pre_split *split;
    dlm_added_token *added; /* longest first */
    size_t n_added;
    bool added_begins[256]; /* some added token begins with this byte */
};

#endif
