/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What comes after what where commands run on a caller's queues, and what became of them.
 */
#ifndef SPD_CL_ORDER_H
#define SPD_CL_ORDER_H

#include "api.h"

#include <stdbool.h>

/* The last command on a caller's queue that used a plan's scratch or a layer's kept blocks; all NULL
 * = none. Both are retained: a queue that is gone must not be taken for another at its address. */
typedef struct spd_cl_use {
    cl_command_queue queue;
    cl_event event;
} spd_cl_use;

/* An error leaves the use as it was. */
cl_int spd_cl_use_set(const spd_cl_api *api, spd_cl_use *use, cl_command_queue queue,
                      cl_event event);
void spd_cl_use_clear(const spd_cl_api *api, spd_cl_use *use);

/* Adds the event to a wait list unless the queue itself keeps the order. */
void spd_cl_use_add(const spd_cl_use *use, cl_command_queue queue, bool in_order, cl_event *list,
                    cl_uint *count);

/* A buffer of the backend: a layer's kept blocks. */
typedef struct spd_cl_memory {
    cl_mem buffer;
    spd_cl_use use;
} spd_cl_memory;

enum { SPD_CL_MAX_PENDING = 128 };

/* Events not yet known to be complete, of commands and of their wait lists, each once, retained, oldest
 * first. */
typedef struct spd_cl_pending {
    cl_event events[SPD_CL_MAX_PENDING];
    size_t count;
    cl_int failure; /* of the first that failed; CL_SUCCESS = none did */
} spd_cl_pending;

/* Adds one that is not there. When full, those that are done are dropped first. If all are in flight the
 * oldest is forgotten: that it fails later is not noticed, unless a newer event depends on it and the
 * driver passes the failure on. */
cl_int spd_cl_pending_add(const spd_cl_api *api, spd_cl_pending *pending, cl_event event);

/* Drops those that are done, and returns `failure`. Does not wait. */
cl_int spd_cl_pending_sweep(const spd_cl_api *api, spd_cl_pending *pending);
void spd_cl_pending_clear(const spd_cl_api *api, spd_cl_pending *pending);

#endif
