/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Ticks, colour bars and legends. */
#include "axis.h"

#include <inttypes.h>
#include <stdio.h>

#include "colormap.h"
#include "font.h"

enum {
    NUMBER_GAP = 4 * FONT_ADVANCE, /* least distance of two numbers, in font pixels */
    BOX_GAP = 3 * FONT_ADVANCE     /* from a box's text to the next box */
};

static int64_t number_width(uint64_t number, int64_t scale) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return font_text_width(text, scale);
}

int64_t axis_number_width(const axis *edge) {
    return number_width(edge->from + edge->count, edge->scale);
}

uint64_t axis_tick_step(const axis *edge) {
    uint64_t room = (uint64_t)(axis_number_width(edge) + NUMBER_GAP * edge->scale);
    uint64_t step = edge->least_step;
    while (step * edge->pixels / edge->count < room && step < edge->count)
        step *= 2;
    return step;
}

typedef void (*draw_tick)(canvas *page, const axis *edge, int64_t offset, const char *number);

static void draw_tick_below(canvas *page, const axis *edge, int64_t offset, const char *number) {
    int64_t x = edge->x + offset;
    canvas_fill(page, x, edge->y, 1, AXIS_TICK, COLOR_INK);
    font_draw(page, x, edge->y + AXIS_TICK + 3, edge->scale, FONT_CENTER, COLOR_INK, number);
}

static void draw_tick_left(canvas *page, const axis *edge, int64_t offset, const char *number) {
    int64_t y = edge->y + offset;
    canvas_fill(page, edge->x - AXIS_TICK, y, AXIS_TICK, 1, COLOR_INK);
    font_draw(page, edge->x - AXIS_TICK - 4, y - FONT_HEIGHT * edge->scale / 2, edge->scale,
              FONT_RIGHT, COLOR_INK, number);
}

static void draw_ticks(canvas *page, const axis *edge, draw_tick draw) {
    char number[24];
    uint64_t step = axis_tick_step(edge), end = edge->from + edge->named;
    uint64_t first = (edge->from + step - 1) / step * step;
    if (first > end)
        first = edge->from;
    for (uint64_t at = first; at <= end; at += step) {
        snprintf(number, sizeof number, "%" PRIu64, at);
        draw(page, edge, (int64_t)((at - edge->from) * edge->pixels / edge->count), number);
    }
}

void axis_draw_below(canvas *page, const axis *edge) {
    draw_ticks(page, edge, draw_tick_below);
}

void axis_draw_left(canvas *page, const axis *edge) {
    draw_ticks(page, edge, draw_tick_left);
}

void axis_color_bar(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height,
                    int64_t scale, const char *const *labels, uint32_t label_count) {
    for (int64_t i = 0; i < width; i++)
        canvas_fill(page, x + i, y, 1, height,
                    colormap_at(width > 1 ? (double)i / (double)(width - 1) : 1.0));
    canvas_frame(page, x, y, width, height, COLOR_INK);
    for (uint32_t i = 0; i < label_count; i++) {
        int64_t at = x + (width - 1) * i / (label_count - 1);
        canvas_fill(page, at, y + height, 1, AXIS_TICK, COLOR_INK);
        font_draw(page, at, y + height + AXIS_TICK + 3, scale, FONT_CENTER, COLOR_INK, labels[i]);
    }
}

int64_t axis_legend_box(canvas *page, int64_t x, int64_t y, int64_t scale, color ink,
                        const char *text) {
    int64_t side = FONT_HEIGHT * scale;
    canvas_fill(page, x, y, side, side, ink);
    canvas_frame(page, x, y, side, side, COLOR_INK);
    x += side + FONT_ADVANCE * scale;
    font_draw(page, x, y, scale, FONT_LEFT, COLOR_INK, text);
    return x + font_text_width(text, scale) + BOX_GAP * scale;
}
