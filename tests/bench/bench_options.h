/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The command line of bench_attention. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <sparsed/sparsed.h>

#include <stdbool.h>

enum { BENCH_MAX_ROUNDS = 64, BENCH_MAX_LENGTHS = 16 };

/* What sparse attends over: what the build chose; random blocks, the same number for each query block;
 * the same, shared by the query blocks of 128 rows. */
typedef enum bench_pattern { BENCH_BUILT, BENCH_RANDOM, BENCH_SHARED } bench_pattern;

typedef struct bench_options {
    const char *device, *kernel, *dtype, *mode, *pattern;
    bench_pattern pattern_kind;
    bool resident, serves;
    int rounds, sgemm_size; /* 0: by the length; none */
    uint32_t threads;
    sparsed_desc desc;     /* without lengths */
    sparsed_select select; /* without gen_len */
    uint64_t lengths[BENCH_MAX_LENGTHS];
    int length_count;
} bench_options;

/* What the words say and else the defaults. A word that means nothing ends the program with one line and
 * the usage, --help with the usage. */
bench_options bench_parse(int argc, char **argv);

#endif
