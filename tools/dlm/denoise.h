/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The denoising loop: prompt + gen_length masks, `steps` forward passes, tokens filled as the
 * sampler says. Generation blocks (block_length) are done from the left, steps / (gen_length /
 * block_length) steps each.
 */
#ifndef TOOLS_DLM_DENOISE_H
#define TOOLS_DLM_DENOISE_H

#include "model.h"
#include "sampler.h"

typedef struct dlm_denoise_options {
    dlm_sampler sampler;
    uint32_t gen_length;   /* >= 1 */
    uint32_t steps;        /* over all generation blocks; >= 1 */
    uint32_t block_length; /* 0 = gen_length; divides gen_length, and steps is divisible by
                              gen_length / block_length. low_confidence only, unless 0 */
    /* Called before each step with the generation region as it stands; may be NULL. false stops the
     * run with *error. */
    bool (*before_step)(void *user, uint32_t step, const uint32_t *generated, tool_error *error);
    void *user;
} dlm_denoise_options;

/* Checks the options against each other and the prompt length against max_position; the text names
 * the command's options (--gen-length, --steps, --gen-block-length). */
bool dlm_denoise_check(const dlm_config *config, const dlm_denoise_options *options,
                       size_t prompt_length, tool_error *error);

/* Runs it. generated: [gen_length], the final tokens. */
bool dlm_denoise(dlm_model *model, const uint32_t *prompt, size_t prompt_length,
                 const dlm_denoise_options *options, const dlm_attention *attention,
                 uint32_t *generated, tool_error *error);

#endif
