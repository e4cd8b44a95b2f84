/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See api_check.h. */
#include "support/api_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "support/kernel_rows.h"

void assert_error_text(const char *text, sparsed_status status, sparsed_status expected,
                       const char *named) {
    if (status != expected)
        fail_msg("%s, not %s ('%s')", sparsed_status_string(status),
                 sparsed_status_string(expected), text);
    if (!strstr(text, named))
        fail_msg("'%s' does not name '%s'", text, named);
    if (strchr(text, '\n'))
        fail_msg("'%s' is more than a line", text);
}

void assert_context_error(const sparsed_context *context, sparsed_status status,
                          sparsed_status expected, const char *named) {
    assert_error_text(sparsed_context_error(context), status, expected, named);
}

int open_default_context(void **state) {
    *state = open_context(NULL, 2);
    return *state == NULL;
}

int close_default_context(void **state) {
    sparsed_context_destroy(*state);
    return 0;
}
