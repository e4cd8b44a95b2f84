/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "histogram.h"

#include <inttypes.h>
#include <math.h>

#include "chart_scale.h"
#include "page_style.h"

enum { WIDTH = 760, HEIGHT = 300, LEFT = 76, RIGHT = 16, TOP = 12, BOTTOM = 52 };

static double sum_of(const histogram *chart, size_t s) {
    double sum = 0.0;
    for (size_t i = 0; i < chart->bins; i++)
        sum += (double)chart->series[s].counts[i];
    return sum;
}

/* The smallest share above 0 of any bin; 0 if there is none. */
static double least_share(const histogram *chart) {
    double least = INFINITY;
    for (size_t s = 0; s < chart->count; s++)
        for (size_t i = 0; i < chart->bins; i++)
            if (chart->series[s].counts[i] > 0)
                least = fmin(least, (double)chart->series[s].counts[i] / sum_of(chart, s));
    return isfinite(least) ? least : 0.0;
}

static double bin_left(const histogram *chart, size_t bin) {
    return LEFT + (double)bin * (WIDTH - LEFT - RIGHT) / (double)chart->bins;
}

static void draw_axes(page *p, const histogram *chart, const chart_scale *y) {
    double ticks[CHART_MAX_TICKS];
    const size_t count = chart_scale_ticks(y, ticks);
    for (size_t i = 0; i < count; i++) {
        const double at = chart_scale_at(y, ticks[i]);
        page_markup(p, "<path class=\"grid\" d=\"M%d %.1f H%d\"/>", LEFT, at, WIDTH - RIGHT);
        page_markup(p, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n", LEFT - 8,
                    at + 4.0, ticks[i]);
    }
    for (size_t i = 0; i < chart->bins; i++) {
        page_markup(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" font-size=\"10\">",
                    (bin_left(chart, i) + bin_left(chart, i + 1)) / 2.0, HEIGHT - BOTTOM + 18);
        page_text(p, "%s", chart->bin_names[i]);
        page_markup(p, "</text>\n");
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

static void draw_bar(page *p, const histogram *chart, const chart_scale *y, size_t s, size_t bin) {
    const double left = bin_left(chart, bin), room = bin_left(chart, bin + 1) - left;
    const double width = 0.84 * room / (double)chart->count;
    const uint64_t count = chart->series[s].counts[bin];
    if (count == 0)
        return;
    const double share = (double)count / sum_of(chart, s), top = chart_scale_at(y, share);
    page_markup(p,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" "
                "fill=\"var(--c%zu)\"><title>",
                left + 0.08 * room + (double)s * width, top, width, HEIGHT - BOTTOM - top,
                s % PAGE_COLORS);
    page_text(p, "%s\n%s %s: %" PRIu64 ", %.3g", chart->series[s].name, chart->x_name,
              chart->bin_names[bin], count, share);
    page_markup(p, "</title></rect>\n");
}

static void draw_legend(page *p, const histogram *chart) {
    page_markup(p, "<figcaption>");
    for (size_t s = 0; s < chart->count; s++) {
        page_markup(p,
                    "<svg width=\"14\" height=\"10\" aria-hidden=\"true\"><rect width=\"12\" "
                    "height=\"10\" fill=\"var(--c%zu)\"/></svg> ",
                    s % PAGE_COLORS);
        page_text(p, "%s", chart->series[s].name);
        page_markup(p, "%s", s + 1 < chart->count ? " &emsp;" : "");
    }
    page_markup(p, "</figcaption>");
}

void histogram_draw(page *p, const histogram *chart) {
    const double least = least_share(chart);
    page_markup(p, "<figure>\n<strong>");
    page_text(p, "%s", chart->title);
    page_markup(p, "</strong>\n");
    if (!(least > 0.0)) {
        page_markup(p, "<figcaption>Nothing to draw.</figcaption></figure>\n");
        return;
    }
    /* One decade below the rarest, so that its bar can be seen. */
    const chart_scale y = chart_scale_over(CHART_LOG10, least / 10.0, 1.0, HEIGHT - BOTTOM, TOP);
    page_markup(p,
                "<div><svg role=\"img\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<title>",
                WIDTH, HEIGHT, WIDTH, HEIGHT);
    page_text(p, "%s", chart->title);
    page_markup(p, "</title>\n");
    draw_axes(p, chart, &y);
    for (size_t s = 0; s < chart->count; s++)
        for (size_t i = 0; i < chart->bins; i++)
            draw_bar(p, chart, &y, s, i);
    page_markup(p, "</svg></div>\n");
    draw_legend(p, chart);
    page_markup(p, "</figure>\n");
}
