/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* PNG: the canvas is encoded into memory by libpng, then written as one file. */
#include "picture/png.h"

#include <stdlib.h>

#include "file.h"

#ifdef TOOLS_WITH_PNG
#include <png.h>

bool png_available(tool_error *error) {
    (void)error;
    return true;
}

/* bytes: to be freed by the caller, NULL on failure. */
static bool encode(const canvas *page, void **bytes, size_t *size, tool_error *error) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = page->width,
                       .height = page->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t used = PNG_IMAGE_PNG_SIZE_MAX(image);
    *bytes = malloc(used);
    if (!*bytes)
        return tool_fail(error, "out of memory for a PNG file of %u x %u pixels", page->width,
                         page->height);
    if (!png_image_write_to_memory(&image, *bytes, &used, 0, page->pixels, 0, NULL)) {
        free(*bytes);
        *bytes = NULL;
        return tool_fail(error, "libpng: %s", image.message);
    }
    *size = used;
    return true;
}
#else
bool png_available(tool_error *error) {
    return tool_fail(error, "this build writes no PNG: it was made without libpng");
}

static bool encode(const canvas *page, void **bytes, size_t *size, tool_error *error) {
    (void)page;
    *bytes = NULL;
    *size = 0;
    return png_available(error);
}
#endif

bool png_write(const canvas *page, const char *path, tool_error *error) {
    void *bytes = NULL;
    size_t size = 0;
    if (!encode(page, &bytes, &size, error))
        return false;
    bool done = file_write(path, bytes, size, error);
    free(bytes);
    return done;
}
