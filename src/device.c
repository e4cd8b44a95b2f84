/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Device list and choice. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sparsed_status sparsed_device_list(sparsed_device_info *infos, size_t *count,
                                   sparsed_message *message) {
    spd_message_clear(message);
    if (!count)
        return spd_fail(message, SPARSED_E_INVALID, "count is NULL");
    size_t room = infos ? *count : 0, found = 0;
    /* An older caller's array has smaller elements: its own struct_size is the distance. */
    size_t distance_bytes = infos && room > 0 ? infos[0].struct_size : 0;
    for (size_t b = 0; spd_backends[b]; b++) {
        sparsed_device_info info = {.struct_size = sizeof info};
        for (size_t i = 0; spd_backends[b]->device(i, &info); i++, found++) {
            if (found >= room)
                continue;
            sparsed_status status = spd_copy_struct_out((char *)infos + found * distance_bytes,
                                                        &info, sizeof info, "infos", message);
            if (status != SPARSED_OK)
                return status;
        }
    }
    *count = found;
    return SPARSED_OK;
}

/* "auto" takes the first usable device of the first backend that has one. */
static bool matches(const char *request, const spd_backend *backend,
                    const sparsed_device_info *info) {
    return strcmp(request, "auto") == 0
               ? info->usable != 0
               : strcmp(request, backend->name) == 0 || strcmp(request, info->selector) == 0;
}

static sparsed_status open_device(sparsed_context *c, const spd_backend *backend, size_t index,
                                  const sparsed_device_info *info, const char *request,
                                  uint32_t threads, sparsed_message *message) {
    if (!info->usable)
        return spd_fail(message, SPARSED_E_NO_DEVICE, "device '%s' cannot be used: %s", request,
                        info->note);
    sparsed_status status = backend->open(index, threads, &c->allocator, &c->state, message);
    if (status != SPARSED_OK)
        return status;
    c->backend = backend;
    c->device_index = index;
    spd_log(c, SPARSED_LOG_INFO, "device %s (%s), %u threads, asked for as '%s'; %s",
            info->selector, info->name, backend->threads(c->state), request, info->driver);
    if (info->note[0])
        spd_log(c, SPARSED_LOG_INFO, "device %s: %s", info->selector, info->note);
    return SPARSED_OK;
}

sparsed_status spd_device_open(sparsed_context *context, const char *request, uint32_t threads,
                               sparsed_message *message) {
    const char *origin = "options.device";
    if (!request) {
        request = getenv("SPARSED_DEVICE");
        origin = "SPARSED_DEVICE";
    }
    if (!request || !request[0])
        request = "auto";
    for (size_t b = 0; spd_backends[b]; b++) {
        sparsed_device_info info = {.struct_size = sizeof info};
        for (size_t i = 0; spd_backends[b]->device(i, &info); i++)
            if (matches(request, spd_backends[b], &info))
                return open_device(context, spd_backends[b], i, &info, request, threads, message);
    }
    if (strncmp(request, "opencl", 6) == 0)
        return spd_fail(message, SPARSED_E_NO_DEVICE,
                        "%s is '%s', but this build has no OpenCL backend", origin, request);
    return spd_fail(message, SPARSED_E_NO_DEVICE, "%s is '%s'; known are: auto, cpu", origin,
                    request);
}
