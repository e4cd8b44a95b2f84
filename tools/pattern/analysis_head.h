/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The measuring of one layer for the analysis: a head's patterns of several steps against each
 * other, and the heads of one step against each other. Rows are read one at a time, so that a layer
 * needs no more memory than its matrices and a row of every step or head.
 */
#ifndef TOOLS_PATTERN_ANALYSIS_HEAD_H
#define TOOLS_PATTERN_ANALYSIS_HEAD_H

#include "pattern/analysis.h"

typedef struct analysis_scratch analysis_scratch;

/* Room for the rows of a->steps steps or a->heads heads. NULL: out of memory. */
analysis_scratch *analysis_scratch_create(const analysis *a);
void analysis_scratch_destroy(analysis_scratch *scratch);

/* Fills in the matrices of a head (they must be 0) and its values: patterns [a->steps] of one
 * layer. */
bool analysis_measure_head(const analysis *a, sparsed_pattern *const *patterns, uint32_t number,
                           analysis_scratch *scratch, analysis_head *head, tool_error *error);

/* Adds each step's share of the mean to a layer's head_jaccard. */
bool analysis_measure_heads(const analysis *a, sparsed_pattern *const *patterns,
                            analysis_scratch *scratch, analysis_layer *layer, tool_error *error);

#endif
