/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Single-precision matrix products on the calling thread, by OpenBLAS or by plain C.
 * Row-major. Used by the attention driver (cpu/attend.c) and the model runner (tools/dlm/linear.c).
 */
#ifndef SPD_CPU_BLAS_GEMM_H
#define SPD_CPU_BLAS_GEMM_H

#include <stdbool.h>

/* C[m][n] = beta * C + op(A) * op(B), op(A) m x k, op(B) k x n. transpose_a: A is stored [k][m];
 * transpose_b: B is stored [n][k]. beta is 0 (C need not be initialised) or 1. */
typedef void spd_gemm_fn(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
                         int lda, const float *b, int ldb, float beta, float *c, int ldc);

/* Plain C; always there. */
spd_gemm_fn spd_gemm_plain;

/* OpenBLAS's, opened at the process's first call and set to one thread; NULL if there is none. */
spd_gemm_fn *spd_gemm_openblas(void);

/* What OpenBLAS says of itself: "OpenBLAS 0.3.21 ..." and the core type it chose ("Haswell"); both
 * "" if there is none. */
const char *spd_openblas_config(void);
const char *spd_openblas_core(void);

#endif
