/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See kernel_rows.h. */
#include "support/kernel_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/backend.h"
#include "src/device.h"
#include "support/attention_case.h"

enum { MAX_DEVICES = 16, MAX_ROWS = 16 };

/* NULL: all rows. */
static const char *row_requested(void) {
    const char *name = getenv("SPARSED_TEST_ROW");
    return name && name[0] ? name : NULL;
}

static bool is_wanted_row(const char *name) {
    const char *request = row_requested();
    return !request || strcmp(name, request) == 0;
}

/* Of any device of this build, whether it is here or not. */
static bool is_known_row(const char *name) {
    for (size_t i = 0; spd_backends[i]; i++)
        for (size_t j = 0; j < spd_backends[i]->row_count; j++)
            if (strcmp(spd_backends[i]->rows[j].name, name) == 0)
                return true;
    return false;
}

static kernel_row row_to_run; /* a group's setup has no argument of its own */

static sparsed_context *open_on(const char *device, const char *kernel, uint32_t threads) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.device = device;
    options.kernel = kernel;
    options.threads = threads;
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK) {
        print_error("%s\n", message.text);
        return NULL;
    }
    return context;
}

sparsed_context *open_context(const char *kernel, uint32_t threads) {
    return open_on(NULL, kernel, threads);
}

sparsed_context *open_row(const kernel_row *row, uint32_t threads) {
    return open_on(row->device, row->info.name, threads);
}

static int set_up(void **state) {
    *state = &row_to_run;
    if (row_to_run.info.usable)
        row_to_run.context = open_row(&row_to_run, 0);
    return row_to_run.info.usable && !row_to_run.context;
}

static int tear_down(void **state) {
    kernel_row *row = *state;
    sparsed_context_destroy(row->context);
    return 0;
}

static size_t list_rows(const char *device, sparsed_kernel_info *rows) {
    size_t count = MAX_ROWS;
    sparsed_context *context = open_on(device, NULL, 1);
    for (size_t i = 0; i < MAX_ROWS; i++)
        rows[i] = (sparsed_kernel_info){.struct_size = sizeof rows[i]};
    sparsed_status status = context ? sparsed_kernel_list(context, rows, &count) : SPARSED_E_STATE;
    sparsed_context_destroy(context);
    return status == SPARSED_OK && count <= MAX_ROWS ? count : 0;
}

static int run_on_device(const sparsed_device_info *device, const struct CMUnitTest *tests,
                         size_t count, size_t *rows_run) {
    sparsed_kernel_info rows[MAX_ROWS];
    char name[80];
    size_t row_count = list_rows(device->selector, rows);
    int failed = row_count == 0;
    for (size_t i = 0; i < row_count; i++) {
        if (!is_wanted_row(rows[i].name))
            continue;
        row_to_run = (kernel_row){.device = device->selector,
                                  .compiles = device->kind != SPARSED_DEVICE_CPU,
                                  .info = rows[i]};
        snprintf(name, sizeof name, "%s %s", device->selector, rows[i].name);
        print_message("kernel row %s\n", name);
        case_take(rows[i].dtypes, rows[i].head_dims);
        failed += _cmocka_run_group_tests(name, tests, count, set_up, tear_down);
        ++*rows_run;
    }
    return failed;
}

static bool is_wanted(const sparsed_device_info *device, bool opencl_alone) {
    const char *request = getenv("SPARSED_DEVICE");
    if (opencl_alone && device->kind == SPARSED_DEVICE_CPU)
        return false;
    return device->usable && device->kind != SPARSED_DEVICE_OTHER &&
           (!request || !request[0] || spd_device_fits(request, device));
}

/* Why no test runs; the result. OpenCL devices alone may be none. */
static int tell_absence(bool opencl_alone) {
    const char *request = getenv("SPARSED_DEVICE");
    const char *what = opencl_alone ? "usable OpenCL device" : "usable device";
    char text[300];
    if (request && request[0])
        snprintf(text, sizeof text, "SPARSED_DEVICE is '%.200s': no %s fits it", request, what);
    else
        snprintf(text, sizeof text, "there is no %s here", what);
    if (opencl_alone)
        print_message("skipped: %s\n", text);
    else
        print_error("%s\n", text);
    return opencl_alone ? 0 : 1;
}

static int run_on_devices(const struct CMUnitTest *tests, size_t count, bool opencl_alone) {
    sparsed_device_info devices[MAX_DEVICES];
    sparsed_message message = {""};
    size_t device_count = MAX_DEVICES, run = 0, rows_run = 0;
    int failed = 0;
    if (row_requested() && !is_known_row(row_requested())) {
        print_error("SPARSED_TEST_ROW is '%.200s': no device has such a row\n", row_requested());
        return 1;
    }
    for (size_t i = 0; i < MAX_DEVICES; i++)
        devices[i] = (sparsed_device_info){.struct_size = sizeof devices[i]};
    if (sparsed_device_list(devices, &device_count, &message) != SPARSED_OK ||
        device_count > MAX_DEVICES) {
        print_error("%zu devices, of at most %d: %s\n", device_count, MAX_DEVICES, message.text);
        return 1;
    }
    for (size_t i = 0; i < device_count; i++) {
        if (!is_wanted(&devices[i], opencl_alone))
            continue;
        failed += run_on_device(&devices[i], tests, count, &rows_run);
        run++;
    }
    if (run > 0 && rows_run == 0 && failed == 0)
        print_message("skipped: no device here has the row %s\n", row_requested());
    return run > 0 ? failed : tell_absence(opencl_alone);
}

int run_tests_on_all_rows(const struct CMUnitTest *tests, size_t count) {
    return run_on_devices(tests, count, false);
}

int run_tests_on_opencl_rows(const struct CMUnitTest *tests, size_t count) {
    return run_on_devices(tests, count, true);
}

kernel_row *usable_row(void **state) {
    kernel_row *row = *state;
    if (!row->info.usable) {
        print_message("skipped: kernel row %s of %s cannot be used here: %s\n", row->info.name,
                      row->device, row->info.verdict);
        skip();
    }
    return row;
}

uint32_t row_head_dim(const kernel_row *row, uint32_t dim) {
    if (row->info.head_dims[0] != 0)
        return row->info.head_dims[0];
    return row->compiles ? 16 : dim;
}
