/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A prompt as token ids: the caller's text between the model's prompt_prefix and prompt_suffix.
 */
#ifndef TOOLS_DLM_PROMPT_H
#define TOOLS_DLM_PROMPT_H

#include "config.h"
#include "tokenizer.h"

typedef struct dlm_prompt {
    uint32_t *ids; /* [length]; owned */
    size_t length;
} dlm_prompt;

/* Special tokens are recognised in prefix and suffix only. raw: nothing is put round the text, and
 * they are recognised in it. On failure nothing is left to free. */
bool dlm_prompt_encode(const dlm_tokenizer *tokenizer, const dlm_config *config, const char *text,
                       size_t size_bytes, bool raw, dlm_prompt *prompt, tool_error *error);
void dlm_prompt_free(dlm_prompt *prompt);

#endif
