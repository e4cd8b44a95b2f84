/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "device_options.h"

#include <stdio.h>

void device_add_options(device_options *device, cli_options *options) {
    *device = (device_options){0};
    cli_add(options, (cli_option){"device", CLI_STRING, &device->device, NULL, "DEVICE",
                                  "auto or cpu (SPARSED_DEVICE, else auto)"});
    cli_add(options, (cli_option){"kernel", CLI_STRING, &device->kernel, NULL, "NAME",
                                  "run this kernel or fail; `sparsed devices` lists them"});
    cli_add(options, (cli_option){"threads", CLI_UINT, &device->threads, NULL, "N",
                                  "CPU threads (one per processor)"});
    cli_add(options, (cli_option){"verbose", CLI_FLAG, &device->verbose, NULL, NULL,
                                  "log what is chosen, and why, to stderr"});
}

static void write_log(void *user, sparsed_log_level level, const char *line) {
    (void)user;
    (void)level;
    fprintf(stderr, "sparsed: %s\n", line);
}

sparsed_context *device_open(const device_options *device, tool_error *error) {
    static const sparsed_logger logger = {write_log, NULL};
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    if (device->threads > 1024) {
        tool_fail_usage(error, "--threads is %llu, above 1024",
                        (unsigned long long)device->threads);
        return NULL;
    }
    options.device = device->device;
    options.kernel = device->kernel;
    options.threads = (uint32_t)device->threads;
    options.logger = device->verbose ? &logger : NULL;
    sparsed_status status = sparsed_context_create(&options, &context, &message);
    if (status == SPARSED_OK)
        return context;
    if (status == SPARSED_E_INVALID)
        tool_fail_usage(error, "%s", message.text);
    else
        tool_fail(error, "%s", message.text);
    return NULL;
}

bool device_check(sparsed_context *context, sparsed_status status, tool_error *error) {
    if (status == SPARSED_OK)
        return true;
    const char *text = sparsed_context_error(context);
    tool_fail(error, "%s", text[0] ? text : sparsed_status_string(status));
    error->usage = status == SPARSED_E_INVALID;
    return false;
}
