/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "shapes.h"

#include <sparsed/sparsed.h>

#include <string.h>

const bench_shape bench_shapes[] = {
    {"llada-8b", 32, 32, 128, 32, SPARSED_MODE_UPSTREAM_LLADA},
    {"dream-7b", 28, 4, 128, 28, SPARSED_MODE_UPSTREAM_DREAM},
    {"tiny", 8, 4, 64, 6, SPARSED_MODE_UPSTREAM_DREAM}, /* the built-in model */
};

const size_t bench_shape_count = sizeof bench_shapes / sizeof *bench_shapes;

const bench_shape *bench_shape_find(const char *name) {
    for (size_t i = 0; i < bench_shape_count; i++)
        if (strcmp(bench_shapes[i].name, name) == 0)
            return &bench_shapes[i];
    return NULL;
}
