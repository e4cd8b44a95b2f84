/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Heat maps: rectangles, numbers, axes, legends. */
#include "pattern/heat_map.h"

#include <math.h>
#include <stdio.h>

#include "picture/axis.h"
#include "picture/colormap.h"
#include "picture/font.h"

enum {
    SCALE = 2, /* of the font */
    TEXT = FONT_HEIGHT * SCALE,
    LINE = FONT_LINE * SCALE,
    GAP = 8,
    NAMES = GAP + TEXT + 2 * GAP, /* from the rectangles over the numbers to the axis' title */
    APART_FROM = 10, /* rectangles of this side and more have a thin line between them */
    CELL_EDGES = 4,  /* least pixels of a rectangle that its number leaves free */
    FEW_DECIMALS = 2,
    MANY_DECIMALS = 3,
    NUMBER_BYTES = 32,
    BAR_HEIGHT = 14,
    BAR_WIDTH = 240, /* the least */
    KEY_HEIGHT = BAR_HEIGHT + AXIS_TICK + 3 + TEXT
};

/* A range narrower than this ends at hundredths. */
#define FINE_BELOW 0.1

void heat_map_fit(heat_map *map, bool off_diagonal) {
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t r = 0; r < map->rows; r++)
        for (size_t c = 0; c < map->columns; c++) {
            double value = map->values[r * map->columns + c];
            if (isnan(value) || (off_diagonal && r == c))
                continue;
            lowest = fmin(lowest, value);
            highest = fmax(highest, value);
        }
    if (lowest > highest)
        lowest = highest = 1.0;
    double parts = highest - lowest < FINE_BELOW ? 100.0 : 20.0;
    map->lowest = floor(lowest * parts) / parts;
    map->highest = ceil(highest * parts) / parts;
    if (map->highest <= map->lowest)
        map->lowest = map->highest - 0.01;
}

static uint32_t name_of(const uint32_t *names, size_t i) {
    return names ? names[i] : (uint32_t)i;
}

/* Pixels of the widest of the numbers, which rise. */
static int64_t names_width(const uint32_t *names, size_t count) {
    char text[16];
    snprintf(text, sizeof text, "%u", name_of(names, count - 1));
    return font_text_width(text, SCALE);
}

/* Every how many rows or columns there is a number, so that they do not touch. */
static size_t name_step(int64_t cell, int64_t room) {
    static const size_t steps[] = {1, 2, 4, 5, 10, 20, 50, 100, 200, 500};
    size_t i = 0, last = sizeof steps / sizeof *steps - 1;
    while (i < last && (int64_t)steps[i] * cell < room)
        i++;
    return steps[i];
}

static color color_of(const heat_map *map, double value) {
    if (isnan(value))
        return COLOR_GREY;
    if (map->key_count > 0)
        return map->keys[(size_t)value < map->key_count ? (size_t)value : 0].ink;
    return colormap_at((value - map->lowest) / (map->highest - map->lowest));
}

static bool is_dark(color ink) {
    return 299 * ink.red + 587 * ink.green + 114 * ink.blue < 140000;
}

/* How the numbers of a map are set: all alike. */
typedef struct number_style {
    int64_t scale; /* 0: there is no room for them */
    int decimals;
} number_style;

static void write_number(char text[NUMBER_BYTES], double value, int decimals) {
    const double smallest = decimals == FEW_DECIMALS ? 0.005 : 0.0005;
    snprintf(text, NUMBER_BYTES, "%.*f", decimals, fabs(value) < smallest ? 0.0 : value);
}

static bool fits_all(const heat_map *map, number_style style) {
    char text[NUMBER_BYTES];
    if (FONT_HEIGHT * style.scale > map->cell_height - CELL_EDGES)
        return false;
    for (size_t i = 0; i < map->rows * map->columns; i++) {
        if (isnan(map->values[i]))
            continue;
        write_number(text, map->values[i], style.decimals);
        if (font_text_width(text, style.scale) > map->cell_width - CELL_EDGES)
            return false;
    }
    return true;
}

/* The largest style that fits the widest number; more decimals where the range is narrow. */
static number_style choose_style(const heat_map *map) {
    bool narrow = map->highest - map->lowest < FINE_BELOW;
    number_style style = {0, FEW_DECIMALS};
    if (map->key_count > 0)
        return style;
    for (style.decimals = narrow ? MANY_DECIMALS : FEW_DECIMALS; style.decimals >= FEW_DECIMALS;
         style.decimals--)
        for (style.scale = SCALE; style.scale > 0; style.scale--)
            if (fits_all(map, style))
                return style;
    return style;
}

static void draw_number(canvas *page, const heat_map *map, number_style style, int64_t x, int64_t y,
                        double value) {
    char text[NUMBER_BYTES];
    if (isnan(value) || style.scale == 0)
        return;
    write_number(text, value, style.decimals);
    color ink = is_dark(color_of(map, value)) ? COLOR_WHITE : COLOR_INK;
    font_draw(page, x + map->cell_width / 2, y + (map->cell_height - FONT_HEIGHT * style.scale) / 2,
              style.scale, FONT_CENTER, ink, text);
}

