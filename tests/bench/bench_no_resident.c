/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* bench_resident.h in a build without OpenCL: opening says so, and nothing else is reached. */
#include "bench_resident.h"

#include <stdio.h>
#include <stdlib.h>

bench_resident *bench_resident_open(const char *selector, const char *kernel,
                                    sparsed_context **context) {
    (void)kernel;
    (void)context;
    fprintf(stderr, "bench: --resident on %s: built without OpenCL\n",
            selector ? selector : "opencl");
    exit(1);
}

void bench_resident_close(bench_resident *resident, sparsed_context *context) {
    (void)resident;
    (void)context;
}

void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes) {
    (void)resident;
    (void)data;
    (void)size_bytes;
    return NULL;
}

void bench_resident_release(void *buffer) {
    (void)buffer;
}

sparsed_status bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                                  const sparsed_io *io, sparsed_kept *kept, double *ms) {
    (void)resident;
    (void)plan;
    (void)op;
    (void)io;
    (void)kept;
    (void)ms;
    return SPARSED_E_UNSUPPORTED;
}
