/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The attention of models by name.
 */
#ifndef TOOLS_BENCH_SHAPES_H
#define TOOLS_BENCH_SHAPES_H

#include <stddef.h>
#include <stdint.h>

typedef struct bench_shape {
    const char *name;
    uint32_t heads, kv_heads, head_dim, layers;
    uint32_t mode; /* sparsed_mode of its public code */
} bench_shape;

extern const bench_shape bench_shapes[];
extern const size_t bench_shape_count;

/* NULL: there is none of that name. */
const bench_shape *bench_shape_find(const char *name);

#endif
