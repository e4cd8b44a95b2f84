/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Heat maps and the page of the analysis, by the pixels that they leave.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pattern/analysis_picture.h"
#include "pattern/heat_map.h"
#include "picture/colormap.h"
#include "picture/font.h"

static const heat_map_key keys[] = {{{10, 20, 30}, "one"}, {{40, 50, 60}, "two"}};

static void assert_color(const canvas *page, int64_t x, int64_t y, color expected) {
    color actual = canvas_get(page, x, y);
    if (memcmp(&actual, &expected, sizeof actual) != 0)
        fail_msg("pixel (%d, %d) is %d %d %d, not %d %d %d", (int)x, (int)y, actual.red,
                 actual.green, actual.blue, expected.red, expected.green, expected.blue);
}

static canvas make_canvas(uint32_t width, uint32_t height) {
    canvas page;
    tool_error error = {false, ""};
    if (!canvas_create(&page, width, height, &error))
        fail_msg("%s", error.text);
    return page;
}

static void test_heat_map_fit__rounds_outwards(void **state) {
    (void)state;
    const double values[4] = {0.43, NAN, 0.66, 0.5};
    heat_map map = {.rows = 2, .columns = 2, .values = values};
    heat_map_fit(&map, false);
    assert_true(fabs(map.lowest - 0.4) < 1e-12);
    assert_true(fabs(map.highest - 0.7) < 1e-12);
}

static void test_heat_map_fit__narrow_range_to_hundredths(void **state) {
    (void)state;
    const double values[2] = {0.708, 0.751};
    heat_map map = {.rows = 1, .columns = 2, .values = values};
    heat_map_fit(&map, false);
    assert_true(fabs(map.lowest - 0.70) < 1e-12);
    assert_true(fabs(map.highest - 0.76) < 1e-12);
}

static void test_heat_map_fit__leaves_out_the_diagonal(void **state) {
    (void)state;
    const double values[4] = {1.0, 0.42, 0.44, 1.0};
    heat_map map = {.rows = 2, .columns = 2, .values = values};
    heat_map_fit(&map, true);
    assert_true(fabs(map.highest - 0.44) < 1e-12);
    heat_map_fit(&map, false);
    assert_true(map.highest == 1.0);
}

static void test_heat_map_fit__equal_or_no_values_give_a_range(void **state) {
    (void)state;
    const double equal[2] = {1.0, 1.0}, none[2] = {NAN, NAN};
    heat_map map = {.rows = 1, .columns = 2, .values = equal};
    heat_map_fit(&map, false);
    assert_true(map.highest > map.lowest && map.highest == 1.0);
    map.values = none;
    heat_map_fit(&map, false);
    assert_true(map.highest > map.lowest);
}

static void test_heat_map_draw_cells__colors_where_they_belong(void **state) {
    (void)state;
    const double values[6] = {0.0, 0.5, 1.0, 0.25, 0.75, NAN};
    heat_map map = {.rows = 2,
                    .columns = 3,
                    .values = values,
                    .lowest = 0.0,
                    .highest = 1.0,
                    .cell_width = 4,
                    .cell_height = 3};
    canvas page = make_canvas(20, 12);
    heat_map_draw_cells(&page, &map, 2, 2);
    for (size_t r = 0; r < 2; r++)
        for (size_t c = 0; c < 3; c++)
            for (int64_t i = 0; i < 12; i++)
                assert_color(&page, 2 + (int64_t)c * 4 + i % 4, 2 + (int64_t)r * 3 + i / 4,
                             colormap_at(values[r * 3 + c]));
    assert_color(&page, 1, 1, COLOR_INK);
    assert_color(&page, 14, 8, COLOR_INK);
    assert_color(&page, 15, 9, COLOR_WHITE);
    canvas_release(&page);
}

static void test_heat_map_draw_cells__range_is_stretched_over_the_colors(void **state) {
    (void)state;
    const double values[2] = {0.8, 0.9};
    heat_map map = {.rows = 1,
                    .columns = 2,
                    .values = values,
                    .lowest = 0.8,
                    .highest = 1.0,
                    .cell_width = 4,
                    .cell_height = 4};
    canvas page = make_canvas(12, 8);
    heat_map_draw_cells(&page, &map, 1, 1);
    assert_color(&page, 2, 2, colormap_at(0.0));
    assert_color(&page, 6, 2, colormap_at(0.5));
    canvas_release(&page);
}

