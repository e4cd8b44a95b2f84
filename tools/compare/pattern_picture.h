/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where the own patterns of two devices differ, drawn: a map of query blocks (down) and key blocks
 * (across) for each head that differs, as inline SVG on a page.
 */
#ifndef TOOLS_COMPARE_PATTERN_PICTURE_H
#define TOOLS_COMPARE_PATTERN_PICTURE_H

#include "compare/pattern_agreement.h"
#include "page/page.h"

/* What the colours mean, once a page. */
void pattern_picture_legend(page *p);

/* title: above the maps. false: out of memory. */
bool pattern_picture_draw(page *p, const case_patterns *pair, const char *title);

#endif
