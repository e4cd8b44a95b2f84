/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The bar of a running generation on a terminal, with the answer as it settles; nothing where
 * stderr is no terminal.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "dlm/tokenizer.h"

typedef struct progress {
    bool shown; /* stderr is a terminal */
    const char *label;
    const dlm_tokenizer *tokenizer;
    uint32_t steps, gen_length, mask_token, eos_token;
    double start_seconds;
} progress;

void progress_start(progress *p, const char *label, const dlm_tokenizer *tokenizer, uint32_t steps,
                    uint32_t gen_length, uint32_t mask_token, uint32_t eos_token);
/* Draws the state before `step`; step == steps is the end. */
void progress_draw(const progress *p, uint32_t step, const uint32_t *generated);
/* Removes the line. */
void progress_end(const progress *p);

#endif
