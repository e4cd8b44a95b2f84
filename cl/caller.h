/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A caller's own OpenCL objects, checked before they are used: what does not belong to the context is
 * named with its value. Handles that are no OpenCL objects at all cannot be recognised.
 */
#ifndef SPD_CL_CALLER_H
#define SPD_CL_CALLER_H

#include "kernel.h"

/* The device is one of the context's. */
sparsed_status spd_cl_check_context(const spd_cl_api *api, cl_context context, cl_device_id device,
                                    sparsed_message *message);

/* The queue and the events are of the state's context, the queue of its device. */
sparsed_status spd_cl_check_queue(spd_cl_state *state, cl_command_queue queue,
                                  sparsed_message *message);
sparsed_status spd_cl_check_wait_list(spd_cl_state *state, cl_uint count, const cl_event *events,
                                      sparsed_message *message);

/* The buffers that a launch uses: of this context, large enough for its lengths and strides, offsets
 * whole elements. */
sparsed_status spd_cl_take_tensors(spd_cl_state *state, const spd_launch *launch,
                                   spd_cl_tensors *tensors, sparsed_message *message);

#endif
