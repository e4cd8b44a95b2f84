/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Text on a canvas: a bitmap font, capitals five pixels wide and seven high, two more below the
 * line; each font pixel is a square of scale x scale pixels. Bytes that are no printable ASCII
 * show as one '?' a UTF-8 character.
 */
#ifndef TOOLS_PICTURE_FONT_H
#define TOOLS_PICTURE_FONT_H

#include "canvas.h"

enum {
    FONT_WIDTH = 5,
    FONT_HEIGHT = 7,  /* without what is below the line */
    FONT_DESCENT = 2, /* below the line */
    FONT_ADVANCE = 6, /* from one character to the next */
    FONT_LINE = 12    /* from one line of text to the next */
};

typedef enum font_align { FONT_LEFT, FONT_CENTER, FONT_RIGHT } font_align;

/* Pixels from the first character's left edge to the last one's right edge. */
int64_t font_text_width(const char *text, int64_t scale);

/* Draws one line: x is its left edge, middle or right edge, y its upper edge. */
void font_draw(canvas *page, int64_t x, int64_t y, int64_t scale, font_align align, color ink,
               const char *text);

/* Draws one line that reads upwards: x is its left edge, y the middle of its length. */
void font_draw_up(canvas *page, int64_t x, int64_t y, int64_t scale, color ink, const char *text);

#endif
