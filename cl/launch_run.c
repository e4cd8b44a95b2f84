/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "launch_run.h"

sparsed_status spd_cl_run_check(spd_cl_run *b, cl_int error, const char *call) {
    return spd_cl_check(b->kernel->state, error, call, b->message);
}

cl_uint spd_cl_run_wait_count(const spd_cl_run *b) {
    return b->chain && *b->chain;
}

const cl_event *spd_cl_run_wait_list(const spd_cl_run *b) {
    return spd_cl_run_wait_count(b) ? b->chain : NULL;
}

sparsed_status spd_cl_run_follow(spd_cl_run *b, cl_int error, const char *call, cl_event done) {
    if (error == CL_SUCCESS && b->chain) {
        if (*b->chain)
            b->kernel->state->api.ReleaseEvent(*b->chain);
        *b->chain = done;
    }
    return spd_cl_run_check(b, error, call);
}

sparsed_status spd_cl_run_enqueue(spd_cl_run *b, cl_kernel kernel, cl_uint dimensions,
                                  const size_t *global, const size_t *local) {
    cl_event done = NULL;
    cl_int error = b->kernel->state->api.EnqueueNDRangeKernel(
        b->queue, kernel, dimensions, NULL, global, local, spd_cl_run_wait_count(b),
        spd_cl_run_wait_list(b), b->chain ? &done : NULL);
    return spd_cl_run_follow(b, error, "clEnqueueNDRangeKernel", done);
}

sparsed_status spd_cl_run_set_args(spd_cl_run *b, cl_kernel kernel, const cl_mem *buffers,
                                   cl_uint count, const cl_uint *flags) {
    const spd_cl_api *api = &b->kernel->state->api;
    cl_int error = CL_SUCCESS;
    for (cl_uint i = 0; i < count && error == CL_SUCCESS; i++)
        error = api->SetKernelArg(kernel, i, sizeof *buffers, &buffers[i]);
    if (error == CL_SUCCESS)
        error = api->SetKernelArg(kernel, count, sizeof b->args, &b->args);
    if (error == CL_SUCCESS && flags)
        error = api->SetKernelArg(kernel, count + 1, sizeof *flags, flags);
    return spd_cl_run_check(b, error, "clSetKernelArg");
}
