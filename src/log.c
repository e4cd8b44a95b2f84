/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Lines for the context's logger. */
#include "context.h"

#include <stdarg.h>
#include <stdio.h>

void spd_log(const sparsed_context *context, sparsed_log_level level, const char *format, ...) {
    char line[1024];
    if (!context->logger.write)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    context->logger.write(context->logger.user, level, line);
}
