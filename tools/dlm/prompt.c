/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See prompt.h. */
#include "prompt.h"

#include <stdlib.h>
#include <string.h>

static bool append(dlm_prompt *prompt, const dlm_tokenizer *tokenizer, const char *text,
                   size_t size_bytes, bool special, tool_error *error) {
    uint32_t *ids;
    size_t count;
    if (!dlm_tokenizer_encode(tokenizer, text, size_bytes, special, &ids, &count, error))
        return false;
    uint32_t *grown = realloc(prompt->ids, (prompt->length + count + 1) * sizeof *grown);
    if (!grown) {
        free(ids);
        return tool_fail(error, "out of memory for the prompt");
    }
    memcpy(grown + prompt->length, ids, count * sizeof *ids);
    prompt->ids = grown;
    prompt->length += count;
    free(ids);
    return true;
}

bool dlm_prompt_encode(const dlm_tokenizer *tokenizer, const dlm_config *config, const char *text,
                       size_t size_bytes, bool raw, dlm_prompt *prompt, tool_error *error) {
    const char *prefix = raw ? "" : config->prompt_prefix,
               *suffix = raw ? "" : config->prompt_suffix;
    *prompt = (dlm_prompt){NULL, 0};
    if (append(prompt, tokenizer, prefix, strlen(prefix), true, error) &&
        append(prompt, tokenizer, text, size_bytes, raw, error) &&
        append(prompt, tokenizer, suffix, strlen(suffix), true, error))
        return true;
    dlm_prompt_free(prompt);
    return false;
}

void dlm_prompt_free(dlm_prompt *prompt) {
    free(prompt->ids);
    *prompt = (dlm_prompt){NULL, 0};
}
