/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "random_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_data.h"

/* Block j is taken with the probability that leaves every choice of `kept` blocks equally likely. */
static void draw_row(uint64_t *row, uint64_t k_blocks, uint64_t kept, uint64_t *state) {
    for (uint64_t j = 0; j < k_blocks; j++) {
        const uint64_t place = (bench_random_bits(state) >> 32) * (k_blocks - j) >> 32;
        if (place < kept) {
            row[j / 64] |= (uint64_t)1 << j % 64;
            kept--;
        }
    }
}

sparsed_pattern *random_pattern(const sparsed_pattern_info *info, double ratio,
                                uint64_t shared_rows, sparsed_message *message) {
    const uint64_t q_blocks = (info->q_len + info->block_q - 1) / info->block_q;
    const uint64_t k_blocks = (info->kv_len + info->block_k - 1) / info->block_k;
    const uint64_t words = (k_blocks + 63) / 64, rows = info->heads * q_blocks;
    const uint64_t shared = shared_rows > info->block_q ? shared_rows / info->block_q : 1;
    const uint64_t wanted = (uint64_t)(ratio * (double)k_blocks + 0.5);
    const uint64_t kept = wanted < 1 ? 1 : wanted > k_blocks ? k_blocks : wanted;
    uint64_t *bits = calloc((size_t)(rows * words), sizeof *bits);
    uint64_t state = 1;
    sparsed_pattern *pattern = NULL;
    if (!bits) {
        snprintf(message->text, sizeof message->text, "no memory for a pattern");
        return NULL;
    }
    for (uint64_t row = 0; row < rows; row++)
        if (row % q_blocks % shared == 0)
            draw_row(bits + row * words, k_blocks, kept, &state);
        else
            memcpy(bits + row * words, bits + (row - 1) * words, words * sizeof *bits);
    sparsed_pattern_from_bits(info, bits, NULL, &pattern, message);
    free(bits);
    return pattern;
}
