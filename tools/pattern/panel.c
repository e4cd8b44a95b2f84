/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Panels: size, boundaries, kept blocks, scores. */
#include "panel.h"

#include <math.h>
#include <stdlib.h>

#include "../picture/colormap.h"
#include "../room.h"
#include "load.h"

enum {
    CELL_MIN = 32,    /* pixels that a block may have even if few blocks stay below ... */
    SMALL_SIDE = 320, /* ... this side; more blocks fill the side that was asked for */
    SHORT_SIDE = 64,  /* least pixels of the shorter side, of a quarter of the longer one */
    OUTLINE_CELL = 6, /* least pixels of a block with an outline */
    THICK_CELL = 12,  /* ... of two pixels */
    DASH = 4,         /* of the boundary lines */
    DECADES_BELOW = 1 /* the log scale ends so far below an even spread over the blocks */
};

#define OUTLINE_INK ((color){255, 127, 14})

color panel_outline_ink(void) {
    return OUTLINE_INK;
}

static uint64_t at_least(uint64_t value, uint64_t least) {
    return value > least ? value : least;
}

/* Pixels of the shorter side: that of the tokens' own proportions, but enough to see something, and
 * whole blocks where a block has a pixel. */
static uint64_t short_pixels(uint64_t count, uint64_t proportional, uint64_t longer) {
    uint64_t blocks = at_least(count, 1);
    uint64_t least = longer / 4 < SHORT_SIDE ? at_least(longer / 4, 1) : SHORT_SIDE;
    uint64_t pixels = at_least(proportional, least);
    return pixels > blocks && pixels % blocks ? (pixels + blocks - 1) / blocks * blocks : pixels;
}

static void find_pixels(panel_shape *shape, uint32_t side) {
    const sparsed_pattern_info *info = &shape->info;
    uint64_t unit = info->block_q < info->block_k ? info->block_q : info->block_k;
    uint64_t wide = info->k_blocks * (info->block_k / unit);
    uint64_t high = info->q_blocks * (info->block_q / unit);
    uint64_t longer = at_least(at_least(wide, high), 1), shorter = wide < high ? wide : high;
    uint64_t pixels = side;
    if (longer <= side) {
        uint64_t cell = side / longer, most = at_least(CELL_MIN, SMALL_SIDE / longer);
        pixels = longer * (cell < most ? cell : most);
    }
    uint64_t proportional = (shorter * pixels + longer / 2) / longer;
    uint64_t other =
        short_pixels(wide < high ? info->k_blocks : info->q_blocks, proportional, pixels);
    shape->width = (uint32_t)(wide < high ? other : pixels);
    shape->height = (uint32_t)(wide < high ? pixels : other);
    shape->crisp = shape->width % info->k_blocks == 0 && shape->height % info->q_blocks == 0;
}

/* rows of an axis that has `pixels` pixels for blocks x block rows. */
static panel_axis find_axis(uint64_t prompt, uint64_t rows, uint64_t blocks, uint64_t block,
                            uint32_t pixels) {
    uint64_t all = blocks * block;
    return (panel_axis){(int64_t)(prompt * pixels / all), (int64_t)(rows * pixels / all)};
}

bool panel_shape_of(const sparsed_pattern *pattern, uint32_t batch, uint32_t side,
                    panel_shape *shape, tool_error *error) {
    *shape = (panel_shape){.info.struct_size = sizeof shape->info,
                           .range.struct_size = sizeof shape->range,
                           .batch = batch};
    sparsed_pattern_info *info = &shape->info;
    sparsed_pattern_range *range = &shape->range;
    if (sparsed_pattern_describe(pattern, info) != SPARSED_OK)
        return tool_fail(error, "the pattern cannot be described");
    if (!pattern_check_index("batch", "batches", batch, info->batch, error))
        return false;
    if (sparsed_pattern_batch(pattern, batch, range) != SPARSED_OK)
        return tool_fail(error, "batch %u of the pattern cannot be described", batch);
    find_pixels(shape, side);
    uint64_t prompt = range->keys > info->gen_len ? range->keys - info->gen_len : 0;
    uint64_t prompt_queries = prompt > range->query_position ? prompt - range->query_position : 0;
    if (prompt_queries > range->queries)
        prompt_queries = range->queries;
    shape->keys = find_axis(prompt, range->keys, info->k_blocks, info->block_k, shape->width);
    shape->queries =
        find_axis(prompt_queries, range->queries, info->q_blocks, info->block_q, shape->height);
    return true;
}

