/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A grid of cells drawn on a grid of pixels, by exact shares of area: a pixel's value is the mean
 * of the cells under it, each weighted by the part of the pixel that it covers. Where a side has
 * as many pixels as cells, or a whole multiple, each pixel is one cell's value.
 */
#ifndef TOOLS_PICTURE_RASTER_H
#define TOOLS_PICTURE_RASTER_H

#include "canvas.h"

typedef struct raster_span {
    uint32_t first, count; /* pixels that a cell or a row of cells touches */
} raster_span;

typedef struct raster {
    uint64_t rows, columns;
    uint32_t width, height;
    double *sum;        /* [height][width]: value times area, in units where a cell of the grid is
                           width * height and a pixel rows * columns */
    double *line;       /* [width]: of the row that is being filled */
    raster_span *spans; /* [columns] */
} raster;

/* Fails without memory. rows and columns below 2^32, no side 0. */
bool raster_create(raster *grid, uint64_t rows, uint64_t columns, uint32_t width, uint32_t height,
                   tool_error *error);
void raster_release(raster *grid);

/* All cells 0 again. */
void raster_clear(raster *grid);

/* Adds a value at a column of the row that the next raster_end_row names. */
void raster_add(raster *grid, uint64_t column, double value);
void raster_end_row(raster *grid, uint64_t row);

/* The mean at a pixel over the cells of the first `rows` rows and `columns` columns alone; NaN if
 * none of them is under the pixel. */
double raster_mean(const raster *grid, uint64_t rows, uint64_t columns, uint32_t x, uint32_t y);

#endif
