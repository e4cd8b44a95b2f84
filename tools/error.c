/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

/* Names from files may hold anything; the text stays one line. */
static void format_line(tool_error *error, bool usage, const char *format, va_list args) {
    vsnprintf(error->text, sizeof error->text, format, args);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127)
            *c = '?';
    error->usage = usage;
}

bool tool_fail(tool_error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    format_line(error, false, format, args);
    va_end(args);
    return false;
}

bool tool_fail_usage(tool_error *error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    format_line(error, true, format, args);
    va_end(args);
    return false;
}
