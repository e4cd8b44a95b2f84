/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An open OpenCL device.
 */
#ifndef SPD_CL_STATE_H
#define SPD_CL_STATE_H

#include "device.h"
#include "order.h"

#include "../src/backend.h"

#include <sparsed/pattern.h>

/* A program built on the device, kept so that equal sources and options are built once. */
typedef struct spd_cl_built {
    sparsed_fingerprint key;
    cl_program program;
} spd_cl_built;

enum { SPD_CL_MAX_BUILT = 64 };

typedef struct spd_cl_state {
    spd_cl_api api;
    spd_cl_device device;
    sparsed_device_info info;
    sparsed_allocator allocator;
    cl_context context;
    cl_command_queue queue; /* in order; of calls on host memory and of copies */
    bool adopted;           /* the caller's context */
    unsigned quirks;
    uint32_t capability; /* NVIDIA's compute capability, 10 * major + minor; 0 = not of NVIDIA */
    cl_ulong max_buffer_bytes;
    cl_int lost;                          /* the error that lost the device; 0 = none */
    const char *lost_call;                /* that gave it; NULL = a command enqueued earlier */
    bool given_up;                        /* lost, and what had begun has been waited for */
    spd_cl_pending pending;               /* on callers' queues */
    spd_cl_built built[SPD_CL_MAX_BUILT]; /* when full, the oldest is replaced */
    size_t built_count;                   /* ever kept */
    /* Bounds of what a plan made from now on does at a time; 0 = by the device. For tests. */
    uint64_t launch_operations, build_rows;
} spd_cl_state;

/* SPARSED_OK for CL_SUCCESS; else a status, and a text that names the call and the device. `call`
 * is the function's name, with more words behind it if need be. An error after which the device can no
 * longer be trusted marks it as lost: for CL_OUT_OF_RESOURCES that depends on the call. */
sparsed_status spd_cl_check(spd_cl_state *state, cl_int error, const char *call,
                            sparsed_message *message);

#endif
