/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "state.h"

#include "../src/error.h"

/* NVIDIA's driver reports an illegal access of a kernel so. */
enum { NVIDIA_KERNEL_FAULT = -9999 };

static bool out_of_memory(cl_int error) {
    return error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_HOST_MEMORY ||
           error == CL_INVALID_BUFFER_SIZE;
}

/* After these a queue may hang or compute nonsense on some drivers. */
static bool loses_device(cl_int error) {
    return error == CL_OUT_OF_RESOURCES || error == CL_DEVICE_NOT_AVAILABLE ||
           error == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST ||
           error == CL_INVALID_COMMAND_QUEUE || error == CL_INVALID_CONTEXT ||
           error == NVIDIA_KERNEL_FAULT;
}

sparsed_status spd_cl_check(spd_cl_state *state, cl_int error, const char *call,
                            sparsed_message *message) {
    char room[32];
    if (error == CL_SUCCESS)
        return SPARSED_OK;
    if (loses_device(error) && state->lost == 0)
        state->lost = error;
    return spd_fail(message, out_of_memory(error) ? SPARSED_E_NOMEM : SPARSED_E_DEVICE,
                    "%s on %s: %s%s", call, state->info.selector, spd_cl_error_string(error, room),
                    state->lost ? "; the device counts as lost" : "");
}
