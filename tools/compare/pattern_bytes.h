/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Kept blocks as a record holds them: rows of bytes, key block j is bit j % 8 of byte j / 8.
 */
#ifndef TOOLS_COMPARE_PATTERN_BYTES_H
#define TOOLS_COMPARE_PATTERN_BYTES_H

#include <stdint.h>

/* Bytes of a row of k_blocks. */
uint64_t pattern_bytes_of_row(uint64_t k_blocks);

/* bytes[rows][pattern_bytes_of_row] = mask[rows][k_blocks], 0 or not. */
void pattern_bytes_pack(const uint8_t *mask, uint64_t rows, uint64_t k_blocks, uint8_t *bytes);

/* The other way round; 0 or 1. */
void pattern_bytes_unpack(const uint8_t *bytes, uint64_t rows, uint64_t k_blocks, uint8_t *mask);

#endif
