/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/pattern_bytes.h"

#include <string.h>

uint64_t pattern_bytes_of_row(uint64_t k_blocks) {
    return k_blocks / 8 + (k_blocks % 8 != 0);
}

void pattern_bytes_pack(const uint8_t *mask, uint64_t rows, uint64_t k_blocks, uint8_t *bytes) {
    uint64_t row_bytes = pattern_bytes_of_row(k_blocks);
    memset(bytes, 0, rows * row_bytes);
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t j = 0; j < k_blocks; j++)
            if (mask[r * k_blocks + j])
                bytes[r * row_bytes + j / 8] |= (uint8_t)(1u << j % 8);
}

void pattern_bytes_unpack(const uint8_t *bytes, uint64_t rows, uint64_t k_blocks, uint8_t *mask) {
    uint64_t row_bytes = pattern_bytes_of_row(k_blocks);
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t j = 0; j < k_blocks; j++)
            mask[r * k_blocks + j] = bytes[r * row_bytes + j / 8] >> j % 8 & 1;
}
