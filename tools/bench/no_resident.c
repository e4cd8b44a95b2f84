/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* resident.h in a build without OpenCL, which has no device to be opened: nothing else is reached. */
#include "resident.h"

bench_resident *bench_resident_open(const sparsed_device_info *info, const sparsed_options *options,
                                    sparsed_context **context, tool_error *error) {
    (void)options;
    (void)context;
    tool_fail(error, "%s: built without OpenCL", info->selector);
    return NULL;
}

void bench_resident_close(bench_resident *resident) {
    (void)resident;
}

void *bench_resident_buffer(bench_resident *resident, const void *data, size_t size_bytes,
                            tool_error *error) {
    (void)resident;
    (void)data;
    (void)size_bytes;
    (void)error;
    return NULL;
}

void bench_resident_release(bench_resident *resident, void *buffer) {
    (void)resident;
    (void)buffer;
}

bool bench_resident_run(bench_resident *resident, sparsed_plan *plan, sparsed_op op,
                        const sparsed_io *io, sparsed_kept *kept, double *ms, tool_error *error) {
    (void)resident;
    (void)plan;
    (void)op;
    (void)io;
    (void)kept;
    (void)ms;
    return tool_fail(error, "built without OpenCL");
}

sparsed_status bench_resident_attend(bench_resident *resident, sparsed_pipeline *pipeline,
                                     uint32_t step, uint32_t layer, const sparsed_io *io) {
    (void)resident;
    (void)pipeline;
    (void)step;
    (void)layer;
    (void)io;
    return SPARSED_E_UNSUPPORTED;
}

bool bench_resident_finish(bench_resident *resident, tool_error *error) {
    (void)resident;
    return tool_fail(error, "built without OpenCL");
}

bool bench_resident_rate(bench_resident *resident, bench_units units, double *flops,
                         tool_error *error) {
    (void)resident;
    (void)units;
    (void)flops;
    return tool_fail(error, "built without OpenCL");
}
