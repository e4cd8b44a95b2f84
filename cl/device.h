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

/* SPARSED_E_NO_DEVICE, and why there is no device where one was looked for. */
sparsed_status spd_cl_device_missing(const spd_cl_api *api, sparsed_message *message);

/* Where a caller's own device is listed; its selector is opencl:caller if nowhere. */
void spd_cl_device_find(const spd_cl_api *api, cl_device_id id, spd_cl_device *device);

/* Names, memory, and the verdict: usable, or why not; of a usable one, the quirk that applies. */
void spd_cl_device_describe(const spd_cl_api *api, const spd_cl_device *device,
                            sparsed_device_info *info);

/* Flags of the quirks of a device that was described; *why as in quirks.h. */
unsigned spd_cl_device_quirks(const spd_cl_api *api, const spd_cl_device *device,
                              const sparsed_device_info *info, const char **why);

/* NVIDIA's compute capability of a device that was described, 10 * major + minor; 0 if it has none. */
uint32_t spd_cl_device_capability(const spd_cl_api *api, const spd_cl_device *device,
                                  const sparsed_device_info *info);

/* A text property without spaces around it; "" if there is none. */
void spd_cl_device_text(const spd_cl_api *api, cl_device_id device, cl_device_info what, char *to,
                        size_t size);
void spd_cl_platform_text(const spd_cl_api *api, cl_platform_id platform, cl_platform_info what,
                          char *to, size_t size);

#endif
