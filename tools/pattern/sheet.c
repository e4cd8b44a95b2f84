/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Contact sheets: the grid of panels, their captions, the page around them. */
#include "sheet.h"

#include <stdio.h>

#include "../picture/font.h"
#include "caption.h"
#include "legend.h"
#include "panel.h"

enum {
    SCALE = 2,
    LINE = SCALE * FONT_LINE,
    MARGIN = 24,
    MARGINS = 2 * MARGIN,
    PAGE_MIN = LEGEND_WIDTH + MARGINS,
    GAP = 8, /* least distance of two panels */
    PANEL_TEXT = 48
};

/* How a panel is named below it; what does not fit falls back to the next form. */
typedef enum panel_text { TEXT_LONG, TEXT_SHORT, TEXT_DENSITY, TEXT_NONE } panel_text;

typedef struct layout {
    panel_shape shape;
    caption head;
    legend foot;
    uint32_t layers, last_layer;
    bool by_layer; /* one head, so that a panel is named after its layer */
    bool table;    /* layers down, heads across */
    uint32_t rows, columns;
    panel_text text;
    int64_t text_scale, left, top, step_x, step_y, width, height;
} layout;

/* Panels a row: a divisor of their number near its root, so that rows are full, else the root. */
static uint32_t panels_a_row(uint32_t count) {
    uint32_t root = 1;
    while ((uint64_t)root * root < count)
        root++;
    for (uint32_t columns = root; columns < 2 * root; columns++)
        if (count % columns == 0)
            return columns;
    return root;
}

static void write_text(char text[PANEL_TEXT], panel_text form, bool of_layers, uint32_t number,
                       double density) {
    if (form == TEXT_LONG)
        snprintf(text, PANEL_TEXT, "%s %u  %.3f", of_layers ? "layer" : "head", number, density);
    else if (form == TEXT_SHORT)
        snprintf(text, PANEL_TEXT, "%s%u %.2f", of_layers ? "L" : "h", number, density);
    else
        snprintf(text, PANEL_TEXT, "%.2f", density);
}

static void choose_text(const sheet_request *r, layout *l) {
    char text[PANEL_TEXT];
    uint32_t largest = l->by_layer ? l->last_layer : r->first_head + r->heads - 1;
    int64_t room = (int64_t)l->shape.width;
    for (l->text = TEXT_LONG; l->text < TEXT_NONE; l->text++)
        for (l->text_scale = SCALE; l->text_scale >= 1; l->text_scale--) {
            write_text(text, l->text, l->by_layer, largest, 0.0);
            if (font_text_width(text, l->text_scale) <= room)
                return;
        }
}

/* Sizes of the page with panels of this side. */
static bool try_side(const sheet_request *r, const sparsed_pattern *pattern, uint32_t side,
                     layout *l, tool_error *error) {
    char label[PANEL_TEXT];
    if (!panel_shape_of(pattern, r->batch, side, &l->shape, error))
        return false;
    choose_text(r, l);
    snprintf(label, sizeof label, "layer %u", l->last_layer);
    int64_t text = l->text == TEXT_NONE ? 0 : l->text_scale * (FONT_LINE + 1);
    int64_t gap = (int64_t)l->shape.width / 12 > GAP ? (int64_t)l->shape.width / 12 : GAP;
    l->step_x = (int64_t)l->shape.width + gap;
    l->step_y = (int64_t)l->shape.height + text + gap;
    l->left = MARGIN + (l->table ? font_text_width(label, SCALE) + 12 : 1);
    l->width = l->left + l->columns * l->step_x - gap + MARGIN;
    l->width = l->width < PAGE_MIN ? PAGE_MIN : l->width;
    l->top =
        MARGIN + caption_height(&l->head, l->width - MARGINS) + LINE / 2 + (l->table ? LINE : 0);
    l->height =
        l->top + l->rows * l->step_y + LINE / 2 + legend_height(&l->foot, &l->shape) + MARGIN;
    return true;
}

static bool fits(const layout *l) {
    return l->width <= SHEET_MAX_SIDE && l->height <= SHEET_MAX_SIDE;
}

/* The largest panels that fit the page. */
static bool make_layout(const sheet_request *r, const sparsed_pattern *pattern, layout *l,
                        tool_error *error) {
    uint32_t single = l->layers > 1 ? l->layers : r->heads; /* without a table */
    l->table = l->layers > 1 && r->heads > 1;
    l->by_layer = l->layers > 1 && r->heads == 1;
    l->columns = l->table ? r->heads : panels_a_row(single);
    l->rows = l->table ? l->layers : (single + l->columns - 1) / l->columns;
    l->foot = (legend){.kept = !r->scores, .scores = r->scores, .boundary = true};
    for (uint32_t side = r->side; side >= SHEET_LEAST_PANEL; side--) {
        if (!try_side(r, pattern, side, l, error))
            return false;
        if (fits(l))
            return true;
    }
    return tool_fail(error,
                     "a sheet of %u layers x %u heads does not fit %d x %d pixels: show one layer "
                     "(--layer) or one head (--head)",
                     l->layers, r->heads, SHEET_MAX_SIDE, SHEET_MAX_SIDE);
}

