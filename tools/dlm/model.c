/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The forward pass. See model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "elementwise.h"
#include "model_state.h"
#include "widen.h"

const dlm_config *dlm_model_config(const dlm_model *model) {
    return &model->config;
}

double dlm_model_linear_seconds(const dlm_model *model) {
    return model->linear_seconds;
}

void dlm_activations_free(dlm_activations *a) {
    float *const buffers[] = {a->x, a->normed, a->picked, a->q, a->attended,
                              a->k, a->v,      a->gate,   a->up};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        free(buffers[i]);
    }
    *a = (dlm_activations){0};
}

static float *new_rows(size_t rows, size_t width) {
    if (rows > SIZE_MAX / sizeof(float) / width) {
        return NULL;
    }
    return malloc(rows * width * sizeof(float));
}

/* Room for `rows` rows in every buffer; the contents are lost. */
static bool reserve_activations(dlm_model *model, size_t rows, tool_error *error) {
    const dlm_config *config = &model->config;
    const size_t hidden = config->hidden, intermediate = config->intermediate;
    const size_t q_width = (size_t)config->heads * config->head_dim;
    const size_t kv_width = (size_t)config->kv_heads * config->head_dim;
    dlm_activations *a = &model->activations;
    if (rows <= a->capacity) {
        return true;
    }
    dlm_activations_free(a);
    a->x = new_rows(rows, hidden);
    a->normed = new_rows(rows, hidden);
    a->picked = new_rows(rows, hidden);
    a->q = new_rows(rows, q_width);
    a->attended = new_rows(rows, q_width);
    a->k = new_rows(rows, kv_width);
    a->v = new_rows(rows, kv_width);
    a->gate = new_rows(rows, intermediate);
    a->up = new_rows(rows, intermediate);
    if (!a->x || !a->normed || !a->picked || !a->q || !a->attended || !a->k || !a->v || !a->gate ||
        !a->up || !dlm_rope_reserve(&model->rope, rows)) {
        dlm_activations_free(a);
        return tool_fail(error, "out of memory for the activations of %zu tokens", rows);
    }
    a->capacity = rows;
    return true;
}

static bool check_input(const dlm_config *config, const uint32_t *tokens, uint32_t len,
                        const uint32_t *rows, uint32_t n_rows, tool_error *error) {
    if (len < 1 || len > config->max_position) {
        return tool_fail(error, "a sequence of %u tokens: the model takes 1 to %u", len,
                         config->max_position);
    }
    for (uint32_t i = 0; i < len; i++) {
        if (tokens[i] >= config->vocab) {
            return tool_fail(error, "token %u at position %u: the vocabulary has %u", tokens[i], i,
                             config->vocab);
        }
    }
    for (uint32_t i = 0; i < n_rows; i++) {
        if (rows[i] >= len) {
            return tool_fail(error, "a prediction for position %u of a sequence of %u tokens",
                             rows[i], len);
        }
    }
    return true;
}

static void apply_linear(dlm_model *model, const dlm_linear *linear, const float *x, size_t rows,
                         bool accumulate, float *y) {
    double start = clock_seconds();
    dlm_linear_apply(&model->engine, linear, x, rows, accumulate, y);
    model->linear_seconds += clock_seconds() - start;
}

static void norm(const dlm_model *model, const float *x, const float *weight, size_t rows,
                 float *y) {
    dlm_rms_norm(x, weight, (float)model->config.rms_norm_eps, rows, model->config.hidden,
                 model->engine.threads, y);
}

static void embed(dlm_model *model, const uint32_t *tokens, size_t len) {
    const size_t hidden = model->config.hidden;
    for (size_t i = 0; i < len; i++) {
        dlm_widen(model->embedding->dtype, model->embedding->data, tokens[i] * hidden, hidden,
                  model->activations.x + i * hidden);
    }
}

/* q, k and v of all positions, rotated. */
static void project_attention(dlm_model *model, const dlm_layer *layer, size_t len) {
    const dlm_config *config = &model->config;
    dlm_activations *a = &model->activations;
    norm(model, a->x, layer->attention_norm, len, a->normed);
    apply_linear(model, &layer->q, a->normed, len, false, a->q);
    apply_linear(model, &layer->k, a->normed, len, false, a->k);
    apply_linear(model, &layer->v, a->normed, len, false, a->v);
    dlm_rope_apply(&model->rope, a->q, len, config->heads, model->engine.threads);
    dlm_rope_apply(&model->rope, a->k, len, config->kv_heads, model->engine.threads);
}

/* x += o(attended), then x += mlp(norm(x)), for any selection of rows. */
static void finish_layer(dlm_model *model, const dlm_layer *layer, const float *attended,
                         size_t rows, float *x) {
    dlm_activations *a = &model->activations;
    apply_linear(model, &layer->o, attended, rows, true, x);
    norm(model, x, layer->mlp_norm, rows, a->normed);
    apply_linear(model, &layer->gate, a->normed, rows, false, a->gate);
    apply_linear(model, &layer->up, a->normed, rows, false, a->up);
    dlm_swiglu(a->gate, a->up, rows, model->config.intermediate, model->engine.threads);
    apply_linear(model, &layer->down, a->gate, rows, true, x);
}

/* The position at which the prediction for `position` is read. */
static size_t reading_position(const dlm_config *config, uint32_t position) {
    return config->architecture == DLM_DREAM && position > 0 ? position - 1 : position;
}

/* After the last attention no row depends on another: the rest is done for the wanted ones only. */
static void finish_wanted_rows(dlm_model *model, const uint32_t *rows, uint32_t n_rows,
                               float *logits) {
    const dlm_config *config = &model->config;
    const size_t hidden = config->hidden, q_width = (size_t)config->heads * config->head_dim;
    dlm_activations *a = &model->activations;
    for (size_t i = 0; i < n_rows; i++) {
        size_t from = reading_position(config, rows[i]);
        memcpy(a->picked + i * hidden, a->x + from * hidden, hidden * sizeof(float));
        memcpy(a->q + i * q_width, a->attended + from * q_width, q_width * sizeof(float));
    }
    finish_layer(model, &model->layers[config->layers - 1], a->q, n_rows, a->picked);
    norm(model, a->picked, model->final_norm, n_rows, a->normed);
    apply_linear(model, &model->head, a->normed, n_rows, false, logits);
}

bool dlm_model_forward(dlm_model *model, const uint32_t *tokens, uint32_t len, const uint32_t *rows,
                       uint32_t n_rows, const dlm_attention *attention, float *logits,
                       tool_error *error) {
    const uint32_t layers = model->config.layers;
    if (!check_input(&model->config, tokens, len, rows, n_rows, error) ||
        !reserve_activations(model, len > n_rows ? len : n_rows, error)) {
        return false;
    }
    embed(model, tokens, len);
    for (uint32_t i = 0; i < layers; i++) {
        project_attention(model, &model->layers[i], len);
        const dlm_activations *a = &model->activations;
        if (!attention->attend(attention->user, i, a->q, a->k, a->v, a->attended, len, error)) {
            return false;
        }
        if (i + 1 < layers) {
            finish_layer(model, &model->layers[i], a->attended, len, a->x);
        }
    }
    finish_wanted_rows(model, rows, n_rows, logits);
    return true;
}
