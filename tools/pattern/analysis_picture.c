/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The page: which maps there are, where they lie, then all of them drawn. */
#include "pattern/analysis_picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/analysis_report.h"
#include "pattern/heat_map.h"
#include "picture/font.h"

enum {
    MARGIN = 40,
    MARGINS = 2 * MARGIN,
    GAP = 48, /* between maps */
    TITLE_SCALE = 3,
    SCALE = 2,
    LINE = FONT_LINE * SCALE,
    TWO_LINES = 2 * LINE,
    MAX_MAPS = 6,
    ROW_MAPS = 3, /* in a row of the page */
    GAPS = (ROW_MAPS - 1) * GAP,
    MAP_SIDE = 512,
    STEP_SIDE_LEAST = 240,
    STEP_SIDE = 576,
    STEP_CELL_MOST = 72, /* has room for a third decimal */
    CELL_MOST = 64,
    CELL_LEAST = 2,
    PANEL_SIDE = 112, /* of the small maps, heads against heads */
    BAR_WIDTH = 3 * PANEL_SIDE,
    PANEL_SIDE_FEW = 224, /* of no more than FEW_PANELS of them */
    FEW_PANELS = 12,
    PANEL_GAP = 24,
    PAGE_WIDTH = 1560, /* the least */
    TEXT_BYTES = 400
};

/* A map and where it lies. */
typedef struct placed_map {
    heat_map map;
    int64_t x, y;
} placed_map;

typedef struct panel_grid {
    int64_t side, step_x, step_y, y; /* y: of the section's title; 0 panels: nothing to draw */
    size_t columns, panels;
    heat_map scale; /* the range of colours that all share */
} panel_grid;

typedef struct page_plan {
    placed_map maps[MAX_MAPS];
    size_t map_count;
    double *by_head; /* [MAX_MAPS][layers][heads]; owned */
    panel_grid panels;
    int64_t width, height;
} page_plan;

/* In the order of analysis_class, from ANALYSIS_COLUMN on. */
static const heat_map_key class_keys[] = {
    {{0, 114, 178}, "column"}, {{230, 159, 0}, "diagonal"}, {{190, 190, 190}, "mixed"}};

static int64_t fit_cell(size_t cells, int64_t side, int64_t most) {
    int64_t cell = side / (int64_t)cells;
    return cell < CELL_LEAST ? CELL_LEAST : cell > most ? most : cell;
}

static int64_t cell_for(size_t cells) {
    return fit_cell(cells, MAP_SIDE, CELL_MOST);
}

/* Few steps get more room, for the words beside them. */
static int64_t step_cell_for(size_t steps) {
    int64_t cell = fit_cell(steps, STEP_SIDE, STEP_CELL_MOST),
            wide = STEP_SIDE_LEAST / (int64_t)steps;
    return cell < wide ? wide : cell;
}

/* A map of layers and heads, whose values the caller fills in. */
static double *add_head_map(const analysis *a, page_plan *plan, const char *title) {
    double *values = plan->by_head + plan->map_count * a->layers * a->heads;
    plan->maps[plan->map_count++].map = (heat_map){.title = title,
                                                   .x_title = "head",
                                                   .y_title = "layer",
                                                   .rows = a->layers,
                                                   .columns = a->heads,
                                                   .row_names = a->layer,
                                                   .values = values,
                                                   .cell_width = cell_for(a->heads),
                                                   .cell_height = cell_for(a->layers)};
    return values;
}

static void add_measure_map(const analysis *a, page_plan *plan, const char *title,
                            analysis_measure measure, const analysis_measure *minus) {
    double *values = add_head_map(a, plan, title);
    for (size_t i = 0; i < a->layers * a->heads; i++) {
        const double *of_head = a->of_head[i].value;
        values[i] = of_head[measure] - (minus ? of_head[*minus] : 0.0);
    }
    heat_map_fit(&plan->maps[plan->map_count - 1].map, false);
}

static void add_class_map(const analysis *a, page_plan *plan) {
    double *values = add_head_map(a, plan, "What explains a head");
    heat_map *map = &plan->maps[plan->map_count - 1].map;
    for (size_t i = 0; i < a->layers * a->heads; i++)
        values[i] = a->of_head[i].class - ANALYSIS_COLUMN;
    map->keys = class_keys;
    map->key_count = sizeof class_keys / sizeof *class_keys;
}

