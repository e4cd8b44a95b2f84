/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Loading a model: which tensor is which in both architectures, and their shapes. */
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../cpu/levels.h"
#include "model_state.h"
#include "widen.h"

enum { MAX_THREADS = 4096 };

/* Names under which an architecture's checkpoints store the weights; layer names follow
 * "<layers>.<number>.". */
typedef struct tensor_names {
    const char *embedding, *final_norm, *head, *layers;
    const char *attention_norm, *q, *k, *v, *o, *mlp_norm, *gate, *up, *down;
    bool qkv_bias;
} tensor_names;

static const tensor_names dream_names = {
    .embedding = "model.embed_tokens",
    .final_norm = "model.norm",
    .head = "lm_head",
    .layers = "model.layers",
    .attention_norm = "input_layernorm",
    .q = "self_attn.q_proj",
    .k = "self_attn.k_proj",
    .v = "self_attn.v_proj",
    .o = "self_attn.o_proj",
    .mlp_norm = "post_attention_layernorm",
    .gate = "mlp.gate_proj",
    .up = "mlp.up_proj",
    .down = "mlp.down_proj",
    .qkv_bias = true,
};

static const tensor_names llada_names = {
    .embedding = "model.transformer.wte",
    .final_norm = "model.transformer.ln_f",
    .head = "model.transformer.ff_out",
    .layers = "model.transformer.blocks",
    .attention_norm = "attn_norm",
    .q = "q_proj",
    .k = "k_proj",
    .v = "v_proj",
    .o = "attn_out",
    .mlp_norm = "ff_norm",
    .gate = "ff_proj",
    .up = "up_proj",
    .down = "ff_out",
    .qkv_bias = false,
};

/* "<prefix>.<name>.<suffix>" in a buffer of the loader's, for the layer or the model. */
typedef struct loader {
    const dlm_weights *weights;
    const tensor_names *names;
    char prefix[64];
    char name[128];
    bool all_bf16; /* the weights of all linear layers so far */
    tool_error *error;
} loader;

static const safetensors_tensor *get_tensor(loader *load, const char *name, const char *suffix,
                                            uint64_t rows, uint64_t cols) {
    snprintf(load->name, sizeof load->name, "%s%s.%s", load->prefix, name, suffix);
    return dlm_weights_get(load->weights, load->name, rows, cols, load->error);
}

/* A one-dimensional tensor as floats, malloc'd. */
static float *load_vector(loader *load, const char *name, const char *suffix, uint32_t width) {
    const safetensors_tensor *tensor = get_tensor(load, name, suffix, width, 0);
    if (!tensor) {
        return NULL;
    }
    float *vector = malloc(width * sizeof *vector);
    if (!vector) {
        tool_fail(load->error, "out of memory for tensor %s", load->name);
        return NULL;
    }
    dlm_widen(tensor->dtype, tensor->data, 0, width, vector);
    return vector;
}

static bool load_linear(loader *load, const char *name, uint32_t in, uint32_t out, bool bias,
                        dlm_linear *linear) {
    const safetensors_tensor *tensor = get_tensor(load, name, "weight", out, in);
    if (!tensor) {
        return false;
    }
    linear->in = in;
    linear->out = out;
    linear->dtype = tensor->dtype;
    load->all_bf16 = load->all_bf16 && tensor->dtype == SAFETENSORS_BF16;
    linear->weight = tensor->data;
    if (bias) {
        linear->bias = load_vector(load, name, "bias", out);
    }
    return !bias || linear->bias;
}

static bool load_layer(loader *load, const dlm_config *config, uint32_t number, dlm_layer *layer) {
    const tensor_names *names = load->names;
    const uint32_t hidden = config->hidden, intermediate = config->intermediate;
    const uint32_t q_width = config->heads * config->head_dim;
    const uint32_t kv_width = config->kv_heads * config->head_dim;
    snprintf(load->prefix, sizeof load->prefix, "%s.%u.", names->layers, number);
    layer->attention_norm = load_vector(load, names->attention_norm, "weight", hidden);
    if (!layer->attention_norm) {
        return false;
    }
    layer->mlp_norm = load_vector(load, names->mlp_norm, "weight", hidden);
    return layer->mlp_norm &&
           load_linear(load, names->q, hidden, q_width, names->qkv_bias, &layer->q) &&
           load_linear(load, names->k, hidden, kv_width, names->qkv_bias, &layer->k) &&
           load_linear(load, names->v, hidden, kv_width, names->qkv_bias, &layer->v) &&
           load_linear(load, names->o, q_width, hidden, false, &layer->o) &&
           load_linear(load, names->gate, hidden, intermediate, false, &layer->gate) &&
           load_linear(load, names->up, hidden, intermediate, false, &layer->up) &&
           load_linear(load, names->down, intermediate, hidden, false, &layer->down);
}

