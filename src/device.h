/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which device a request means, and opening it.
 */
#ifndef SPD_DEVICE_H
#define SPD_DEVICE_H

#include "context.h"

/* Opens the device that `request` names (NULL: the environment variable SPARSED_DEVICE, else
 * "auto") into context->backend, device_index and state, and logs the choice. */
sparsed_status spd_device_open(sparsed_context *context, const char *request, uint32_t threads,
                               sparsed_message *message);

#endif
