/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A run that takes its patterns from a file: --pattern-in.
 */
#ifndef TOOLS_PATTERN_IN_H
#define TOOLS_PATTERN_IN_H

#include "method_run.h"
#include "pattern_options.h"
#include "selection.h"

/* What the caller's options say of the selection. */
typedef struct pattern_in_words {
    const selection_options *selection;
    const pattern_options *given;
} pattern_in_words;

/* Reads the file, all of it verified. NULL on failure. */
sparsed_pattern_set *pattern_in_load(const char *path, tool_error *error);

/* Makes the plan one that starts with the set: schedule warm, the selection as the file says.
 * What the caller's words say otherwise is an error that names option, value and the file's value,
 * and so is a file of another kind of patterns than the method's. */
bool pattern_in_use(const sparsed_pattern_set *set, const char *path, const pattern_in_words *words,
                    method_plan *plan, tool_error *error);

#endif
