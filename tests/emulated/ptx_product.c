/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Products of matrices that lie across a warp's registers. Lane l has, of 8 x 8 elements of a left operand or of a
 * result, row l / 4 and columns 2 (l % 4) and the next; of a right operand the same of its transpose.
 */
#include "emulated/ptx_core.h"
#include "src/half.h"

#include <math.h>
#include <string.h>

/* Without a branch, which would go either way. */
static float towards_0(double x) {
    const float f = (float)x;
    const uint32_t too_large = isfinite(f) & (fabs((double)f) > fabs(x));
    return spd_float_from_bits(spd_float_bits(f) - too_large);
}

static float of_half(ptx_element type, uint32_t word, unsigned half) {
    const uint16_t bits = (uint16_t)(word >> 16 * half);
    return type == PTX_BF16 ? spd_float_from_bf16(bits) : spd_float_from_f16(bits);
}

/* ---- mma ------------------------------------------------------------------------------------ */

/* Rows of a left operand of 16 bits: registers are its rows 0 .. 7 and 8 .. 15, then the same of columns 8 .. 15. */
void ptx_left_halves(const ptx_warp *w, const ptx_operand *a, ptx_element type, ptx_left x) {
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            for (unsigned half = 0; half < 2; half++)
                x[n % 2 * 8 + l / 4][n / 2 * 8 + l % 4 * 2 + half] =
                    of_half(type, ptx_32(w, &a[n])[l], half);
}

static void left_tf32(const ptx_warp *w, const ptx_operand *a, ptx_left x) {
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            x[n % 2 * 8 + l / 4][n / 2 * 4 + l % 4] =
                spd_float_from_bits(ptx_32(w, &a[n])[l] & 0xffffe000);
}

static void right_halves(const ptx_warp *w, const ptx_operand *b, ptx_element type, ptx_right y) {
    for (unsigned n = 0; n < 2; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            for (unsigned half = 0; half < 2; half++)
                y[n * 8 + l % 4 * 2 + half][l / 4] = of_half(type, ptx_32(w, &b[n])[l], half);
}

static void right_tf32(const ptx_warp *w, const ptx_operand *b, ptx_right y) {
    for (unsigned n = 0; n < 2; n++)
        for (unsigned l = 0; l < WARP_LANES; l++)
            y[n * 4 + l % 4][l / 4] = spd_float_from_bits(ptx_32(w, &b[n])[l] & 0xffffe000);
}

/* sum = x y of one row. */
static void multiply_row(const double *restrict x, ptx_right y, unsigned depth,
                         double sum[restrict PTX_COLUMNS]) {
    for (unsigned n = 0; n < PTX_COLUMNS; n++)
        sum[n] = 0.0;
    for (unsigned k = 0; k < depth; k++)
        for (unsigned n = 0; n < PTX_COLUMNS; n++)
            sum[n] += x[k] * y[k][n];
}

void ptx_multiply(const ptx_warp *w, const ptx_operand *d, const ptx_operand *c, ptx_left x,
                  ptx_right y, unsigned depth) {
    for (unsigned row = 0; row < PTX_ROWS; row++) {
        double sum[PTX_COLUMNS];
        multiply_row(x[row], y, depth, sum);
        for (unsigned n = 0; n < PTX_COLUMNS; n++) {
            const unsigned lane = row % 8 * 4 + n / 2, which = row / 8 * 2 + n % 2;
            const double before = c ? (double)ptx_f32(w, &c[which])[lane] : 0.0;
            ptx_f32(w, &d[which])[lane] = towards_0(sum[n] + before);
        }
    }
}

static ptx_result multiply_registers(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const ptx_element type = i->operation->detail;
    ptx_left x;
    ptx_right y;
    (void)lanes;
    if (type == PTX_TF32) {
        left_tf32(w, i->operands + 4, x);
        right_tf32(w, i->operands + 8, y);
    } else {
        ptx_left_halves(w, i->operands + 4, type, x);
        right_halves(w, i->operands + 8, type, y);
    }
    ptx_multiply(w, i->operands, i->operands + 10, x, y, type == PTX_TF32 ? 8 : 16);
    return PTX_DONE;
}

/* ---- ldmatrix: four matrices of 8 x 8 ------------------------------------------------------- */

static ptx_result load_matrices(ptx_warp *w, const ptx_instruction *i, uint32_t lanes) {
    const bool transposed = i->operation->detail;
    uint16_t x[4][8][8];
    (void)lanes;
    for (unsigned l = 0; l < WARP_LANES; l++) {
        const unsigned char *row = ptx_local_read(w, i, ptx_address(w, &i->operands[4], l),
                                                  sizeof x[0][0], 16, PTX_WRITTEN);
        if (!row)
            return PTX_FAULT;
        memcpy(x[l / 8][l % 8], row, sizeof x[0][0]);
    }
    for (unsigned n = 0; n < 4; n++)
        for (unsigned l = 0; l < WARP_LANES; l++) {
            const unsigned at = l / 4, pair = l % 4 * 2;
            const uint16_t low = transposed ? x[n][pair][at] : x[n][at][pair];
            const uint16_t high = transposed ? x[n][pair + 1][at] : x[n][at][pair + 1];
            ptx_32(w, &i->operands[n])[l] = (uint32_t)high << 16 | low;
        }
    return PTX_DONE;
}

#define WARP(name, widths, run, detail) \
    { name, widths, run, PTX_WARP, detail }
#define MMA(types, detail) \
    WARP("mma.sync.aligned." types, "44444444444444", multiply_registers, detail)

const ptx_operation ptx_products[] = {
    MMA("m16n8k16.row.col.f32.bf16.bf16.f32", PTX_BF16),
    MMA("m16n8k16.row.col.f32.f16.f16.f32", PTX_F16),
    MMA("m16n8k8.row.col.f32.tf32.tf32.f32", PTX_TF32),
    WARP("ldmatrix.sync.aligned.m8n8.x4.shared.b16", "4444a", load_matrices, false),
    WARP("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16", "4444a", load_matrices, true),
    {0},
};
