/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Rows of stored tensors to floats and back.
 */
#ifndef SPD_CPU_STORAGE_H
#define SPD_CPU_STORAGE_H

#include "level.h"

#include <stdbool.h>
#include <stdint.h>

/* A tensor's head: row r begins at element first + r * row_stride. */
typedef struct spd_rows {
    const void *data;
    uint32_t dtype; /* sparsed_dtype */
    uint64_t first, row_stride;
} spd_rows;

/* Where a row begins. */
const void *spd_row_at(const spd_rows *rows, uint64_t row);

/* Bytes from a row to the next. */
ptrdiff_t spd_row_stride_bytes(const spd_rows *rows);

/* Whether rows of dim elements can be read in place as floats: f32, aligned, not overlapping (a
 * matrix product refuses that), a stride that fits an int. */
bool spd_rows_in_place(const spd_rows *rows, uint32_t dim);

/* Rows [row, row + count) of dim elements as floats, packed. */
void spd_load_rows(const spd_loops *loops, const spd_rows *rows, uint64_t row, uint64_t count,
                   uint32_t dim, float *to);

/* Rounds a row of dim floats to dtype and stores it from element `first` of `to`. */
void spd_store_row(const float *row, uint32_t dim, void *to, uint32_t dtype, uint64_t first);

#endif
