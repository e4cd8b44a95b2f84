/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Heat maps as SVG: a cell for each value, its shade, its edge; names as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page/matrix_chart.h"
#include "support/page_text.h"

static char *draw(const matrix_cell *cells) {
    static const char *const rows[] = {"first <row>", "r\xc3\xb6w"};
    static const char *const columns[] = {"A", "B", "C"};
    static const matrix_shade scale[] = {{0.0, "none & less"}, {0.75, "three quarters"}};
    const matrix_chart chart = {"A & B", "the note", rows, columns, 2, 3, 50, 20, cells, scale, 2};
    page p;
    page_begin(&p, "t");
    matrix_chart_draw(&p, &chart);
    return page_take_text(&p);
}

static void test_matrix_chart_draw__a_cell_for_each_value(void **state) {
    matrix_cell cells[6] = {{.text = "0.5"}};
    (void)state;
    for (int i = 0; i < 6; i++)
        cells[i].shade = i == 4 ? NAN : 0.2 * i;
    snprintf(cells[2].title, sizeof cells[2].title, "more <of> it");
    char *text = draw(cells);
    assert_int_equal(count_of(text, "<rect"), 5 + 2);
    assert_int_equal(count_of(text, "fill-opacity=\"0.40\""), 1);
    assert_int_equal(count_of(text, "fill-opacity=\"1.00\""), 1);
    assert_non_null(strstr(text, "<title>more &lt;of&gt; it</title>"));
    assert_non_null(strstr(text, "first &lt;row&gt;"));
    assert_non_null(strstr(text, "<strong>A &amp; B</strong>"));
    assert_non_null(strstr(text, "the note"));
    assert_int_equal(count_of(text, "fill-opacity=\"0.75\""), 1);
    assert_non_null(strstr(text, "none &amp; less"));
    assert_non_null(strstr(text, "three quarters"));
    assert_null(strstr(text, "nan"));
    free(text);
}

static void test_matrix_chart_draw__edges_mark_what_is_wrong(void **state) {
    matrix_cell cells[6] = {{.mark = PAGE_BAD}, {.mark = PAGE_WARN}, {.mark = PAGE_GOOD}};
    (void)state;
    char *text = draw(cells);
    assert_int_equal(count_of(text, "stroke:var(--c1);stroke-width:3"), 1);
    assert_int_equal(count_of(text, "stroke:var(--c4);stroke-width:3"), 1);
    assert_int_equal(count_of(text, "stroke-width:3"), 2);
    assert_int_equal(count_of(text, "class=\"cells\""), 1);
    free(text);
}

static void test_matrix_chart_draw__shades_end_at_0_and_1(void **state) {
    matrix_cell cells[6] = {{.shade = -3.0}, {.shade = 7.0}, {.shade = INFINITY}};
    (void)state;
    char *text = draw(cells);
    assert_int_equal(count_of(text, "fill-opacity=\"0.00\""), 4 + 1);
    assert_int_equal(count_of(text, "fill-opacity=\"1.00\""), 2);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix_chart_draw__a_cell_for_each_value),
        cmocka_unit_test(test_matrix_chart_draw__edges_mark_what_is_wrong),
        cmocka_unit_test(test_matrix_chart_draw__shades_end_at_0_and_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
