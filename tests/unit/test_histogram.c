/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Histograms as SVG: a bar for each count above 0, its share of its series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page/histogram.h"
#include "support/page_text.h"

enum { BINS = 3 };

static char *draw(const histogram_series *series, size_t count) {
    static const char *const bins[BINS] = {"none", "<few>", "many"};
    const histogram chart = {"Errors", "steps", "share", bins, BINS, series, count};
    page p;
    page_begin(&p, "t");
    histogram_draw(&p, &chart);
    return page_take_text(&p);
}

static void test_histogram_draw__a_bar_for_each_count(void **state) {
    static const uint64_t first[BINS] = {90, 10, 0}, second[BINS] = {1, 1, 2};
    const histogram_series series[] = {{"a & b", first}, {"second", second}};
    (void)state;
    char *text = draw(series, 2);
    assert_int_equal(count_of(text, "<rect"), 5 + 2); /* bars and the legend's */
    assert_non_null(strstr(text, "<title>a &amp; b\nsteps none: 90, 0.9</title>"));
    assert_non_null(strstr(text, "<title>second\nsteps many: 2, 0.5</title>"));
    assert_non_null(strstr(text, "&lt;few&gt;"));
    free(text);
}

/* The tenth part of a share is a decade lower: bars of 0.9 and 0.09 of one series. */
static void test_histogram_draw__is_logarithmic(void **state) {
    static const uint64_t counts[BINS] = {900, 90, 9};
    const histogram_series series = {"a", counts};
    double height[BINS];
    (void)state;
    char *text = draw(&series, 1);
    const char *at = text;
    for (int i = 0; i < BINS; i++) {
        at = strstr(at, "<rect");
        assert_non_null(at);
        at = strstr(at, " height=\"");
        assert_non_null(at);
        at += strlen(" height=\"");
        height[i] = strtod(at, NULL);
    }
    assert_true(height[0] - height[1] > 10.0);
    assert_true(height[0] - height[1] - (height[1] - height[2]) < 0.3 &&
                height[0] - height[1] - (height[1] - height[2]) > -0.3);
    assert_true(height[2] > 0.0);
    free(text);
}

static void test_histogram_draw__says_that_there_is_nothing(void **state) {
    static const uint64_t counts[BINS] = {0, 0, 0};
    const histogram_series series = {"a", counts};
    (void)state;
    char *text = draw(&series, 1);
    assert_non_null(strstr(text, "Nothing to draw."));
    assert_null(strstr(text, "<svg"));
    free(text);
    text = draw(NULL, 0);
    assert_non_null(strstr(text, "Nothing to draw."));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_draw__a_bar_for_each_count),
        cmocka_unit_test(test_histogram_draw__is_logarithmic),
        cmocka_unit_test(test_histogram_draw__says_that_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
