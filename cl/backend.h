/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The OpenCL backend, as far as cl/opencl_context.c needs it.
 */
#ifndef SPD_CL_BACKEND_H
#define SPD_CL_BACKEND_H

#include "kernel.h"

/* What spd_launch.async points to. */
struct spd_async {
    cl_command_queue queue;
    cl_uint wait_count;
    const cl_event *wait;
    cl_event *event; /* NULL = not wanted */
};

/* Opens a caller's device in the caller's context, which is retained; both are checked. */
sparsed_status spd_cl_adopt(cl_context context, cl_device_id device,
                            const sparsed_allocator *allocator, void **state,
                            sparsed_message *message);

/* A launch on the caller's queue with the caller's buffers; returns at once. launch->kept is an
 * spd_cl_memory. */
sparsed_status spd_cl_enqueue_async(spd_cl_kernel *kernel, const spd_launch *launch,
                                    sparsed_message *message);

#endif
