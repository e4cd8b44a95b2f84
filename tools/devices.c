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
    char kernel[32];      /* that a plan chooses; "" if there is none */
    tool_error no_kernel; /* why there is none */
    bool pinned;          /* it was asked for */
} listing;

/* The kernel that a plan of a common shape gets. None does not hide what is known of them all. */
static bool choose_kernel(sparsed_context *context, listing *l, tool_error *error) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_plan *plan;
    sparsed_plan_info info = {.struct_size = sizeof info};
    desc.dtype = SPARSED_F32;
    desc.batch = desc.heads = desc.kv_heads = 1;
    desc.head_dim = 64;
    desc.q_len = desc.kv_len = 64;
    if (!device_check(context, sparsed_plan_create(context, &desc, NULL, &plan), &l->no_kernel))
        return true;
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
    l->pinned = device->kernel != NULL;
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

static void print_device(const sparsed_device_info *d) {
    char units[32];
    if (is_absent(d)) {
        printf("%-12s not available: %s\n", d->selector, d->note);
        return;
    }
    device_units_text(d, units, sizeof units);
    printf("%-12s %-10s  %-17s %8.1f GiB  %s%s\n", d->selector, kind_name(d->kind), units,
           (double)d->memory_bytes / 0x1p30, d->usable ? "" : "not usable: ", verdict(d));
    printf("%12s %s (%s)\n%12s %s\n%12s %s\n", "", d->name, d->vendor, "", d->driver, "",
           d->capabilities);
    if (d->isa[0])
        printf("%12s level: %s\n", "", d->isa);
    if (d->usable && d->note[0])
        printf("%12s note: %s\n", "", d->note);
}

static const char *kernel_reason(const listing *l) {
    return l->pinned ? "asked for" : "the first that is usable and passed its self-test";
}

static void print_choice(const listing *l) {
    const sparsed_device_info *d = &l->chosen;
    char units[32];
    device_units_text(d, units, sizeof units);
    printf("\nchosen: %s, %s; runner-up: %s; reason: %s\n", d->selector, units,
           d->runner_up[0] ? d->runner_up : "none", d->reason);
    if (l->kernel[0])
        printf("kernel: %s; reason: %s\n", l->kernel, kernel_reason(l));
    else
        printf("kernel: none\n");
}

static void print_text(const listing *l) {
    printf("%-12s %-10s  %-17s %12s  %s\n", "DEVICE", "KIND", "UNITS", "MEMORY", "VERDICT");
    for (size_t i = 0; i < l->device_count; i++)
        print_device(&l->devices[i]);
    if (getenv("OPENBLAS_CORETYPE"))
        printf("\nOPENBLAS_CORETYPE is %s: yours, or this command's where OpenBLAS misjudges the "
               "processor\n",
               getenv("OPENBLAS_CORETYPE"));
    print_choice(l);
    printf("kernels of %s, best first:\n", l->chosen.selector);
    for (size_t i = 0; i < l->kernel_count; i++)
        printf("  %-15s  %s\n  %-15s  %s: %s\n", l->kernels[i].name, l->kernels[i].about, "",
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
    cJSON_AddStringToObject(o, "isa", d->isa);
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
    cJSON_AddStringToObject(root, "reason", l->chosen.reason);
    cJSON_AddStringToObject(root, "runner_up", l->chosen.runner_up);
    cJSON_AddStringToObject(root, "kernel", l->kernel);
    cJSON_AddStringToObject(root, "kernel_reason", l->kernel[0] ? kernel_reason(l) : "");
    device_units_json(&l->chosen, root);
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

/* A listing that was printed is a failure all the same where no kernel runs, or one that was tested
 * on request is wrong. */
static bool judge(const listing *l, bool self_test, tool_error *error) {
    char failed[256] = "";
    for (size_t i = 0; self_test && i < l->kernel_count; i++) {
        size_t used = strlen(failed);
        if (l->kernels[i].failed > 0)
            snprintf(failed + used, sizeof failed - used, " %s", l->kernels[i].name);
    }
    if (failed[0])
        return tool_fail(error, "self-tests on %s failed:%s", l->chosen.selector, failed);
    if (!l->kernel[0])
        *error = l->no_kernel;
    return l->kernel[0] != '\0';
}

bool command_devices(int argc, char **argv, tool_error *error) {
    cli_options options = {0};
    device_options device;
    bool help, json = false, self_test = false;
    device_add_options(&device, &options);
    cli_add(&options,
            (cli_option){"self-test", CLI_FLAG, &self_test, NULL, NULL,
                         "hold every kernel of the chosen device (--device chooses) to the "
                         "double-precision oracle; exit code 1 if one fails. On OpenCL the first "
                         "time may take minutes: kernels are compiled"});
    cli_add(&options, (cli_option){"json", CLI_FLAG, &json, NULL, NULL, "print one JSON object"});
    if (!cli_parse(&options, argc, argv, &help, error))
        return false;
    if (help) {
        printf("usage: sparsed devices [OPTIONS]\n\nLists the devices, the one chosen, and its "
               "kernels. auto takes the first GPU that passes a\nself-test, else the CPU, else a "
               "processor through OpenCL.\nSPARSED_CPU_ISA names the highest level of instruction "
               "sets that the CPU may use: baseline;\navx2, avx512, avx512-bf16, amx; neon.\n\n");
        cli_print_options(&options, stdout);
        return true;
    }
    listing *l = calloc(1, sizeof *l);
    if (!l)
        return tool_fail(error, "out of memory");
    device.progress = self_test;
    bool done = collect(&device, self_test, l, error);
    if (done && json)
        done = print_json(l, error);
    else if (done)
        print_text(l);
    done = done && judge(l, self_test, error);
    free(l);
    return done;
}
