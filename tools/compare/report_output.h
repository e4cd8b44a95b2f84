/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A comparison in words, as JSON (docs/compare-report.schema.json) and as an HTML page.
 */
#ifndef TOOLS_COMPARE_REPORT_OUTPUT_H
#define TOOLS_COMPARE_REPORT_OUTPUT_H

#include "compare/comparison.h"

bool report_print_words(const comparison *c, tool_error *error);
bool report_print_json(const comparison *c, tool_error *error);
bool report_write_page(const comparison *c, const char *path, tool_error *error);

/* What the outputs share. */

enum { REPORT_DEVICE_BYTES = 320, REPORT_KERNELS_BYTES = 256 };

/* "AMD EPYC ..., avx512", "NVIDIA H100 (OpenCL ...)". */
void report_device(const record *r, char text[REPORT_DEVICE_BYTES]);

/* The kernels that ran its cases, each once: "cpu-avx512, cpu-avx512-bf16". */
void report_kernels(const record *r, char text[REPORT_KERNELS_BYTES]);

/* The largest error of a case's outputs against the oracle. */
typedef struct report_error {
    double relative; /* infinite if one is not finite, a NaN if the case did not run */
    double share;    /* of what fails */
    bool absolute;   /* a run counts as right because of the absolute bound alone */
} report_error;
report_error report_own_error(const record_case *c);

/* How far outputs given one pattern are apart: "=" equal to the bit; "~" right because of the
 * absolute bound alone; else the share of what fails, 0 where the stored rows are equal. */
enum { REPORT_DISTANCE_BYTES = 16 };
void report_distance(const out_distance *d, char text[REPORT_DISTANCE_BYTES]);

/* The cases of all records by name, in the order of the first record that has them. */
typedef struct report_names {
    size_t count;
    const char **names; /* to be freed */
} report_names;
bool report_names_make(report_names *names, const comparison *c, tool_error *error);

#endif
