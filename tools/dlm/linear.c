/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See linear.h. */
#include "linear.h"

#include <stdlib.h>

#include "widen.h"

/* A tile of the product, and the least floats of a panel (16 MiB). */
enum { TILE_ROWS = 256, TILE_OUTPUTS = 256, PANEL_FLOATS = 1 << 22 };

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

bool dlm_linear_engine_init(dlm_linear_engine *engine, int threads, uint32_t widest_in) {
    size_t floats = (size_t)widest_in * TILE_OUTPUTS;
    engine->gemm = spd_gemm_openblas();
    if (!engine->gemm) {
        engine->gemm = spd_gemm_plain;
    }
    engine->threads = threads;
    engine->panel_floats = floats > PANEL_FLOATS ? floats : PANEL_FLOATS;
    engine->panel = malloc(engine->panel_floats * sizeof *engine->panel);
    return engine->panel != NULL;
}

void dlm_linear_engine_free(dlm_linear_engine *engine) {
    free(engine->panel);
    engine->panel = NULL;
}

/* The weights of outputs [first, first + count) as floats: in place if they are that already. */
static const float *panel_weights(dlm_linear_engine *engine, const dlm_linear *linear, size_t first,
                                  size_t count) {
    size_t in = linear->in;
    if (linear->dtype == SAFETENSORS_F32 && (uintptr_t)linear->weight % sizeof(float) == 0) {
        return (const float *)linear->weight + first * in;
    }
#pragma omp parallel for num_threads(engine->threads) schedule(static)
    for (size_t i = 0; i < count; i++) {
        dlm_widen(linear->dtype, linear->weight, (first + i) * in, in, engine->panel + i * in);
    }
    return engine->panel;
}

static void add_bias(const float *bias, size_t rows, size_t outputs, float *y, size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t j = 0; j < outputs; j++) {
            y[r * stride + j] += bias[j];
        }
    }
}

void dlm_linear_apply(dlm_linear_engine *engine, const dlm_linear *linear, const float *x,
                      size_t rows, bool accumulate, float *y) {
    const size_t in = linear->in, out = linear->out;
    const size_t panel_outputs = engine->panel_floats / in / TILE_OUTPUTS * TILE_OUTPUTS;
    for (size_t panel = 0; panel < out; panel += panel_outputs) {
        size_t outputs = min_size(panel_outputs, out - panel);
        const float *weights = panel_weights(engine, linear, panel, outputs);
#pragma omp parallel for num_threads(engine->threads) schedule(dynamic) collapse(2)
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            for (size_t j = 0; j < outputs; j += TILE_OUTPUTS) {
                size_t tile_rows = min_size(TILE_ROWS, rows - r);
                size_t tile_outputs = min_size(TILE_OUTPUTS, outputs - j);
                float *tile = y + r * out + panel + j;
                engine->gemm(false, true, (int)tile_rows, (int)tile_outputs, (int)in, x + r * in,
                             (int)in, weights + j * in, (int)in, accumulate ? 1.0f : 0.0f, tile,
                             (int)out);
                if (linear->bias) {
                    add_bias(linear->bias + panel + j, tile_rows, tile_outputs, tile, out);
                }
            }
        }
    }
}
