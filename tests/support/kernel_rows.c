/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See kernel_rows.h. */
#include "support/kernel_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { MAX_ROWS = 16 };

static const sparsed_kernel_info *row_to_run; /* a group's setup has no argument of its own */

sparsed_context *open_context(const char *kernel, uint32_t threads) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    options.kernel = kernel;
    options.threads = threads;
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK) {
        print_error("%s\n", message.text);
        return NULL;
    }
    return context;
}

static int open_row(void **state) {
    static kernel_row row;
    row = (kernel_row){.info = *row_to_run};
    *state = &row;
    if (row.info.usable)
        row.context = open_context(row.info.name, 0);
    return row.info.usable && !row.context;
}

static int close_row(void **state) {
    kernel_row *row = *state;
    sparsed_context_destroy(row->context);
    return 0;
}

static size_t list_rows(sparsed_kernel_info *rows) {
    size_t count = MAX_ROWS;
    sparsed_context *context = open_context(NULL, 1);
    for (size_t i = 0; i < MAX_ROWS; i++)
        rows[i] = (sparsed_kernel_info){.struct_size = sizeof rows[i]};
    sparsed_status status = context ? sparsed_kernel_list(context, rows, &count) : SPARSED_E_STATE;
    sparsed_context_destroy(context);
    return status == SPARSED_OK ? count : 0;
}

int run_tests_on_all_rows(const struct CMUnitTest *tests, size_t count) {
    sparsed_kernel_info rows[MAX_ROWS];
    size_t row_count = list_rows(rows);
    int failed = row_count == 0 || row_count > MAX_ROWS;
    for (size_t i = 0; i < row_count && i < MAX_ROWS; i++) {
        row_to_run = &rows[i];
        failed += _cmocka_run_group_tests(rows[i].name, tests, count, open_row, close_row);
    }
    return failed;
}

kernel_row *usable_row(void **state) {
    kernel_row *row = *state;
    if (!row->info.usable) {
        print_message("skipped: kernel row %s cannot be used here: %s\n", row->info.name,
                      row->info.verdict);
        skip();
    }
    return row;
}