/* Width and height of what is drawn on a cell of `side` pixels at (x, y). */
static heat_map_size ink_size(const canvas *page, int64_t x, int64_t y, int64_t side) {
    int64_t left = side, right = -1, top = side, bottom = -1;
    const color ground = canvas_get(page, x, y);
    for (int64_t v = 0; v < side - 1; v++)
        for (int64_t u = 0; u < side - 1; u++) {
            const color at = canvas_get(page, x + u, y + v);
            if (memcmp(&at, &ground, sizeof at) == 0)
                continue;
            left = u < left ? u : left;
            right = u > right ? u : right;
            top = v < top ? v : top;
            bottom = v > bottom ? v : bottom;
        }
    return (heat_map_size){right - left + 1, bottom - top + 1};
}

/* Draws two values, and gives the size of their numbers. */
static void draw_two(double first, double second, double lowest, double highest, int64_t side,
                     heat_map_size sizes[2]) {
    const double values[2] = {first, second};
    heat_map map = {.rows = 1,
                    .columns = 2,
                    .values = values,
                    .lowest = lowest,
                    .highest = highest,
                    .cell_width = side,
                    .cell_height = side};
    canvas page = make_canvas(160, 80);
    heat_map_draw_cells(&page, &map, 1, 1);
    sizes[0] = ink_size(&page, 1, 1, side);
    sizes[1] = ink_size(&page, 1 + side, 1, side);
    canvas_release(&page);
}

static void test_heat_map_draw_cells__numbers_of_one_size(void **state) {
    (void)state;
    heat_map_size sizes[2];
    draw_two(0.53, 0.55, -0.05, 0.6, 56, sizes);
    assert_int_equal(sizes[0].height, 2 * FONT_HEIGHT);
    draw_two(0.53, -0.01, -0.05, 0.6, 56, sizes); /* -0.01 has room at half the size */
    assert_int_equal(sizes[0].height, FONT_HEIGHT);
    assert_int_equal(sizes[1].height, FONT_HEIGHT);
    draw_two(0.53, -0.001, -0.05, 0.6, 56, sizes); /* which is shown as 0.00 */
    assert_int_equal(sizes[1].height, 2 * FONT_HEIGHT);
    draw_two(0.53, NAN, -0.05, 0.6, 12, sizes);
    assert_true(sizes[0].height <= 0);
}

static void test_heat_map_draw_cells__third_decimal_in_a_narrow_range(void **state) {
    (void)state;
    heat_map_size sizes[2];
    draw_two(0.698, 0.718, 0.6, 0.8, 64, sizes);
    assert_int_equal(sizes[0].width, font_text_width("0.70", 2));
    draw_two(0.698, 0.718, 0.69, 0.72, 64, sizes);
    assert_int_equal(sizes[0].width, font_text_width("0.698", 2));
    draw_two(0.698, 0.718, 0.69, 0.72, 56, sizes);
    assert_int_equal(sizes[0].width, font_text_width("0.698", 1));
    draw_two(0.698, 0.718, 0.69, 0.72, 28, sizes);
    assert_int_equal(sizes[0].width, font_text_width("0.70", 1));
}

static void test_heat_map_draw_cells__values_with_keys(void **state) {
    (void)state;
    const double values[3] = {1.0, 0.0, NAN};
    heat_map map = {.rows = 1,
                    .columns = 3,
                    .values = values,
                    .keys = keys,
                    .key_count = 2,
                    .cell_width = 4,
                    .cell_height = 4};
    canvas page = make_canvas(16, 8);
    heat_map_draw_cells(&page, &map, 1, 1);
    assert_color(&page, 1, 1, keys[1].ink);
    assert_color(&page, 5, 1, keys[0].ink);
    assert_color(&page, 9, 1, COLOR_GREY);
    canvas_release(&page);
}

/* Whether every pixel outside of the given area is white. */
static bool is_white_around(const canvas *page, int64_t x, int64_t y, heat_map_size size) {
    for (int64_t v = 0; v < page->height; v++)
        for (int64_t u = 0; u < page->width; u++) {
            color at = canvas_get(page, u, v);
            bool inside = u >= x && u < x + size.width && v >= y && v < y + size.height;
            if (!inside && (at.red != 255 || at.green != 255 || at.blue != 255))
                return false;
        }
    return true;
}

