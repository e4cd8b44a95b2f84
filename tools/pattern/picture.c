/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One head's picture: layout, axes, regions. */
#include "picture.h"

#include <stdio.h>

#include "../picture/axis.h"
#include "../picture/font.h"
#include "caption.h"
#include "legend.h"
#include "load.h"
#include "panel.h"

enum {
    SCALE = 2,
    LINE = SCALE * FONT_LINE,
    TWO_LINES = 2 * LINE,
    ADVANCE = SCALE * FONT_ADVANCE,
    HEIGHT = SCALE * FONT_HEIGHT,
    TEXT = SCALE * (FONT_HEIGHT + FONT_DESCENT),
    MARGIN = 24,
    MARGINS = 2 * MARGIN,
    PAGE_MIN = LEGEND_WIDTH + MARGINS,
    PANEL_GAP = 48,
    BRACKET = 5, /* between a panel and the line along a region */
    BESIDE = 2 * BRACKET,
    NUMBERS = AXIS_TICK + 3 + TEXT
};

static const char prompt_text[] = "prompt", generation_text[] = "generation";

typedef struct layout {
    panel_shape shape;
    caption head;
    legend foot;
    axis rows, columns;
    int64_t left, top, panels, width, height;
} layout;

static void make_caption(const picture_request *r, const panel_shape *shape, caption *head) {
    panel_shape own = *shape;
    own.info.ratio = sparsed_pattern_ratio(r->pattern, r->head);
    own.info.pattern_flags &= ~(uint32_t)SPARSED_PATTERN_HEAD_RATIOS;
    snprintf(head->title, sizeof head->title, "layer %u, head %u", r->layer, r->head);
    caption_add_file(head, r->path);
    caption_add(head, "density %.4f%s", sparsed_pattern_density(r->pattern, r->head),
                shape->info.batch > 1 ? " (all batches)" : "");
    caption_add_shape(head, &own);
}

static void make_layout(const picture_request *r, layout *l) {
    const panel_shape *s = &l->shape;
    bool regions = s->info.gen_len > 0;
    l->panels = r->scores ? 2 : 1;
    l->foot = (legend){.kept = true, .scores = r->scores};
    l->columns = (axis){.count = s->info.k_blocks * s->info.block_k,
                        .named = s->range.keys,
                        .least_step = s->info.block_k,
                        .pixels = s->width,
                        .scale = SCALE};
    l->rows = (axis){.from = s->range.query_position,
                     .count = s->info.q_blocks * s->info.block_q,
                     .named = s->range.queries,
                     .least_step = s->info.block_q,
                     .pixels = s->height,
                     .scale = SCALE};
    int64_t above = (r->scores ? LINE : 0) + (regions ? LINE + BRACKET : 0);
    int64_t beside = regions ? BESIDE + font_text_width(generation_text, SCALE) : 0;
    l->left = MARGIN + LINE + axis_number_width(&l->rows) + AXIS_TICK + 6;
    l->width = l->left + l->panels * s->width + (l->panels - 1) * PANEL_GAP + beside + MARGIN;
    l->width = l->width < PAGE_MIN ? PAGE_MIN : l->width;
    l->top = MARGIN + caption_height(&l->head, l->width - MARGINS) + LINE / 2 + above;
    l->height = l->top + s->height + NUMBERS + 8 + TWO_LINES + legend_height(&l->foot, s) + MARGIN;
    l->rows.x = l->left - 1;
    l->rows.y = l->top;
    l->columns.y = l->top + s->height + 1;
}

/* The first of three texts that fits into so many pixels. */
static const char *fitting(const char *const texts[3], int64_t pixels) {
    int i = 0;
    while (i < 2 && font_text_width(texts[i], SCALE) > pixels)
        i++;
    return texts[i];
}

static void draw_axis_titles(canvas *page, const layout *l, int64_t left) {
    char rows[64], columns[64];
    snprintf(rows, sizeof rows, "query token, blocks of %u", l->shape.info.block_q);
    snprintf(columns, sizeof columns, "key token, blocks of %u", l->shape.info.block_k);
    const char *const row_texts[3] = {rows, "query token", "query"};
    const char *const column_texts[3] = {columns, "key token", "key"};
    int64_t width = l->shape.width, height = l->shape.height;
    if (left == l->left)
        font_draw_up(page, MARGIN, l->top + height / 2, SCALE, COLOR_INK,
                     fitting(row_texts, height));
    font_draw(page, left + width / 2, l->columns.y + NUMBERS + 8, SCALE, FONT_CENTER, COLOR_INK,
              fitting(column_texts, width));
}

/* Where the labels of two spans begin (offsets along the panel): near their middles, within
 * 0 .. limit, not touching; the second one has the last word. */
static void place_labels(const panel_axis *spans, int64_t limit, const int64_t sizes[2],
                         int64_t begins[2]) {
    int64_t gap = ADVANCE;
    begins[0] = (spans->generation - sizes[0]) / 2;
    begins[1] = (spans->generation + spans->end - sizes[1]) / 2;
    if (begins[1] + sizes[1] > limit)
        begins[1] = limit - sizes[1];
    if (begins[0] + sizes[0] + gap > begins[1])
        begins[0] = begins[1] - gap - sizes[0];
    if (begins[0] < 0)
        begins[0] = 0;
    if (begins[1] < begins[0] + sizes[0] + gap && panel_has_boundary(spans))
        begins[1] = begins[0] + sizes[0] + gap;
}

