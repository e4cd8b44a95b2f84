/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Legends: boxes where blocks are drawn one by one, colour bars where pixels are means. */
#include "legend.h"

#include <stdio.h>

#include "../picture/axis.h"
#include "../picture/colormap.h"
#include "../picture/font.h"

enum {
    SCALE = 2,
    LINE = SCALE * FONT_LINE,
    BAR_WIDTH = 400,
    BAR_HEIGHT = 16,
    BAR_INSET = 4 * SCALE * FONT_WIDTH, /* room for half a label before the bar */
    BAR_TOTAL = LINE + BAR_HEIGHT + AXIS_TICK + 3 + LINE + 4,
    BOXES = LINE + 8,
    LABELS_MAX = 16,
    LABEL_LENGTH = 16,
    CROWDED = 8 /* decades: above, only every second one is named */
};

static bool has_dashes(const legend *foot, const panel_shape *shape) {
    return foot->boundary &&
           (panel_has_boundary(&shape->keys) || panel_has_boundary(&shape->queries));
}

static bool has_two_rankings(const legend *foot, const panel_shape *shape) {
    return foot->scores && panel_has_two_rankings(shape);
}

static bool has_boxes(const legend *foot, const panel_shape *shape) {
    return (foot->kept && shape->crisp) || panel_has_padding(shape) || has_dashes(foot, shape) ||
           (foot->scores && panel_has_outlines(shape));
}

static void draw_bar(canvas *page, int64_t x, int64_t y, const char *heading,
                     char labels[][LABEL_LENGTH], uint32_t count) {
    const char *texts[LABELS_MAX];
    for (uint32_t i = 0; i < count; i++)
        texts[i] = labels[i];
    font_draw(page, x, y, SCALE, FONT_LEFT, COLOR_INK, heading);
    axis_color_bar(page, x + BAR_INSET, y + LINE, BAR_WIDTH, BAR_HEIGHT, SCALE, texts, count);
}

static void draw_boxes(canvas *page, int64_t x, int64_t y, const legend *foot,
                       const panel_shape *shape) {
    if (foot->kept && shape->crisp) {
        x = axis_legend_box(page, x, y, SCALE, colormap_at(1.0), "block kept");
        x = axis_legend_box(page, x, y, SCALE, colormap_at(0.0), "dropped");
    }
    if (foot->scores && panel_has_outlines(shape))
        x = axis_legend_box(page, x, y, SCALE, panel_outline_ink(), "outline: kept");
    if (panel_has_padding(shape))
        x = axis_legend_box(page, x, y, SCALE, COLOR_GREY, "padding");
    if (has_dashes(foot, shape))
        axis_legend_box(page, x, y, SCALE, COLOR_ACCENT, "generation begins");
}

static void draw_score_bar(canvas *page, int64_t x, int64_t y, const panel_shape *shape) {
    char labels[LABELS_MAX][LABEL_LENGTH] = {""};
    uint32_t decades = panel_decades(shape);
    for (uint32_t i = 0; i < decades; i++)
        if (decades <= CROWDED || (decades - i) % 2 == 0)
            snprintf(labels[i], LABEL_LENGTH, "1e-%u", decades - i);
    snprintf(labels[decades], LABEL_LENGTH, "1");
    draw_bar(page, x, y,
             shape->info.score_reduce == SPARSED_REDUCE_MAX
                 ? "block score: largest mass that a query row has in it"
                 : "block score: its share of the query rows' mass",
             labels, decades + 1);
}

int64_t legend_height(const legend *foot, const panel_shape *shape) {
    return (has_boxes(foot, shape) ? BOXES : 0) + (foot->kept && !shape->crisp ? BAR_TOTAL : 0) +
           (foot->scores ? BAR_TOTAL : 0) + (has_two_rankings(foot, shape) ? LINE : 0);
}

void legend_draw(canvas *page, int64_t x, int64_t y, const legend *foot, const panel_shape *shape) {
    if (has_boxes(foot, shape)) {
        draw_boxes(page, x, y, foot, shape);
        y += BOXES;
    }
    if (foot->kept && !shape->crisp) {
        char labels[][LABEL_LENGTH] = {"0", "0.25", "0.5", "0.75", "1"};
        draw_bar(page, x, y, "share of kept blocks in a pixel", labels, 5);
        y += BAR_TOTAL;
    }
    if (foot->scores)
        draw_score_bar(page, x, y, shape);
    if (has_two_rankings(foot, shape))
        font_draw(page, x, y + BAR_TOTAL, SCALE, FONT_LEFT, COLOR_INK,
                  "in generation columns: of the mass on generation keys");
}
