/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A model folder's config.json and generation_config.json, checked and in one form for both
 * architectures (Dream's and LLaDA's key names differ).
 */
#ifndef TOOLS_DLM_CONFIG_H
#define TOOLS_DLM_CONFIG_H

#include <stdint.h>

#include "../error.h"

#define DLM_NO_TOKEN UINT32_MAX

typedef enum dlm_architecture { DLM_DREAM, DLM_LLADA } dlm_architecture;

typedef struct dlm_config {
    dlm_architecture architecture; /* from model_type: "Dream" or "llada" */
    uint32_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocab;
    uint32_t max_position;
    double rope_theta, rms_norm_eps;
    bool tied_embeddings;
    /* From config.json, or else generation_config.json; bos_token is DLM_NO_TOKEN if in neither. */
    uint32_t bos_token, eos_token, mask_token;
    /* generation_config.json */
    char sampler[32];                    /* its "alg", else "low_confidence"; not checked */
    uint32_t gen_length, steps;          /* its "max_new_tokens" and "steps", else 64 */
    char *prompt_prefix, *prompt_suffix; /* UTF-8, "" if absent; owned */
} dlm_config;

/* Reads DIR/config.json and DIR/generation_config.json (the latter may be absent). On failure
 * nothing is left to free. A missing key, a wrong type, a value out of range or an option that is
 * not supported (rope_scaling, alibi, biases that LLaDA checkpoints do not have, an activation
 * other than SiLU, layer norm other than rms,
 * ...) is an error that names the key and its value. */
bool dlm_config_load(const char *dir, dlm_config *config, tool_error *error);
void dlm_config_free(dlm_config *config);

#endif