static void add_step_map(const analysis *a, page_plan *plan, const char *title, const char *x_title,
                         const char *y_title, const double *values) {
    heat_map *map = &plan->maps[plan->map_count++].map;
    *map = (heat_map){.title = title,
                      .x_title = x_title,
                      .y_title = y_title,
                      .rows = a->steps,
                      .columns = a->steps,
                      .row_names = a->step,
                      .column_names = a->step,
                      .values = values,
                      .cell_width = step_cell_for(a->steps),
                      .cell_height = step_cell_for(a->steps)};
}

static void add_maps(const analysis *a, page_plan *plan) {
    static const analysis_measure window = ANALYSIS_WINDOW;
    if (a->score_dtype && a->steps > 1)
        add_measure_map(a, plan, "Mass kept by an earlier step's pattern", ANALYSIS_RETAINED_MEAN,
                        NULL);
    if (a->steps > 1)
        add_measure_map(a, plan, "Jaccard of two steps, mean", ANALYSIS_JACCARD_MEAN, NULL);
    if (a->score_dtype)
        add_class_map(a, plan);
    if (a->score_dtype)
        add_measure_map(a, plan, "Mass kept beyond window + sinks", ANALYSIS_OWN, &window);
    if (a->score_dtype && a->steps > 1) {
        add_step_map(a, plan, "Mass kept, mean of heads", "step of the scores",
                     "step of the pattern", a->retained);
        heat_map_fit(&plan->maps[plan->map_count - 1].map, false);
    }
    if (a->steps > 1) {
        add_step_map(a, plan, "Jaccard of two steps, mean of heads", "step", "step", a->jaccard);
        heat_map_fit(&plan->maps[plan->map_count - 1].map, true);
        plan->maps[plan->map_count - 1].map.highest = 1.0; /* the diagonal */
    }
}

/* Lays the maps out in rows; y: of the first row. Returns the y below the last one. */
static int64_t place_maps(page_plan *plan, int64_t y) {
    int64_t widest = 0;
    for (size_t i = 0; i < plan->map_count; i++) {
        heat_map_size size = heat_map_measure(&plan->maps[i].map);
        widest = size.width > widest ? size.width : widest;
    }
    for (size_t i = 0; i < plan->map_count; i += ROW_MAPS) {
        int64_t height = 0;
        for (size_t j = i; j < plan->map_count && j < i + ROW_MAPS; j++) {
            int64_t needed = heat_map_measure(&plan->maps[j].map).height;
            plan->maps[j].x = MARGIN + (int64_t)(j - i) * (widest + GAP);
            plan->maps[j].y = y;
            height = needed > height ? needed : height;
        }
        y += height + GAP;
    }
    int64_t width = ROW_MAPS * widest + GAPS + MARGINS;
    if (plan->map_count > 0 && plan->width < width)
        plan->width = width;
    return y;
}

/* The colours' range over all layers, up to 1, the diagonal. */
static void fit_panels(const analysis *a, heat_map *scale) {
    for (size_t l = 0; l < a->layers; l++) {
        heat_map one = {
            .rows = a->heads, .columns = a->heads, .values = a->of_layer[l].head_jaccard};
        heat_map_fit(&one, true);
        if (l == 0 || one.lowest < scale->lowest)
            scale->lowest = one.lowest;
    }
    scale->highest = 1.0;
}

static int64_t place_panels(const analysis *a, page_plan *plan, int64_t y) {
    panel_grid *grid = &plan->panels;
    if (a->heads < 2)
        return y;
    int64_t side = a->layers <= FEW_PANELS ? PANEL_SIDE_FEW : PANEL_SIDE;
    int64_t cell = (side + (int64_t)a->heads - 1) / (int64_t)a->heads;
    cell = cell > CELL_MOST ? CELL_MOST : cell;
    grid->scale =
        (heat_map){.rows = a->heads, .columns = a->heads, .cell_width = cell, .cell_height = cell};
    fit_panels(a, &grid->scale);
    grid->panels = a->layers;
    grid->side = cell * (int64_t)a->heads;
    grid->step_x = grid->side + PANEL_GAP;
    if (grid->step_x < PANEL_SIDE + PANEL_GAP)
        grid->step_x = PANEL_SIDE + PANEL_GAP;
    grid->step_y = grid->side + PANEL_GAP + LINE;
    grid->y = y;
    int64_t columns = (plan->width - MARGINS + PANEL_GAP) / grid->step_x;
    grid->columns = columns < 1 ? 1 : (size_t)columns;
    size_t rows = (grid->panels + grid->columns - 1) / grid->columns;
    return y + TWO_LINES + (int64_t)rows * grid->step_y + TWO_LINES;
}

