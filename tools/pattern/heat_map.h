/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A matrix as a picture: a rectangle of colour for each value, with its number where there is room,
 * a title, numbered axes, and below it what the colours mean.
 */
#ifndef TOOLS_PATTERN_HEAT_MAP_H
#define TOOLS_PATTERN_HEAT_MAP_H

#include <stddef.h>

#include "picture/canvas.h"

enum { HEAT_MAP_MAX_KEYS = 4 };

/* A value's own colour and name, for values that are no quantity. */
typedef struct heat_map_key {
    color ink;
    const char *name;
} heat_map_key;

typedef struct heat_map {
    const char *title, *x_title, *y_title;
    size_t rows, columns;
    const uint32_t *row_names, *column_names; /* numbers of rows and columns; NULL: from 0 on */
    const double *values;                     /* [rows][columns]; NaN: nothing known */
    double lowest, highest;                   /* what the colours' ends stand for */
    const heat_map_key *keys;                 /* [key_count]: a value is the index of its key */
    size_t key_count;                         /* 0: colours by quantity */
    int64_t cell_width, cell_height;          /* pixels of a value's rectangle */
} heat_map;

typedef struct heat_map_size {
    int64_t width, height;
} heat_map_size;

/* Sets lowest and highest to what the values need, rounded outwards to twentieths,
 * a narrow range to hundredths.
 *   off_diagonal  leaves out the values of a matrix against itself */
void heat_map_fit(heat_map *map, bool off_diagonal);

/* Pixels of everything that heat_map_draw draws. */
heat_map_size heat_map_measure(const heat_map *map);
void heat_map_draw(canvas *page, const heat_map *map, int64_t x, int64_t y);

/* The rectangles alone with their frame: the frame's upper left corner is (x - 1, y - 1). */
void heat_map_draw_cells(canvas *page, const heat_map *map, int64_t x, int64_t y);

/* The bar of colours with the numbers at its ends and in its middle. */
void heat_map_draw_bar(canvas *page, const heat_map *map, int64_t x, int64_t y, int64_t width);

#endif
