/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a device multiplies at best with the units that a kernel uses, measured: the whole against which
 * shares of a peak are told.
 */
#ifndef TOOLS_BENCH_PEAK_H
#define TOOLS_BENCH_PEAK_H

#include "device.h"

typedef struct bench_peak_rate {
    double flops;  /* operations a second; 0: not measured */
    char how[192]; /* what was measured, or why nothing was */
} bench_peak_rate;

/*
 * Of the CPU: the product loop of the kernel's level (cpu/level.h), S = K Q^T over operands in the nearest
 * caches, on `threads` threads at once. Of an OpenCL device: a loop of what the kernel multiplies with
 * (resident.h).
 *   kernel, dtype  the registry row, and the storage type that it runs
 * false: the device failed.
 */
bool bench_peak(const bench_device *device, const char *kernel, uint32_t dtype, uint32_t threads,
                bench_peak_rate *peak, tool_error *error);

/* The part of it on the CPU; 0 if the kernel is of no level of this processor. */
double bench_level_rate(const char *kernel, uint32_t threads);

#endif
