/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Pictures in memory: canvas, text, colour scale, ticks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "picture/axis.h"
#include "picture/canvas.h"
#include "picture/colormap.h"
#include "picture/font.h"

static const color red = {255, 0, 0};

static bool same(color a, color b) {
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

static canvas new_canvas(uint32_t width, uint32_t height) {
    canvas page;
    tool_error error;
    if (!canvas_create(&page, width, height, &error))
        fail_msg("%s", error.text);
    return page;
}

/* Pixels of a colour. */
static int count(const canvas *page, color ink) {
    int found = 0;
    for (uint32_t y = 0; y < page->height; y++)
        for (uint32_t x = 0; x < page->width; x++)
            found += same(canvas_get(page, x, y), ink);
    return found;
}

static void test_canvas_create__is_white_and_has_limits(void **state) {
    (void)state;
    canvas page = new_canvas(3, 5);
    tool_error error;
    assert_int_equal(count(&page, COLOR_WHITE), 15);
    canvas_release(&page);
    assert_false(canvas_create(&page, 0, 5, &error));
    assert_string_equal(error.text, "a picture of 0 x 5 pixels: sides are 1 to 4096");
    assert_false(canvas_create(&page, 5, 4097, &error));
    assert_null(page.pixels);
}

static void test_canvas_fill__fills_its_pixels_alone(void **state) {
    (void)state;
    canvas page = new_canvas(7, 6);
    canvas_fill(&page, 2, 1, 3, 4, red);
    assert_int_equal(count(&page, red), 12);
    assert_true(same(canvas_get(&page, 2, 1), red) && same(canvas_get(&page, 4, 4), red));
    assert_true(same(canvas_get(&page, 1, 1), COLOR_WHITE));
    canvas_fill(&page, 0, 0, 0, 4, COLOR_BLACK);
    canvas_fill(&page, 0, 0, 4, -1, COLOR_BLACK);
    assert_int_equal(count(&page, COLOR_BLACK), 0);
    canvas_release(&page);
}

static void test_canvas_fill__cuts_off_what_lies_outside(void **state) {
    (void)state;
    canvas page = new_canvas(4, 4);
    canvas_fill(&page, -3, -2, 4, 4, red);
    assert_int_equal(count(&page, red), 2);
    canvas_fill(&page, 3, 3, 100, 100, red);
    assert_int_equal(count(&page, red), 3);
    canvas_fill(&page, 4, 0, 5, 5, red);
    canvas_fill(&page, -9, 0, 5, 5, red);
    canvas_set(&page, 4, 0, red);
    canvas_set(&page, 0, -1, red);
    assert_int_equal(count(&page, red), 3);
    assert_true(same(canvas_get(&page, 4, 4), COLOR_WHITE));
    canvas_release(&page);
}

static void test_canvas_frame__runs_around(void **state) {
    (void)state;
    canvas page = new_canvas(6, 6);
    canvas_frame(&page, 2, 2, 2, 1, red);
    assert_int_equal(count(&page, red), 10);
    assert_true(same(canvas_get(&page, 1, 1), red) && same(canvas_get(&page, 4, 3), red));
    assert_true(same(canvas_get(&page, 2, 2), COLOR_WHITE));
    canvas_release(&page);
}

static void test_font_draw__pixels_of_a_letter(void **state) {
    (void)state;
    static const char *const letter[7] = {"#####", "..#..", "..#..", "..#..",
                                          "..#..", "..#..", "..#.."};
    for (int scale = 1; scale <= 3; scale++) {
        canvas page = new_canvas(20, 30);
        font_draw(&page, 2, 3, scale, FONT_LEFT, red, "T");
        for (int y = 0; y < 30; y++)
            for (int x = 0; x < 20; x++) {
                int row = (y - 3) / scale, column = (x - 2) / scale;
                bool ink = x >= 2 && y >= 3 && row < 7 && column < 5 && letter[row][column] == '#';
                assert_int_equal(same(canvas_get(&page, x, y), red), ink);
            }
        canvas_release(&page);
    }
}

static void test_font_draw__aligns(void **state) {
    (void)state;
    canvas left = new_canvas(100, 20), right = new_canvas(100, 20), middle = new_canvas(100, 20);
    int64_t width = font_text_width("gap 12", 2);
    assert_int_equal(width, (6 * 6 - 1) * 2);
    assert_int_equal(font_text_width("", 2), 0);
    font_draw(&left, 10, 1, 2, FONT_LEFT, red, "gap 12");
    font_draw(&right, 10 + width, 1, 2, FONT_RIGHT, red, "gap 12");
    font_draw(&middle, 10 + width / 2, 1, 2, FONT_CENTER, red, "gap 12");
    assert_true(count(&left, red) > 50);
    assert_memory_equal(left.pixels, right.pixels, 100 * 20 * 3);
    assert_memory_equal(left.pixels, middle.pixels, 100 * 20 * 3);
    canvas_release(&left);
    canvas_release(&right);
    canvas_release(&middle);
}

static void test_font_draw_up__is_the_same_text_turned(void **state) {
    (void)state;
    canvas level = new_canvas(80, 20), turned = new_canvas(20, 80);
    int64_t width = font_text_width("key 7", 2);
    font_draw(&level, 0, 0, 2, FONT_LEFT, red, "key 7");
    font_draw_up(&turned, 0, 80 - width + width / 2, 2, red, "key 7");
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 80; x++)
            assert_true(same(canvas_get(&level, x, y), canvas_get(&turned, y, 79 - x)));
    canvas_release(&level);
    canvas_release(&turned);
}