static void draw_panels(const analysis *a, const panel_grid *grid, canvas *page) {
    char text[TEXT_BYTES];
    if (grid->panels == 0)
        return;
    font_draw(page, MARGIN, grid->y, SCALE, FONT_LEFT, COLOR_INK,
              "Jaccard of two heads of a layer (head across and down), mean of steps");
    int64_t top = grid->y + TWO_LINES, bottom = top;
    for (size_t l = 0; l < grid->panels; l++) {
        heat_map map = grid->scale;
        int64_t x = MARGIN + (int64_t)(l % grid->columns) * grid->step_x;
        int64_t y = top + (int64_t)(l / grid->columns) * grid->step_y;
        map.values = a->of_layer[l].head_jaccard;
        snprintf(text, sizeof text, "%u", a->layer[l]);
        if (l == 0)
            snprintf(text, sizeof text, "layer %u", a->layer[l]);
        font_draw(page, x, y, SCALE, FONT_LEFT, COLOR_INK, text);
        heat_map_draw_cells(page, &map, x, y + LINE - 4);
        bottom = y + grid->step_y;
    }
    heat_map_draw_bar(page, &grid->scale, MARGIN, bottom, BAR_WIDTH);
}

/* The last part of a path. */
static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void draw_page(const analysis *a, const char *path, const page_plan *plan, canvas *page) {
    char text[TEXT_BYTES], settings[TEXT_BYTES];
    int used = snprintf(text, sizeof text, "%.120s: %zu layer%s x %zu head%s, ", file_name(path),
                        a->layers, a->layers == 1 ? "" : "s", a->heads, a->heads == 1 ? "" : "s");
    if (a->steps == 1)
        snprintf(text + used, sizeof text - (size_t)used, "step %u", a->step[0]);
    else
        snprintf(text + used, sizeof text - (size_t)used, "%zu steps, %u to %u", a->steps,
                 a->step[0], a->step[a->steps - 1]);
    font_draw(page, MARGIN, MARGIN, TITLE_SCALE, FONT_LEFT, COLOR_BLACK, text);
    analysis_write_settings(a, settings, sizeof settings);
    font_draw(page, MARGIN, MARGIN + LINE + 16, SCALE, FONT_LEFT, COLOR_INK, settings);
    for (size_t i = 0; i < plan->map_count; i++)
        heat_map_draw(page, &plan->maps[i].map, plan->maps[i].x, plan->maps[i].y);
    draw_panels(a, &plan->panels, page);
}

bool analysis_draw(const analysis *a, const char *path, canvas *page, tool_error *error) {
    page_plan plan = {.width = PAGE_WIDTH};
    bool done = false;
    if (a->layers > CANVAS_MAX_SIDE || a->heads > CANVAS_MAX_SIDE)
        return tool_fail(error, "%zu layers of %zu heads are too many for a picture", a->layers,
                         a->heads);
    plan.by_head = calloc(MAX_MAPS * a->layers * a->heads, sizeof *plan.by_head);
    if (!plan.by_head)
        return tool_fail(error, "no memory for a picture of %zu layers", a->layers);
    add_maps(a, &plan);
    plan.height = place_panels(a, &plan, place_maps(&plan, MARGIN + 3 * LINE + GAP)) + MARGIN;
    if (plan.map_count == 0 && plan.panels.panels == 0)
        tool_fail(error,
                  "%s holds one step and one head without scores: nothing to compare in a "
                  "picture",
                  path);
    else if (plan.width > CANVAS_MAX_SIDE || plan.height > CANVAS_MAX_SIDE)
        tool_fail(error,
                  "%zu layers of %zu heads need a picture of %lld x %lld pixels, more than %d: "
                  "choose fewer with --layers",
                  a->layers, a->heads, (long long)plan.width, (long long)plan.height,
                  CANVAS_MAX_SIDE);
    else
        done = canvas_create(page, (uint32_t)plan.width, (uint32_t)plan.height, error);
    if (done)
        draw_page(a, path, &plan, page);
    free(plan.by_head);
    return done;
}
