/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The style of every page. --c0 to --c7 are the colours of series, told apart by all eyes and on
 * both grounds.
 */
#ifndef TOOLS_PAGE_PAGE_STYLE_H
#define TOOLS_PAGE_PAGE_STYLE_H

enum { PAGE_COLORS = 8 };

extern const char page_style[];

#endif
