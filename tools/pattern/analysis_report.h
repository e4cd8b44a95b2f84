/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `sparsed pattern analyze` tells on stdout: tables, or one JSON object.
 */
#ifndef TOOLS_PATTERN_ANALYSIS_REPORT_H
#define TOOLS_PATTERN_ANALYSIS_REPORT_H

#include <stdio.h>

#include "pattern/analysis.h"

/* What the numbers mean and how heads are classed, for the help. */
void analysis_print_definitions(FILE *to);

/* path: the file's, as the caller said it; top: least stable heads to name. Tables. */
bool analysis_print_tables(const analysis *a, const char *path, size_t top, tool_error *error);

/* The same with all matrices; numbers to six decimals, null where nothing can be told. */
bool analysis_print_json(const analysis *a, const char *path, size_t top, tool_error *error);

/* What cannot be told of this file, and why: sentence `index` of them, or NULL. */
const char *analysis_note(const analysis *a, size_t index);

/* "mode upstream-dream, ratio 0.300, ...": what the patterns share, in words. */
void analysis_write_settings(const analysis *a, char *to, size_t size);

#endif
