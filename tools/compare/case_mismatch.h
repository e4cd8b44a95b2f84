/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Whether a case of two records is one problem.
 */
#ifndef TOOLS_COMPARE_CASE_MISMATCH_H
#define TOOLS_COMPARE_CASE_MISMATCH_H

#include "compare/record_file.h"

enum { MISMATCH_BYTES = 192 };

/* What of the problem, selection, inputs or what is stored of it differs, with both values: "kv_heads
 * is 2 and 4". The names are those of the record file. false: nothing. */
bool case_mismatch(const record_case *a, const record_case *b, char text[MISMATCH_BYTES]);

#endif
