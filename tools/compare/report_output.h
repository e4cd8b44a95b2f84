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
 * absolute bound alone; else the share of what fails, 0 where the stored values are the same. */
enum { REPORT_DISTANCE_BYTES = 16 };
void report_distance(const out_distance *d, int digits, char text[REPORT_DISTANCE_BYTES]);

/* What of a case is no pass: '?' or '!' and letters: o outputs, l log-sum-exps, s block scores, c the
 * choice of blocks, r repeats that differ, x it did not run; "" of a pass. */
enum { REPORT_MARKS_BYTES = 8 };
void report_marks(const record_case *c, char text[REPORT_MARKS_BYTES]);

/* Where a record was made, and what with: options, and environment variables that were set, as
 * "--threads 2 OMP_WAIT_POLICY=passive"; "none". Paths are "...": they tell nothing elsewhere, and a
 * report is made to be passed on. */
enum {
    REPORT_UNITS_BYTES = 32,
    REPORT_HOST_BYTES = 2 * RECORD_TEXT_BYTES + 4,
    REPORT_GIVEN_BYTES = 400 + RECORD_VARIABLES * (RECORD_NAME_BYTES + RECORD_TEXT_BYTES + 2)
};
void report_host(const record *r, char text[REPORT_HOST_BYTES]);
void report_given(const record *r, char text[REPORT_GIVEN_BYTES]);

/* The problem of a user's input; false: the records are of the suite. */
enum { REPORT_PROBLEM_BYTES = 400 };
bool report_problem(const comparison *c, char text[REPORT_PROBLEM_BYTES]);

/* The cases of all records by name, in the order of the first record that has them. */
typedef struct report_names {
    size_t count;
    const char **names; /* to be freed */
} report_names;
bool report_names_make(report_names *names, const comparison *c, tool_error *error);

/* The median time of a run, or that of its one call. */
double report_seconds(const record_run *run);

/* How many cases ran in every record, and a record's time of these together. */
size_t report_common_cases(const comparison *c, const report_names *names);
double report_common_seconds(const comparison *c, const report_names *names, size_t which,
                             record_op op);

#endif
