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
#include "storage_convert.h"

enum { MAX_KERNELS = 32, MAX_DEVICES = 64, DTYPES = SPARSED_BF16 + 1 };

typedef struct listing {
    sparsed_device_info devices[MAX_DEVICES], chosen; /* chosen.selector "": none could be */
    size_t device_count;
    sparsed_kernel_info kernels[MAX_KERNELS];
    size_t kernel_count;
    bool asked[DTYPES];      /* which storage types a kernel was looked for */
    char kernel[DTYPES][32]; /* that a plan chooses; "" if there is none */
    tool_error failure;      /* why there is no device, or no kernel; text "": nothing failed */
    const char *pin;         /* the kernel that was asked for; NULL: none was */
} listing;

static bool takes(const sparsed_kernel_info *kernel, uint32_t dtype) {
    return kernel->dtypes >> dtype & 1;
}

/* Whether to look for a kernel for a type: f32, and all that usable ones take, or the one asked for. */
static bool is_asked(const listing *l, uint32_t dtype) {
    for (size_t i = 0; i < l->kernel_count; i++) {
        const sparsed_kernel_info *k = &l->kernels[i];
        bool candidate = l->pin ? strcmp(l->pin, k->name) == 0 : k->usable != 0;
        if (candidate && takes(k, dtype))
            return true;
    }
    return dtype == SPARSED_F32 && !l->pin;
}

/* The kernel that a plan of a common shape gets. None does not hide what is known of them all. */
static bool choose_kernel(sparsed_context *context, uint32_t dtype, listing *l, tool_error *error) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_plan *plan;
    sparsed_plan_info info = {.struct_size = sizeof info};
    desc.dtype = dtype;
    desc.batch = desc.heads = desc.kv_heads = 1;
    desc.head_dim = 64;
    desc.q_len = desc.kv_len = 64;
    if (!device_check(context, sparsed_plan_create(context, &desc, NULL, &plan), &l->failure))
        return true;
    bool done = device_check(context, sparsed_plan_describe(plan, &info), error);
    memcpy(l->kernel[dtype], info.kernel, sizeof l->kernel[dtype]);
    sparsed_plan_destroy(plan);
    return done;
}

static bool list_kernels(sparsed_context *context, listing *l, tool_error *error) {
    l->kernel_count = MAX_KERNELS;
    for (size_t i = 0; i < MAX_KERNELS; i++)
        l->kernels[i].struct_size = sizeof l->kernels[i];
    return device_check(context, sparsed_kernel_list(context, l->kernels, &l->kernel_count), error);
}

/* Lists the kernels a second time for the verdicts of the self-tests that a choice makes. */
static bool choose_kernels(sparsed_context *context, listing *l, tool_error *error) {
    bool done = list_kernels(context, l, error);
    for (uint32_t dtype = SPARSED_F32; done && dtype < DTYPES; dtype++) {
        l->asked[dtype] = is_asked(l, dtype);
        done = !l->asked[dtype] || choose_kernel(context, dtype, l, error);
    }
    return done && list_kernels(context, l, error);
}

static bool list_devices(listing *l, tool_error *error) {
    sparsed_message message;
    l->device_count = MAX_DEVICES;
    for (size_t i = 0; i < MAX_DEVICES; i++)
        l->devices[i].struct_size = sizeof l->devices[i];
    if (sparsed_device_list(l->devices, &l->device_count, &message) != SPARSED_OK)
        return tool_fail(error, "%s", message.text);
    if (l->device_count > MAX_DEVICES)
        l->device_count = MAX_DEVICES;
    return true;
}

/* No device to choose does not hide those that there are, but for a fault of the command line. */
static bool collect(const device_options *device, bool self_test, listing *l, tool_error *error) {
    if (!list_devices(l, error))
        return false;
    sparsed_context *context = device_open(device, &l->failure);
    if (!context) {
        *error = l->failure;
        return !l->failure.usage;
    }
    l->chosen.struct_size = sizeof l->chosen;
    l->pin = device->kernel;
    bool done = !self_test || device_check(context, sparsed_kernel_self_test(context), error);
    done = done && choose_kernels(context, l, error) &&
           device_check(context, sparsed_context_device(context, &l->chosen), error);
    sparsed_context_destroy(context);
    return done;
}

/* Usable, or why not. */
static const char *verdict(const sparsed_device_info *d) {
    return d->usable ? "usable" : d->note;
}

static void print_device(const sparsed_device_info *d) {
    char units[32];
    if (device_is_absent(d)) { /* a line is all there is to say */
        printf("%-12s not available: %s\n", d->selector, d->note);
        return;
    }
    device_units_text(d, units, sizeof units);
    printf("%-12s %-10s  %-17s %8.1f GiB  %s%s\n", d->selector, device_kind_name(d->kind), units,
           (double)d->memory_bytes / 0x1p30, d->usable ? "" : "not usable: ", verdict(d));
    printf("%12s %s (%s)\n%12s %s\n%12s %s\n", "", d->name, d->vendor, "", d->driver, "",
           d->capabilities);
    if (d->isa[0])
        printf("%12s level: %s\n", "", d->isa);
    if (strcmp(d->isa, "baseline") == 0 && getenv("OPENBLAS_CORETYPE"))
        printf("%12s OPENBLAS_CORETYPE is %s: yours, or this command's where OpenBLAS misjudges "
               "the processor\n",
               "", getenv("OPENBLAS_CORETYPE"));
    if (d->usable && d->note[0])
        printf("%12s note: %s\n", "", d->note);
}

static const char *kernel_reason(const listing *l) {
    return l->pin ? "asked for" : "the first that is usable and passed its self-test";
}

