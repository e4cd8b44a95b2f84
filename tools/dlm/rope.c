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
