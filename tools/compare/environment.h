/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a record says of where it was made.
 */
#ifndef TOOLS_COMPARE_ENVIRONMENT_H
#define TOOLS_COMPARE_ENVIRONMENT_H

#include "compare/record_file.h"
#include "device_options.h"

/* Of a context that was opened by these options. */
bool environment_describe(sparsed_context *context, const device_options *options,
                          record_environment *environment, tool_error *error);

#endif
