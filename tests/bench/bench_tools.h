/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the attention benchmarks share: clock, medians, data, and a matrix product to compare with.
 */
#ifndef BENCH_TOOLS_H
#define BENCH_TOOLS_H

#include <sparsed/sparsed.h>

#include <stdbool.h>
#include <stddef.h>

double bench_now_ms(void);

/* The middle one; sorts them. */
double bench_median(double *values, size_t count);

/* Sums of four uniform numbers, scaled to variance 1, in the storage type;
 * NULL if out of memory. */
void *bench_random(size_t count, uint32_t seed, uint32_t dtype);

/* OpenBLAS's product of two n x n matrices, f32. */
typedef struct bench_sgemm bench_sgemm;

/* Says on stderr what is missing, and returns NULL. */
bench_sgemm *bench_sgemm_create(int n, int threads);
void bench_sgemm_destroy(bench_sgemm *sgemm); /* NULL is ignored */
const char *bench_sgemm_core(const bench_sgemm *sgemm);
/* GF/s of one product, after which OpenBLAS's threads have gone to sleep. */
double bench_sgemm_run(bench_sgemm *sgemm);

#endif
