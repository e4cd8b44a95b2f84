/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Pictures of patterns: each pixel of panels, pages and contact sheets, and `sparsed pattern
 * show`. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pattern/panel.h"
#include "pattern/pattern_command.h"
#include "pattern/picture.h"
#include "pattern/sheet.h"
#include "picture/colormap.h"
#include "picture/png.h"
#include "src/alloc.h"
#include "src/pattern.h"
#include "support/pattern_case.h"
#include "support/random.h"
#include "support/test_files.h"

static bool same(color a, color b) {
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

static sparsed_pattern_info info_of(uint32_t heads, uint64_t q_len, uint64_t kv_len,
                                    uint32_t block_q, uint32_t block_k, uint64_t gen_len) {
    return (sparsed_pattern_info){.struct_size = sizeof(sparsed_pattern_info),
                                  .batch = 1,
                                  .heads = heads,
                                  .block_q = block_q,
                                  .block_k = block_k,
                                  .mode = SPARSED_MODE_JOINT,
                                  .ratio = 0.5,
                                  .q_len = q_len,
                                  .kv_len = kv_len,
                                  .gen_len = gen_len};
}

/* A pattern of random blocks, and its mask, to be freed. */
static sparsed_pattern *random_pattern(const sparsed_pattern_info *info, uint8_t **mask) {
    uint64_t q_blocks = (info->q_len + info->block_q - 1) / info->block_q;
    uint64_t k_blocks = (info->kv_len + info->block_k - 1) / info->block_k;
    uint64_t count = info->batch * info->heads * q_blocks * k_blocks;
    *mask = calloc(count, 1);
    assert_non_null(*mask);
    random_mask(*mask, count, 7);
    return mask_pattern(info, *mask);
}

static panel_shape shape_of(const sparsed_pattern *pattern, uint32_t batch, uint32_t side) {
    panel_shape shape;
    tool_error error;
    if (!panel_shape_of(pattern, batch, side, &shape, &error))
        fail_msg("%s", error.text);
    return shape;
}

enum { FROM_X = 9, FROM_Y = 5 }; /* where draw_kept puts the panel */

/* A canvas with a little room around one panel. */
static canvas draw(const sparsed_pattern *pattern, const panel_shape *shape, uint32_t head,
                   bool scores) {
    canvas page;
    raster grid;
    tool_error error;
    assert_true(canvas_create(&page, shape->width + 20, shape->height + 20, &error));
    assert_true(panel_grid(shape, &grid, &error));
    for (int i = 0; i < 2; i++) { /* the grid serves again and again */
        bool done =
            scores ? panel_draw_scores(&page, FROM_X, FROM_Y, shape, pattern, head, &grid, &error)
                   : panel_draw_kept(&page, FROM_X, FROM_Y, shape, pattern, head, &grid, &error);
        if (!done)
            fail_msg("%s", error.text);
    }
    raster_release(&grid);
    return page;
}

static color panel_pixel(const canvas *page, int64_t x, int64_t y) {
    return canvas_get(page, FROM_X + x, FROM_Y + y);
}

/* Nothing is drawn but the panel and a frame around it. */
static void check_outside(const canvas *page, const panel_shape *shape) {
    for (int64_t y = 0; y < (int64_t)page->height; y++)
        for (int64_t x = 0; x < (int64_t)page->width; x++) {
            int64_t left = x - FROM_X, top = y - FROM_Y;
            bool inside = left >= -1 && left <= (int64_t)shape->width && top >= -1 &&
                          top <= (int64_t)shape->height;
            bool frame = inside && (left == -1 || left == (int64_t)shape->width || top == -1 ||
                                    top == (int64_t)shape->height);
            if (!inside)
                assert_true(same(canvas_get(page, x, y), COLOR_WHITE));
            if (frame)
                assert_true(same(canvas_get(page, x, y), COLOR_INK));
        }
}

static void check_blocks(uint64_t q_len, uint64_t kv_len, uint32_t block_q, uint32_t block_k,
                         uint32_t side) {
    uint8_t *mask;
    sparsed_pattern_info info = info_of(2, q_len, kv_len, block_q, block_k, 0);
    sparsed_pattern *pattern = random_pattern(&info, &mask);
    panel_shape shape = shape_of(pattern, 0, side);
    uint64_t rows = shape.info.q_blocks, columns = shape.info.k_blocks;
    assert_true(shape.crisp);
    assert_true(shape.width <= side && shape.height <= side);
    canvas page = draw(pattern, &shape, 1, false);
    for (uint64_t y = 0; y < shape.height; y++)
        for (uint64_t x = 0; x < shape.width; x++) {
            uint64_t row = y / (shape.height / rows), column = x / (shape.width / columns);
            bool kept = mask[(rows + row) * columns + column] != 0;
            assert_true(
                same(panel_pixel(&page, (int64_t)x, (int64_t)y), colormap_at(kept ? 1.0 : 0.0)));
        }
    check_outside(&page, &shape);
    canvas_release(&page);
    sparsed_pattern_release(pattern);
    free(mask);
}

static void test_panel_draw_kept__each_block_is_a_rectangle(void **state) {
    (void)state;
    check_blocks(48, 100, 16, 32, 200);
    check_blocks(512, 512, 128, 32, 300);
    check_blocks(512, 512, 16, 128, 300);
    check_blocks(16, 4096, 16, 32, 300); /* one query block */
    check_blocks(1600, 1600, 16, 16, 100);
    check_blocks(768, 8192, 16, 16, 512); /* 48 rows, of which 64 pixels would be no multiple */
}

static void test_panel_shape_of__one_block(void **state) {
    (void)state;
    uint8_t mask = 1;
    sparsed_pattern_info info = info_of(1, 5, 7, 16, 16, 0);
    sparsed_pattern *pattern = mask_pattern(&info, &mask);
    panel_shape shape = shape_of(pattern, 0, 1024);
    assert_int_equal(shape.width, 320);
    assert_int_equal(shape.height, 320);
    canvas page = draw(pattern, &shape, 0, false);
    assert_true(same(panel_pixel(&page, 0, 0), colormap_at(1.0)));
    assert_true(same(panel_pixel(&page, 319, 319), colormap_at(1.0)));
    canvas_release(&page);
    sparsed_pattern_release(pattern);
}

/* Blocks under a pixel's length, times pixels / blocks: how far one of `blocks` covers a pixel. */
static double part(uint64_t block, uint64_t blocks, uint64_t pixel, uint64_t pixels) {
    double begin = (double)block / (double)blocks, end = (double)(block + 1) / (double)blocks;
    double from = (double)pixel / (double)pixels, to = (double)(pixel + 1) / (double)pixels;
    double shared = fmin(end, to) - fmax(begin, from);
    return shared > 0.0 ? shared * (double)pixels : 0.0;
}

static void test_panel_draw_kept__more_blocks_than_pixels_show_shares(void **state) {
    (void)state;
    uint8_t *mask;
    sparsed_pattern_info info = info_of(1, 2000, 2400, 16, 16, 0);
    sparsed_pattern *pattern = random_pattern(&info, &mask);
    panel_shape shape = shape_of(pattern, 0, 64);
    assert_false(shape.crisp);
    assert_int_equal(shape.width, 64);
    assert_int_equal(shape.height, 53); /* 125 of 150 blocks */
    canvas page = draw(pattern, &shape, 0, false);
    for (uint64_t y = 0; y < shape.height; y++)
        for (uint64_t x = 0; x < shape.width; x++) {
            double share = 0.0;
            for (uint64_t i = 0; i < 125; i++)
                for (uint64_t j = 0; j < 150; j++)
                    if (mask[i * 150 + j])
                        share += part(i, 125, y, shape.height) * part(j, 150, x, shape.width);
            color is = panel_pixel(&page, (int64_t)x, (int64_t)y), should = colormap_at(share);
            assert_in_range(is.red + 1 - should.red, 0, 2);
            assert_in_range(is.green + 1 - should.green, 0, 2);
            assert_in_range(is.blue + 1 - should.blue, 0, 2);
        }
    check_outside(&page, &shape);
    canvas_release(&page);
    sparsed_pattern_release(pattern);
    free(mask);
}

/* The line across is the upper one. */
static bool on_dash(int64_t x, int64_t y, int64_t column, int64_t row) {
    return y == row ? x % 8 < 4 : x == column && y % 8 < 4;
}

/* The boundary lines: their columns and rows alone have the accent's colour. */
static void check_boundary(const sparsed_pattern_info *info, uint32_t side, int64_t column,
                           int64_t row) {
    uint8_t *mask;
    sparsed_pattern *pattern = random_pattern(info, &mask);
    panel_shape shape = shape_of(pattern, 0, side);
    canvas page = draw(pattern, &shape, 0, false);
    int64_t found = 0, expected = 0;
    for (int64_t y = 0; y < (int64_t)shape.height; y++)
        for (int64_t x = 0; x < (int64_t)shape.width; x++) {
            bool accent = same(panel_pixel(&page, x, y), COLOR_ACCENT);
            bool dash = on_dash(x, y, column, row);
            assert_int_equal(accent, dash);
            if ((x == column || y == row) && !dash) /* seen on dark blocks */
                assert_true(same(panel_pixel(&page, x, y), COLOR_WHITE));
            found += accent;
            expected += dash;
        }
    assert_int_equal(found, expected);
    canvas_release(&page);
    sparsed_pattern_release(pattern);
    free(mask);
}

static void test_panel_draw_kept__boundary_at_the_first_generation_row(void **state) {
    (void)state;
    /* 8 blocks of 16 tokens, 32 pixels each: token 88 is pixel 176 */
    sparsed_pattern_info square = info_of(1, 128, 128, 16, 16, 40);
    check_boundary(&square, 256, 176, 176);
    /* the queries are the last 64 tokens: 16 pixels a block, but at least 64 down */
    sparsed_pattern_info last = info_of(1, 64, 128, 16, 16, 40);
    check_boundary(&last, 256, 176, (88 - 64) * 2);
    /* 4096 blocks on 128 pixels */
    sparsed_pattern_info binned = info_of(1, 65536, 65536, 16, 16, 16384);
    check_boundary(&binned, 128, 96, 96);
}

static void test_panel_draw_kept__no_boundary_within_one_region(void **state) {
    (void)state;
    sparsed_pattern_info none = info_of(1, 128, 128, 16, 16, 0);
    check_boundary(&none, 256, -1, -1);
    sparsed_pattern_info all = info_of(1, 128, 128, 16, 16, 128);
    check_boundary(&all, 256, -1, -1);
    sparsed_pattern_info generation_queries = info_of(1, 32, 128, 16, 16, 32);
    check_boundary(&generation_queries, 256, 192, -1);
}

/* Batch 1 of 2 has rows 10 .. 89 of 160 alone; it keeps all its blocks. */
static sparsed_pattern *padded_pattern(void) {
    sparsed_pattern_info info = info_of(1, 160, 160, 32, 16, 20);
    spd_extent extents[2] = {{.keys = 160, .queries = 160},
                             {.key_start = 10, .keys = 80, .query_start = 10, .queries = 80}};
    sparsed_pattern *pattern;
    sparsed_message message;
    info.batch = 2;
    assert_int_equal(spd_pattern_check_info(&info, &message), SPARSED_OK);
    for (int b = 0; b < 2; b++)
        spd_pattern_derive_extent(&info, &extents[b]);
    sparsed_allocator libc = spd_default_allocator();
    if (spd_pattern_create(&info, extents, true, &libc, &pattern, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    uint64_t *bits = spd_pattern_own_bits(pattern);
    for (uint64_t i = 0; i < extents[1].q_blocks; i++)
        bits[(info.q_blocks + i) * pattern->row_words] = (1u << extents[1].k_blocks) - 1;
    spd_pattern_count(pattern);
    return pattern;
}

static void test_panel_draw_kept__blocks_out_of_the_valid_rows_are_grey(void **state) {
    (void)state;
    sparsed_pattern *pattern = padded_pattern();
    panel_shape shape = shape_of(pattern, 1, 160); /* 10 key blocks of 16, 5 query blocks of 32 */
    assert_int_equal(shape.width, 160);
    assert_int_equal(shape.height, 160);
    assert_true(panel_has_padding(&shape));
    canvas page = draw(pattern, &shape, 0, false);
    for (int64_t y = 0; y < 160; y++)
        for (int64_t x = 0; x < 160; x++) {
            color is = panel_pixel(&page, x, y);
            bool valid = x < 5 * 16 && y < 3 * 32;
            assert_true(same(is, on_dash(x, y, 60, 60)  ? COLOR_ACCENT
                                 : (x == 60 || y == 60) ? COLOR_WHITE
                                 : valid                ? colormap_at(1.0)
                                                        : COLOR_GREY));
        }
    canvas_release(&page);
    shape = shape_of(pattern, 0, 160);
    assert_false(panel_has_padding(&shape));
    tool_error error;
    assert_false(panel_shape_of(pattern, 2, 160, &shape, &error));
    assert_string_equal(error.text, "--batch is 2, but there are 2 batches, counted from 0");
    sparsed_pattern_release(pattern);
}

/* 3 query blocks of 16 (the last of 8 rows) and 4 key blocks of 16; scores[2][3][4]. */
static sparsed_pattern *scored_pattern(uint32_t mode, uint64_t gen_len, const float *scores) {
    sparsed_pattern_info info = info_of(1, 40, 64, 16, 16, gen_len);
    const uint8_t mask[12] = {1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1};
    sparsed_pattern *plain, *pattern;
    sparsed_message message;
    info.mode = mode;
    plain = mask_pattern(&info, mask);
    if (sparsed_pattern_with_scores(plain, scores, SPARSED_F32, &pattern, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_release(plain);
    return pattern;
}

static const float score_rows[2][3][4] = {
    {{8.0f, 4.0f, 3.9f, 0.1f}, {0.0f, 1e-9f, 16.0f, 0.0f}, {2.0f, 2.0f, 2.0f, 2.0f}},
    {{0.0f, 0.0f, 0.0f, 16.0f}, {0.0f, 0.0f, 0.0f, 0.16f}, {0.0f, 0.0f, 0.0f, 8.0f}}};

/* Scores at the middles of blocks; second: the last column is of the second ranking. */
static void check_scores(const sparsed_pattern *pattern, bool second) {
    static const double rows[3] = {16.0, 16.0, 8.0};
    panel_shape shape = shape_of(pattern, 0, 256);
    int64_t wide = shape.width / 4, high = shape.height / 3;
    assert_int_equal(panel_decades(&shape), 2);
    canvas page = draw(pattern, &shape, 0, true);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            double share = (double)score_rows[second && j == 3][i][j] / rows[i];
            color should = colormap_at(share > 0.0 ? 1.0 + log10(share) / 2.0 : 0.0);
            assert_true(same(panel_pixel(&page, j * wide + wide / 2, i * high + high / 4), should));
        }
    check_outside(&page, &shape);
    canvas_release(&page);
}

static void test_panel_draw_scores__log_of_the_share(void **state) {
    (void)state;
    sparsed_pattern *pattern = scored_pattern(SPARSED_MODE_JOINT, 16, &score_rows[0][0][0]);
    check_scores(pattern, false);
    sparsed_pattern_release(pattern);
    pattern = scored_pattern(SPARSED_MODE_UPSTREAM_LLADA, 16, &score_rows[0][0][0]);
    check_scores(pattern, true);
    sparsed_pattern_release(pattern);
}

static void test_panel_draw_scores__kept_blocks_have_an_outline(void **state) {
    (void)state;
    sparsed_pattern *pattern = scored_pattern(SPARSED_MODE_JOINT, 0, &score_rows[0][0][0]);
    panel_shape shape = shape_of(pattern, 0, 256); /* 64 pixels a block */
    assert_int_equal(shape.width, 256);
    assert_true(panel_has_outlines(&shape));
    canvas page = draw(pattern, &shape, 0, true);
    color ink = panel_outline_ink();
    /* block (0, 0) has a line above, left and right, none to the kept one below */
    assert_true(same(panel_pixel(&page, 32, 0), ink) && same(panel_pixel(&page, 0, 32), ink));
    assert_true(same(panel_pixel(&page, 63, 32), ink));
    assert_false(same(panel_pixel(&page, 32, 63), ink));
    assert_false(same(panel_pixel(&page, 64, 32), ink));
    assert_false(same(panel_pixel(&page, 32, 64), ink));
    /* (1, 0) and (1, 1) are joined; (2, 3) is at the corner */
    assert_false(same(panel_pixel(&page, 63, 64 + 32), ink));
    assert_true(same(panel_pixel(&page, 127, 64 + 32), ink));
    assert_true(same(panel_pixel(&page, 64 + 32, 127), ink));
    assert_true(same(panel_pixel(&page, 255, 191), ink));
    canvas_release(&page);
    sparsed_pattern_release(pattern);
}

static picture_request request_of(const sparsed_pattern *pattern, uint32_t side, bool scores) {
    return (picture_request){.path = "folder/a-very-long-name-of-a-file-that-has-to-be-cut-to-fit-"
                                     "the-page-of-a-small-picture.spdp",
                             .pattern = pattern,
                             .layer = 11,
                             .side = side,
                             .scores = scores};
}

/* The outermost pixels of a page are white: nothing was cut off. */
static void check_margin(const canvas *page) {
    for (int64_t y = 0; y < (int64_t)page->height; y++)
        for (int64_t x = 0; x < (int64_t)page->width; x++)
            if (x < 4 || y < 4 || x >= (int64_t)page->width - 4 || y >= (int64_t)page->height - 4)
                assert_true(same(canvas_get(page, x, y), COLOR_WHITE));
}

static void check_page(const sparsed_pattern_info *info, uint32_t side) {
    uint8_t *mask;
    canvas page, panel;
    picture_place place;
    tool_error error;
    sparsed_pattern *pattern = random_pattern(info, &mask);
    panel_shape shape = shape_of(pattern, 0, side);
    picture_request request = request_of(pattern, side, false);
    if (!picture_draw(&request, &page, &place, &error))
        fail_msg("%s", error.text);
    check_margin(&page);
    panel = draw(pattern, &shape, 0, false);
    for (int64_t y = -1; y <= (int64_t)shape.height; y++)
        for (int64_t x = -1; x <= (int64_t)shape.width; x++)
            assert_true(
                same(canvas_get(&page, place.left + x, place.top + y), panel_pixel(&panel, x, y)));
    canvas_release(&panel);
    canvas_release(&page);
    sparsed_pattern_release(pattern);
    free(mask);
}

static void test_picture_draw__shows_the_panel_with_room_around(void **state) {
    (void)state;
    const sparsed_pattern_info infos[] = {info_of(1, 1, 1, 16, 16, 1),
                                          info_of(1, 128, 128, 16, 16, 40),
                                          info_of(1, 32, 65536, 32, 32, 32),
                                          info_of(1, 16384, 16384, 128, 32, 128),
                                          info_of(1, 16384, 16384, 16, 128, 16000),
                                          info_of(1, 2000, 2000, 16, 16, 0)};
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        check_page(&infos[i], 128);
        check_page(&infos[i], 700);
    }
}

static void test_picture_draw__refuses_what_is_not_there(void **state) {
    (void)state;
    uint8_t *mask;
    canvas page;
    tool_error error;
    sparsed_pattern_info info = info_of(2, 128, 128, 16, 16, 40);
    sparsed_pattern *pattern = random_pattern(&info, &mask);
    picture_request request = request_of(pattern, 128, true);
    assert_false(picture_draw(&request, &page, NULL, &error));
    assert_non_null(strstr(error.text, "layer 11 has no block scores"));
    request.scores = false;
    request.head = 2;
    assert_false(picture_draw(&request, &page, NULL, &error));
    assert_string_equal(error.text, "--head is 2, but there are 2 heads, counted from 0");
    sparsed_pattern_release(pattern);
    free(mask);
}

/* Saves one pattern as all layers of a file. */
static void save_set(const char *path, const sparsed_pattern *pattern, uint32_t layers) {
    sparsed_pattern **patterns = calloc(layers, sizeof *patterns);
    uint32_t *numbers = calloc(layers, sizeof *numbers);
    sparsed_pattern_set *set;
    sparsed_message message;
    assert_true(patterns && numbers);
    for (uint32_t i = 0; i < layers; i++) {
        patterns[i] = (sparsed_pattern *)pattern;
        numbers[i] = i;
    }
    if (sparsed_pattern_set_create(NULL, patterns, numbers, layers, NULL, &set, &message) !=
            SPARSED_OK ||
        sparsed_pattern_set_save(set, path, &message) != SPARSED_OK)
        fail_msg("%s", message.text);
    sparsed_pattern_set_release(set);
    free(patterns);
    free(numbers);
}

static void save_random(const char *path, uint32_t layers, uint32_t heads, uint64_t length) {
    uint8_t *mask;
    sparsed_pattern_info info = info_of(heads, length, length, 16, 16, 16);
    sparsed_pattern *pattern = random_pattern(&info, &mask);
    save_set(path, pattern, layers);
    sparsed_pattern_release(pattern);
    free(mask);
}

/* A sheet of all of a file. */
static bool draw_sheet(const char *path, uint32_t heads, canvas *page, tool_error *error) {
    pattern_input input;
    if (!pattern_open(path, NULL, &input, error))
        return false;
    sheet_request request = {.input = &input, .heads = heads, .side = 256};
    bool done = sheet_draw(&request, page, error);
    pattern_close(&input);
    return done;
}

static void test_sheet_draw__panels_shrink_and_stay_within_the_page(void **state) {
    test_folder *folder = *state;
    static const uint32_t sizes[][2] = {{1, 7}, {7, 1}, {3, 2}, {32, 32}, {4, 90}, {110, 5}};
    const char *path = test_folder_path(folder, "set.spdp");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        canvas page;
        tool_error error;
        save_random(path, sizes[i][0], sizes[i][1], 300);
        if (!draw_sheet(path, sizes[i][1], &page, &error))
            fail_msg("%s", error.text);
        assert_true(page.width <= SHEET_MAX_SIDE && page.height <= SHEET_MAX_SIDE);
        check_margin(&page);
        canvas_release(&page);
    }
}

static void test_sheet_draw__refuses_too_many_panels(void **state) {
    test_folder *folder = *state;
    canvas page;
    tool_error error;
    const char *path = test_folder_path(folder, "set.spdp");
    save_random(path, 3, 200, 16);
    assert_false(draw_sheet(path, 200, &page, &error));
    assert_string_equal(error.text, "a sheet of 3 layers x 200 heads does not fit 4000 x 4000 "
                                    "pixels: show one layer (--layer) or one head (--head)");
}

/* Runs `show` with the words; "" is the error's text if it works. */
static const char *show(char *const words[], tool_error *error) {
    int count = 0;
    while (words[count])
        count++;
    *error = (tool_error){false, ""};
    bool done = pattern_show(count, (char **)words, error);
    assert_int_equal(done, error->text[0] == '\0');
    return error->text;
}

static void skip_without_png(void) {
    tool_error error;
    if (!png_available(&error)) {
        print_message("%s\n", error.text);
        skip();
    }
}

static void test_pattern_show__writes_pictures(void **state) {
    test_folder *folder = *state;
    tool_error error;
    char in[512], out[512];
    skip_without_png();
    strcpy(in, test_folder_path(folder, "set.spdp"));
    strcpy(out, test_folder_path(folder, "picture.png"));
    save_random(in, 3, 4, 300);
    assert_string_equal(show((char *[]){in, "--output", out, NULL}, &error), "");
    assert_string_equal(show((char *[]){in, "--output", out, "--layer", "2", NULL}, &error), "");
    assert_string_equal(show((char *[]){in, "--output", out, "--head", "3", NULL}, &error), "");
    assert_string_equal(
        show((char *[]){in, "--output", out, "--head", "3", "--layer", "0", NULL}, &error), "");
    assert_int_equal(test_folder_count(folder, "picture.png"), 1);
    assert_int_equal(test_folder_count(folder, ""), 2);
}

static void test_pattern_show__says_what_is_wrong(void **state) {
    test_folder *folder = *state;
    tool_error error;
    char in[512], out[512];
    skip_without_png();
    strcpy(in, test_folder_path(folder, "set.spdp"));
    strcpy(out, test_folder_path(folder, "picture.png"));
    save_random(in, 3, 4, 300);
    assert_string_equal(show((char *[]){in, NULL}, &error), "--output is missing");
    assert_string_equal(show((char *[]){in, "--output", out, "--size", "63", NULL}, &error),
                        "--size is 63, not 64 to 3600");
    assert_string_equal(
        show((char *[]){in, "--output", out, "--head", "4", "--layer", "1", NULL}, &error),
        "--head is 4, but there are 4 heads, counted from 0");
    assert_string_equal(show((char *[]){in, "--output", out, "--head", "4", NULL}, &error),
                        "--head is 4, but there are 4 heads, counted from 0");
    assert_string_equal(show((char *[]){in, "--output", out, "--batch", "1", NULL}, &error),
                        "--batch is 1, but there is 1 batch, counted from 0");
    assert_non_null(
        strstr(show((char *[]){in, "--output", out, "--layer", "3", NULL}, &error), "layer 3"));
    assert_non_null(strstr(show((char *[]){in, "--output", out, "--scores", NULL}, &error),
                           "layer 0 has no block scores"));
    assert_non_null(
        strstr(show((char *[]){in, "--output", in, NULL}, &error), "which does not end in .png"));
    strcpy(out, test_folder_path(folder, "set.png"));
    assert_int_equal(rename(in, out), 0);
    assert_non_null(strstr(show((char *[]){out, "--output", out, NULL}, &error), "is read"));
    assert_int_equal(test_folder_count(folder, ""), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panel_draw_kept__each_block_is_a_rectangle),
        cmocka_unit_test(test_panel_shape_of__one_block),
        cmocka_unit_test(test_panel_draw_kept__more_blocks_than_pixels_show_shares),
        cmocka_unit_test(test_panel_draw_kept__boundary_at_the_first_generation_row),
        cmocka_unit_test(test_panel_draw_kept__no_boundary_within_one_region),
        cmocka_unit_test(test_panel_draw_kept__blocks_out_of_the_valid_rows_are_grey),
        cmocka_unit_test(test_panel_draw_scores__log_of_the_share),
        cmocka_unit_test(test_panel_draw_scores__kept_blocks_have_an_outline),
        cmocka_unit_test(test_picture_draw__shows_the_panel_with_room_around),
        cmocka_unit_test(test_picture_draw__refuses_what_is_not_there),
        TEST_IN_FOLDER(test_sheet_draw__panels_shrink_and_stay_within_the_page),
        TEST_IN_FOLDER(test_sheet_draw__refuses_too_many_panels),
        TEST_IN_FOLDER(test_pattern_show__writes_pictures),
        TEST_IN_FOLDER(test_pattern_show__says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
