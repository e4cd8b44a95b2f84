/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The head of a picture: a title, and below it what the pattern was built for, as a wrapped list.
 */
#ifndef TOOLS_PATTERN_CAPTION_H
#define TOOLS_PATTERN_CAPTION_H

#include "panel.h"

enum { CAPTION_FACTS = 24, CAPTION_LENGTH = 64 };

typedef struct caption {
    char title[80];
    uint32_t count;
    char facts[CAPTION_FACTS][CAPTION_LENGTH];
} caption;

/* Adds a fact; one too many is left out, one too long is cut. */
void caption_add(caption *head, const char *format, ...);

/* Adds a file's name, without its folder; a long one keeps its end. */
void caption_add_file(caption *head, const char *path);

/* Adds what the panels have in common: mode, ratio, step, blocks, lengths, options. */
void caption_add_shape(caption *head, const panel_shape *shape);

/* Pixels that the caption takes on a page with so many for text. */
int64_t caption_height(const caption *head, int64_t width);
void caption_draw(canvas *page, int64_t x, int64_t y, int64_t width, const caption *head);

#endif
