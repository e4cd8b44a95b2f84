/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A picture in memory: RGB, 8 bits a channel, x to the right and y down from the upper left corner.
 * What is drawn outside of it is cut off.
 */
#ifndef TOOLS_PICTURE_CANVAS_H
#define TOOLS_PICTURE_CANVAS_H

#include <stdint.h>

#include "../error.h"

typedef struct color {
    uint8_t red, green, blue;
} color;

#define COLOR_BLACK ((color){0, 0, 0})
#define COLOR_WHITE ((color){255, 255, 255})
#define COLOR_GREY ((color){205, 205, 205}) /* what is not there: padding, no value */
#define COLOR_INK ((color){38, 38, 38})     /* text, frames, ticks */
#define COLOR_ACCENT ((color){214, 39, 40}) /* boundaries drawn over data */

enum { CANVAS_MAX_SIDE = 4096 };

typedef struct canvas {
    uint32_t width, height;
    uint8_t *pixels; /* [height][width][3] */
} canvas;

/* A white canvas. Fails without memory, and if a side is 0 or above CANVAS_MAX_SIDE. */
bool canvas_create(canvas *page, uint32_t width, uint32_t height, tool_error *error);
void canvas_release(canvas *page);

/* White outside of the canvas. */
color canvas_get(const canvas *page, int64_t x, int64_t y);

void canvas_set(canvas *page, int64_t x, int64_t y, color ink);

/* Fills the pixels x .. x + width - 1, y .. y + height - 1; nothing if a side is below 1. */
void canvas_fill(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height, color ink);

/* A line one pixel thick just around the pixels that canvas_fill would fill. */
void canvas_frame(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height, color ink);

#endif
