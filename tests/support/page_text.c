/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "support/page_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *page_take_text(page *p) {
    assert_false(p->failed);
    char *text = calloc(p->size_bytes + 1, 1);
    assert_non_null(text);
    memcpy(text, p->text, p->size_bytes);
    page_free(p);
    return text;
}

size_t count_of(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}
