/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See linear_pack.h. */
#include "linear_pack.h"

#include <string.h>

#include <sparsed/sparsed.h>

enum { CHUNK = 128 }; /* inputs widened at a time */

/* Where the weights of an output begin. */
static const unsigned char *output_weights(const dlm_linear *linear, size_t output) {
    size_t row_bytes = linear->in * safetensors_dtype_bytes(linear->dtype);
    return (const unsigned char *)linear->weight + output * row_bytes;
}

/* Halves become floats a few columns at a time, so that these stay in the nearest cache. */
static void pack_widened(const spd_level *level, const dlm_linear *linear, size_t first,
                         uint32_t count, uint32_t *to) {
    const uint32_t dtype = linear->dtype == SAFETENSORS_F16 ? SPARSED_F16 : SPARSED_BF16;
    const uint32_t main = dlm_pack_main(linear->in);
    float chunk[SPD_STRIP_ROWS * CHUNK];
    for (uint32_t c = 0; c < main; c += CHUNK) {
        uint32_t columns = main - c < CHUNK ? main - c : CHUNK;
        for (uint32_t j = 0; j < count; j++) {
            const unsigned char *from = output_weights(linear, first + j) + c * sizeof(uint16_t);
            level->loops->widen(dtype, from, columns, chunk + (size_t)j * CHUNK);
        }
        level->loops->transpose(chunk, CHUNK * sizeof(float), count, columns,
                                to + (size_t)c * SPD_STRIP_ROWS, SPD_STRIP_ROWS);
    }
}

static void pack_rest(const dlm_linear *linear, size_t first, uint32_t count, float *to) {
    const uint32_t main = dlm_pack_main(linear->in), rest = linear->in - main;
    float values[DLM_PACK_MULTIPLE];
    for (uint32_t j = 0; rest > 0 && j < count; j++) {
        dlm_widen(linear->dtype, output_weights(linear, first + j), main, rest, values);
        for (uint32_t d = 0; d < rest; d++) {
            to[d * SPD_STRIP_ROWS + j] = values[d];
        }
    }
}

void dlm_pack_strip(const spd_level *level, const dlm_linear *linear, size_t first, uint32_t count,
                    uint32_t *to) {
    const uint32_t main = dlm_pack_main(linear->in);
    const ptrdiff_t row_bytes = (ptrdiff_t)(linear->in * safetensors_dtype_bytes(linear->dtype));
    if (count < SPD_STRIP_ROWS) {
        memset(to, 0, dlm_pack_words(level, linear->in) * sizeof *to);
    }
    if (level->pairs || linear->dtype == SAFETENSORS_F32) {
        level->loops->transpose(output_weights(linear, first), row_bytes, count,
                                level->pairs ? main / 2 : main, to, SPD_STRIP_ROWS);
    } else {
        pack_widened(level, linear, first, count, to);
    }
    pack_rest(linear, first, count, (float *)(to + dlm_pack_main_words(level, linear->in)));
}
