/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The options that choose a device, shared by the subcommands, and opening it.
 */
#ifndef TOOLS_DEVICE_OPTIONS_H
#define TOOLS_DEVICE_OPTIONS_H

#include <sparsed/sparsed.h>

#include "cli.h"

typedef struct device_options {
    const char *device, *kernel;
    uint64_t threads;
    bool verbose;
} device_options;

void device_add_options(device_options *device, cli_options *options);

/* Opens a context; with --verbose its log goes to stderr. NULL on failure. */
sparsed_context *device_open(const device_options *device, tool_error *error);

/* The library's text with its names for arguments as the command line calls them. */
void device_fail(const char *text, bool usage, tool_error *error);

/* Turns a library status into an error; true for SPARSED_OK. */
bool device_check(sparsed_context *context, sparsed_status status, tool_error *error);

#endif
