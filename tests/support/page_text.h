/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a page holds, for tests of charts.
 */
#ifndef TESTS_SUPPORT_PAGE_TEXT_H
#define TESTS_SUPPORT_PAGE_TEXT_H

#include <stddef.h>

#include "page/page.h"

/* Its text, which the caller frees; frees the page. Fails the test if the page has failed. */
char *page_take_text(page *p);

/* How often a text has a part. */
size_t count_of(const char *text, const char *part);

#endif
