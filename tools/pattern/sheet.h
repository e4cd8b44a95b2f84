/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A contact sheet: many heads' patterns as small panels. Layers down and heads across, or, of one
 * layer or one head alone, as many a row as make a good page.
 */
#ifndef TOOLS_PATTERN_SHEET_H
#define TOOLS_PATTERN_SHEET_H

#include "../picture/canvas.h"
#include "load.h"

typedef struct sheet_request {
    const pattern_input *input; /* of one step; each entry is a row of panels */
    uint32_t first_head, heads;
    uint32_t batch;
    uint32_t side; /* pixels of a panel's longer side, at most; less where many must fit */
    bool scores;   /* scores instead of the kept blocks */
} sheet_request;

enum { SHEET_MAX_SIDE = 4000, SHEET_LEAST_PANEL = 24 };

/* Draws on a new canvas, to be released by the caller; on failure there is none. Fails if the
 * panels would have to be smaller than SHEET_LEAST_PANEL. */
bool sheet_draw(const sheet_request *request, canvas *page, tool_error *error);

#endif
