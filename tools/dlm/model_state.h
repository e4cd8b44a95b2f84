/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The inside of a dlm_model, shared by model_load.c, model.c and model_layer.c. */
#ifndef TOOLS_DLM_MODEL_STATE_H
#define TOOLS_DLM_MODEL_STATE_H

#include "linear.h"
#include "model.h"
#include "rope.h"

typedef struct dlm_layer {
    float *attention_norm, *mlp_norm; /* [hidden] */
    dlm_linear q, k, v, o, gate, up, down;
} dlm_layer;

/* One forward pass's activations, for `capacity` rows. */
typedef struct dlm_activations {
    size_t capacity;
    float *x, *picked; /* [hidden]: residual stream, rows of it gathered */
    void *normed;      /* [hidden], as the next product reads it */
    void *gated;       /* [intermediate], likewise */
    void *q, *k, *v;   /* [heads * head_dim] or [kv_heads * head_dim], attention's dtype */
    void *attended, *picked_rows; /* [heads * head_dim], attention's out_dtype; rows gathered */
} dlm_activations;

struct dlm_model {
    dlm_config config;
    dlm_weights *weights;
    dlm_linear_engine engine;
    bool all_bf16; /* the weights of all linear layers */
    dlm_rope rope;
    dlm_layer *layers;
    const safetensors_tensor *embedding; /* [vocab][hidden] */
    float *final_norm;                   /* [hidden] */
    dlm_linear head;                     /* logits */
    dlm_activations activations;
    double linear_seconds;
};

void dlm_activations_free(dlm_activations *activations);

/* k and v of all positions, and q from row q_from on, rotated, in attention's dtype. */
void dlm_layer_project(dlm_model *model, const dlm_layer *layer, const dlm_attention *attention,
                       size_t len, size_t q_from);

/* x += o(attended), then x += mlp(norm(x)), for any selection of rows. */
void dlm_layer_finish(dlm_model *model, const dlm_layer *layer, const dlm_attention *attention,
                      const void *attended, size_t rows, float *x);

/* logits = head(norm(x)). */
void dlm_layer_predict(dlm_model *model, const dlm_attention *attention, const float *x,
                       size_t rows, float *logits);

#endif
