/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* PNG files: what libpng reads back is the canvas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef TESTS_WITH_PNG
#include <png.h>
#endif

#include "picture/png.h"
#include "support/random.h"
#include "support/test_files.h"

static void skip_without_png(void) {
    tool_error error;
    if (!png_available(&error)) {
        print_message("%s\n", error.text);
        skip();
    }
}

static canvas random_canvas(uint32_t width, uint32_t height) {
    canvas page;
    tool_error error;
    uint64_t random = 3;
    assert_true(canvas_create(&page, width, height, &error));
    for (size_t i = 0; i < (size_t)width * height * 3; i++)
        page.pixels[i] = (uint8_t)random_bits(&random);
    return page;
}

#ifdef TESTS_WITH_PNG
static void check_file(const char *path, const canvas *page) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_int_equal(image.width, page->width);
    assert_int_equal(image.height, page->height);
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    assert_memory_equal(pixels, page->pixels, (size_t)page->width * page->height * 3);
    free(pixels);
}

static void test_png_write__reads_back(void **state) {
    test_folder *folder = *state;
    static const uint32_t sizes[][2] = {{1, 1}, {1, 300}, {257, 2}, {333, 211}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tool_error error;
        canvas page = random_canvas(sizes[i][0], sizes[i][1]);
        const char *path = test_folder_path(folder, "picture.png");
        if (!png_write(&page, path, &error))
            fail_msg("%s", error.text);
        check_file(path, &page);
        canvas_release(&page);
    }
    assert_int_equal(test_folder_count(folder, ""), 1); /* replaced; nothing else is left */
}
#endif

static void test_png_write__failure_names_the_path(void **state) {
    test_folder *folder = *state;
    tool_error error;
    skip_without_png();
    canvas page = random_canvas(4, 4);
    assert_false(png_write(&page, test_folder_path(folder, "no/picture.png"), &error));
    assert_non_null(strstr(error.text, "no/picture.png"));
    assert_false(png_write(&page, folder->path, &error));
    canvas_release(&page);
    assert_int_equal(test_folder_count(folder, ""), 0);
}

static void test_png_write__without_libpng_says_so(void **state) {
    test_folder *folder = *state;
    tool_error error;
    canvas page = random_canvas(4, 4);
    if (png_available(&error)) {
        canvas_release(&page);
        print_message("this build has libpng\n");
        skip();
    }
    assert_false(png_write(&page, test_folder_path(folder, "picture.png"), &error));
    assert_non_null(strstr(error.text, "libpng"));
    assert_int_equal(test_folder_count(folder, ""), 0);
    canvas_release(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#ifdef TESTS_WITH_PNG
        TEST_IN_FOLDER(test_png_write__reads_back),
#endif
        TEST_IN_FOLDER(test_png_write__failure_names_the_path),
        TEST_IN_FOLDER(test_png_write__without_libpng_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
