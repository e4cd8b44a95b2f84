/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* The context that the options name is given up for one on OpenCL objects of the benchmark's own. */
static bool make_resident(const device_options *options, bench_device *device, tool_error *error) {
    sparsed_options own = SPARSED_OPTIONS_INIT;
    own.kernel = options->kernel;
    own.logger = device_logger(options);
    sparsed_context_destroy(device->context);
    device->context = NULL;
    device->resident = bench_resident_open(&device->info, &own, &device->context, error);
    return device->resident != NULL;
}

bool bench_device_open(const device_options *options, bool host_tensors, bench_device *device,
                       tool_error *error) {
    *device = (bench_device){.info = {.struct_size = sizeof device->info}};
    device->context = device_open(options, error);
    if (!device->context)
        return false;
    bool done = device_check(device->context,
                             sparsed_context_device(device->context, &device->info), error);
    if (done && !host_tensors && device->info.kind != SPARSED_DEVICE_CPU)
        done = make_resident(options, device, error);
    if (!done)
        bench_device_close(device);
    return done;
}

void bench_device_close(bench_device *device) {
    if (device->resident)
        bench_resident_close(device->resident);
    else
        sparsed_context_destroy(device->context);
    *device = (bench_device){.context = NULL};
}

void *bench_device_tensor(const bench_device *device, const void *data, size_t size_bytes,
                          tool_error *error) {
    if (device->resident)
        return bench_resident_buffer(device->resident, data, size_bytes, error);
    void *tensor = calloc(size_bytes, 1);
    if (!tensor)
        tool_fail(error, "no memory for a tensor of %zu bytes", size_bytes);
    else if (data)
        memcpy(tensor, data, size_bytes);
    return tensor;
}

void bench_device_release(const bench_device *device, void *tensor) {
    if (device->resident)
        bench_resident_release(device->resident, tensor);
    else
        free(tensor);
}

bool bench_device_run(const bench_device *device, sparsed_plan *plan, sparsed_op op,
                      const sparsed_io *io, sparsed_kept *kept, double *ms, tool_error *error) {
    if (device->resident)
        return bench_resident_run(device->resident, plan, op, io, kept, ms, error);
    const double start = clock_seconds();
    const sparsed_status status = sparsed_plan_run(plan, op, io, kept);
    *ms = (clock_seconds() - start) * 1e3;
    return device_check(device->context, status, error);
}
