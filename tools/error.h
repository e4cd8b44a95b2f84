/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * How the command's parts report failure: they return false (or NULL) and leave one line here,
 * which main() prints once on stderr.
 */
#ifndef TOOLS_ERROR_H
#define TOOLS_ERROR_H

#include <stdbool.h>

typedef struct tool_error {
    bool usage;     /* the caller's words are at fault: exit code 2, else 1 */
    char text[768]; /* one line, no newline */
} tool_error;

/* Formats the text; returns false, so that a function can end in `return tool_fail(...)`. */
bool tool_fail(tool_error *error, const char *format, ...);

/* The same for a fault of the command line. */
bool tool_fail_usage(tool_error *error, const char *format, ...);

#endif
