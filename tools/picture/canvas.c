/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Canvas: memory, filled rectangles, frames. */
#include "canvas.h"

#include <stdlib.h>
#include <string.h>

bool canvas_create(canvas *page, uint32_t width, uint32_t height, tool_error *error) {
    *page = (canvas){0, 0, NULL};
    if (width == 0 || height == 0 || width > CANVAS_MAX_SIDE || height > CANVAS_MAX_SIDE)
        return tool_fail(error, "a picture of %u x %u pixels: sides are 1 to %d", width, height,
                         CANVAS_MAX_SIDE);
    size_t bytes = (size_t)width * height * 3;
    page->pixels = malloc(bytes);
    if (!page->pixels)
        return tool_fail(error, "out of memory for a picture of %u x %u pixels", width, height);
    memset(page->pixels, 255, bytes);
    page->width = width;
    page->height = height;
    return true;
}

void canvas_release(canvas *page) {
    free(page->pixels);
    *page = (canvas){0, 0, NULL};
}

static void paint(uint8_t *pixel, color ink) {
    pixel[0] = ink.red;
    pixel[1] = ink.green;
    pixel[2] = ink.blue;
}

static uint8_t *pixel_at(const canvas *page, int64_t x, int64_t y) {
    if (x < 0 || y < 0 || x >= (int64_t)page->width || y >= (int64_t)page->height)
        return NULL;
    return page->pixels + ((size_t)y * page->width + (size_t)x) * 3;
}

color canvas_get(const canvas *page, int64_t x, int64_t y) {
    const uint8_t *pixel = pixel_at(page, x, y);
    return pixel ? (color){pixel[0], pixel[1], pixel[2]} : COLOR_WHITE;
}

void canvas_set(canvas *page, int64_t x, int64_t y, color ink) {
    uint8_t *pixel = pixel_at(page, x, y);
    if (pixel)
        paint(pixel, ink);
}

/* Cuts first .. first + count - 1 to 0 .. limit - 1. */
static void clip(int64_t *first, int64_t *count, uint32_t limit) {
    int64_t end = *first + *count;
    *first = *first < 0 ? 0 : *first;
    *count = (end > (int64_t)limit ? (int64_t)limit : end) - *first;
}

void canvas_fill(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height, color ink) {
    clip(&x, &width, page->width);
    clip(&y, &height, page->height);
    for (int64_t row = y; row < y + height; row++)
        for (int64_t column = x; column < x + width; column++)
            paint(page->pixels + ((size_t)row * page->width + (size_t)column) * 3, ink);
}

void canvas_frame(canvas *page, int64_t x, int64_t y, int64_t width, int64_t height, color ink) {
    canvas_fill(page, x - 1, y - 1, width + 2, 1, ink);
    canvas_fill(page, x - 1, y + height, width + 2, 1, ink);
    canvas_fill(page, x - 1, y, 1, height, ink);
    canvas_fill(page, x + width, y, 1, height, ink);
}
