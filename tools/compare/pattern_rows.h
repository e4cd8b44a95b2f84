/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Rows of the own pattern of a recorded case; a head counts over all batches.
 */
#ifndef TOOLS_COMPARE_PATTERN_ROWS_H
#define TOOLS_COMPARE_PATTERN_ROWS_H

#include "compare/record_file.h"

static inline uint64_t pattern_row_bytes(const record_case *c) {
    return (c->k_blocks + 7) / 8;
}

static inline const uint8_t *pattern_row(const record_case *c, uint64_t head, uint64_t q_block) {
    return c->runs[RECORD_BUILD].pattern + (head * c->q_blocks + q_block) * pattern_row_bytes(c);
}

static inline bool pattern_bit(const uint8_t *row, uint64_t k_block) {
    return row[k_block / 8] >> (k_block % 8) & 1;
}

#endif