static void draw_key_regions(canvas *page, const layout *l, int64_t left) {
    const panel_axis *keys = &l->shape.keys;
    const int64_t sizes[2] = {font_text_width(prompt_text, SCALE),
                              font_text_width(generation_text, SCALE)};
    int64_t begins[2], line = l->top - 1 - BRACKET, text = line - LINE + 4;
    place_labels(keys, l->shape.width, sizes, begins);
    if (keys->generation > 0) {
        canvas_fill(page, left, line, keys->generation - 1, 2, COLOR_INK);
        font_draw(page, left + begins[0], text, SCALE, FONT_LEFT, COLOR_INK, prompt_text);
    }
    if (keys->generation < keys->end) {
        canvas_fill(page, left + keys->generation, line, keys->end - keys->generation, 2,
                    COLOR_ACCENT);
        font_draw(page, left + begins[1], text, SCALE, FONT_LEFT, COLOR_ACCENT, generation_text);
    }
}

static void draw_query_regions(canvas *page, const layout *l, int64_t left) {
    const panel_axis *queries = &l->shape.queries;
    const int64_t sizes[2] = {HEIGHT, HEIGHT};
    int64_t begins[2], line = left + l->shape.width + BRACKET - 1, text = line + 2 + BRACKET;
    place_labels(queries, l->shape.height, sizes, begins);
    if (queries->generation > 0) {
        canvas_fill(page, line, l->top, 2, queries->generation - 1, COLOR_INK);
        font_draw(page, text, l->top + begins[0], SCALE, FONT_LEFT, COLOR_INK, prompt_text);
    }
    if (queries->generation < queries->end) {
        canvas_fill(page, line, l->top + queries->generation, 2, queries->end - queries->generation,
                    COLOR_ACCENT);
        font_draw(page, text, l->top + begins[1], SCALE, FONT_LEFT, COLOR_ACCENT, generation_text);
    }
}

/* Everything around the panel whose left edge is `left`. */
static void draw_around(canvas *page, const layout *l, int64_t left, const char *heading) {
    axis columns = l->columns;
    columns.x = left;
    axis_draw_below(page, &columns);
    draw_axis_titles(page, l, left);
    bool regions = l->shape.info.gen_len > 0;
    if (regions)
        draw_key_regions(page, l, left);
    if (l->panels > 1)
        font_draw(page, left, l->top - (regions ? LINE + BRACKET : 0) - LINE, SCALE, FONT_LEFT,
                  COLOR_BLACK, heading);
}

static bool draw_panels(canvas *page, const picture_request *r, const layout *l,
                        tool_error *error) {
    raster grid;
    int64_t second = l->left + l->shape.width + PANEL_GAP;
    if (!panel_grid(&l->shape, &grid, error))
        return false;
    bool done =
        panel_draw_kept(page, l->left, l->top, &l->shape, r->pattern, r->head, &grid, error) &&
        (!r->scores ||
         panel_draw_scores(page, second, l->top, &l->shape, r->pattern, r->head, &grid, error));
    raster_release(&grid);
    return done;
}

static bool draw_page(canvas *page, const picture_request *r, const layout *l, tool_error *error) {
    int64_t last = l->left + (l->panels - 1) * ((int64_t)l->shape.width + PANEL_GAP);
    caption_draw(page, MARGIN, MARGIN, l->width - MARGINS, &l->head);
    axis_draw_left(page, &l->rows);
    draw_around(page, l, l->left, "kept blocks");
    if (r->scores)
        draw_around(page, l, last, "block scores");
    if (l->shape.info.gen_len > 0)
        draw_query_regions(page, l, last);
    int64_t foot_left = l->width - MARGIN - LEGEND_WIDTH;
    legend_draw(page, foot_left < l->left ? foot_left : l->left,
                l->height - MARGIN - legend_height(&l->foot, &l->shape), &l->foot, &l->shape);
    return draw_panels(page, r, l, error);
}

bool picture_draw(const picture_request *request, canvas *page, picture_place *place,
                  tool_error *error) {
    layout l = {.panels = 1};
    if (!panel_shape_of(request->pattern, request->batch, request->side, &l.shape, error))
        return false;
    if (!pattern_check_index("head", "heads", request->head, l.shape.info.heads, error))
        return false;
    if (request->scores && l.shape.info.score_dtype == 0)
        return tool_fail(error, "layer %u has no block scores", request->layer);
    make_caption(request, &l.shape, &l.head);
    make_layout(request, &l);
    if (!canvas_create(page, (uint32_t)l.width, (uint32_t)l.height, error))
        return false;
    if (place)
        *place = (picture_place){l.left, l.top};
    if (draw_page(page, request, &l, error))
        return true;
    canvas_release(page);
    return false;
}