static void test_font_draw__other_characters_are_a_question_mark(void **state) {
    (void)state;
    canvas known = new_canvas(60, 10), other = new_canvas(60, 10);
    font_draw(&known, 0, 0, 1, FONT_LEFT, red, "a??b?");
    font_draw(&other, 0, 0, 1, FONT_LEFT, red, "a\xc3\xa4\xe2\x82\xac\x62\x01");
    assert_memory_equal(known.pixels, other.pixels, 60 * 10 * 3);
    canvas_release(&known);
    canvas_release(&other);
}

static void test_font_draw__every_character_differs(void **state) {
    (void)state;
    char text[2] = {0, 0};
    uint8_t seen[95][5 * 9 * 3];
    for (int i = 0; i < 95; i++) {
        canvas page = new_canvas(5, 9);
        text[0] = (char)(32 + i);
        font_draw(&page, 0, 0, 1, FONT_LEFT, red, text);
        memcpy(seen[i], page.pixels, sizeof seen[i]);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], sizeof seen[i]);
        canvas_release(&page);
    }
}

/* CIE lightness, as far as needed: the luminance of linear light. */
static double luminance(color ink) {
    const double weights[3] = {0.2126, 0.7152, 0.0722};
    const uint8_t parts[3] = {ink.red, ink.green, ink.blue};
    double sum = 0.0;
    for (int i = 0; i < 3; i++)
        sum += weights[i] * pow((parts[i] / 255.0 + 0.055) / 1.055, 2.4);
    return cbrt(sum);
}

static void test_colormap_at__darkens_evenly_from_white(void **state) {
    (void)state;
    assert_true(same(colormap_at(0.0), COLOR_WHITE));
    assert_true(same(colormap_at(-1.0), COLOR_WHITE));
    assert_true(same(colormap_at(2.0), colormap_at(1.0)));
    assert_true(same(colormap_at(NAN), COLOR_GREY));
    double span = luminance(colormap_at(0.0)) - luminance(colormap_at(1.0));
    assert_true(span > 0.7);
    for (int i = 0; i < 64; i++) {
        double step = luminance(colormap_at(i / 64.0)) - luminance(colormap_at((i + 1) / 64.0));
        assert_true(step > 0.5 * span / 64.0 && step < 1.5 * span / 64.0);
    }
}

static void test_axis_draw__ticks_at_multiples(void **state) {
    (void)state;
    canvas page = new_canvas(700, 60);
    axis edge = {.x = 50,
                 .y = 5,
                 .count = 65536,
                 .named = 65536,
                 .least_step = 32,
                 .pixels = 512,
                 .scale = 2};
    assert_int_equal(axis_tick_step(&edge), 16384);
    axis_draw_below(&page, &edge);
    for (int x = 0; x < 700; x++) {
        bool tick = x >= 50 && x <= 50 + 512 && (x - 50) % 128 == 0;
        assert_int_equal(same(canvas_get(&page, x, 5), COLOR_INK), tick);
    }
    canvas_release(&page);
}

static void test_axis_draw__begins_where_the_queries_do(void **state) {
    (void)state;
    canvas page = new_canvas(200, 300);
    axis edge = {.x = 100,
                 .y = 10,
                 .from = 1000,
                 .count = 256,
                 .named = 140,
                 .least_step = 32,
                 .pixels = 256,
                 .scale = 2};
    uint64_t step = axis_tick_step(&edge);
    axis_draw_left(&page, &edge);
    for (int y = 0; y < 300; y++) {
        int at = 1000 + y - 10;
        bool tick = at >= 1000 && at <= 1140 && (uint64_t)at % step == 0;
        assert_int_equal(same(canvas_get(&page, 99, y), COLOR_INK), tick);
    }
    canvas_release(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canvas_create__is_white_and_has_limits),
        cmocka_unit_test(test_canvas_fill__fills_its_pixels_alone),
        cmocka_unit_test(test_canvas_fill__cuts_off_what_lies_outside),
        cmocka_unit_test(test_canvas_frame__runs_around),
        cmocka_unit_test(test_font_draw__pixels_of_a_letter),
        cmocka_unit_test(test_font_draw__aligns),
        cmocka_unit_test(test_font_draw_up__is_the_same_text_turned),
        cmocka_unit_test(test_font_draw__other_characters_are_a_question_mark),
        cmocka_unit_test(test_font_draw__every_character_differs),
        cmocka_unit_test(test_colormap_at__darkens_evenly_from_white),
        cmocka_unit_test(test_axis_draw__ticks_at_multiples),
        cmocka_unit_test(test_axis_draw__begins_where_the_queries_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
