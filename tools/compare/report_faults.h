/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The failures and warnings of a comparison, those that are alike in one line: what one record has
 * against several others.
 */
#ifndef TOOLS_COMPARE_REPORT_FAULTS_H
#define TOOLS_COMPARE_REPORT_FAULTS_H

#include "compare/comparison.h"
#include "compare/faults.h"

typedef struct report_fault {
    verdict v;
    const char *name; /* of the case */
    bool of_pairs;    /* else of single records, against the oracle */
    uint32_t records; /* bits of all that it is about ... */
    uint32_t common;  /* ... and of pairs those that are in each of them */
    bool placed;
    finding place;          /* of the first pair, if placed */
    char text[FAULT_BYTES]; /* of the first record or pair */
} report_fault;

/* Case by case, those of single records first. */
typedef struct report_faults {
    size_t count, room;
    report_fault *list;
    bool failed; /* out of memory */
} report_faults;

bool report_faults_make(report_faults *all, const comparison *c, tool_error *error);
void report_faults_free(report_faults *all);

/* "F", "A, F" or "F against A, B, C". */
enum { REPORT_WHO_BYTES = 4 * COMPARISON_MAX_RECORDS };
void report_fault_who(const report_fault *one, char text[REPORT_WHO_BYTES]);

#endif
