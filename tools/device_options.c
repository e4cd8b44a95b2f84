/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "device_options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void device_add_options(device_options *device, cli_options *options) {
    *device = (device_options){0};
    cli_add(options, (cli_option){"device", CLI_STRING, &device->device, NULL, "DEVICE",
                                  "auto, cpu or opencl[:PLATFORM[:DEVICE]], each a number or a "
                                  "part of its name: opencl:NVIDIA (SPARSED_DEVICE, else auto)"});
    cli_add(options,
            (cli_option){"kernel", CLI_STRING, &device->kernel, NULL, "NAME",
                         "run attention with this kernel or fail; `sparsed devices` lists a "
                         "device's"});
    cli_add(options,
            (cli_option){"threads", CLI_UINT, &device->threads, NULL, "N",
                         "CPU threads (as OpenMP says: OMP_NUM_THREADS, else one a processor)"});
    cli_add(options, (cli_option){"verbose", CLI_FLAG, &device->verbose, NULL, NULL,
                                  "log what is chosen, and why, to stderr"});
}

static void write_log(void *user, sparsed_log_level level, const char *line) {
    const sparsed_log_level *last = user;
    if (level <= *last)
        fprintf(stderr, "sparsed: %s\n", line);
}

const sparsed_logger *device_logger(const device_options *device) {
    static sparsed_log_level all_lines = SPARSED_LOG_DEBUG, main_lines = SPARSED_LOG_INFO;
    static const sparsed_logger all = {write_log, &all_lines},
                                main_alone = {write_log, &main_lines};
    if (device->verbose)
        return &all;
    return device->progress && isatty(STDERR_FILENO) ? &main_alone : NULL;
}

/* Adds "all" to what the library says --device may be. */
static void name_all(tool_error *error) {
    static const char list[] = "; known are: ", word[] = "all, ";
    char *known = strstr(error->text, list);
    if (strncmp(error->text, "--device is ", 12) != 0 || !known ||
        strlen(error->text) + sizeof word > sizeof error->text)
        return;
    known += sizeof list - 1;
    memmove(known + sizeof word - 1, known, strlen(known) + 1);
    memcpy(known, word, sizeof word - 1);
}

sparsed_context *device_open(const device_options *device, tool_error *error) {
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
    options.logger = device_logger(device);
    sparsed_status status = sparsed_context_create(&options, &context, &message);
    if (status == SPARSED_OK)
        return context;
    device_fail(message.text, status == SPARSED_E_INVALID, error);
    if (device->takes_all)
        name_all(error);
    return NULL;
}

const char *device_kind_name(uint32_t kind) {
    switch (kind) {
    case SPARSED_DEVICE_GPU:
        return "gpu";
    case SPARSED_DEVICE_CPU:
        return "cpu";
    case SPARSED_DEVICE_CPU_OPENCL:
        return "cpu-opencl";
    default:
        return "other";
    }
}

bool device_is_absent(const sparsed_device_info *device) {
    return !device->usable && device->compute_units == 0 && !strchr(device->selector, ':');
}

void device_units_text(const sparsed_device_info *device, char *to, size_t size) {
    snprintf(to, size, "%u %s%s", device->compute_units,
             device->kind == SPARSED_DEVICE_CPU ? "thread" : "compute unit",
             device->compute_units == 1 ? "" : "s");
}

void device_units_json(const sparsed_device_info *device, cJSON *to) {
    cJSON_AddNumberToObject(to, "compute_units", device->compute_units);
    if (device->kind == SPARSED_DEVICE_CPU)
        cJSON_AddNumberToObject(to, "threads", device->compute_units);
}

void device_fail(const char *text, bool usage, tool_error *error) {
    static const char *const names[][2] = {{"options.", "--"},
                                           {"schedule '", "--schedule '"},
                                           {"desc.scale ", "--scale "},
                                           {"select.ratio ", "--select "},
                                           {"select.score_scale ", "--score-scale "},
                                           {"select.gen_len ", "--gen-length "}};
    const char *option = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i][0]);
        if (strncmp(text, names[i][0], length) == 0) {
            option = names[i][1];
            text += length;
            break;
        }
    }
    tool_fail(error, "%s%s", option, text);
    error->usage = usage;
}

bool device_check(sparsed_context *context, sparsed_status status, tool_error *error) {
    if (status == SPARSED_OK)
        return true;
    const char *text = sparsed_context_error(context);
    device_fail(text[0] ? text : sparsed_status_string(status), status == SPARSED_E_INVALID, error);
    return false;
}
