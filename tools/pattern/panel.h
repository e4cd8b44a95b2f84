/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A panel: the blocks of one head as a rectangle of pixels, query blocks down, key blocks across.
 * Where a block has at least a pixel it is a rectangle of whole pixels; else pixels show the share
 * of kept blocks under them. Blocks out of the batch's valid rows are grey.
 */
#ifndef TOOLS_PATTERN_PANEL_H
#define TOOLS_PATTERN_PANEL_H

#include <sparsed/pattern.h>

#include "../picture/canvas.h"
#include "../picture/raster.h"

/* One axis of a panel in pixels: valid rows are 0 .. end - 1, the prompt's 0 .. generation - 1. */
typedef struct panel_axis {
    int64_t generation, end;
} panel_axis;

/* What the panels of a picture have in common, but for the head (and, in a sheet, the layer). */
typedef struct panel_shape {
    sparsed_pattern_info info;
    sparsed_pattern_range range; /* of the batch that is drawn */
    uint32_t batch;
    uint32_t width, height; /* pixels */
    bool crisp;             /* each block is a rectangle of whole pixels */
    panel_axis queries, keys;
} panel_shape;

/* Finds the pixels of a panel whose longer side has about `side`: at most that many if there are
 * more blocks, else a whole number a block. Fails if the pattern has no such batch. */
bool panel_shape_of(const sparsed_pattern *pattern, uint32_t batch, uint32_t side,
                    panel_shape *shape, tool_error *error);

/* Whether an axis has rows of both regions, so that a boundary is drawn. */
bool panel_has_boundary(const panel_axis *axis);

/* Whether some blocks are grey. */
bool panel_has_padding(const panel_shape *shape);

/* A grid for panel_draw_*, which clear it first. */
bool panel_grid(const panel_shape *shape, raster *grid, tool_error *error);

/* Draws the kept blocks of a head with its upper left pixel at (x, y), frame and boundaries. */
bool panel_draw_kept(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                     const sparsed_pattern *pattern, uint32_t head, raster *grid,
                     tool_error *error);

/* Whether the blocks are large enough for outlines over the scores. */
bool panel_has_outlines(const panel_shape *shape);
color panel_outline_ink(void);

/*
 * Draws the block scores: the share that a block has of its query rows' mass, on a log scale that
 * ends `panel_decades` powers of ten below 1. Where blocks are large enough the kept ones have an
 * outline. In the upstream modes the columns from the generation region's first block on show the
 * ranking over the generation keys, which chose them.
 */
bool panel_draw_scores(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                       const sparsed_pattern *pattern, uint32_t head, raster *grid,
                       tool_error *error);
uint32_t panel_decades(const panel_shape *shape);
bool panel_has_two_rankings(const panel_shape *shape);

#endif
