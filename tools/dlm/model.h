/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The forward pass of a Dream or LLaDA model. All positions attend to all; the attention itself is
 * the caller's: a callback gets q, k, v of one layer and fills out. Linear layers run on OpenBLAS
 * tiles under OpenMP (plain C without OpenBLAS); weights stay as stored and are widened a matrix at
 * a time.
 */
#ifndef TOOLS_DLM_MODEL_H
#define TOOLS_DLM_MODEL_H

#include "config.h"
#include "weights.h"

typedef struct dlm_model dlm_model;

/* Row layouts, all f32 and packed: q and out [len][heads * head_dim], k and v
 * [len][kv_heads * head_dim], after RoPE. Returns false with *error set on failure. */
typedef struct dlm_attention {
    bool (*attend)(void *user, uint32_t layer, const float *q, const float *k, const float *v,
                   float *out, uint32_t len, tool_error *error);
    void *user;
} dlm_attention;

/* Loads DIR: config, shards; checks every tensor's shape. threads 0 = as OpenMP would. */
dlm_model *dlm_model_load(const char *dir, uint32_t threads, tool_error *error);
void dlm_model_free(dlm_model *model); /* NULL is ignored */
const dlm_config *dlm_model_config(const dlm_model *model);

/*
 * One forward pass.
 *   tokens  [len], each < vocab; 1 <= len <= max_position
 *   rows    [n_rows] positions whose prediction is wanted, in any order; n_rows may be 0. Dream
 *           reads the prediction for position i at position i - 1 (position 0 at itself); the shift
 *           is done here
 *   logits  [n_rows][vocab]
 * Every layer's attention is called, with all rows; what follows the last one is computed for the
 * wanted rows only. Buffers are kept in the model and grow to the longest sequence seen.
 */
bool dlm_model_forward(dlm_model *model, const uint32_t *tokens, uint32_t len, const uint32_t *rows,
                       uint32_t n_rows, const dlm_attention *attention, float *logits,
                       tool_error *error);

/* Seconds spent in linear layers since the model was loaded. */
double dlm_model_linear_seconds(const dlm_model *model);

#endif
