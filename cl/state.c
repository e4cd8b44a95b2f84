/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "state.h"

#include "../src/error.h"

#include <string.h>

/* NVIDIA's driver reports a kernel's illegal access so. */
enum { NVIDIA_KERNEL_FAULT = -9999 };

static bool begins(const char *call, const char *with) {
    return strncmp(call, with, strlen(with)) == 0;
}

static bool out_of_memory(cl_int error, const char *call) {
    return error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_HOST_MEMORY ||
           error == CL_INVALID_BUFFER_SIZE ||
           (error == CL_OUT_OF_RESOURCES && begins(call, "clCreateBuffer"));
}

/* After these a queue may hang or compute nonsense on some drivers. A call that only makes an
 * object may run out of resources and harm nothing. */
static bool loses_device(cl_int error, const char *call) {
    switch (error) {
    case CL_OUT_OF_RESOURCES:
        return begins(call, "clEnqueue") || begins(call, "clFlush") || begins(call, "clFinish");
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST:
    case CL_INVALID_COMMAND_QUEUE:
    case CL_INVALID_CONTEXT:
    case NVIDIA_KERNEL_FAULT:
        return true;
    default:
        return false;
    }
}

sparsed_status spd_cl_check(spd_cl_state *state, cl_int error, const char *call,
                            sparsed_message *message) {
    char room[32];
    if (error == CL_SUCCESS)
        return SPARSED_OK;
    if (state->lost == 0 && loses_device(error, call)) {
        state->lost = error;
        state->lost_call = call;
    }
    return spd_fail(message, out_of_memory(error, call) ? SPARSED_E_NOMEM : SPARSED_E_DEVICE,
                    "%s on %s: %s%s", call, state->info.selector, spd_cl_error_string(error, room),
                    state->lost ? "; the device counts as lost" : "");
}
