/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A chart of lines as inline SVG on a page, with a legend below it. A pointer over a point tells its
 * values.
 */
#ifndef TOOLS_PAGE_LINE_CHART_H
#define TOOLS_PAGE_LINE_CHART_H

#include "chart_scale.h"
#include "page.h"

typedef struct line_series {
    const char *name;
    const double *x, *y;      /* [count], in the order of the line; no place for y: a gap */
    const double *low, *high; /* [count], a vertical line at each point; NULL: none */
    size_t count;
    bool dashed;
} line_series;

typedef struct line_chart {
    const char *title, *x_name, *y_name;
    chart_steps x_steps, y_steps;
    const line_series *series;
    size_t count; /* colours repeat after PAGE_COLORS of them */
} line_chart;

/* Without a point that its scales have, the title and a line that says so. */
void line_chart_draw(page *p, const line_chart *chart);

#endif
