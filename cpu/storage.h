/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Rows of stored tensors to float tiles and back. The only place of this backend that knows the
 * storage types.
 */
#ifndef SPD_CPU_STORAGE_H
#define SPD_CPU_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

/* A tensor's head: row r begins at element first + r * row_stride. */
typedef struct spd_rows {
    const void *data;
    uint32_t dtype; /* sparsed_dtype */
    uint64_t first, row_stride;
} spd_rows;

/* A row-major tile of floats. */
typedef struct spd_tile {
    const float *data;
    int stride;
} spd_tile;

/* Widens rows [row, row + count) of dim elements to `to`, packed. */
void spd_load_rows(const spd_rows *rows, uint64_t row, uint64_t count, uint32_t dim, float *to);

/* Whether rows of dim elements can be read in place as floats: f32, aligned, not overlapping (a
 * matrix product refuses that), a stride that fits an int. If so, *tile is the one at `row`. */
bool spd_rows_in_place(const spd_rows *rows, uint64_t row, uint32_t dim, spd_tile *tile);

/* Widens one row transposed: element d goes to to[d * to_stride]. buffer holds dim floats. */
void spd_load_row_transposed(const spd_rows *rows, uint64_t row, uint32_t dim, float *to,
                             uint32_t to_stride, float *buffer);

/* Rounds a row of dim floats to dtype and stores it from element `first` of `to`. */
void spd_store_row(const float *row, uint32_t dim, void *to, uint32_t dtype, uint64_t first);

#endif
