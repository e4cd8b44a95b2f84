/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Errors: a status, and one line of text that names the argument and its value.
 */
#ifndef SPD_ERROR_H
#define SPD_ERROR_H

#include <sparsed/sparsed.h>

/* Formats the text into message (may be NULL) and returns status, so that a function can end in
 * `return spd_fail(...)`. */
sparsed_status spd_fail(sparsed_message *message, sparsed_status status, const char *format, ...);

/* Sets the text to "". message may be NULL. */
void spd_message_clear(sparsed_message *message);

#endif
