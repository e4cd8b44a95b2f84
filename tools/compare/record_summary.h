/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A record in a few lines: the worst errors of each type and kernel, and what is not as it should be.
 */
#ifndef TOOLS_COMPARE_RECORD_SUMMARY_H
#define TOOLS_COMPARE_RECORD_SUMMARY_H

#include <stdio.h>

#include "compare/record_file.h"
#include "compare/verdict.h"

/* Cases by their verdict. */
typedef struct record_counts {
    size_t of[VERDICT_FAIL + 1];
} record_counts;

record_counts record_count_verdicts(const record *r);

enum { RECORD_REASON_BYTES = 320 };

/* The first thing of a case that has its verdict: "sparse-own out is off by 3e-02, allowed 1e-05". */
void record_reason(const record_case *c, char text[RECORD_REASON_BYTES]);

/* file: where it was written, NULL: nowhere. seconds: of the whole run. */
void record_print_summary(const record *r, const char *file, double seconds, FILE *to);

#endif
