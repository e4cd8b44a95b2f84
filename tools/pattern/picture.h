/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The picture of one head's pattern: title, axes in tokens, prompt and generation, legend; beside
 * the kept blocks, if asked for, the block scores.
 */
#ifndef TOOLS_PATTERN_PICTURE_H
#define TOOLS_PATTERN_PICTURE_H

#include <sparsed/pattern.h>

#include "../picture/canvas.h"

typedef struct picture_request {
    const char *path; /* of the file, for the caption */
    const sparsed_pattern *pattern;
    uint32_t layer, head, batch;
    uint32_t side; /* pixels of the panel's longer side, about */
    bool scores;
} picture_request;

/* Where the panel of the kept blocks lies on the page. */
typedef struct picture_place {
    int64_t left, top; /* its upper left pixel */
} picture_place;

/* Draws on a new canvas, to be released by the caller; on failure there is none. place may be
 * NULL. */
bool picture_draw(const picture_request *request, canvas *page, picture_place *place,
                  tool_error *error);

#endif
