/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The matrix product in plain C, for machines without OpenBLAS. Tiles of both operands are packed,
 * so that one inner loop, over contiguous columns that compilers vectorise, serves all transposes.
 * A tile's sums are formed apart and then added to C, which also keeps long sums accurate.
 */
#include "gemm.h"

#include <stddef.h>
#include <string.h>

enum { TILE = 64 };

static int min_int(int a, int b) {
    return a < b ? a : b;
}

/* tile[r][c] = op(source)(row + r, col + c), filled up with zeros beyond rows and cols. */
static void pack_tile(bool transpose, const float *source, int ld, int row, int col, int rows,
                      int cols, float tile[TILE][TILE]) {
    if (rows < TILE || cols < TILE) {
        memset(tile, 0, sizeof(float[TILE][TILE]));
    }
    if (!transpose) {
        for (int r = 0; r < rows; r++) {
            memcpy(tile[r], source + (ptrdiff_t)(row + r) * ld + col, (size_t)cols * sizeof(float));
        }
        return;
    }
    for (int c = 0; c < cols; c++) {
        const float *from = source + (ptrdiff_t)(col + c) * ld + row;
        for (int r = 0; r < rows; r++) {
            tile[r][c] = from[r];
        }
    }
}

/* sum[0 .. n-1] = a[0 .. k-1] * b[0 .. k-1][0 .. n-1]; k is rounded up to four (zeros are there).
 */
static void row_times_tile(int n, int k, const float *restrict a,
                           const float b[restrict TILE][TILE], float *restrict sum) {
    for (int j = 0; j < n; j++) {
        sum[j] = 0.0f;
    }
    for (int p = 0; p < k; p += 4) {
        float a0 = a[p], a1 = a[p + 1], a2 = a[p + 2], a3 = a[p + 3];
        const float *b0 = b[p], *b1 = b[p + 1], *b2 = b[p + 2], *b3 = b[p + 3];
        for (int j = 0; j < n; j++) {
            sum[j] += (a0 * b0[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]);
        }
    }
}

static void add_tile_product(int m, int n, int k, const float a[TILE][TILE],
                             const float b[TILE][TILE], bool overwrite, float *c, int ldc) {
    for (int i = 0; i < m; i++) {
        float sum[TILE];
        float *to = c + (ptrdiff_t)i * ldc;
        row_times_tile(n, k, a[i], b, sum);
        if (overwrite) {
            memcpy(to, sum, (size_t)n * sizeof *to);
            continue;
        }
        for (int j = 0; j < n; j++) {
            to[j] += sum[j];
        }
    }
}

static void clear(int m, int n, float *c, int ldc) {
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            c[(ptrdiff_t)i * ldc + j] = 0.0f;
        }
    }
}

void spd_gemm_plain(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
                    int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    float a_tile[TILE][TILE], b_tile[TILE][TILE];
    if (m <= 0) {
        return; /* B may be NULL */
    }
    if (k <= 0 && beta == 0.0f) {
        clear(m, n, c, ldc);
    }
    for (int j = 0; j < n; j += TILE) {
        int columns = min_int(TILE, n - j);
        for (int p = 0; p < k; p += TILE) {
            int depth = min_int(TILE, k - p);
            pack_tile(transpose_b, b, ldb, p, j, depth, columns, b_tile);
            for (int i = 0; i < m; i += TILE) {
                int rows = min_int(TILE, m - i);
                pack_tile(transpose_a, a, lda, i, p, rows, depth, a_tile);
                add_tile_product(rows, columns, depth, (const float(*)[TILE])a_tile,
                                 (const float(*)[TILE])b_tile, p == 0 && beta == 0.0f,
                                 c + (ptrdiff_t)i * ldc + j, ldc);
            }
        }
    }
}
