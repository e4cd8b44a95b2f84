/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Whether a recorded own pattern is one that the case's selection can choose, whatever the scores are:
 * how many key blocks a row keeps is known from the ratio and from what is always kept.
 */
#ifndef TOOLS_COMPARE_PATTERN_BUDGET_H
#define TOOLS_COMPARE_PATTERN_BUDGET_H

#include "compare/record_file.h"

/* Sets the case's kept_found, misfit_rows and misfit from its pattern, ranges and selection, which
 * are those of a file that has been checked. false: out of memory. */
bool pattern_budget_check(record_case *c);

/* Key blocks of all rows that have any: the most that a pattern can keep. */
uint64_t pattern_budget_most(const record_case *c);

#endif
