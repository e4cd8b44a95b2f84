/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Runs a group of tests once for every registry row of every usable device (with SPARSED_DEVICE
 * set: of the devices that it names; accelerators that "auto" never chooses are left out), or, with
 * SPARSED_TEST_ROW set, for the rows of that name; one that no device could have is an error. Each
 * test gets the row as its state; on a row that its device refuses it is skipped with the row's
 * verdict.
 */
#ifndef TESTS_SUPPORT_KERNEL_ROWS_H
#define TESTS_SUPPORT_KERNEL_ROWS_H

#include <sparsed/sparsed.h>

#include <stdbool.h>
#include <stddef.h>

struct CMUnitTest;

typedef struct kernel_row {
    const char *device; /* its selector: "cpu", "opencl:0:0" */
    bool compiles;      /* each variant of the row is compiled when it is first used: take few */
    sparsed_kernel_info info;
    sparsed_context *context; /* pinned to the row; NULL if it is not usable */
} kernel_row;

/* The number of tests that failed: main's result. Where no device is run on, that is said, and 1. */
int run_tests_on_all_rows(const struct CMUnitTest *tests, size_t count);

/* The same on OpenCL devices alone; where there is none, nothing is run, and nothing fails. */
int run_tests_on_opencl_rows(const struct CMUnitTest *tests, size_t count);

/* The row in a test's state; skips the test if it is not usable. */
kernel_row *usable_row(void **state);

/* A head dimension for a test about something else: `dim`, or the same one for all tests where each
 * costs a compilation; one that the row takes. */
uint32_t row_head_dim(const kernel_row *row, uint32_t dim);

/* Another context pinned to a row, with so many threads (0: the default; the CPU's alone). */
sparsed_context *open_row(const kernel_row *row, uint32_t threads);

/* A context on the default device, pinned to a row by name (NULL: not). */
sparsed_context *open_context(const char *kernel, uint32_t threads);

#endif
