/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The forward pass. See model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include <sparsed/sparsed.h>

#include "../../cpu/levels.h"
#include "model_state.h"
#include "widen.h"

const dlm_config *dlm_model_config(const dlm_model *model) {
    return &model->config;
}

int dlm_model_threads(const dlm_model *model) {
    return model->engine.threads;
}

double dlm_model_linear_seconds(const dlm_model *model) {
    return model->linear_seconds;
}

uint32_t dlm_reading_position(const dlm_config *config, uint32_t position) {
    return config->architecture == DLM_DREAM && position > 0 ? position - 1 : position;
}

uint32_t dlm_model_product_dtype(const dlm_model *model, uint32_t dtype) {
    bool pairs = dtype == SPARSED_BF16 && model->engine.pairs && model->all_bf16;
    return pairs ? SPARSED_BF16 : SPARSED_F32;
}

const char *dlm_model_product_isa(const dlm_model *model, uint32_t product_dtype) {
    const dlm_linear_engine *engine = &model->engine;
    return spd_isa_name(
        spd_level_isa(product_dtype == SPARSED_BF16 ? engine->pairs : engine->floats));
}

size_t dlm_row_stride(size_t width, uint32_t dtype) {
    return dlm_linear_stride(width, dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t));
}

void dlm_activations_free(dlm_activations *a) {
    void *const buffers[] = {a->x, a->picked, a->normed,   a->gated,      a->q,
                             a->k, a->v,      a->attended, a->picked_rows};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        free(buffers[i]);
    }
    *a = (dlm_activations){0};
}

/* Rows of floats or of anything smaller, packed or dlm_linear_stride apart, and some zeros behind
 * them, which products may read. A stride is a whole number of cache lines. */
static void *new_rows(size_t rows, size_t width) {
    const size_t row_bytes = dlm_linear_stride(width, sizeof(float)) * sizeof(float);
    if (rows > SIZE_MAX / row_bytes - DLM_ROWS_STEP) {
        return NULL;
    }
    const size_t bytes = (rows + DLM_ROWS_STEP) * row_bytes;
    void *memory = aligned_alloc(DLM_CACHE_LINE_BYTES, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

/* Room for `rows` rows in every buffer; the contents are lost. */
static bool reserve_activations(dlm_model *model, size_t rows, tool_error *error) {
    const dlm_config *config = &model->config;
    const size_t hidden = config->hidden;
    const size_t q_width = (size_t)config->heads * config->head_dim;
    const size_t kv_width = (size_t)config->kv_heads * config->head_dim;
    dlm_activations *a = &model->activations;
    if (rows <= a->capacity) {
        return true;
    }
    dlm_activations_free(a);
    a->x = new_rows(rows, hidden);
    a->picked = new_rows(rows, hidden);
    a->normed = new_rows(rows, hidden);
    a->gated = new_rows(rows, config->intermediate);
    a->q = new_rows(rows, q_width);
    a->k = new_rows(rows, kv_width);
    a->v = new_rows(rows, kv_width);
    a->attended = new_rows(rows, q_width);
    a->picked_rows = new_rows(rows, q_width);
    if (!a->x || !a->picked || !a->normed || !a->gated || !a->q || !a->k || !a->v || !a->attended ||
        !a->picked_rows || !dlm_rope_reserve(&model->rope, rows)) {
        dlm_activations_free(a);
        return tool_fail(error, "out of memory for the activations of %zu tokens", rows);
    }
    a->capacity = rows;
    return true;
}

static bool check_input(const dlm_config *config, const uint32_t *tokens, uint32_t len,
                        const uint32_t *rows, uint32_t n_rows, uint32_t last_from,
                        tool_error *error) {
    if (len < 1 || len > config->max_position) {
        return tool_fail(error, "a sequence of %u tokens: the model takes 1 to %u", len,
                         config->max_position);
    }
    if (last_from >= len) {
        return tool_fail(error, "the last layer begins at row %u of a sequence of %u tokens",
                         last_from, len);
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
        if (dlm_reading_position(config, rows[i]) < last_from) {
            return tool_fail(error, "a prediction for position %u: the last layer begins at row %u",
                             rows[i], last_from);
        }
    }
    return true;
}

static void embed(dlm_model *model, const uint32_t *tokens, size_t len) {
    const size_t hidden = model->config.hidden;
#pragma omp parallel for num_threads(model->engine.threads) schedule(static)
    for (size_t i = 0; i < len; i++) {
        dlm_widen(model->embedding->dtype, model->embedding->data, tokens[i] * hidden, hidden,
                  model->activations.x + i * hidden);
    }
}

/* After the last attention no row depends on another: the rest is done for the wanted ones only. */
static void finish_wanted_rows(dlm_model *model, const uint32_t *rows, uint32_t n_rows,
                               const dlm_attention *attention, float *logits) {
    const dlm_config *config = &model->config;
    const size_t x_bytes = config->hidden * sizeof(float);
    const size_t element = attention->out_dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
    const size_t q_width = (size_t)config->heads * config->head_dim;
    const size_t q_stride =
        attention->packed ? q_width : dlm_row_stride(q_width, attention->out_dtype);
    const size_t q_bytes = q_stride * element;
    dlm_activations *a = &model->activations;
    for (size_t i = 0; i < n_rows; i++) {
        size_t from = dlm_reading_position(config, rows[i]);
        memcpy((char *)a->picked + i * x_bytes, (const char *)a->x + from * x_bytes, x_bytes);
        memcpy((char *)a->picked_rows + i * q_bytes, (const char *)a->attended + from * q_bytes,
               q_bytes);
    }
    dlm_layer_finish(model, &model->layers[config->layers - 1], attention, a->picked_rows, n_rows,
                     a->picked);
    dlm_layer_predict(model, attention, a->picked, n_rows, logits);
}

bool dlm_model_forward(dlm_model *model, const uint32_t *tokens, uint32_t len, const uint32_t *rows,
                       uint32_t n_rows, const dlm_attention *attention, float *logits,
                       tool_error *error) {
    const uint32_t layers = model->config.layers;
    if (!check_input(&model->config, tokens, len, rows, n_rows, attention->last_from, error) ||
        !reserve_activations(model, len > n_rows ? len : n_rows, error)) {
        return false;
    }
    embed(model, tokens, len);
    for (uint32_t i = 0; i < layers; i++) {
        const uint32_t q_from = i + 1 < layers ? 0 : attention->last_from;
        dlm_layer_project(model, &model->layers[i], attention, len, q_from);
        const dlm_activations *a = &model->activations;
        if (!attention->attend(attention->user, i, a->q, a->k, a->v, a->attended, len, error)) {
            return false;
        }
        if (i + 1 < layers) {
            dlm_layer_finish(model, &model->layers[i], attention, a->attended, len, a->x);
        }
    }
    finish_wanted_rows(model, rows, n_rows, attention, logits);
    return true;
}
