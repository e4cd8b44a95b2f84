/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The foot of a picture: what the panels' colours mean.
 */
#ifndef TOOLS_PATTERN_LEGEND_H
#define TOOLS_PATTERN_LEGEND_H

#include "panel.h"

typedef struct legend {
    bool kept, scores; /* which panels there are */
    bool boundary;     /* explain the dashed lines, if there are any */
} legend;

/* Pixels that the legend of panels of this shape takes; it is LEGEND_WIDTH wide at most. */
enum { LEGEND_WIDTH = 712 };
int64_t legend_height(const legend *foot, const panel_shape *shape);
void legend_draw(canvas *page, int64_t x, int64_t y, const legend *foot, const panel_shape *shape);

#endif
