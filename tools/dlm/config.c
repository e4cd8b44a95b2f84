/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reads config.json and generation_config.json of both architectures. What the forward pass would
 * compute wrongly is refused here, by name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "../file.h"
#include "../json_file.h"
#include "../json_keys.h"

#define MAX_CONFIG_BYTES ((size_t)1 << 24)
#define MAX_WIDTH (1u << 20) /* hidden, intermediate, heads * head_dim */
#define MAX_LAYERS 1024u
#define MAX_VOCAB (1u << 24)
#define MAX_POSITION (1u << 24)
#define MAX_HEAD_DIM 256u
#define DEFAULT_SAMPLER "low_confidence"
#define DEFAULT_LENGTH 64u

/* What the attention and the layers of the runner take. */
static bool check_heads(const json_keys *keys, const dlm_config *config) {
    if (config->heads % config->kv_heads != 0) {
        return tool_fail(keys->error, "%s: %u heads are not a multiple of %u key/value heads",
                         keys->path, config->heads, config->kv_heads);
    }
    if (config->head_dim % 8 != 0 || config->head_dim == 0 || config->head_dim > MAX_HEAD_DIM) {
        return tool_fail(keys->error, "%s: head dimension %u is not a multiple of 8 in 8 .. %u",
                         keys->path, config->head_dim, MAX_HEAD_DIM);
    }
    if (config->heads > MAX_WIDTH / config->head_dim) {
        return tool_fail(keys->error, "%s: %u heads of %u are wider than %u", keys->path,
                         config->heads, config->head_dim, MAX_WIDTH);
    }
    return true;
}

static bool divide_heads(const json_keys *keys, const char *hidden_key, dlm_config *config) {
    if (config->hidden % config->heads != 0) {
        return tool_fail(keys->error, "%s: \"%s\": %u is not a multiple of %u heads", keys->path,
                         hidden_key, config->hidden, config->heads);
    }
    config->head_dim = config->hidden / config->heads;
    return true;
}

static bool read_dream_options(const json_keys *keys, dlm_config *config) {
    return json_keys_only_string(keys, "hidden_act", "silu") &&
           json_keys_absent(keys, "rope_scaling") && json_keys_absent(keys, "rope_parameters") &&
           json_keys_off(keys, "use_sliding_window") && json_keys_off(keys, "use_mrope") &&
           json_keys_bool_or(keys, "tie_word_embeddings", false, &config->tied_embeddings);
}

static bool read_dream(const json_keys *keys, dlm_config *config) {
    config->architecture = DLM_DREAM;
    if (!read_dream_options(keys, config) ||
        !json_keys_uint(keys, "num_hidden_layers", 1, MAX_LAYERS, &config->layers) ||
        !json_keys_uint(keys, "hidden_size", 1, MAX_WIDTH, &config->hidden) ||
        !json_keys_uint(keys, "num_attention_heads", 1, MAX_WIDTH, &config->heads) ||
        !json_keys_uint_or(keys, "num_key_value_heads", 1, MAX_WIDTH, config->heads,
                           &config->kv_heads) ||
        !json_keys_uint(keys, "intermediate_size", 1, MAX_WIDTH, &config->intermediate) ||
        !json_keys_uint(keys, "vocab_size", 1, MAX_VOCAB, &config->vocab) ||
        !json_keys_uint(keys, "max_position_embeddings", 1, MAX_POSITION, &config->max_position) ||
        !json_keys_positive(keys, "rope_theta", &config->rope_theta) ||
        !json_keys_positive(keys, "rms_norm_eps", &config->rms_norm_eps)) {
        return false;
    }
    if (json_keys_get(keys, "head_dim")) {
        return json_keys_uint(keys, "head_dim", 8, MAX_HEAD_DIM, &config->head_dim);
    }
    return divide_heads(keys, "hidden_size", config);
}

static bool check_llada_options(const json_keys *keys) {
    static const char *const off[] = {
        "alibi",        "attention_layer_norm",  "include_qkv_bias",   "input_emb_norm",
        "scale_logits", "multi_query_attention", "bias_for_layer_norm"};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        if (!json_keys_off(keys, off[i])) {
            return false;
        }
    }
    uint32_t group;
    bool affine;
    if (!json_keys_only_string(keys, "block_type", "llama") ||
        !json_keys_only_string(keys, "layer_norm_type", "rms") ||
        !json_keys_only_string(keys, "activation_type", "silu") ||
        !json_keys_only_bool(keys, "rope", true) ||
        !json_keys_only_bool(keys, "include_bias", false) || !json_keys_absent(keys, "clip_qkv") ||
        !json_keys_bool_or(keys, "layer_norm_with_affine", true, &affine) ||
        !json_keys_uint_or(keys, "block_group_size", 1, UINT32_MAX, 1, &group)) {
        return false;
    }
    if (!affine) {
        return json_keys_fail(keys, "layer_norm_with_affine", "is not supported, only true");
    }
    return group == 1 || json_keys_fail(keys, "block_group_size", "is not supported, only 1");
}

static bool read_llada_intermediate(const json_keys *keys, dlm_config *config) {
    if (json_keys_get(keys, "mlp_hidden_size")) {
        return json_keys_uint(keys, "mlp_hidden_size", 1, MAX_WIDTH, &config->intermediate);
    }
    uint32_t ratio;
    if (!json_keys_uint(keys, "mlp_ratio", 1, MAX_WIDTH / config->hidden, &ratio)) {
        return false;
    }
    config->intermediate = ratio * config->hidden;
    return true;
}

