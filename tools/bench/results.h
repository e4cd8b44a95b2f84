/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Everything that one run of `sparsed bench` measured: devices, on each of them problems, and for each
 * of those the passes of its selections.
 */
#ifndef TOOLS_BENCH_RESULTS_H
#define TOOLS_BENCH_RESULTS_H

#include "measure.h"
#include "options.h"
#include "peak.h"
#include "schedule_cost.h"
#include "schedule_run.h"

/* One shape in one type at one length. */
typedef struct bench_problem {
    const bench_shape *shape;
    uint32_t dtype;
    uint64_t length;
    double rest_ms;           /* NaN: not given */
    tool_error failure;       /* text "": it was measured */
    bench_measured measured;  /* only then */
    bench_schedule_run *runs; /* [measured.count], with --run-schedule; else NULL */
} bench_problem;

/* A kernel of the device with a storage type, and what its units make: measured before each problem that runs it, and once
 * at the end. The best counts, which other work spoils least. */
typedef struct bench_kernel_peak {
    char kernel[32];
    uint32_t dtype, threads;
    bench_peak_rate best;
    double least_flops;
} bench_kernel_peak;

enum { BENCH_MAX_KERNELS = 16 };

typedef struct bench_device_results {
    sparsed_device_info info;
    bool resident;
    tool_error failure; /* it could not be opened; text "": it could */
    bench_problem *problems;
    size_t problem_count;
    bench_kernel_peak peaks[BENCH_MAX_KERNELS];
    size_t peak_count;
    /* Kernels for this device that do not build or failed a self-test: others ran in their place. */
    sparsed_kernel_info refused[BENCH_MAX_KERNELS];
    size_t refused_count;
} bench_device_results;

typedef struct bench_results {
    const bench_options *options;
    bench_step_counts steps;
    char processor[128]; /* of the machine; "" if it does not tell */
    bench_device_results *devices;
    size_t device_count;
} bench_results;

/* Measures all that the options ask for. A problem or one of several devices that fails has its failure in
 * the results, and the others are measured. */
bool bench_run(const bench_options *options, bench_results *results, tool_error *error);
void bench_results_free(bench_results *results);

/* The peak of a kernel with a storage type; NULL: none was looked for. */
const bench_kernel_peak *bench_find_peak(const bench_device_results *device, const char *kernel,
                                         uint32_t dtype);

/* The milliseconds of a selection's passes. */
bench_pass_times bench_times_of(const bench_measured *measured, size_t selection);

/* How many problems failed, and devices. */
size_t bench_failures(const bench_results *results);

#endif
