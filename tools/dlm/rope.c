/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See rope.h. */
#include "rope.h"

#include <math.h>
#include <stdlib.h>

bool dlm_rope_reserve(dlm_rope *rope, size_t positions) {
    const size_t half = rope->head_dim / 2;
    if (positions <= rope->positions) {
        return true;
    }
    if (positions > SIZE_MAX / sizeof(float) / rope->head_dim) {
        return false;
    }
    float *table = realloc(rope->table, positions * rope->head_dim * sizeof *table);
    if (!table) {
        return false;
    }
    for (size_t i = 0; i < half; i++) {
        float frequency = 1.0f / powf(rope->theta, (float)(2 * i) / (float)rope->head_dim);
        for (size_t p = rope->positions; p < positions; p++) {
            float angle = (float)p * frequency;
            table[p * rope->head_dim + i] = cosf(angle);
            table[p * rope->head_dim + half + i] = sinf(angle);
        }
    }
    rope->table = table;
    rope->positions = positions;
    return true;
}

void dlm_rope_free(dlm_rope *rope) {
    free(rope->table);
    rope->table = NULL;
    rope->positions = 0;
}

static void rotate_head(const float *cosines, const float *sines, size_t half, float *x) {
    for (size_t i = 0; i < half; i++) {
        float first = x[i], second = x[i + half];
        x[i] = first * cosines[i] - second * sines[i];
        x[i + half] = second * cosines[i] + first * sines[i];
    }
}

void dlm_rope_apply(const dlm_rope *rope, float *x, size_t len, size_t heads, int threads) {
    const size_t width = rope->head_dim, half = width / 2;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t p = 0; p < len; p++) {
        const float *cosines = rope->table + p * width;
        for (size_t h = 0; h < heads; h++) {
            rotate_head(cosines, cosines + half, half, x + (p * heads + h) * width);
        }
    }
}
