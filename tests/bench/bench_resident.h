/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Tensors that stay on an OpenCL device while attention over them is timed: opencl.h, with a
 * context and a queue of the benchmark's own. A failure ends the program with one line.
 */
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <sparsed/sparsed.h>

#include <stddef.h>

typedef struct bench_resident bench_resident;

/* The device that "opencl", "opencl:P" or "opencl:P:D" (indices) names. */
bench_resident *bench_resident_open(const char *selector, const char *kernel,
                                    sparsed_context **context);
void bench_resident_close(bench_resident *resident, sparsed_context *context);

/* A copy of data, or zeros if it is NULL. */
void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes);
void bench_resident_release(void *buffer);

/* Enqueues the operation and waits for it. */
sparsed_status bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                                  const sparsed_io *io, sparsed_kept *kept);

#endif
