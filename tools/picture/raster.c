/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Area-exact drawing of a grid of cells: whole numbers of areas, one division at the end. */
#include "raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The pixels under cell `cell` of `cells` on a side of `pixels`: a cell is `pixels` units long, a
 * pixel `cells` units. */
static raster_span span_of(uint64_t cell, uint64_t cells, uint32_t pixels) {
    uint64_t first = cell * pixels / cells;
    uint64_t last = ((cell + 1) * pixels - 1) / cells;
    return (raster_span){(uint32_t)first, (uint32_t)(last - first + 1)};
}

/* Units that units begin .. end - 1 and those of a pixel share. */
static uint64_t overlap(uint64_t begin, uint64_t end, uint32_t pixel, uint64_t cells) {
    uint64_t pixel_begin = pixel * cells, pixel_end = pixel_begin + cells;
    begin = begin > pixel_begin ? begin : pixel_begin;
    end = end < pixel_end ? end : pixel_end;
    return end > begin ? end - begin : 0;
}

bool raster_create(raster *grid, uint64_t rows, uint64_t columns, uint32_t width, uint32_t height,
                   tool_error *error) {
    *grid = (raster){rows, columns, width, height, NULL, NULL, NULL};
    grid->sum = calloc((size_t)width * height, sizeof *grid->sum);
    grid->line = calloc(width, sizeof *grid->line);
    grid->spans = calloc((size_t)columns, sizeof *grid->spans);
    if (!grid->sum || !grid->line || !grid->spans) {
        raster_release(grid);
        return tool_fail(error, "out of memory to draw %llu x %llu blocks",
                         (unsigned long long)rows, (unsigned long long)columns);
    }
    for (uint64_t column = 0; column < columns; column++)
        grid->spans[column] = span_of(column, columns, width);
    return true;
}

void raster_release(raster *grid) {
    free(grid->sum);
    free(grid->line);
    free(grid->spans);
    grid->sum = grid->line = NULL;
    grid->spans = NULL;
}

void raster_clear(raster *grid) {
    memset(grid->sum, 0, (size_t)grid->width * grid->height * sizeof *grid->sum);
    memset(grid->line, 0, grid->width * sizeof *grid->line);
}

void raster_add(raster *grid, uint64_t column, double value) {
    raster_span span = grid->spans[column];
    uint64_t begin = column * grid->width, end = begin + grid->width;
    for (uint32_t x = span.first; x < span.first + span.count; x++)
        grid->line[x] += value * (double)overlap(begin, end, x, grid->columns);
}

void raster_end_row(raster *grid, uint64_t row) {
    raster_span span = span_of(row, grid->rows, grid->height);
    uint64_t begin = row * grid->height, end = begin + grid->height;
    for (uint32_t y = span.first; y < span.first + span.count; y++) {
        double share = (double)overlap(begin, end, y, grid->rows);
        double *sum = grid->sum + (size_t)y * grid->width;
        for (uint32_t x = 0; x < grid->width; x++)
            sum[x] += share * grid->line[x];
    }
    memset(grid->line, 0, grid->width * sizeof *grid->line);
}

double raster_mean(const raster *grid, uint64_t rows, uint64_t columns, uint32_t x, uint32_t y) {
    uint64_t wide = overlap(0, columns * grid->width, x, grid->columns);
    uint64_t high = overlap(0, rows * grid->height, y, grid->rows);
    if (wide == 0 || high == 0)
        return NAN;
    return grid->sum[(size_t)y * grid->width + x] / ((double)wide * (double)high);
}