static int64_t cells_width(const heat_map *map) {
    return (int64_t)map->columns * map->cell_width;
}

static int64_t cells_height(const heat_map *map) {
    return (int64_t)map->rows * map->cell_height;
}

void heat_map_draw_cells(canvas *page, const heat_map *map, int64_t x, int64_t y) {
    int64_t least = map->cell_width < map->cell_height ? map->cell_width : map->cell_height;
    int64_t apart = least >= APART_FROM ? 1 : 0;
    const number_style style = choose_style(map);
    canvas_frame(page, x, y, cells_width(map), cells_height(map), COLOR_INK);
    for (size_t r = 0; r < map->rows; r++)
        for (size_t c = 0; c < map->columns; c++) {
            double value = map->values[r * map->columns + c];
            int64_t left = x + (int64_t)c * map->cell_width;
            int64_t top = y + (int64_t)r * map->cell_height;
            canvas_fill(page, left, top, map->cell_width - (c + 1 < map->columns ? apart : 0),
                        map->cell_height - (r + 1 < map->rows ? apart : 0), color_of(map, value));
            draw_number(page, map, style, left, top, value);
        }
}

void heat_map_draw_bar(canvas *page, const heat_map *map, int64_t x, int64_t y, int64_t width) {
    char text[3][16];
    const char *labels[3];
    for (int i = 0; i < 3; i++) {
        snprintf(text[i], sizeof text[i], "%.3g",
                 map->lowest + (map->highest - map->lowest) * i / 2.0);
        labels[i] = text[i];
    }
    axis_color_bar(page, x, y, width, BAR_HEIGHT, SCALE, labels, 3);
}

static void draw_keys(canvas *page, const heat_map *map, int64_t x, int64_t y) {
    for (size_t i = 0; i < map->key_count; i++)
        x = axis_legend_box(page, x, y, SCALE, map->keys[i].ink, map->keys[i].name);
}

static int64_t keys_width(const heat_map *map) {
    int64_t width = 0;
    for (size_t i = 0; i < map->key_count; i++)
        width += TEXT + 4 * FONT_ADVANCE * SCALE + font_text_width(map->keys[i].name, SCALE);
    return map->key_count > 0 ? width : BAR_WIDTH;
}

/* From the map's left edge to the rectangles: the axis' title, its numbers. */
static int64_t left_of_cells(const heat_map *map) {
    return LINE + names_width(map->row_names, map->rows) + GAP;
}

heat_map_size heat_map_measure(const heat_map *map) {
    int64_t left = left_of_cells(map), width = cells_width(map);
    int64_t least = keys_width(map), title = font_text_width(map->title, SCALE);
    width = left + (width > least ? width : least) + GAP;
    int64_t height = LINE + cells_height(map) + NAMES + LINE + KEY_HEIGHT;
    return (heat_map_size){width > title ? width : title, height};
}

static void draw_names(canvas *page, const heat_map *map, int64_t x, int64_t y) {
    char text[16];
    size_t row_step = name_step(map->cell_height, TEXT + GAP);
    size_t column_step =
        name_step(map->cell_width, names_width(map->column_names, map->columns) + GAP);
    int64_t below = y + cells_height(map) + GAP;
    for (size_t r = 0; r < map->rows; r += row_step) {
        int64_t middle = y + (int64_t)r * map->cell_height + map->cell_height / 2;
        snprintf(text, sizeof text, "%u", name_of(map->row_names, r));
        font_draw(page, x - GAP, middle - TEXT / 2, SCALE, FONT_RIGHT, COLOR_INK, text);
    }
    for (size_t c = 0; c < map->columns; c += column_step) {
        int64_t middle = x + (int64_t)c * map->cell_width + map->cell_width / 2;
        snprintf(text, sizeof text, "%u", name_of(map->column_names, c));
        font_draw(page, middle, below, SCALE, FONT_CENTER, COLOR_INK, text);
    }
}

void heat_map_draw(canvas *page, const heat_map *map, int64_t x, int64_t y) {
    int64_t left = x + left_of_cells(map), top = y + LINE;
    int64_t width = cells_width(map), height = cells_height(map);
    int64_t below = top + height + NAMES;
    font_draw(page, x, y, SCALE, FONT_LEFT, COLOR_INK, map->title);
    heat_map_draw_cells(page, map, left, top);
    draw_names(page, map, left, top);
    font_draw_up(page, x, top + height / 2, SCALE, COLOR_INK, map->y_title);
    font_draw(page, left + width / 2, below, SCALE, FONT_CENTER, COLOR_INK, map->x_title);
    if (map->key_count > 0)
        draw_keys(page, map, left, below + LINE);
    else
        heat_map_draw_bar(page, map, left, below + LINE, width > BAR_WIDTH ? width : BAR_WIDTH);
}
