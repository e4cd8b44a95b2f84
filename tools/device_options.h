/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The options that choose a device, shared by the subcommands, and opening it.
 */
#ifndef TOOLS_DEVICE_OPTIONS_H
#define TOOLS_DEVICE_OPTIONS_H

#include <sparsed/sparsed.h>

#include <cjson/cJSON.h>

#include "cli.h"

typedef struct device_options {
    const char *device, *kernel;
    uint64_t threads;
    bool verbose;
    bool takes_all; /* "all" is a device too, which a message then names */
    bool progress;  /* without verbose: the log's main lines to stderr, where that is a terminal */
} device_options;

void device_add_options(device_options *device, cli_options *options);

/* Opens a context; with --verbose its log goes to stderr. NULL on failure, which is one of usage if
 * the words name no device or kernel that could be. */
sparsed_context *device_open(const device_options *device, tool_error *error);

/* Where the log that the options ask for goes; NULL: there is none. */
const sparsed_logger *device_logger(const device_options *device);

/* The library's text with its names for arguments as the command line calls them. */
void device_fail(const char *text, bool usage, tool_error *error);

/* "gpu", "cpu", "cpu-opencl" or "other". */
const char *device_kind_name(uint32_t kind);

/* An entry of the list that stands for a backend without a device. */
bool device_is_absent(const sparsed_device_info *device);

/* What a context runs on: "2 threads", "1 compute unit". */
void device_units_text(const sparsed_device_info *device, char *to, size_t size);

/* The same as compute_units, and of a CPU as threads too. */
void device_units_json(const sparsed_device_info *device, cJSON *to);

/* Turns a library status into an error; true for SPARSED_OK. */
bool device_check(sparsed_context *context, sparsed_status status, tool_error *error);

#endif
