/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Captions: the facts, and their lines. */
#include "caption.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../picture/font.h"
#include "../selection.h"

enum {
    FILE_NAME = 48, /* characters */
    TITLE_SCALE = 3,
    FACT_SCALE = 2,
    TITLE_LINE = TITLE_SCALE * (FONT_LINE + 1),
    FACT_LINE = FACT_SCALE * FONT_LINE,
    FACT_GAP = 3 * FACT_SCALE * FONT_ADVANCE /* between two facts on a line */
};

void caption_add(caption *head, const char *format, ...) {
    va_list args;
    if (head->count == CAPTION_FACTS)
        return;
    va_start(args, format);
    vsnprintf(head->facts[head->count++], CAPTION_LENGTH, format, args);
    va_end(args);
}

void caption_add_file(caption *head, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name), room = FILE_NAME;
    if (length <= room)
        caption_add(head, "%s", name);
    else
        caption_add(head, "...%s", name + (length - room));
}

static void add_mode(caption *head, const sparsed_pattern_info *info) {
    if (info->mode == 0)
        caption_add(head, "mode not known");
    else
        caption_add(head, "mode %s", selection_mode_name(info->mode));
    if (info->mode == SPARSED_MODE_WINDOW || info->mode == SPARSED_MODE_STREAMING)
        caption_add(head, "window %llu", (unsigned long long)info->window);
    if (info->mode == SPARSED_MODE_STREAMING)
        caption_add(head, "sinks %llu", (unsigned long long)info->sinks);
    if (info->ratio > 0.0)
        caption_add(head, "%sratio %.4g",
                    info->pattern_flags & SPARSED_PATTERN_HEAD_RATIOS ? "mean " : "", info->ratio);
    if (info->score_reduce == SPARSED_REDUCE_MAX)
        caption_add(head, "scores by max");
}

static void add_kept_options(caption *head, const sparsed_pattern_info *info) {
    if (info->flags & SPARSED_SELECT_DENSE_GENERATION_ROWS)
        caption_add(head, "dense generation rows");
    if (info->flags & SPARSED_SELECT_KEEP_DIAGONAL)
        caption_add(head, "diagonal kept");
    if (info->flags & SPARSED_SELECT_KEEP_GENERATION)
        caption_add(head, "generation blocks kept");
    if (info->always_first > 0)
        caption_add(head, "first %u blocks kept", info->always_first);
}

static void add_rows(caption *head, const char *name, uint64_t start, uint64_t rows) {
    unsigned long long first = start, last = start + rows - 1;
    if (rows == 0)
        caption_add(head, "no valid %s", name);
    else
        caption_add(head, "valid %s %llu to %llu", name, first, last);
}

static void add_batch(caption *head, const panel_shape *shape) {
    const sparsed_pattern_info *info = &shape->info;
    const sparsed_pattern_range *range = &shape->range;
    if (info->batch > 1)
        caption_add(head, "batch %u (of 0 to %u)", shape->batch, info->batch - 1);
    if (range->keys < info->kv_len)
        add_rows(head, "keys", range->key_start, range->keys);
    if (range->queries < info->q_len)
        add_rows(head, "queries", range->query_start, range->queries);
}

void caption_add_shape(caption *head, const panel_shape *shape) {
    const sparsed_pattern_info *info = &shape->info;
    add_mode(head, info);
    caption_add(head, "step %u", info->step);
    caption_add(head, "%llu x %llu blocks of %u x %u", (unsigned long long)info->q_blocks,
                (unsigned long long)info->k_blocks, info->block_q, info->block_k);
    caption_add(head, "%llu tokens", (unsigned long long)info->kv_len);
    if (info->q_len < info->kv_len)
        caption_add(head, "queries %llu", (unsigned long long)info->q_len);
    caption_add(head, "%llu generated", (unsigned long long)info->gen_len);
    add_kept_options(head, info);
    add_batch(head, shape);
}

/* Places the facts line by line; page NULL: only finds the height that they take. */
static int64_t place(canvas *page, int64_t x, int64_t y, int64_t width, const caption *head) {
    int64_t at = 0, line = TITLE_LINE;
    for (uint32_t i = 0; i < head->count; i++) {
        int64_t length = font_text_width(head->facts[i], FACT_SCALE);
        if (at > 0 && at + length > width) {
            at = 0;
            line += FACT_LINE;
        }
        if (page)
            font_draw(page, x + at, y + line, FACT_SCALE, FONT_LEFT, COLOR_INK, head->facts[i]);
        at += length + FACT_GAP;
    }
    return line + (head->count ? FACT_LINE : 0);
}

int64_t caption_height(const caption *head, int64_t width) {
    return place(NULL, 0, 0, width, head);
}

void caption_draw(canvas *page, int64_t x, int64_t y, int64_t width, const caption *head) {
    font_draw(page, x, y, TITLE_SCALE, FONT_LEFT, COLOR_BLACK, head->title);
    place(page, x, y, width, head);
}
