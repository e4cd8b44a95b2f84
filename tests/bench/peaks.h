/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What one core can do at best with one instruction: as many independent sums as hide its latency,
 * operands that are not zeros (tiles take longer over random ones). Each is compiled for its own
 * instruction set; call it only where the processor has that.
 */
#ifndef BENCH_PEAKS_H
#define BENCH_PEAKS_H

#include <stdint.h>

/* Multiplies and adds `turns` times over data, 8 KiB of random floats or bf16, aligned to
 * 64 bytes, and returns the number of operations, two for each product. Something of all sums is
 * added to *sink. */
typedef double bench_peak(const void *data, uint64_t turns, float *sink);

bench_peak bench_peak_avx2;        /* f32 FMA on 256 bits */
bench_peak bench_peak_avx512;      /* f32 FMA on 512 bits */
bench_peak bench_peak_avx512_bf16; /* vdpbf16ps on 512 bits */
bench_peak bench_peak_amx;  /* tdpbf16ps with its loads, tiles set up as spd_level_amx does */
bench_peak bench_peak_neon; /* f32 FMA on 128 bits */

#endif
