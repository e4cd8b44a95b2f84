/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Tensors that stay on an OpenCL device while attention over them is timed by the device's clock:
 * opencl.h, with a context and a queue of the benchmark's own. A build without OpenCL says so when one
 * is opened.
 */
#ifndef TOOLS_BENCH_RESIDENT_H
#define TOOLS_BENCH_RESIDENT_H

#include <sparsed/sparsed.h>

#include <stddef.h>

#include "error.h"

typedef struct bench_resident bench_resident;

/* A context on the device that info describes, one of sparsed_device_list's, to be closed with it.
 * options: of the context; its device is not heeded. NULL on failure. */
bench_resident *bench_resident_open(const sparsed_device_info *info, const sparsed_options *options,
                                    sparsed_context **context, tool_error *error);
void bench_resident_close(bench_resident *resident); /* NULL is ignored */

/* A cl_mem: a copy of data, or zeros if it is NULL. NULL on failure. */
void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes,
                            tool_error *error);
void bench_resident_release(bench_resident *resident, void *buffer); /* NULL is ignored */

/* Runs the operation and waits for it. ms: by the device's clock, from where its first command could
 * begin to the end of its last one. A GPU is kept busy before, with writing memory, so that neither the
 * enqueueing counts nor what its caches held. */
bool bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                        const sparsed_io *io, sparsed_kept *kept, double *ms, tool_error *error);

/* Enqueues one call of a pipeline; the other one waits for all. */
sparsed_status bench_resident_attend(bench_resident *resident, sparsed_pipeline *pipeline,
                                     uint32_t step, uint32_t layer, const sparsed_io *io);
bool bench_resident_finish(bench_resident *resident, tool_error *error);

/* What multiplies: fused multiplications and additions of f32; on NVIDIA's matrix units products of bf16,
 * by mma.sync, from registers (compute capability 8.0), or by wgmma, from local memory (9.0). */
typedef enum bench_units { BENCH_FMA, BENCH_MMA, BENCH_WGMMA } bench_units;

/* Operations a second that the units make at best, in a loop of nothing else over values that are not
 * zeros. */
bool bench_resident_rate(bench_resident *resident, bench_units units, double *flops,
                         tool_error *error);

#endif
