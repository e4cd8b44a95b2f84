/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "line_chart.h"

#include <math.h>

#include "page_style.h"

enum { WIDTH = 760, HEIGHT = 380, LEFT = 76, RIGHT = 28, TOP = 12, BOTTOM = 52 };

typedef struct chart_frame {
    chart_scale x, y;
} chart_frame;

typedef struct chart_extent {
    double least, most;
} chart_extent;

static void extend(chart_extent *e, double value) {
    e->least = fmin(e->least, value);
    e->most = fmax(e->most, value);
}

static bool has_place(chart_steps steps, double value) {
    return chart_scale_has(&(chart_scale){.steps = steps}, value);
}

/* false: there is no point at all. */
static bool find_frame(const line_chart *chart, chart_frame *frame) {
    chart_extent x = {INFINITY, -INFINITY}, y = x;
    for (size_t s = 0; s < chart->count; s++) {
        const line_series *series = &chart->series[s];
        for (size_t i = 0; i < series->count; i++) {
            if (!has_place(chart->x_steps, series->x[i]) ||
                !has_place(chart->y_steps, series->y[i]))
                continue;
            extend(&x, series->x[i]);
            extend(&y, series->y[i]);
            if (series->low && has_place(chart->y_steps, series->low[i]))
                extend(&y, series->low[i]);
            if (series->high && has_place(chart->y_steps, series->high[i]))
                extend(&y, series->high[i]);
        }
    }
    if (!(x.least <= x.most))
        return false;
    frame->x = chart_scale_over(chart->x_steps, x.least, x.most, LEFT, WIDTH - RIGHT);
    frame->y = chart_scale_over(chart->y_steps, y.least, y.most, HEIGHT - BOTTOM, TOP);
    return true;
}

static void draw_axes(page *p, const line_chart *chart, const chart_frame *frame) {
    double ticks[CHART_MAX_TICKS];
    size_t count = chart_scale_ticks(&frame->x, ticks);
    for (size_t i = 0; i < count; i++) {
        const double at = chart_scale_at(&frame->x, ticks[i]);
        page_markup(p, "<path class=\"grid\" d=\"M%.1f %d V%d\"/>", at, TOP, HEIGHT - BOTTOM);
        page_markup(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.7g</text>\n", at,
                    HEIGHT - BOTTOM + 18, ticks[i]);
    }
    count = chart_scale_ticks(&frame->y, ticks);
    for (size_t i = 0; i < count; i++) {
        const double at = chart_scale_at(&frame->y, ticks[i]);
        page_markup(p, "<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LEFT, at, WIDTH - RIGHT);
        page_markup(p, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.7g</text>\n", LEFT - 8,
                    at + 4.0, ticks[i]);
    }
    page_markup(p, "<path class=\"axis\" d=\"M%d %d V%d H%d\"/>\n", LEFT, TOP, HEIGHT - BOTTOM,
                WIDTH - RIGHT);
    page_markup(p, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
                HEIGHT - 12);
    page_text(p, "%s", chart->x_name);
    page_markup(p,
                "</text>\n<text transform=\"translate(16 %d) rotate(-90)\" "
                "text-anchor=\"middle\">",
                (TOP + HEIGHT - BOTTOM) / 2);
    page_text(p, "%s", chart->y_name);
    page_markup(p, "</text>\n");
}

static bool is_drawn(const chart_frame *frame, const line_series *series, size_t i) {
    return chart_scale_has(&frame->x, series->x[i]) && chart_scale_has(&frame->y, series->y[i]);
}

static void draw_line(page *p, const chart_frame *frame, const line_series *series, size_t color) {
    bool open = false;
    page_markup(p, "<path class=\"series%s\" stroke=\"var(--c%zu)\" d=\"",
                series->dashed ? " dashed" : "", color);
    for (size_t i = 0; i < series->count; i++) {
        if (is_drawn(frame, series, i))
            page_markup(p, "%s%.1f %.1f", open ? " L" : " M",
                        chart_scale_at(&frame->x, series->x[i]),
                        chart_scale_at(&frame->y, series->y[i]));
        open = is_drawn(frame, series, i);
    }
    page_markup(p, "\"/>\n");
}

static void draw_point(page *p, const line_chart *chart, const chart_frame *frame,
                       const line_series *series, size_t i, size_t color) {
    const double x = chart_scale_at(&frame->x, series->x[i]);
    if (series->low && series->high && chart_scale_has(&frame->y, series->low[i]) &&
        chart_scale_has(&frame->y, series->high[i]))
        page_markup(p, "<path class=\"spread\" stroke=\"var(--c%zu)\" d=\"M%.1f %.1f V%.1f\"/>",
                    color, x, chart_scale_at(&frame->y, series->low[i]),
                    chart_scale_at(&frame->y, series->high[i]));
    page_markup(p, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"var(--c%zu)\"><title>", x,
                chart_scale_at(&frame->y, series->y[i]), color);
    page_text(p, "%s\n%s %.7g\n%s %.5g", series->name, chart->x_name, series->x[i], chart->y_name,
              series->y[i]);
    page_markup(p, "</title></circle>\n");
}

static void draw_legend(page *p, const line_chart *chart) {
    page_markup(p, "<figcaption>");
    for (size_t s = 0; s < chart->count; s++) {
        page_markup(p,
                    "<svg width=\"26\" height=\"10\" aria-hidden=\"true\"><path class=\"series%s\" "
                    "stroke=\"var(--c%zu)\" d=\"M2 5 H24\"/></svg> ",
                    chart->series[s].dashed ? " dashed" : "", s % PAGE_COLORS);
        page_text(p, "%s", chart->series[s].name);
        page_markup(p, "%s", s + 1 < chart->count ? " &emsp;" : "");
    }
    page_markup(p, "</figcaption>");
}

void line_chart_draw(page *p, const line_chart *chart) {
    chart_frame frame;
    page_markup(p, "<figure>\n<strong>");
    page_text(p, "%s", chart->title);
    page_markup(p, "</strong>\n");
    if (!find_frame(chart, &frame)) {
        page_markup(p, "<figcaption>Nothing to draw.</figcaption></figure>\n");
        return;
    }
    page_markup(p,
                "<div><svg role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<title>",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
    page_text(p, "%s", chart->title);
    page_markup(p, "</title>\n");
    draw_axes(p, chart, &frame);
    for (size_t s = 0; s < chart->count; s++) {
        const line_series *series = &chart->series[s];
        draw_line(p, &frame, series, s % PAGE_COLORS);
        for (size_t i = 0; i < series->count; i++)
            if (is_drawn(&frame, series, i))
                draw_point(p, chart, &frame, series, i, s % PAGE_COLORS);
    }
    page_markup(p, "</svg></div>\n");
    draw_legend(p, chart);
    page_markup(p, "</figure>\n");
}
