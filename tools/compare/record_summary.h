/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A record in a few lines: the worst errors of each type and kernel, and what is not as it should be.
 */
#ifndef TOOLS_COMPARE_RECORD_SUMMARY_H
#define TOOLS_COMPARE_RECORD_SUMMARY_H

#include <stdio.h>

#include "compare/faults.h"

/* Cases by their verdict. */
typedef struct record_counts {
    size_t of[VERDICT_FAIL + 1];
} record_counts;

record_counts record_count_verdicts(const record *r);

/* The first fault of a case that has its verdict; "" of a pass. */
void record_reason(const record_case *c, char text[FAULT_BYTES]);

/* file: where it was written, NULL: nowhere. seconds: of the whole run. */
void record_print_summary(const record *r, const char *file, double seconds, FILE *to);

#endif
