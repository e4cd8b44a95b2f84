/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

sparsed_status spd_fail(sparsed_message *message, sparsed_status status, const char *format, ...) {
    if (message) {
        va_list args;
        va_start(args, format);
        vsnprintf(message->text, sizeof message->text, format, args);
        va_end(args);
    }
    return status;
}

void spd_message_clear(sparsed_message *message) {
    if (message)
        message->text[0] = '\0';
}