static bool load_tensors(dlm_model *model, tool_error *error) {
    const dlm_config *config = &model->config;
    const tensor_names *names = config->architecture == DLM_DREAM ? &dream_names : &llada_names;
    const char *head = config->tied_embeddings ? names->embedding : names->head;
    loader load = {.weights = model->weights, .names = names, .all_bf16 = true, .error = error};
    model->embedding = get_tensor(&load, names->embedding, "weight", config->vocab, config->hidden);
    if (!model->embedding) {
        return false;
    }
    model->final_norm = load_vector(&load, names->final_norm, "weight", config->hidden);
    if (!model->final_norm ||
        !load_linear(&load, head, config->hidden, config->vocab, false, &model->head)) {
        return false;
    }
    model->layers = calloc(config->layers, sizeof *model->layers);
    if (!model->layers) {
        return tool_fail(error, "out of memory for %u layers", config->layers);
    }
    for (uint32_t i = 0; i < config->layers; i++) {
        if (!load_layer(&load, config, i, &model->layers[i])) {
            return false;
        }
    }
    model->all_bf16 = load.all_bf16;
    return true;
}

/* The matrix products count rows and columns in int. */
static bool check_widths(const dlm_config *config, tool_error *error) {
    const uint64_t attention = (uint64_t)config->heads * config->head_dim;
    if (config->hidden > INT_MAX || config->intermediate > INT_MAX || config->vocab > INT_MAX ||
        attention > INT_MAX) {
        return tool_fail(error,
                         "hidden size %u, intermediate size %u, vocabulary %u or %u heads of %u "
                         "are more than this program can multiply",
                         config->hidden, config->intermediate, config->vocab, config->heads,
                         config->head_dim);
    }
    return true;
}

static bool init_engine(dlm_model *model, uint32_t threads, tool_error *error) {
    const dlm_config *config = &model->config;
    uint32_t widest = config->heads * config->head_dim;
    sparsed_message why;
    if (spd_isa_check_environment(&why) != SPARSED_OK) {
        return tool_fail(error, "the model's linear layers run on the CPU: %s", why.text);
    }
    if (threads > MAX_THREADS) {
        return tool_fail_usage(error, "%u threads: at most %d are possible", threads, MAX_THREADS);
    }
    widest = config->hidden > widest ? config->hidden : widest;
    widest = config->intermediate > widest ? config->intermediate : widest;
    model->rope.head_dim = config->head_dim;
    model->rope.theta = (float)config->rope_theta;
    if (!dlm_linear_engine_init(&model->engine, spd_level_best(false), spd_level_best(true),
                                threads ? (int)threads : omp_get_max_threads(), widest)) {
        return tool_fail(error, "out of memory for a panel of weights");
    }
    return true;
}

dlm_model *dlm_model_load(const char *dir, uint32_t threads, tool_error *error) {
    dlm_model *model = calloc(1, sizeof *model);
    if (!model) {
        tool_fail(error, "out of memory for the model in %s", dir);
        return NULL;
    }
    if (!dlm_config_load(dir, &model->config, error) || !check_widths(&model->config, error)) {
        goto fail;
    }
    model->weights = dlm_weights_open(dir, error);
    if (!model->weights || !load_tensors(model, error) || !init_engine(model, threads, error)) {
        goto fail;
    }
    return model;

fail:
    dlm_model_free(model);
    return NULL;
}

static void free_layer(dlm_layer *layer) {
    free(layer->attention_norm);
    free(layer->mlp_norm);
    free(layer->q.bias);
    free(layer->k.bias);
    free(layer->v.bias);
}

void dlm_model_free(dlm_model *model) {
    if (!model) {
        return;
    }
    for (uint32_t i = 0; model->layers && i < model->config.layers; i++) {
        free_layer(&model->layers[i]);
    }
    free(model->layers);
    free(model->final_norm);
    dlm_activations_free(&model->activations);
    dlm_linear_engine_free(&model->engine);
    dlm_rope_free(&model->rope);
    dlm_weights_close(model->weights);
    dlm_config_free(&model->config);
    free(model);
}
