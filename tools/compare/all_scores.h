/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The block scores of every query block, though a record stores those of some: a wrong one would
 * make a pattern that fits it, and be seen by nobody.
 */
#ifndef TOOLS_COMPARE_ALL_SCORES_H
#define TOOLS_COMPARE_ALL_SCORES_H

#include "compare/case_input.h"
#include "compare/record_file.h"

/* Holds them to the oracle where that takes about a second; else, with the reduction sum, to their
 * sums, for the softmax of a query row adds up to 1; else to nothing. Sets the case's scores_*; its
 * bounds are those of a row of scores, too.
 *   scores  [rankings][B][H][nq][nk], as a build gave them
 * false: out of memory. */
bool all_scores_check(const case_input *input, const float *scores, record_case *c,
                      tool_error *error);

#endif
