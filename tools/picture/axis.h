/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What surrounds data in a picture: ticks with numbers, colour bars, boxes of a legend.
 */
#ifndef TOOLS_PICTURE_AXIS_H
#define TOOLS_PICTURE_AXIS_H

#include "canvas.h"

/* Numbers from .. from + count, count at least 1, along `pixels` pixels from (x, y) on. Below: (x,
 * y) is the first pixel under the data's left edge; left: the first pixel of the data's upper
 * edge. */
typedef struct axis {
    int64_t x, y;
    uint64_t from, count;
    uint64_t named;      /* the last number that may have a tick, counted from `from` */
    uint64_t least_step; /* of the ticks; a power of two */
    uint32_t pixels;
    int64_t scale; /* of the numbers' font */
} axis;

enum { AXIS_TICK = 6 }; /* length of a tick, in pixels */

/* The distance of the ticks: the least power of two with room for the numbers between them. */
uint64_t axis_tick_step(const axis *edge);

/* Pixels that the widest number takes. */
int64_t axis_number_width(const axis *edge);

/* Ticks at the multiples of the step, or one at `from` if there is none, and their numbers. */
void axis_draw_below(canvas *page, const axis *edge);
void axis_draw_left(canvas *page, const axis *edge);

/* The colour map as a lying bar with a frame; below it `labels` at equal distances, the first and
 * the last one at its ends. label_count at least 2. */
void axis_color_bar(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height,
                    int64_t scale, const char *const *labels, uint32_t label_count);

/* A framed box of one colour with a text to its right; returns the x after both. */
int64_t axis_legend_box(canvas *page, int64_t x, int64_t y, int64_t scale, color ink,
                        const char *text);

#endif
