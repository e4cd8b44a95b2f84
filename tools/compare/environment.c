/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

enum { MAX_DEVICES = 64 };

/* What results or times depend on. */
static const char *const variables[] = {
    "SPARSED_DEVICE",  "SPARSED_CPU_ISA",      "SPARSED_OPENCL_LIBRARY", "SPARSED_KERNEL_DIR",
    "OMP_NUM_THREADS", "OMP_WAIT_POLICY",      "OMP_PROC_BIND",          "OPENBLAS_CORETYPE",
    "OCL_ICD_VENDORS", "CUDA_VISIBLE_DEVICES",
};

static void copy_variables(record_environment *e) {
    e->variable_count = 0;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        record_variable *to = &e->variables[e->variable_count];
        if (!value)
            continue;
        snprintf(to->name, sizeof to->name, "%s", variables[i]);
        snprintf(to->value, sizeof to->value, "%s", value);
        e->variable_count++;
    }
}

/* The host's processor, as the CPU backend calls it; "" where there is none. */
static void find_processor(record_environment *e) {
    sparsed_device_info *devices = calloc(MAX_DEVICES, sizeof *devices);
    size_t count = devices ? MAX_DEVICES : 0;
    for (size_t i = 0; i < count; i++)
        devices[i].struct_size = sizeof devices[i];
    if (devices && sparsed_device_list(devices, &count, NULL) != SPARSED_OK)
        count = 0;
    for (size_t i = 0; i < count && i < MAX_DEVICES; i++)
        if (devices[i].kind == SPARSED_DEVICE_CPU)
            snprintf(e->processor, sizeof e->processor, "%s", devices[i].name);
    free(devices);
}

static void find_system(record_environment *e) {
    struct utsname names;
    struct tm utc;
    time_t now = time(NULL);
    uint32_t version = sparsed_version();
    if (uname(&names) == 0)
        snprintf(e->system, sizeof e->system, "%.80s %.80s %.80s", names.sysname, names.release,
                 names.machine);
    if (gmtime_r(&now, &utc))
        strftime(e->created, sizeof e->created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(e->library_version, sizeof e->library_version, "%u.%u.%u", version >> 16 & 255u,
             version >> 8 & 255u, version & 255u);
}

bool environment_describe(sparsed_context *context, const device_options *options,
                          record_environment *e, tool_error *error) {
    *e = (record_environment){.device = {.struct_size = sizeof e->device},
                              .threads_option = (uint32_t)options->threads};
    if (!device_check(context, sparsed_context_device(context, &e->device), error))
        return false;
    snprintf(e->device_option, sizeof e->device_option, "%s",
             options->device ? options->device : "");
    snprintf(e->kernel_option, sizeof e->kernel_option, "%s",
             options->kernel ? options->kernel : "");
    find_system(e);
    find_processor(e);
    copy_variables(e);
    return true;
}
