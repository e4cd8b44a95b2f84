/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Grids of cells on grids of pixels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "picture/raster.h"
#include "support/random.h"

enum { MOST = 40 };

static double cells[MOST][MOST];

static double overlap(double begin, double end, double from, double to) {
    double low = begin > from ? begin : from, high = end < to ? end : to;
    return high > low ? high - low : 0.0;
}

/* The mean of the cells under a pixel by the definition. */
static double mean(int rows, int columns, int valid_rows, int valid_columns, int width, int height,
                   int x, int y) {
    double sum = 0.0, area = 0.0;
    for (int i = 0; i < valid_rows; i++)
        for (int j = 0; j < valid_columns; j++) {
            double part = overlap((double)i / rows, (i + 1.0) / rows, (double)y / height,
                                  (y + 1.0) / height) *
                          overlap((double)j / columns, (j + 1.0) / columns, (double)x / width,
                                  (x + 1.0) / width);
            part = part < 1e-12 ? 0.0 : part;
            sum += part * cells[i][j];
            area += part;
        }
    return area > 0.0 ? sum / area : NAN;
}

static void check(int rows, int columns, int valid_rows, int valid_columns, int width, int height) {
    raster grid;
    tool_error error;
    assert_true(raster_create(&grid, (uint64_t)rows, (uint64_t)columns, (uint32_t)width,
                              (uint32_t)height, &error));
    for (int turn = 0; turn < 2; turn++) { /* cleared, it is as new */
        raster_clear(&grid);
        for (int i = 0; i < valid_rows; i++) {
            for (int j = 0; j < valid_columns; j++)
                raster_add(&grid, (uint64_t)j, cells[i][j]);
            raster_end_row(&grid, (uint64_t)i);
        }
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double is = raster_mean(&grid, (uint64_t)valid_rows, (uint64_t)valid_columns,
                                    (uint32_t)x, (uint32_t)y);
            double should = mean(rows, columns, valid_rows, valid_columns, width, height, x, y);
            assert_int_equal(isnan(is), isnan(should));
            if (!isnan(should))
                assert_true(fabs(is - should) < 1e-9);
        }
    raster_release(&grid);
}

static int fill_cells(void **state) {
    (void)state;
    uint64_t random = 5;
    for (int i = 0; i < MOST; i++)
        for (int j = 0; j < MOST; j++)
            cells[i][j] = random_bits(&random) % 3 == 0 ? 1.0 : 0.0;
    return 0;
}

static void test_raster_mean__is_the_exact_share_of_area(void **state) {
    (void)state;
    check(40, 40, 40, 40, 16, 16);
    check(37, 29, 37, 29, 11, 13); /* nothing divides */
    check(40, 7, 40, 7, 3, 23);
    check(5, 31, 5, 31, 17, 9); /* down larger, across smaller */
    check(1, 1, 1, 1, 1, 1);
}

static void test_raster_mean__one_cell_a_pixel_or_more(void **state) {
    (void)state;
    check(12, 9, 12, 9, 9, 12);
    check(12, 9, 12, 9, 27, 48);
}

static void test_raster_mean__counts_valid_cells_alone(void **state) {
    (void)state;
    check(20, 30, 13, 17, 8, 7);
    check(20, 30, 13, 17, 60, 20);
    check(20, 30, 0, 0, 8, 7);
}

static void test_raster_mean__whole_numbers_are_exact(void **state) {
    (void)state;
    raster grid;
    tool_error error;
    assert_true(raster_create(&grid, 3, 3, 2, 2, &error));
    for (uint64_t i = 0; i < 3; i++) {
        for (uint64_t j = 0; j < 3; j++)
            raster_add(&grid, j, 1.0);
        raster_end_row(&grid, i);
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_true(raster_mean(&grid, 3, 3, i % 2, i / 2) >= 1.0 &&
                    raster_mean(&grid, 3, 3, i % 2, i / 2) <= 1.0);
    raster_release(&grid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raster_mean__is_the_exact_share_of_area),
        cmocka_unit_test(test_raster_mean__one_cell_a_pixel_or_more),
        cmocka_unit_test(test_raster_mean__counts_valid_cells_alone),
        cmocka_unit_test(test_raster_mean__whole_numbers_are_exact),
    };
    return cmocka_run_group_tests(tests, fill_cells, NULL);
}
