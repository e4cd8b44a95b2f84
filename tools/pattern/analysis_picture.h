/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The analysis as a page of heat maps: what can be told of each layer and head, of steps against
 * each other, and of the heads of each layer against each other.
 */
#ifndef TOOLS_PATTERN_ANALYSIS_PICTURE_H
#define TOOLS_PATTERN_ANALYSIS_PICTURE_H

#include "pattern/analysis.h"
#include "picture/canvas.h"

/* Draws the page; canvas_release it if this succeeds. path: the file's name for the title. Fails if
 * nothing can be told (one step and one head without scores), or if it would not fit on a
 * canvas. */
bool analysis_draw(const analysis *a, const char *path, canvas *page, tool_error *error);

#endif
