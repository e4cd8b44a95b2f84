/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the analysis says in single numbers: a head's from its matrices, a layer's and the whole
 * file's from the heads.
 */
#ifndef TOOLS_PATTERN_ANALYSIS_SUMMARY_H
#define TOOLS_PATTERN_ANALYSIS_SUMMARY_H

#include "pattern/analysis.h"

/* The values between steps and the class, once matrices and shares are there. */
void analysis_summarize_head(const analysis *a, analysis_head *head);

/* The means of layers and file, once all heads are there. */
void analysis_summarize(analysis *a);

#endif
