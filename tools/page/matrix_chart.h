/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A heat map as inline SVG on a page: a table of cells, each with a shade and a short text. A
 * pointer over a cell tells more.
 */
#ifndef TOOLS_PAGE_MATRIX_CHART_H
#define TOOLS_PAGE_MATRIX_CHART_H

#include "page.h"

enum { MATRIX_TEXT_BYTES = 16, MATRIX_TITLE_BYTES = 256 };

typedef struct matrix_cell {
    double shade;   /* 0: the ground, 1: the full colour; a NaN: there is no cell */
    page_mark mark; /* PAGE_WARN, PAGE_BAD: an edge in its colour */
    char text[MATRIX_TEXT_BYTES];
    char title[MATRIX_TITLE_BYTES];
} matrix_cell;

/* A shade and what it means, for the legend. */
typedef struct matrix_shade {
    double shade;
    const char *text;
} matrix_shade;

typedef struct matrix_chart {
    const char *title, *note; /* the note is the caption */
    const char *const *row_names, *const *column_names;
    size_t rows, columns;
    double cell_width, cell_height; /* pixels */
    const matrix_cell *cells;       /* [rows][columns] */
    const matrix_shade *scale;      /* NULL: no legend */
    size_t scale_count;
} matrix_chart;

void matrix_chart_draw(page *p, const matrix_chart *chart);

#endif
