/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The forward pass of a Dream or LLaDA model. All positions attend to all; the attention itself is
 * the caller's: a callback gets q, k, v of one layer and fills out. Weights stay as stored.
 */
#ifndef TOOLS_DLM_MODEL_H
#define TOOLS_DLM_MODEL_H

#include <sparsed/sparsed.h>

#include "config.h"
#include "weights.h"

typedef struct dlm_model dlm_model;

/* Row layouts: q and out [len][heads * head_dim], k and v [len][kv_heads * head_dim], rows
 * dlm_row_stride apart; q and k after RoPE. Returns false with *error set on failure. */
typedef struct dlm_attention {
    bool (*attend)(void *user, uint32_t layer, const void *q, const void *k, const void *v,
                   void *out, uint32_t len, tool_error *error);
    void *user;
    uint32_t dtype;     /* sparsed_dtype in which it wants q, k and v */
    uint32_t out_dtype; /* of out: dlm_model_product_dtype(model, dtype) or SPARSED_F32. Linear
                           layers multiply in this type */
    bool packed;        /* all rows follow one another without gaps */
    uint32_t last_from; /* the last layer's attention needs q, and gives out, from this row on */
} dlm_attention;

/* Loads DIR: config, shards; checks every tensor's shape. threads 0 = as OpenMP would. */
dlm_model *dlm_model_load(const char *dir, uint32_t threads, tool_error *error);
void dlm_model_free(dlm_model *model); /* NULL is ignored */
const dlm_config *dlm_model_config(const dlm_model *model);
int dlm_model_threads(const dlm_model *model);

/* In which type linear layers multiply if attention stores `dtype`: SPARSED_BF16 if that is bf16,
 * all weights are, and the processor multiplies bf16 faster than float; else SPARSED_F32. */
uint32_t dlm_model_product_dtype(const dlm_model *model, uint32_t dtype);

/* The level of instruction sets with which they multiply in that type: "avx512-bf16". */
const char *dlm_model_product_isa(const dlm_model *model, uint32_t product_dtype);

/* Elements of dtype from row to row, at which products read rows of `width` fastest. */
size_t dlm_row_stride(size_t width, uint32_t dtype);

/* The position at which the prediction for `position` is read. */
uint32_t dlm_reading_position(const dlm_config *config, uint32_t position);

/*
 * One forward pass.
 *   tokens  [len], each < vocab; 1 <= len <= max_position
 *   rows    [n_rows] positions whose prediction is wanted, in any order; n_rows may be 0. Dream
 *           reads the prediction for position i at position i - 1 (position 0 at itself); the shift
 *           is done here
 *   logits  [n_rows][vocab]
 * Every layer's attention is called. Of the last layer q is computed from attention->last_from on,
 * and what follows its attention for the wanted rows only. Buffers are kept in the model and grow
 * to the longest sequence seen.
 */
bool dlm_model_forward(dlm_model *model, const uint32_t *tokens, uint32_t len, const uint32_t *rows,
                       uint32_t n_rows, const dlm_attention *attention, float *logits,
                       tool_error *error);

/* Seconds spent in linear layers since the model was loaded, with what is done to a tile of their
 * results before it is stored: bias, rotation, SwiGLU, residual sum. */
double dlm_model_linear_seconds(const dlm_model *model);

#endif
