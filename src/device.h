/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which device a context gets.
 */
#ifndef SPD_DEVICE_H
#define SPD_DEVICE_H

#include "context.h"

/* Opens the device that `request` names among the backends' (NULL-terminated): "auto", "cpu",
 * "opencl[:PLATFORM[:DEVICE]]" (numbers, or parts of names in any case); NULL: SPARSED_DEVICE, or
 * "auto". Among several that fit, in the order of sparsed_device_kind; with "auto" a GPU must pass
 * a self-test, and other accelerators are left out. What was chosen, what would have been next, and
 * why is in context->info and on one line of the log. SPARSED_E_INVALID: not of these forms, or a
 * part is empty; SPARSED_E_NO_DEVICE: no device fits. */
sparsed_status spd_device_open(sparsed_context *context, const spd_backend *const *backends,
                               const char *request, uint32_t threads, sparsed_message *message);

/* Whether a request fits a device. */
bool spd_device_fits(const char *request, const sparsed_device_info *info);

#endif