static void print_choice(const listing *l) {
    const sparsed_device_info *d = &l->chosen;
    char units[32];
    device_units_text(d, units, sizeof units);
    printf("\nchosen: %s, %s; runner-up: %s; reason: %s\n", d->selector, units,
           d->runner_up[0] ? d->runner_up : "none", d->reason);
    for (uint32_t dtype = SPARSED_F32; dtype < DTYPES; dtype++)
        if (l->asked[dtype] && l->kernel[dtype][0])
            printf("kernel for %s: %s; reason: %s\n", storage_name((sparsed_dtype)dtype),
                   l->kernel[dtype], kernel_reason(l));
        else if (l->asked[dtype])
            printf("kernel for %s: none\n", storage_name((sparsed_dtype)dtype));
}

static void print_kernel(const sparsed_kernel_info *k) {
    const char *separator = "takes ";
    printf("  %-15s  %s; ", k->name, k->about);
    for (uint32_t dtype = SPARSED_F32; dtype < DTYPES; dtype++)
        if (takes(k, dtype)) {
            printf("%s%s", separator, storage_name((sparsed_dtype)dtype));
            separator = ", ";
        }
    if (k->head_dims[0] != 0)
        printf("; head_dim %u and %u", k->head_dims[0], k->head_dims[1]);
    printf("\n  %-15s  %s: %s\n", "", k->usable ? "usable" : "not usable", k->verdict);
}

static void print_text(const listing *l) {
    printf("%-12s %-10s  %-17s %12s  %s\n", "DEVICE", "KIND", "UNITS", "MEMORY", "VERDICT");
    for (size_t i = 0; i < l->device_count; i++)
        print_device(&l->devices[i]);
    if (!l->chosen.selector[0]) {
        printf("\nchosen: none\n");
        return;
    }
    print_choice(l);
    printf("kernels of %s, best first:\n", l->chosen.selector);
    for (size_t i = 0; i < l->kernel_count; i++)
        print_kernel(&l->kernels[i]);
}

static cJSON *device_json(const sparsed_device_info *d) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "selector", d->selector);
    cJSON_AddStringToObject(o, "kind", device_kind_name(d->kind));
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

static cJSON *kernel_json(const sparsed_kernel_info *kernel) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", kernel->name);
    cJSON_AddStringToObject(o, "about", kernel->about);
    cJSON *dtypes = cJSON_AddArrayToObject(o, "dtypes");
    for (uint32_t dtype = SPARSED_F32; dtype < DTYPES; dtype++)
        if (takes(kernel, dtype))
            cJSON_AddItemToArray(dtypes, cJSON_CreateString(storage_name((sparsed_dtype)dtype)));
    cJSON *head_dims = cJSON_AddArrayToObject(o, "head_dims");
    for (size_t i = 0; i < 2 && kernel->head_dims[i] != 0; i++)
        cJSON_AddItemToArray(head_dims, cJSON_CreateNumber(kernel->head_dims[i]));
    cJSON_AddBoolToObject(o, "usable", kernel->usable != 0);
    cJSON_AddStringToObject(o, "verdict", kernel->verdict);
    return o;
}

/* "kernel": by storage type; "" where none runs. */
static void add_choice(cJSON *root, const listing *l) {
    cJSON_AddStringToObject(root, "chosen", l->chosen.selector);
    cJSON_AddStringToObject(root, "reason", l->chosen.reason);
    cJSON_AddStringToObject(root, "runner_up", l->chosen.runner_up);
    cJSON *kernel = cJSON_AddObjectToObject(root, "kernel");
    bool any = false;
    for (uint32_t dtype = SPARSED_F32; dtype < DTYPES; dtype++) {
        if (l->asked[dtype])
            cJSON_AddStringToObject(kernel, storage_name((sparsed_dtype)dtype), l->kernel[dtype]);
        any = any || l->kernel[dtype][0];
    }
    cJSON_AddStringToObject(root, "kernel_reason", any ? kernel_reason(l) : "");
    if (l->chosen.selector[0])
        device_units_json(&l->chosen, root);
}

static bool print_json(const listing *l, tool_error *error) {
    cJSON *root = cJSON_CreateObject();
    cJSON *devices = cJSON_AddArrayToObject(root, "devices");
    for (size_t i = 0; i < l->device_count; i++)
        cJSON_AddItemToArray(devices, device_json(&l->devices[i]));
    add_choice(root, l);
    cJSON *kernels = cJSON_AddArrayToObject(root, "kernels");
    for (size_t i = 0; i < l->kernel_count; i++)
        cJSON_AddItemToArray(kernels, kernel_json(&l->kernels[i]));
    return json_print(root, error);
}

/* A listing that was printed is a failure all the same where no device or kernel runs, or one that
 * was tested on request is wrong. */
static bool judge(const listing *l, bool self_test, tool_error *error) {
    char failed[256] = "";
    for (size_t i = 0; self_test && i < l->kernel_count; i++) {
        size_t used = strlen(failed);
        if (l->kernels[i].failed > 0)
            snprintf(failed + used, sizeof failed - used, " %s", l->kernels[i].name);
    }
    if (failed[0])
        return tool_fail(error, "self-tests on %s failed:%s", l->chosen.selector, failed);
    if (l->failure.text[0])
        *error = l->failure;
    return !l->failure.text[0];
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
        printf("usage: sparsed devices [OPTIONS]\n\nLists the devices, the one chosen, its "
               "kernels, and which of them runs each storage type. auto takes\nthe first GPU that "
               "passes a self-test, else the CPU, else a processor through OpenCL.\n"
               "SPARSED_CPU_ISA names the highest level of instruction sets that the CPU may use: "
               "baseline;\navx2, avx512, avx512-bf16, amx; neon.\n\n");
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
