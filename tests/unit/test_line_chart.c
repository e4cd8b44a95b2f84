/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Line charts as SVG: a point for each value that has a place, gaps, names as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page/line_chart.h"
#include "support/page_text.h"

static const double lengths[] = {1024.0, 2048.0, 4096.0, 8192.0};

static char *draw(const line_series *series, size_t count) {
    const line_chart chart = {.title = "Rate <1>",
                              .x_name = "rows",
                              .y_name = "GF/s",
                              .x_steps = CHART_LOG2,
                              .y_steps = CHART_LINEAR,
                              .series = series,
                              .count = count};
    page p;
    page_begin(&p, "t");
    line_chart_draw(&p, &chart);
    return page_take_text(&p);
}

static void test_line_chart__draws_each_point(void **state) {
    static const double y[] = {1.0, 2.0, 3.0, 4.0};
    const line_series series[] = {{"a & b", lengths, y, NULL, NULL, 4, false},
                                  {"second", lengths, y, NULL, NULL, 3, true}};
    (void)state;
    char *text = draw(series, 2);
    assert_int_equal(count_of(text, "<circle"), 7);
    assert_int_equal(count_of(text, "class=\"series dashed\""), 2); /* line and legend */
    assert_non_null(strstr(text, "Rate &lt;1&gt;"));
    assert_non_null(strstr(text, "a &amp; b\nrows 1024\nGF/s 1</title>"));
    assert_int_equal(count_of(text, "<svg"), count_of(text, "</svg>"));
    free(text);
}

static void test_line_chart__a_missing_value_is_a_gap(void **state) {
    static const double y[] = {1.0, NAN, 3.0, 4.0};
    const line_series series = {"a", lengths, y, NULL, NULL, 4, false};
    (void)state;
    char *text = draw(&series, 1);
    assert_int_equal(count_of(text, "<circle"), 3);
    const char *line = strstr(text, "class=\"series\"");
    assert_non_null(line);
    const char *end = strchr(line, '>');
    size_t moves = 0;
    for (const char *at = strstr(line, " M"); at && at < end; at = strstr(at + 1, " M"))
        moves++;
    assert_int_equal(moves, 2);
    assert_null(strstr(text, "nan"));
    free(text);
}

static void test_line_chart__spread_is_a_line_at_each_point(void **state) {
    static const double y[] = {2.0, 3.0}, low[] = {1.0, NAN}, high[] = {4.0, 5.0};
    const line_series series = {"a", lengths, y, low, high, 2, false};
    (void)state;
    char *text = draw(&series, 1);
    assert_int_equal(count_of(text, "class=\"spread\""), 1);
    free(text);
}

static void test_line_chart__nothing_to_draw_is_said(void **state) {
    static const double y[] = {NAN, NAN};
    const line_series series = {"a", lengths, y, NULL, NULL, 2, false};
    (void)state;
    char *text = draw(&series, 1);
    assert_non_null(strstr(text, "Nothing to draw."));
    assert_null(strstr(text, "<circle"));
    free(text);
    text = draw(NULL, 0);
    assert_non_null(strstr(text, "Nothing to draw."));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_chart__draws_each_point),
        cmocka_unit_test(test_line_chart__a_missing_value_is_a_gap),
        cmocka_unit_test(test_line_chart__spread_is_a_line_at_each_point),
        cmocka_unit_test(test_line_chart__nothing_to_draw_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
