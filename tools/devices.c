/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed devices`: what there is, what is chosen, and why. */
#include <sparsed/sparsed.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "device_options.h"
#include "json_print.h"

enum { MAX_KERNELS = 32, MAX_DEVICES = 64 };

typedef struct listing {
    sparsed_device_info devices[MAX_DEVICES], chosen;
    size_t device_count;
    sparsed_kernel_info kernels[MAX_KERNELS];
    size_t kernel_count;
    char kernel[32]; /* that a plan chooses */
} listing;

/* The kernel that a plan of a common shape gets. */
static bool choose_kernel(sparsed_context *context, listing *l, tool_error *error) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_plan *plan;
    sparsed_plan_info info = {.struct_size = sizeof info};
    desc.dtype = SPARSED_F32;
    desc.batch = desc.heads = desc.kv_heads = 1;
    desc.head_dim = 64;
    desc.q_len = desc.kv_len = 64;
    if (!device_check(context, sparsed_plan_create(context, &desc, NULL, &plan), error))
        return false;
    bool done = device_check(context, sparsed_plan_describe(plan, &info), error);
    memcpy(l->kernel, info.kernel, sizeof l->kernel);
    sparsed_plan_destroy(plan);
    return done;
}

static bool collect(const device_options *device, bool self_test, listing *l, tool_error *error) {
    sparsed_message message;
    l->device_count = MAX_DEVICES;
    l->kernel_count = MAX_KERNELS;
    l->chosen.struct_size = sizeof l->chosen;
    for (size_t i = 0; i < MAX_DEVICES; i++)
        l->devices[i].struct_size = sizeof l->devices[i];
    for (size_t i = 0; i < MAX_KERNELS; i++)
        l->kernels[i].struct_size = sizeof l->kernels[i];
    if (sparsed_device_list(l->devices, &l->device_count, &message) != SPARSED_OK)
        return tool_fail(error, "%s", message.text);
    if (l->device_count > MAX_DEVICES)
        l->device_count = MAX_DEVICES;
    sparsed_context *context = device_open(device, error);
    if (!context)
        return false;
    bool done = !self_test || device_check(context, sparsed_kernel_self_test(context), error);
    done = done && choose_kernel(context, l, error) &&
           device_check(context, sparsed_context_device(context, &l->chosen), error) &&
           device_check(context, sparsed_kernel_list(context, l->kernels, &l->kernel_count), error);
    sparsed_context_destroy(context);
    return done;
}

static const char *kind_name(uint32_t kind) {
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

/* Usable, or why not. */
static const char *verdict(const sparsed_device_info *d) {
    return d->usable ? "usable" : d->note;
}

/* The backend has no device: a line is all there is to say. */
static bool is_absent(const sparsed_device_info *d) {
    return !d->usable && d->compute_units == 0 && !strchr(d->selector, ':');
}

static const char *units_name(const sparsed_device_info *d) {
    return d->kind == SPARSED_DEVICE_CPU ? "thread" : "compute unit";
}

static void print_device(const sparsed_device_info *d) {
    char units[32];
    if (is_absent(d)) {
        printf("%-12s not available: %s\n", d->selector, d->note);
        return;
    }
    snprintf(units, sizeof units, "%u %s%s", d->compute_units, units_name(d),
             d->compute_units == 1 ? "" : "s");
    printf("%-12s %-10s  %-17s %8.1f GiB  %s%s\n", d->selector, kind_name(d->kind), units,
           (double)d->memory_bytes / 0x1p30, d->usable ? "" : "not usable: ", verdict(d));
    printf("%12s %s (%s)\n%12s %s\n%12s %s\n", "", d->name, d->vendor, "", d->driver, "",
           d->capabilities);
    if (d->usable && d->note[0])
        printf("%12s note: %s\n", "", d->note);
}

static void print_text(const listing *l) {
    printf("%-12s %-10s  %-17s %12s  %s\n", "DEVICE", "KIND", "UNITS", "MEMORY", "VERDICT");
    for (size_t i = 0; i < l->device_count; i++)
        print_device(&l->devices[i]);
    if (getenv("OPENBLAS_CORETYPE"))
        printf("\nOPENBLAS_CORETYPE is %s: yours, or this command's where OpenBLAS misjudges the "
               "processor\n",
               getenv("OPENBLAS_CORETYPE"));
    printf("\nchosen: %s, %u %s%s, kernel %s (the first that is usable and passes its "
           "self-test)\nkernels, best first:\n",
           l->chosen.selector, l->chosen.compute_units, units_name(&l->chosen),
           l->chosen.compute_units == 1 ? "" : "s", l->kernel);
    for (size_t i = 0; i < l->kernel_count; i++)
        printf("  %-13s %s\n  %-13s %s: %s\n", l->kernels[i].name, l->kernels[i].about, "",
               l->kernels[i].usable ? "usable" : "not usable", l->kernels[i].verdict);
}

static cJSON *device_json(const sparsed_device_info *d) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "selector", d->selector);
    cJSON_AddStringToObject(o, "kind", kind_name(d->kind));
    cJSON_AddStringToObject(o, "name", d->name);
    cJSON_AddStringToObject(o, "vendor", d->vendor);
    cJSON_AddStringToObject(o, "driver", d->driver);
    cJSON_AddStringToObject(o, "capabilities", d->capabilities);
    cJSON_AddBoolToObject(o, "usable", d->usable != 0);
    cJSON_AddStringToObject(o, "verdict", verdict(d));
    cJSON_AddStringToObject(o, "note", d->note);
    cJSON_AddNumberToObject(o, "compute_units", d->compute_units);
    cJSON_AddNumberToObject(o, "memory_bytes", (double)d->memory_bytes);
    return o;
}

static bool print_json(const listing *l, tool_error *error) {
    cJSON *root = cJSON_CreateObject();
    cJSON *devices = cJSON_AddArrayToObject(root, "devices");
    for (size_t i = 0; i < l->device_count; i++)
        cJSON_AddItemToArray(devices, device_json(&l->devices[i]));
    cJSON_AddStringToObject(root, "chosen", l->chosen.selector);
    cJSON_AddStringToObject(root, "kernel", l->kernel);
    cJSON_AddNumberToObject(root, "compute_units", l->chosen.compute_units);
    if (l->chosen.kind == SPARSED_DEVICE_CPU)
        cJSON_AddNumberToObject(root, "threads", l->chosen.compute_units);
    cJSON *kernels = cJSON_AddArrayToObject(root, "kernels");
    for (size_t i = 0; i < l->kernel_count; i++) {
        cJSON *k = cJSON_CreateObject();
        cJSON_AddStringToObject(k, "name", l->kernels[i].name);
        cJSON_AddStringToObject(k, "about", l->kernels[i].about);
        cJSON_AddBoolToObject(k, "usable", l->kernels[i].usable != 0);
        cJSON_AddStringToObject(k, "verdict", l->kernels[i].verdict);
        cJSON_AddItemToArray(kernels, k);
    }
    return json_print(root, error);
}

bool command_devices(int argc, char **argv, tool_error *error) {
    cli_options options = {0};
    device_options device;
    bool help, json = false, self_test = false;
    device_add_options(&device, &options);
    cli_add(&options,
            (cli_option){"self-test", CLI_FLAG, &self_test, NULL, NULL,
                         "run the self-tests of all kernels of the device chosen, against "
                         "the double oracle"});
    cli_add(&options, (cli_option){"json", CLI_FLAG, &json, NULL, NULL, "print one JSON object"});
    if (!cli_parse(&options, argc, argv, &help, error))
        return false;
    if (help) {
        printf("usage: sparsed devices [OPTIONS]\n\nLists the devices, the one chosen, and its "
               "kernels. auto takes the first GPU that passes a\nself-test, else the CPU, else a "
               "processor through OpenCL.\n\n");
        cli_print_options(&options, stdout);
        return true;
    }
    listing *l = calloc(1, sizeof *l);
    if (!l)
        return tool_fail(error, "out of memory");
    bool done = collect(&device, self_test, l, error);
    if (done && json)
        done = print_json(l, error);
    else if (done)
        print_text(l);
    free(l);
    return done;
}
