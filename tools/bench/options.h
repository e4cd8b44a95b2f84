/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The words of `sparsed bench`.
 */
#ifndef TOOLS_BENCH_OPTIONS_H
#define TOOLS_BENCH_OPTIONS_H

#include "device_options.h"
#include "layer.h"
#include "measure.h"
#include "number_list.h"
#include "shapes.h"

enum { BENCH_MAX_SHAPES = 8, BENCH_MAX_DTYPES = 3, BENCH_MAX_LENGTHS = 64 };

/* As they were given. */
typedef struct bench_words {
    const char *shapes, *dtypes, *lengths, *ratios, *blocks, *mode, *pattern, *rest_ms;
    uint64_t heads, kv_heads, head_dim, layers, gen_length, rounds, warm_up, steps, limit_steps;
    bool heads_given, kv_heads_given, head_dim_given, layers_given, gen_length_given;
    bool limit_steps_given;
} bench_words;

typedef struct bench_options {
    bench_words words;
    device_options device;
    bool all_devices, host_tensors;
    bench_shape shapes[BENCH_MAX_SHAPES];
    uint32_t dtypes[BENCH_MAX_DTYPES];
    number_list lengths;
    real_list rest_ms;                            /* none, one, or one a length */
    sparsed_select selects[BENCH_MAX_SELECTIONS]; /* all block sizes with all ratios */
    size_t shape_count, dtype_count, select_count;
    bench_pattern pattern;
    const char *schedule;
    double skip, seconds;
    const char *baseline, *peers, *html;
    bool tune, run_schedule, serve, json, csv;
    char *const *argv; /* [argc]: the words behind "sparsed bench", for reports */
    int argc;
} bench_options;

/* Sets the defaults and adds the options to the list. */
void bench_add_options(bench_options *options, cli_options *list);

/* Makes numbers of the words; a fault names the option and its value. */
bool bench_check_options(bench_options *options, tool_error *error);
void bench_free_options(bench_options *options);

/* The problem of a shape and a type at a length, and a selection with what depends on them. */
sparsed_desc bench_desc(const bench_shape *shape, uint32_t dtype, uint64_t length);
sparsed_select bench_select(const bench_options *options, const bench_shape *shape, uint64_t length,
                            size_t index);

const char *bench_pattern_name(bench_pattern pattern);

#endif
