/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Several records compared: each with the double oracle, by the errors that it holds, and every
 * pair of them. docs/compare.md, "The report", tells what makes a verdict.
 */
#ifndef TOOLS_COMPARE_COMPARISON_H
#define TOOLS_COMPARE_COMPARISON_H

#include "compare/case_pair.h"

/* A case of one record against the oracle, and against itself. */
typedef struct own_case {
    verdict runs[RECORD_OPS];
    verdict all; /* the worst, and that of the choice of blocks */
} own_case;

typedef struct record_pair {
    size_t a, b; /* records, a < b */
    size_t count;
    case_pair *cases;          /* those that ran in both, in A's order */
    size_t bitwise_runs, runs; /* of these cases */
    out_distance outputs;      /* of these cases */
    pattern_agreement pattern;
    verdict all;
} record_pair;

typedef struct comparison {
    double tolerance; /* of ties */
    size_t record_count, pair_count;
    const char *const *paths; /* the caller's */
    record *records;
    own_case **own; /* [record_count][its case_count] */
    verdict *record_verdicts;
    record_pair *pairs; /* (0, 1), (0, 2), (1, 2) ...: by b, then a */
    bool versions_differ;
    verdict all;
} comparison;

/* Records are lettered in the order given: A, B, ... */
enum { COMPARISON_MAX_RECORDS = 26 };
char comparison_letter(size_t index);

/* Opens the records and compares them. Fails as a usage error, naming both files, if they are not
 * of one suite, or hold cases of one name that are different problems.
 * Whatever happens, c is to be freed. */
bool comparison_make(comparison *c, const char *const *paths, size_t count, double tolerance,
                     tool_error *error);
void comparison_free(comparison *c);

/* A record's case of a name, and its index; NULL: it has none. */
const record_case *comparison_find(const record *r, const char *name, size_t *index);

/* A pair's case of a name; NULL: it has none. */
const case_pair *comparison_pair_case(const comparison *c, const record_pair *pair,
                                      const char *name);

/* The pair of two records, a < b. */
const record_pair *comparison_pair(const comparison *c, size_t a, size_t b);

#endif