bool panel_has_boundary(const panel_axis *axis) {
    return axis->generation > 0 && axis->generation < axis->end;
}

bool panel_has_padding(const panel_shape *shape) {
    return shape->range.q_blocks < shape->info.q_blocks ||
           shape->range.k_blocks < shape->info.k_blocks;
}

bool panel_has_outlines(const panel_shape *shape) {
    return shape->crisp && shape->width / shape->info.k_blocks >= OUTLINE_CELL &&
           shape->height / shape->info.q_blocks >= OUTLINE_CELL;
}

bool panel_grid(const panel_shape *shape, raster *grid, tool_error *error) {
    return raster_create(grid, shape->info.q_blocks, shape->info.k_blocks, shape->width,
                         shape->height, error);
}

/* Dashes show on light blocks, what is between them on dark ones. */
static color dash_ink(int64_t at) {
    return at / DASH % 2 == 0 ? COLOR_ACCENT : COLOR_WHITE;
}

static void draw_surroundings(canvas *page, int64_t x, int64_t y, const panel_shape *shape) {
    int64_t width = shape->width, height = shape->height;
    if (panel_has_boundary(&shape->keys))
        for (int64_t at = 0; at < height; at++)
            canvas_set(page, x + shape->keys.generation, y + at, dash_ink(at));
    if (panel_has_boundary(&shape->queries))
        for (int64_t at = 0; at < width; at++)
            canvas_set(page, x + at, y + shape->queries.generation, dash_ink(at));
    canvas_frame(page, x, y, width, height, COLOR_INK);
}

/* decades 0: the values themselves, else their logarithms. */
static void draw_grid(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                      const raster *grid, uint32_t decades) {
    for (uint32_t row = 0; row < grid->height; row++)
        for (uint32_t column = 0; column < grid->width; column++) {
            double value =
                raster_mean(grid, shape->range.q_blocks, shape->range.k_blocks, column, row);
            if (decades > 0 && !isnan(value))
                value = value > 0.0 ? 1.0 + log10(value) / decades : 0.0;
            canvas_set(page, x + column, y + row, colormap_at(value));
        }
}

/* The key blocks that a query block keeps. */
static bool read_row(const panel_shape *shape, const sparsed_pattern *pattern, uint32_t head,
                     uint64_t row, uint32_t *blocks, uint64_t *count, tool_error *error) {
    if (sparsed_pattern_row(pattern, shape->batch, head, row, blocks, count) == SPARSED_OK)
        return true;
    return tool_fail(error, "query block %llu of head %u cannot be read", (unsigned long long)row,
                     head);
}

bool panel_draw_kept(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                     const sparsed_pattern *pattern, uint32_t head, raster *grid,
                     tool_error *error) {
    uint32_t *blocks = room_for(shape->info.k_blocks, sizeof *blocks);
    bool done = true;
    uint64_t count;
    if (!blocks)
        return tool_fail(error, "out of memory for a row of blocks");
    raster_clear(grid);
    for (uint64_t row = 0; done && row < shape->range.q_blocks; row++) {
        done = read_row(shape, pattern, head, row, blocks, &count, error);
        if (done) {
            for (uint64_t i = 0; i < count; i++)
                raster_add(grid, blocks[i], 1.0);
            raster_end_row(grid, row);
        }
    }
    free(blocks);
    if (!done)
        return false;
    draw_grid(page, x, y, shape, grid, 0);
    draw_surroundings(page, x, y, shape);
    return true;
}

uint32_t panel_decades(const panel_shape *shape) {
    uint32_t decades = DECADES_BELOW;
    for (uint64_t blocks = 1; blocks < shape->info.k_blocks; blocks *= 10)
        decades++;
    return decades;
}

bool panel_has_two_rankings(const panel_shape *shape) {
    return shape->info.mode == SPARSED_MODE_UPSTREAM_DREAM ||
           shape->info.mode == SPARSED_MODE_UPSTREAM_LLADA;
}

