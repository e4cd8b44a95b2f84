/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Makes one device's record of the suite or of a user's input.
 */
#ifndef TOOLS_COMPARE_RECORD_DEVICE_H
#define TOOLS_COMPARE_RECORD_DEVICE_H

#include "compare/record_file.h"
#include "compare/record_options.h"

/* device: o->device, or the same with another device. r is to be freed whatever happens. Progress goes
 * to stderr where that is a terminal. */
bool record_device(const record_options *o, const device_options *device, record *r,
                   tool_error *error);

#endif
