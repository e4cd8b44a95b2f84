/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The inside of a dlm_model, shared by model_load.c and model.c. */
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
    float *x, *normed, *picked; /* [hidden]: residual stream, normed, rows of x gathered */
    float *q, *attended;        /* [heads * head_dim] */
    float *k, *v;               /* [kv_heads * head_dim] */
    float *gate, *up;           /* [intermediate] */
} dlm_activations;

struct dlm_model {
    dlm_config config;
    dlm_weights *weights;
    dlm_linear_engine engine;
    dlm_rope rope;
    dlm_layer *layers;
    const safetensors_tensor *embedding; /* [vocab][hidden] */
    float *final_norm;                   /* [hidden] */
    dlm_linear head;                     /* logits */
    dlm_activations activations;
    double linear_seconds;
};

void dlm_activations_free(dlm_activations *activations);

#endif
