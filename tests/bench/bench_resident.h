/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Tensors that stay on an OpenCL device while attention over them is timed: opencl.h, with a context
 * and a queue of the benchmark's own. A failure ends the program with one line and exit code 1, or 77
 * where there is no such device.
 */
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <sparsed/sparsed.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct bench_resident bench_resident;

/* The device that selector names, as for sparsed_options.device; NULL: SPARSED_DEVICE, or "opencl". */
bench_resident *bench_resident_open(const char *selector, const char *kernel,
                                    sparsed_context **context);
void bench_resident_close(bench_resident *resident, sparsed_context *context);

/* A copy of data, or zeros if it is NULL. */
void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes);
void bench_resident_release(void *buffer);

/* Runs the operation and waits for it. ms: by the device's clock, from where its first command could
 * begin to the end of its last one. A GPU is kept busy before, with writing memory, so that neither the
 * enqueueing counts nor what its caches held. */
sparsed_status bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                                  const sparsed_io *io, sparsed_kept *kept, double *ms);

/* Enqueues one call of a pipeline; the other one waits for all. */
sparsed_status bench_resident_attend(bench_resident *resident, sparsed_pipeline *pipeline,
                                     uint32_t step, uint32_t layer, const sparsed_io *io);
void bench_resident_finish(bench_resident *resident);

#endif
