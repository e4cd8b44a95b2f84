/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Verdicts, and the bounds behind them.
 */
#ifndef TOOLS_COMPARE_VERDICT_H
#define TOOLS_COMPARE_VERDICT_H

#include "compare/pattern_agreement.h"
#include "compare/record_file.h"
#include "compare/values.h"

typedef enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL } verdict;

const char *verdict_name(verdict v); /* "pass", "warn", "fail" */
verdict verdict_worse(verdict a, verdict b);

/* value above the bound's fail, above its warn, or neither. A NaN fails. */
verdict verdict_of(double value, const record_bound *bound);

/* Two results may each be off by a bound: what they may be apart. */
record_bound verdict_pair_bound(const record_bound *a, const record_bound *b);

/* ---- against the oracle ---- */

/* Of one run's errors; the choice of blocks is the case's. */
verdict verdict_of_run(const record_case *c, record_op op);
verdict verdict_of_out(const record_case *c, record_op op);
verdict verdict_of_lse(const record_case *c, record_op op);
verdict verdict_of_scores(const record_case *c);

/* How far the worst element of a run's out is off, and what it may be: as in a pair, the bound that
 * fails times the largest value of its head. */
double verdict_element_error(const record_case *c, record_op op);
double verdict_element_allowed(const record_case *c, record_op op);

/* The whole case: its runs, the choice of blocks, its own pattern; fail if it did not run. */
verdict verdict_of_case(const record_case *c);

/* ---- of a pair ---- */

/* A block that differs for another reason than a tie: wrong from this distance on, else
 * suspicious. */
#define VERDICT_REAL_DISTANCE 0.01
/* Undecided blocks, as a share of those that either keeps: suspicious above it. */
#define VERDICT_UNDECIDED_SHARE 0.05

verdict verdict_of_pattern(const pattern_agreement *p);

#endif
