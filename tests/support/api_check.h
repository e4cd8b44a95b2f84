/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Errors of the public calls: the status, and that the text names what was wrong. */
#ifndef TESTS_SUPPORT_API_CHECK_H
#define TESTS_SUPPORT_API_CHECK_H

#include <sparsed/sparsed.h>

/* Fails the test unless the status is the one expected and the text contains `named`. */
void assert_error_text(const char *text, sparsed_status status, sparsed_status expected,
                       const char *named);

/* The same with the text of the context's last error. */
void assert_context_error(const sparsed_context *context, sparsed_status status,
                          sparsed_status expected, const char *named);

/* cmocka's setup and teardown: *state is a context with the default device, on two threads. */
int open_default_context(void **state);
int close_default_context(void **state);

#endif
