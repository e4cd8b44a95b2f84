/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "order.h"

#include <string.h>

void spd_cl_use_clear(const spd_cl_api *api, spd_cl_use *use) {
    if (use->event)
        api->ReleaseEvent(use->event);
    if (use->queue)
        api->ReleaseCommandQueue(use->queue);
    *use = (spd_cl_use){NULL, NULL};
}

cl_int spd_cl_use_set(const spd_cl_api *api, spd_cl_use *use, cl_command_queue queue,
                      cl_event event) {
    cl_int error = api->RetainCommandQueue(queue);
    if (error != CL_SUCCESS)
        return error;
    error = api->RetainEvent(event);
    if (error != CL_SUCCESS) {
        api->ReleaseCommandQueue(queue);
        return error;
    }
    spd_cl_use_clear(api, use);
    *use = (spd_cl_use){queue, event};
    return CL_SUCCESS;
}

void spd_cl_use_add(const spd_cl_use *use, cl_command_queue queue, bool in_order, cl_event *list,
                    cl_uint *count) {
    if (use->event && !(in_order && use->queue == queue))
        list[(*count)++] = use->event;
}

static void forget_oldest(const spd_cl_api *api, spd_cl_pending *p) {
    api->ReleaseEvent(p->events[0]);
    p->count--;
    memmove(p->events, p->events + 1, p->count * sizeof(cl_event));
}

cl_int spd_cl_pending_add(const spd_cl_api *api, spd_cl_pending *pending, cl_event event) {
    for (size_t i = 0; i < pending->count; i++)
        if (pending->events[i] == event)
            return CL_SUCCESS;
    cl_int error = api->RetainEvent(event);
    if (error != CL_SUCCESS)
        return error;
    if (pending->count == SPD_CL_MAX_PENDING)
        spd_cl_pending_sweep(api, pending);
    if (pending->count == SPD_CL_MAX_PENDING)
        forget_oldest(api, pending);
    pending->events[pending->count++] = event;
    return CL_SUCCESS;
}

cl_int spd_cl_pending_sweep(const spd_cl_api *api, spd_cl_pending *pending) {
    size_t left = 0;
    for (size_t i = 0; i < pending->count; i++) {
        cl_event event = pending->events[i];
        cl_int state = CL_COMPLETE;
        cl_int error =
            api->GetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
        if (error != CL_SUCCESS)
            state = error;
        if (state > CL_COMPLETE) {
            pending->events[left++] = event;
            continue;
        }
        if (state < CL_COMPLETE && pending->failure == CL_SUCCESS)
            pending->failure = state;
        api->ReleaseEvent(event);
    }
    pending->count = left;
    return pending->failure;
}

void spd_cl_pending_clear(const spd_cl_api *api, spd_cl_pending *pending) {
    while (pending->count > 0)
        forget_oldest(api, pending);
}
