/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What tells models and prompts apart in pattern files.
 */
#ifndef TOOLS_MODEL_FINGERPRINT_H
#define TOOLS_MODEL_FINGERPRINT_H

#include <sparsed/pattern.h>

#include "dlm/prompt.h"

/* Of the bytes of DIR/config.json and, shard by shard in the order of their names, the name, type,
 * shape and bytes of every tensor. The tokenizer plays no part. */
bool model_fingerprint(const char *dir, sparsed_fingerprint *fingerprint, tool_error *error);

/* Of the token ids. */
sparsed_fingerprint prompt_fingerprint(const dlm_prompt *prompt);

#endif
