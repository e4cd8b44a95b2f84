/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The OpenCL devices of this machine: found by index, described, judged.
 */
#ifndef SPD_CL_DEVICE_H
#define SPD_CL_DEVICE_H

#include "api.h"

#include <stdbool.h>

typedef struct spd_cl_device {
    cl_platform_id platform;
    cl_device_id device;
    cl_uint platform_index, device_index; /* of opencl:P:D */
} spd_cl_device;

/* Device `index` of all platforms, in their order; false if there are not so many. */
bool spd_cl_device_at(const spd_cl_api *api, size_t index, spd_cl_device *device);

/* Where a caller's own device is listed; opencl:?:? if nowhere. */
void spd_cl_device_find(const spd_cl_api *api, cl_device_id id, spd_cl_device *device);

/* Names, memory, and the verdict: usable, or why not. */
void spd_cl_device_describe(const spd_cl_api *api, const spd_cl_device *device,
                            sparsed_device_info *info);

/* A text property; "" if there is none. */
void spd_cl_device_text(const spd_cl_api *api, cl_device_id device, cl_device_info what, char *to,
                        size_t size);

#endif
