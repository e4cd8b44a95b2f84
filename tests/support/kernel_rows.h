/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs a group of tests once for every registry row of the default device. Each test gets the row
 * as its state; on a row that this machine cannot use it is skipped with the row's verdict.
 */
#ifndef TESTS_SUPPORT_KERNEL_ROWS_H
#define TESTS_SUPPORT_KERNEL_ROWS_H

#include <sparsed/sparsed.h>

#include <stddef.h>

struct CMUnitTest;

typedef struct kernel_row {
    sparsed_kernel_info info;
    sparsed_context *context; /* pinned to the row; NULL if it is not usable */
} kernel_row;

/* The number of tests that failed: main's result. */
int run_tests_on_all_rows(const struct CMUnitTest *tests, size_t count);

/* The row in a test's state; skips the test if it is not usable. */
kernel_row *usable_row(void **state);

/* A context pinned to a row by name, with so many threads (0: the default). */
sparsed_context *open_context(const char *kernel, uint32_t threads);

#endif
