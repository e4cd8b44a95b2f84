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

/* What the kernel multiplies with, and in words; false: by units for which there is no loop. */
static bool find_units(const char *kernel, uint32_t dtype, bench_units *units, const char **how) {
    const bool matrix = strncmp(kernel, "cl-nv-", 6) == 0;
    *units = BENCH_FMA;
    *how = "fused f32 multiplications and additions in registers";
    if (matrix && dtype != SPARSED_F32) {
        const bool groups = strcmp(kernel, "cl-nv-wgmma") == 0;
        *units = groups ? BENCH_WGMMA : BENCH_MMA;
        *how = groups ? "products of bf16 on the matrix units, by wgmma from local memory"
                      : "products of bf16 on the matrix units, by mma.sync from registers";
    }
    return !matrix || dtype != SPARSED_F32;
}

static bool find_opencl_peak(const bench_device *device, const char *kernel, uint32_t dtype,
                             bench_peak_rate *peak, tool_error *error) {
    tool_error failure = {false, ""};
    bench_units units;
    const char *how;
    if (!find_units(kernel, dtype, &units, &how))
        snprintf(peak->how, sizeof peak->how,
                 "not measured: %s splits f32 for the matrix units, there is no loop of that",
                 kernel);
    else if (!device->resident)
        snprintf(peak->how, sizeof peak->how,
                 "not measured: it takes tensors that stay on the device");
    else if (bench_resident_rate(device->resident, units, &peak->flops, &failure))
        snprintf(peak->how, sizeof peak->how, "%s", how);
    else if (units == BENCH_FMA)
        return tool_fail(error, "%s", failure.text);
    else /* a driver may refuse these instructions */
        snprintf(peak->how, sizeof peak->how, "not measured: %.120s", failure.text);
    return true;
}

bool bench_peak(const bench_device *device, const char *kernel, uint32_t dtype, uint32_t threads,
                bench_peak_rate *peak, tool_error *error) {
    *peak = (bench_peak_rate){.flops = 0.0};
    return device->info.kind == SPARSED_DEVICE_CPU
               ? find_cpu_peak(kernel, threads, peak, error)
               : find_opencl_peak(device, kernel, dtype, peak, error);
}
