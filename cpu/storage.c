/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "storage.h"

#include "../src/half.h"

#include <limits.h>
#include <sparsed/sparsed.h>

static void load_row(const spd_rows *rows, uint64_t row, uint32_t dim, float *to) {
    uint64_t first = rows->first + row * rows->row_stride;
    const unsigned char *bytes = rows->data;
    uint16_t half[256];
    if (rows->dtype == SPARSED_F32) {
        memcpy(to, bytes + first * sizeof(float), dim * sizeof(float));
        return;
    }
    memcpy(half, bytes + first * sizeof *half, dim * sizeof *half);
    if (rows->dtype == SPARSED_F16)
        for (uint32_t d = 0; d < dim; d++)
            to[d] = spd_float_from_f16(half[d]);
    else
        for (uint32_t d = 0; d < dim; d++)
            to[d] = spd_float_from_bf16(half[d]);
}

void spd_load_rows(const spd_rows *rows, uint64_t row, uint64_t count, uint32_t dim, float *to) {
    for (uint64_t r = 0; r < count; r++)
        load_row(rows, row + r, dim, to + r * dim);
}

bool spd_rows_in_place(const spd_rows *rows, uint64_t row, uint32_t dim, spd_tile *tile) {
    if (rows->dtype != SPARSED_F32 || rows->row_stride < dim || rows->row_stride > INT_MAX ||
        (uintptr_t)rows->data % sizeof(float) != 0)
        return false;
    tile->data = (const float *)rows->data + rows->first + row * rows->row_stride;
    tile->stride = (int)rows->row_stride;
    return true;
}

void spd_load_row_transposed(const spd_rows *rows, uint64_t row, uint32_t dim, float *to,
                             uint32_t to_stride, float *buffer) {
    load_row(rows, row, dim, buffer);
    for (uint32_t d = 0; d < dim; d++)
        to[(uint64_t)d * to_stride] = buffer[d];
}

void spd_store_row(const float *row, uint32_t dim, void *to, uint32_t dtype, uint64_t first) {
    unsigned char *bytes = to;
    uint16_t half[256];
    if (dtype == SPARSED_F32) {
        memcpy(bytes + first * sizeof *row, row, dim * sizeof *row);
        return;
    }
    if (dtype == SPARSED_F16)
        for (uint32_t d = 0; d < dim; d++)
            half[d] = spd_f16_from_float(row[d]);
    else
        for (uint32_t d = 0; d < dim; d++)
            half[d] = spd_bf16_from_float(row[d]);
    memcpy(bytes + first * sizeof *half, half, dim * sizeof *half);
}