static void draw_labels(canvas *page, const sheet_request *r, const layout *l, uint32_t layer,
                        uint32_t row) {
    char text[PANEL_TEXT];
    int64_t y = l->top + row * l->step_y;
    snprintf(text, sizeof text, "layer %u", layer);
    font_draw(page, l->left - 12, y + (l->shape.height - FONT_HEIGHT * SCALE) / 2, SCALE,
              FONT_RIGHT, COLOR_INK, text);
    if (row > 0)
        return;
    snprintf(text, sizeof text, "head %u", r->first_head + r->heads - 1);
    bool words = font_text_width(text, SCALE) <= l->shape.width;
    for (uint32_t i = 0; i < r->heads; i++) {
        snprintf(text, sizeof text, words ? "head %u" : "%u", r->first_head + i);
        int64_t scale = font_text_width(text, SCALE) <= l->step_x - GAP / 2 ? SCALE : 1;
        font_draw(page, l->left + i * l->step_x + l->shape.width / 2, l->top - LINE, scale,
                  FONT_CENTER, COLOR_INK, text);
    }
}

/* The panels of one layer, of which `drawn` are before it. */
static bool draw_layer(canvas *page, const sheet_request *r, const layout *l,
                       const sparsed_pattern *pattern, uint32_t layer, uint32_t drawn, raster *grid,
                       tool_error *error) {
    char text[PANEL_TEXT];
    for (uint32_t i = 0; i < r->heads; i++, drawn++) {
        uint32_t head = r->first_head + i;
        int64_t x = l->left + drawn % l->columns * l->step_x;
        int64_t y = l->top + drawn / l->columns * l->step_y;
        bool done = r->scores ? panel_draw_scores(page, x, y, &l->shape, pattern, head, grid, error)
                              : panel_draw_kept(page, x, y, &l->shape, pattern, head, grid, error);
        if (!done)
            return false;
        write_text(text, l->text, l->by_layer, l->by_layer ? layer : head,
                   sparsed_pattern_density(pattern, head));
        if (l->text != TEXT_NONE)
            font_draw(page, x + l->shape.width / 2, y + l->shape.height + 3 * l->text_scale,
                      l->text_scale, FONT_CENTER, COLOR_INK, text);
    }
    return true;
}

/* The panels of one layer, and its row label. */
static bool draw_row(canvas *page, const sheet_request *r, const layout *l, uint32_t i,
                     raster *grid, tool_error *error) {
    const sparsed_pattern_entry *entry = &r->input->entries[i];
    if (r->scores && entry->score_dtype == 0)
        return tool_fail(error, "%s: layer %u has no block scores", r->input->path, entry->layer);
    sparsed_pattern *pattern = pattern_take(r->input, i, error);
    if (!pattern)
        return false;
    bool done = draw_layer(page, r, l, pattern, entry->layer, i * r->heads, grid, error);
    sparsed_pattern_release(pattern);
    if (l->table)
        draw_labels(page, r, l, entry->layer, i);
    return done;
}

static bool draw_page(canvas *page, const sheet_request *r, const layout *l, tool_error *error) {
    raster grid;
    bool done = panel_grid(&l->shape, &grid, error);
    caption_draw(page, MARGIN, MARGIN, l->width - MARGINS, &l->head);
    for (uint32_t i = 0; done && i < l->layers; i++)
        done = draw_row(page, r, l, i, &grid, error);
    int64_t foot_left = l->width - MARGIN - LEGEND_WIDTH;
    legend_draw(page, foot_left < l->left ? foot_left : l->left,
                l->height - MARGIN - legend_height(&l->foot, &l->shape), &l->foot, &l->shape);
    raster_release(&grid);
    return done;
}

static void make_caption(const sheet_request *r, layout *l) {
    const sparsed_pattern_entry *entries = r->input->entries;
    char layers[32], heads[32];
    panel_shape *shape = &l->shape;
    for (uint32_t i = 1; i < l->layers; i++)
        if (entries[i].ratio < entries[0].ratio || entries[i].ratio > entries[0].ratio)
            shape->info.ratio = 0.0; /* the layers do not share one */
    snprintf(layers, sizeof layers, l->layers > 1 ? "layers %u to %u" : "layer %u",
             entries[0].layer, l->last_layer);
    snprintf(heads, sizeof heads, r->heads > 1 ? "heads %u to %u" : "head %u", r->first_head,
             r->first_head + r->heads - 1);
    snprintf(l->head.title, sizeof l->head.title, "%s, %s", layers, heads);
    caption_add_file(&l->head, r->input->path);
    caption_add_shape(&l->head, shape);
    if (r->scores)
        caption_add(&l->head, "block scores");
    caption_add(&l->head, "query blocks run down, key blocks across");
    caption_add(&l->head,
                shape->info.batch > 1 ? "numbers: density of all batches" : "numbers: density");
}

static bool prepare(const sheet_request *r, layout *l, tool_error *error) {
    sparsed_pattern *pattern = pattern_take(r->input, 0, error);
    if (!pattern)
        return false;
    bool done = panel_shape_of(pattern, r->batch, r->side, &l->shape, error);
    if (done && (uint64_t)r->first_head + r->heads > l->shape.info.heads)
        done = pattern_check_index("head", "heads", r->first_head, l->shape.info.heads, error);
    if (done) {
        make_caption(r, l);
        done = make_layout(r, pattern, l, error);
    }
    sparsed_pattern_release(pattern);
    return done;
}

bool sheet_draw(const sheet_request *request, canvas *page, tool_error *error) {
    layout l = {.layers = (uint32_t)request->input->count,
                .last_layer = request->input->entries[request->input->count - 1].layer};
    if (!prepare(request, &l, error) ||
        !canvas_create(page, (uint32_t)l.width, (uint32_t)l.height, error))
        return false;
    if (draw_page(page, request, &l, error))
        return true;
    canvas_release(page);
    return false;
}
