/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An open OpenCL device.
 */
#ifndef SPD_CL_STATE_H
#define SPD_CL_STATE_H

#include "device.h"

#include "../src/backend.h"

typedef struct spd_cl_state {
    spd_cl_api api;
    spd_cl_device device;
    sparsed_device_info info;
    sparsed_allocator allocator;
    cl_context context;
    cl_command_queue queue; /* in order; of calls on host memory and of copies */
    bool adopted;           /* the caller's context */
    unsigned quirks;
    cl_ulong max_buffer_bytes;
    cl_int lost; /* the error that lost the device; 0 = none */
} spd_cl_state;

/* SPARSED_OK for CL_SUCCESS; else a status and a text that names the call. An error after which
 * the device can no longer be trusted marks it as lost. */
sparsed_status spd_cl_check(spd_cl_state *state, cl_int error, const char *call,
                            sparsed_message *message);

#endif