/* Adds one row of scores; scores and generation have room for a row each. */
static bool add_scores(const panel_shape *shape, const sparsed_pattern *pattern, uint32_t head,
                       uint64_t row, float *scores, float *generation, raster *grid,
                       tool_error *error) {
    uint32_t batch = shape->batch;
    bool two = panel_has_two_rankings(shape);
    if (sparsed_pattern_scores(pattern, 0, batch, head, row, scores) != SPARSED_OK ||
        (two && sparsed_pattern_scores(pattern, 1, batch, head, row, generation) != SPARSED_OK))
        return tool_fail(error, "scores of query block %llu of head %u cannot be read",
                         (unsigned long long)row, head);
    uint64_t rows = shape->range.queries - row * shape->info.block_q;
    double mass = shape->info.score_reduce == SPARSED_REDUCE_MAX ? 1.0
                  : rows < shape->info.block_q                   ? (double)rows
                                                                 : (double)shape->info.block_q;
    for (uint64_t column = 0; column < shape->range.k_blocks; column++) {
        float score = two && column >= shape->range.split ? generation[column] : scores[column];
        if (score > 0.0f) /* a NaN counts as nothing, as in the ranking */
            raster_add(grid, column, (double)score / mass);
    }
    raster_end_row(grid, row);
    return true;
}

/* A line inside each kept block along its sides to blocks that are not kept. keeps: the row above,
 * this one and the one below, of k_blocks flags. */
static void outline_row(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                        uint8_t *const keeps[3]) {
    int64_t blocks = (int64_t)shape->info.k_blocks, wide = shape->width / blocks;
    int64_t high = shape->height / (int64_t)shape->info.q_blocks;
    int64_t line = wide >= THICK_CELL && high >= THICK_CELL ? 2 : 1;
    for (int64_t j = 0; j < blocks; j++) {
        int64_t left = x + j * wide;
        if (!keeps[1][j])
            continue;
        if (!keeps[0][j])
            canvas_fill(page, left, y, wide, line, OUTLINE_INK);
        if (!keeps[2][j])
            canvas_fill(page, left, y + high - line, wide, line, OUTLINE_INK);
        if (j == 0 || !keeps[1][j - 1])
            canvas_fill(page, left, y, line, high, OUTLINE_INK);
        if (j + 1 == blocks || !keeps[1][j + 1])
            canvas_fill(page, left + wide - line, y, line, high, OUTLINE_INK);
    }
}

/* Marks the blocks that a row keeps; none past the last row. */
static bool mark_row(const panel_shape *shape, const sparsed_pattern *pattern, uint32_t head,
                     uint64_t row, uint32_t *blocks, uint8_t *keeps, tool_error *error) {
    uint64_t count = 0;
    for (uint64_t j = 0; j < shape->info.k_blocks; j++)
        keeps[j] = 0;
    if (row < shape->range.q_blocks && !read_row(shape, pattern, head, row, blocks, &count, error))
        return false;
    for (uint64_t i = 0; i < count; i++)
        keeps[blocks[i]] = 1;
    return true;
}

static bool draw_outlines(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                          const sparsed_pattern *pattern, uint32_t head, tool_error *error) {
    size_t columns = (size_t)shape->info.k_blocks;
    int64_t high = shape->height / (int64_t)shape->info.q_blocks;
    uint32_t *blocks = room_for(columns, sizeof *blocks);
    uint8_t *flags = room_for(columns, 3);
    bool done = false;
    if (!blocks || !flags) {
        tool_fail(error, "out of memory for rows of blocks");
        goto done;
    }
    done = mark_row(shape, pattern, head, 0, blocks, flags + columns, error);
    for (uint64_t row = 0; done && row < shape->range.q_blocks; row++) {
        uint8_t *keeps[3];
        for (uint64_t i = 0; i < 3; i++)
            keeps[i] = flags + (row + i) % 3 * columns;
        done = mark_row(shape, pattern, head, row + 1, blocks, keeps[2], error);
        if (done)
            outline_row(page, x, y + (int64_t)row * high, shape, keeps);
    }
done:
    free(blocks);
    free(flags);
    return done;
}

bool panel_draw_scores(canvas *page, int64_t x, int64_t y, const panel_shape *shape,
                       const sparsed_pattern *pattern, uint32_t head, raster *grid,
                       tool_error *error) {
    size_t columns = (size_t)shape->info.k_blocks;
    float *scores = room_for(columns, 2 * sizeof *scores);
    bool done = true;
    if (!scores)
        return tool_fail(error, "out of memory for a row of scores");
    raster_clear(grid);
    for (uint64_t row = 0; done && row < shape->range.q_blocks; row++)
        done = add_scores(shape, pattern, head, row, scores, scores + columns, grid, error);
    free(scores);
    if (!done)
        return false;
    draw_grid(page, x, y, shape, grid, panel_decades(shape));
    if (panel_has_outlines(shape) && !draw_outlines(page, x, y, shape, pattern, head, error))
        return false;
    draw_surroundings(page, x, y, shape);
    return true;
}
