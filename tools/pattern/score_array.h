/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The block scores of a pattern as one array, in the form that sparsed_io.scores has.
 */
#ifndef TOOLS_PATTERN_SCORE_ARRAY_H
#define TOOLS_PATTERN_SCORE_ARRAY_H

#include <sparsed/pattern.h>

#include "error.h"

/* 2 in the upstream modes, else 1. */
uint32_t score_array_rankings(const sparsed_pattern_info *info);

/* [B,H,nq,nk], or [2,B,H,nq,nk] with two rankings, malloc'd; NULL on failure. The pattern holds
 * scores. */
float *score_array_read(const sparsed_pattern *pattern, tool_error *error);

/* The same kept blocks with the scores in another type: dtype SPARSED_F16, SPARSED_F32, or 0 for
 * none; to be released, NULL on failure. */
sparsed_pattern *score_array_retype(const sparsed_pattern *pattern, uint32_t dtype,
                                    tool_error *error);

#endif