/* The rows of the embedding are embedding_size, which may be padded beyond vocab_size. */
static bool read_llada_vocab(const json_keys *keys, dlm_config *config) {
    uint32_t vocab;
    if (!json_keys_uint(keys, "vocab_size", 1, MAX_VOCAB, &vocab) ||
        !json_keys_uint_or(keys, "embedding_size", 1, MAX_VOCAB, vocab, &config->vocab)) {
        return false;
    }
    return config->vocab >= vocab ||
           json_keys_fail(keys, "embedding_size", "is below \"vocab_size\"");
}

static bool read_llada(const json_keys *keys, dlm_config *config) {
    config->architecture = DLM_LLADA;
    return check_llada_options(keys) &&
           json_keys_uint(keys, "n_layers", 1, MAX_LAYERS, &config->layers) &&
           json_keys_uint(keys, "d_model", 1, MAX_WIDTH, &config->hidden) &&
           json_keys_uint(keys, "n_heads", 1, MAX_WIDTH, &config->heads) &&
           json_keys_uint_or(keys, "n_kv_heads", 1, MAX_WIDTH, config->heads, &config->kv_heads) &&
           read_llada_intermediate(keys, config) && read_llada_vocab(keys, config) &&
           json_keys_uint(keys, "max_sequence_length", 1, MAX_POSITION, &config->max_position) &&
           json_keys_positive(keys, "rope_theta", &config->rope_theta) &&
           json_keys_positive(keys, "rms_norm_eps", &config->rms_norm_eps) &&
           json_keys_bool(keys, "weight_tying", &config->tied_embeddings) &&
           divide_heads(keys, "d_model", config);
}

static bool read_architecture(const json_keys *keys, dlm_config *config) {
    const char *type;
    if (!json_keys_string_or(keys, "model_type", NULL, &type)) {
        return false;
    }
    if (!type) {
        return json_keys_missing(keys, "model_type");
    }
    bool read;
    if (strcmp(type, "Dream") == 0) {
        read = read_dream(keys, config);
    } else if (strcmp(type, "llada") == 0) {
        read = read_llada(keys, config);
    } else {
        return json_keys_fail(keys, "model_type", "is not supported, only \"Dream\" and \"llada\"");
    }
    return read && check_heads(keys, config);
}

static bool read_token(const json_keys *model, const json_keys *generation, const char *key,
                       uint32_t vocab, uint32_t *token) {
    const json_keys *source = json_keys_get(model, key) ? model : generation;
    return json_keys_uint_or(source, key, 0, vocab - 1, DLM_NO_TOKEN, token);
}

static bool read_tokens(const json_keys *model, const json_keys *generation, dlm_config *config) {
    if (!read_token(model, generation, "bos_token_id", config->vocab, &config->bos_token) ||
        !read_token(model, generation, "eos_token_id", config->vocab, &config->eos_token) ||
        !read_token(model, generation, "mask_token_id", config->vocab, &config->mask_token)) {
        return false;
    }
    if (config->eos_token == DLM_NO_TOKEN) {
        return json_keys_missing(model, "eos_token_id");
    }
    return config->mask_token != DLM_NO_TOKEN || json_keys_missing(model, "mask_token_id");
}

static bool copy_string(const json_keys *keys, const char *key, char **copy) {
    const char *text;
    if (!json_keys_string_or(keys, key, "", &text)) {
        return false;
    }
    *copy = malloc(strlen(text) + 1);
    if (!*copy) {
        return tool_fail(keys->error, "%s: out of memory", keys->path);
    }
    strcpy(*copy, text);
    return true;
}

static bool read_generation(const json_keys *keys, dlm_config *config) {
    const char *sampler;
    if (!json_keys_string_or(keys, "alg", DEFAULT_SAMPLER, &sampler)) {
        return false;
    }
    if (strlen(sampler) >= sizeof config->sampler) {
        return json_keys_fail(keys, "alg", "is no sampler's name");
    }
    strcpy(config->sampler, sampler);
    return json_keys_uint_or(keys, "max_new_tokens", 1, MAX_POSITION, DEFAULT_LENGTH,
                             &config->gen_length) &&
           json_keys_uint_or(keys, "steps", 1, MAX_POSITION, DEFAULT_LENGTH, &config->steps) &&
           copy_string(keys, "prompt_prefix", &config->prompt_prefix) &&
           copy_string(keys, "prompt_suffix", &config->prompt_suffix);
}

bool dlm_config_load(const char *dir, dlm_config *config, tool_error *error) {
    *config = (dlm_config){0};
    bool loaded = false;
    cJSON *model_root = NULL, *generation_root = NULL;
    char *model_path = file_join(dir, "config.json", error);
    char *generation_path = model_path ? file_join(dir, "generation_config.json", error) : NULL;
    if (!generation_path) {
        goto done;
    }
    model_root = json_file_read(model_path, MAX_CONFIG_BYTES, error);
    if (!model_root) {
        goto done;
    }
    if (file_exists(generation_path)) {
        generation_root = json_file_read(generation_path, MAX_CONFIG_BYTES, error);
        if (!generation_root) {
            goto done;
        }
    }
    const json_keys model = {model_root, model_path, "", error};
    const json_keys generation = {generation_root, generation_path, "", error};
    loaded = read_architecture(&model, config) && read_tokens(&model, &generation, config) &&
             read_generation(&generation, config);
done:
    if (!loaded) {
        dlm_config_free(config);
    }
    cJSON_Delete(generation_root);
    cJSON_Delete(model_root);
    free(generation_path);
    free(model_path);
    return loaded;
}

void dlm_config_free(dlm_config *config) {
    free(config->prompt_prefix);
    free(config->prompt_suffix);
    config->prompt_prefix = config->prompt_suffix = NULL;
}
