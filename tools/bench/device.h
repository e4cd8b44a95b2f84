/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A device on which attention is timed: a wall clock around calls on host memory, or, on an OpenCL
 * device, its own clock around commands on tensors that stay there.
 */
#ifndef TOOLS_BENCH_DEVICE_H
#define TOOLS_BENCH_DEVICE_H

#include "device_options.h"
#include "resident.h"

typedef struct bench_device {
    sparsed_context *context;
    sparsed_device_info info; /* as sparsed_device_list has it */
    bench_resident *resident; /* NULL: host memory */
} bench_device;

/* host_tensors: host memory on OpenCL devices too, so that times hold the copies. On failure nothing is
 * left to close. */
bool bench_device_open(const device_options *options, bool host_tensors, bench_device *device,
                       tool_error *error);
void bench_device_close(bench_device *device);

/* Memory where the device's runs want it: a copy of data, or zeros if it is NULL. NULL on failure. */
void *bench_device_tensor(const bench_device *device, const void *data, size_t size_bytes,
                          tool_error *error);
void bench_device_release(const bench_device *device, void *tensor); /* NULL is ignored */

/* Runs an operation once: its milliseconds. */
bool bench_device_run(const bench_device *device, sparsed_plan *plan, sparsed_op op,
                      const sparsed_io *io, sparsed_kept *kept, double *ms, tool_error *error);

#endif
