/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "storage.h"

#include "../src/half.h"

#include <limits.h>
#include <sparsed/sparsed.h>

static uint64_t element_bytes(const spd_rows *rows) {
    return rows->dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
}

const void *spd_row_at(const spd_rows *rows, uint64_t row) {
    return (const unsigned char *)rows->data +
           (rows->first + row * rows->row_stride) * element_bytes(rows);
}

ptrdiff_t spd_row_stride_bytes(const spd_rows *rows) {
    return (ptrdiff_t)(rows->row_stride * element_bytes(rows));
}

bool spd_rows_in_place(const spd_rows *rows, uint32_t dim) {
    return rows->dtype == SPARSED_F32 && rows->row_stride >= dim && rows->row_stride <= INT_MAX &&
           (uintptr_t)rows->data % sizeof(float) == 0;
}

void spd_load_rows(const spd_loops *loops, const spd_rows *rows, uint64_t row, uint64_t count,
                   uint32_t dim, float *to) {
    for (uint64_t r = row; r < row + count; r++, to += dim)
        if (rows->dtype == SPARSED_F32)
            memcpy(to, spd_row_at(rows, r), dim * sizeof *to);
        else
            loops->widen(rows->dtype, spd_row_at(rows, r), dim, to);
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
