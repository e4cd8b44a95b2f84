/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An earlier run's JSON, to compare with.
 */
#ifndef TOOLS_BENCH_BASELINE_H
#define TOOLS_BENCH_BASELINE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "error.h"
#include "statistics.h"

enum { BENCH_FORMAT = 1 }; /* "sparsed_bench" of the JSON */

/* What a row is found by. */
typedef struct bench_key {
    const char *device, *tensors, *dtype, *pass, *mode, *pattern;
    uint32_t threads, heads, kv_heads, head_dim, block_q, block_k;
    uint64_t length;
    double ratio;
} bench_key;

typedef struct bench_baseline {
    const char *path;
    cJSON *root;
    const cJSON *rows; /* an array */
} bench_baseline;

typedef enum bench_change {
    BENCH_NOT_COMPARED,
    BENCH_SAME, /* within the noise of the two */
    BENCH_FASTER,
    BENCH_SLOWER
} bench_change;

bool bench_baseline_read(const char *path, bench_baseline *baseline, tool_error *error);
void bench_baseline_free(bench_baseline *baseline);

/* The timing of the row with that key, and the kernel that ran; false: the baseline has none. */
bool bench_baseline_find(const bench_baseline *baseline, const bench_key *key, bench_statistics *ms,
                         const char **kernel);

/* What the ratio of two medians may be off by: both spreads together, 2 % at least. */
double bench_noise(const bench_statistics *a, const bench_statistics *b);

/* Changed: the larger median is more than 2 % above the smaller one, and by more than both spreads
 * together. */
bench_change bench_compare(const bench_statistics *before, const bench_statistics *now);

const char *bench_change_name(bench_change change);

#endif
