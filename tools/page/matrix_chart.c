/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "matrix_chart.h"

#include <math.h>
#include <string.h>

#include "utf8.h"

enum { LETTER = 8, GAP = 8, HEAD = 26 };

static size_t characters(const char *text) {
    size_t count = 0, bytes = strlen(text);
    uint32_t codepoint;
    for (size_t at = 0; at < bytes; count++) {
        size_t used = utf8_decode(text + at, bytes - at, &codepoint);
        at += used ? used : 1;
    }
    return count;
}

/* Room for the longest name of a row. */
static double names_width(const matrix_chart *chart) {
    size_t most = 1;
    for (size_t i = 0; i < chart->rows; i++)
        if (characters(chart->row_names[i]) > most)
            most = characters(chart->row_names[i]);
    return (double)(most * LETTER + GAP);
}

/* What differs from the page's style for cells. */
static const char *edge_of(page_mark mark) {
    return mark == PAGE_BAD    ? " style=\"stroke:var(--c1);stroke-width:3\""
           : mark == PAGE_WARN ? " style=\"stroke:var(--c4);stroke-width:3\""
                               : "";
}

static void draw_cell(page *p, const matrix_chart *chart, const matrix_cell *cell, double x,
                      double y) {
    const double width = chart->cell_width - 3.0, height = chart->cell_height - 3.0;
    const double shade = fmax(0.0, fmin(1.0, cell->shade));
    if (isnan(cell->shade))
        return;
    page_markup(p,
                "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" fill-opacity=\"%.2f\"%s>"
                "<title>",
                x, y, width, height, shade, edge_of(cell->mark));
    page_text(p, "%s", cell->title);
    page_markup(p, "</title></rect><text x=\"%g\" y=\"%g\"%s>", x + width / 2.0,
                y + height / 2.0 + 4.0, shade > 0.62 ? " class=\"on\"" : "");
    page_text(p, "%s", cell->text);
    page_markup(p, "</text>\n");
}

static void draw_names(page *p, const matrix_chart *chart, double left) {
    for (size_t i = 0; i < chart->columns; i++) {
        page_markup(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                    left + ((double)i + 0.5) * chart->cell_width, HEAD - GAP);
        page_text(p, "%s", chart->column_names[i]);
        page_markup(p, "</text>\n");
    }
    for (size_t i = 0; i < chart->rows; i++) {
        page_markup(p, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">", left - GAP,
                    HEAD + ((double)i + 0.5) * chart->cell_height + 3.0);
        page_text(p, "%s", chart->row_names[i]);
        page_markup(p, "</text>\n");
    }
}

static void draw_scale(page *p, const matrix_chart *chart) {
    page_markup(p, "<div class=\"scale\">");
    for (size_t i = 0; i < chart->scale_count; i++) {
        page_markup(p,
                    "<span><svg width=\"22\" height=\"12\" aria-hidden=\"true\"><rect x=\"1\" "
                    "y=\"1\" width=\"20\" height=\"10\" fill=\"var(--c0)\" fill-opacity=\"%.2f\" "
                    "stroke=\"var(--line)\"/></svg> ",
                    chart->scale[i].shade);
        page_text(p, "%s", chart->scale[i].text);
        page_markup(p, "</span> ");
    }
    page_markup(p, "</div>\n");
}

void matrix_chart_draw(page *p, const matrix_chart *chart) {
    const double left = names_width(chart);
    const double width = left + (double)chart->columns * chart->cell_width;
    const double height = HEAD + (double)chart->rows * chart->cell_height;
    page_markup(p, "<figure>\n<strong>");
    page_text(p, "%s", chart->title);
    page_markup(p,
                "</strong>\n<div class=\"wide\"><svg role=\"img\" width=\"%.0f\" height=\"%.0f\" "
                "viewBox=\"0 0 %.0f %.0f\">\n<title>",
                width, height, width, height);
    page_text(p, "%s", chart->title);
    page_markup(p, "</title>\n");
    draw_names(p, chart, left);
    page_markup(p, "<g class=\"cells\">\n");
    for (size_t i = 0; i < chart->rows; i++)
        for (size_t j = 0; j < chart->columns; j++)
            draw_cell(p, chart, &chart->cells[i * chart->columns + j],
                      left + (double)j * chart->cell_width, HEAD + (double)i * chart->cell_height);
    page_markup(p, "</g></svg></div>\n");
    if (chart->scale)
        draw_scale(p, chart);
    page_markup(p, "<figcaption>");
    page_text(p, "%s", chart->note);
    page_markup(p, "</figcaption></figure>\n");
}
