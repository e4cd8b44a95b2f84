/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "peak.h"

#include <stdio.h>
#include <string.h>

static bool find_cpu_peak(const char *kernel, uint32_t threads, bench_peak_rate *peak,
                          tool_error *error) {
    peak->flops = bench_level_rate(kernel, threads);
    if (!(peak->flops > 0.0))
        return tool_fail(error, "no memory for the operands of %s's products", kernel);
    snprintf(peak->how, sizeof peak->how,
             "the product loop of %s in the nearest caches, %u thread%s at once", kernel, threads,
             threads == 1 ? "" : "s");
    return true;
}

/* Kernels with matrix units of their own. */
static bool uses_matrix_units(const char *kernel) {
    return strncmp(kernel, "cl-nv-", 6) == 0;
}

bool bench_peak(const bench_device *device, const char *kernel, uint32_t threads,
                bench_peak_rate *peak, tool_error *error) {
    *peak = (bench_peak_rate){.flops = 0.0};
    if (device->info.kind == SPARSED_DEVICE_CPU)
        return find_cpu_peak(kernel, threads, peak, error);
    if (uses_matrix_units(kernel)) {
        snprintf(peak->how, sizeof peak->how,
                 "not measured: %s uses the device's matrix units, for which there is no loop here",
                 kernel);
        return true;
    }
    if (!device->resident) {
        snprintf(peak->how, sizeof peak->how,
                 "not measured: it takes tensors that stay on the device");
        return true;
    }
    snprintf(peak->how, sizeof peak->how, "fused f32 multiplications and additions in registers");
    return bench_resident_fma_rate(device->resident, &peak->flops, error);
}
