/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One case of two records.
 */
#ifndef TOOLS_COMPARE_CASE_PAIR_H
#define TOOLS_COMPARE_CASE_PAIR_H

#include "compare/pattern_agreement.h"
#include "compare/values.h"
#include "compare/verdict.h"

/* One run of the case in both. */
typedef struct run_pair {
    bool bitwise;     /* all digests are equal */
    bool out_bitwise; /* those of the outputs */
    /* Stored rows that are compared, and not: of sparse-own, rows whose query blocks keep other key
     * blocks. */
    uint64_t rows, left_out;
    value_difference out, lse, scores; /* scores: of a build */
    verdict out_verdict, lse_verdict, scores_verdict;
    verdict all;
} run_pair;

typedef struct case_pair {
    size_t a, b; /* the case in either record */
    run_pair runs[RECORD_OPS];
    pattern_agreement pattern;
    verdict pattern_verdict;
    findings found;
    verdict all; /* the worst */
} case_pair;

/* Compares a case that ran in both and has no mismatch (compare/case_mismatch.h). tolerance: of ties. */
bool case_pair_compare(case_pair *pair, const record_case *a, const record_case *b,
                       double tolerance, tool_error *error);

/* What a finding of the pair's means for it. */
verdict case_pair_finding_verdict(const case_pair *pair, const finding *f);

/* How far outputs given one pattern are apart: of all runs but those with the device's own. */
typedef struct out_distance {
    double
        share;  /* the largest relative difference, as a share of what fails: 1 and more is wrong */
    bool equal; /* to the bit */
    bool
        absolute; /* some differ, and are right because of the absolute bound alone; they are not in
                      the share */
} out_distance;
out_distance case_pair_out_distance(const case_pair *pair, const record_case *a,
                                    const record_case *b);
void out_distance_add(out_distance *sum, const out_distance *one);

#endif