static void test_heat_map_draw__stays_within_its_measure(void **state) {
    (void)state;
    double values[400];
    const uint32_t names[20] = {[19] = 1000000};
    for (size_t i = 0; i < 400; i++)
        values[i] = (double)i / 400.0;
    for (size_t side = 2; side <= 20; side += 9)
        for (size_t key_count = 0; key_count <= 2; key_count += 2) {
            heat_map map = {.title = "A title",
                            .x_title = "x",
                            .y_title = "y",
                            .rows = side,
                            .columns = side,
                            .row_names = side == 20 ? names : NULL,
                            .values = values,
                            .lowest = 0.0,
                            .highest = 1.0,
                            .keys = keys,
                            .key_count = key_count,
                            .cell_width = 20,
                            .cell_height = 20};
            canvas page = make_canvas(1000, 800);
            heat_map_draw(&page, &map, 100, 100);
            assert_true(is_white_around(&page, 100, 100, heat_map_measure(&map)));
            canvas_release(&page);
        }
}

/* An analysis of one layer of two heads without scores, in `steps` steps. */
static analysis small_analysis(size_t steps, analysis_layer *layer, analysis_head *heads) {
    static uint32_t step[2] = {0, 5}, number[1] = {3};
    static double same[4] = {1.0, 0.5, 0.5, 1.0};
    *layer = (analysis_layer){.head_jaccard = same};
    for (size_t h = 0; h < 2; h++)
        heads[h] = (analysis_head){.value = {[ANALYSIS_JACCARD_MEAN] = 0.5}, .jaccard = same};
    return (analysis){.steps = steps,
                      .layers = 1,
                      .heads = 2,
                      .step = step,
                      .layer = number,
                      .of_layer = layer,
                      .of_head = heads,
                      .jaccard = same};
}

static void test_analysis_draw__without_scores(void **state) {
    (void)state;
    analysis_layer layer;
    analysis_head heads[2];
    analysis a = small_analysis(2, &layer, heads);
    canvas page;
    tool_error error = {false, ""};
    if (!analysis_draw(&a, "folder/some.spdp", &page, &error))
        fail_msg("%s", error.text);
    assert_true(page.width > 1000 && page.height > 500);
    canvas_release(&page);
}

static void test_analysis_draw__nothing_to_compare(void **state) {
    (void)state;
    analysis_layer layer;
    analysis_head heads[2];
    analysis a = small_analysis(1, &layer, heads);
    canvas page;
    tool_error error = {false, ""};
    a.heads = 1;
    assert_false(analysis_draw(&a, "some.spdp", &page, &error));
    assert_non_null(strstr(error.text, "some.spdp holds one step and one head without scores"));
}

static void test_analysis_draw__too_many_for_a_page(void **state) {
    (void)state;
    analysis a = {.steps = 1, .layers = CANVAS_MAX_SIDE + 1, .heads = 1};
    canvas page;
    tool_error error = {false, ""};
    assert_false(analysis_draw(&a, "some.spdp", &page, &error));
    assert_non_null(strstr(error.text, "4097 layers"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heat_map_fit__rounds_outwards),
        cmocka_unit_test(test_heat_map_fit__narrow_range_to_hundredths),
        cmocka_unit_test(test_heat_map_fit__leaves_out_the_diagonal),
        cmocka_unit_test(test_heat_map_fit__equal_or_no_values_give_a_range),
        cmocka_unit_test(test_heat_map_draw_cells__colors_where_they_belong),
        cmocka_unit_test(test_heat_map_draw_cells__range_is_stretched_over_the_colors),
        cmocka_unit_test(test_heat_map_draw_cells__numbers_of_one_size),
        cmocka_unit_test(test_heat_map_draw_cells__third_decimal_in_a_narrow_range),
        cmocka_unit_test(test_heat_map_draw_cells__values_with_keys),
        cmocka_unit_test(test_heat_map_draw__stays_within_its_measure),
        cmocka_unit_test(test_analysis_draw__without_scores),
        cmocka_unit_test(test_analysis_draw__nothing_to_compare),
        cmocka_unit_test(test_analysis_draw__too_many_for_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
