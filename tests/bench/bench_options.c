/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "bench_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: bench_attention [--device D] [--kernel ROW] [--dtype f32|f16|bf16]\n"
    "                       [--mode paper|upstream-dream|upstream-llada|joint]\n"
    "                       [--pattern built|random|shared] [--rounds N] [--resident]\n"
    "                       [--sgemm N] [--serve] [heads] [kv_heads] [head_dim] [block_q]\n"
    "                       [block_k] [ratio] [threads] [LENGTH ...]\n";

static void refuse(const char *argument, const char *why) {
    fprintf(stderr, "bench_attention: '%s' %s\n%s", argument, why, usage);
    exit(2);
}

static double number(const char *text) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0.0 && value <= INT32_MAX))
        refuse(text, "is no number from 0 on, or too large");
    return value;
}

/* A name, and what it stands for. */
typedef struct word {
    const char *name;
    uint32_t value;
} word;

static uint32_t find_word(const char *name, const word *words, size_t count, const char *kind) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, words[i].name) == 0)
            return words[i].value;
    refuse(name, kind);
    return 0;
}

static uint32_t dtype_of(const char *name) {
    static const word dtypes[] = {
        {"f32", SPARSED_F32}, {"f16", SPARSED_F16}, {"bf16", SPARSED_BF16}};
    return find_word(name, dtypes, sizeof dtypes / sizeof *dtypes, "is no --dtype");
}

static uint32_t mode_of(const char *name) {
    static const word modes[] = {{"paper", SPARSED_MODE_PAPER},
                                 {"upstream-dream", SPARSED_MODE_UPSTREAM_DREAM},
                                 {"upstream-llada", SPARSED_MODE_UPSTREAM_LLADA},
                                 {"joint", SPARSED_MODE_JOINT}};
    return find_word(name, modes, sizeof modes / sizeof *modes, "is no --mode");
}

static bench_pattern pattern_of(const char *name) {
    static const word patterns[] = {
        {"built", BENCH_BUILT}, {"random", BENCH_RANDOM}, {"shared", BENCH_SHARED}};
    return (bench_pattern)find_word(name, patterns, sizeof patterns / sizeof *patterns,
                                    "is no --pattern");
}

/* A flag, or an argument that is no option: kept at argv[*left]. */
static void take_word(char **argv, int i, int *left, bench_options *o) {
    if (strcmp(argv[i], "--help") == 0) {
        fputs(usage, stdout);
        exit(0);
    }
    if (strcmp(argv[i], "--resident") == 0)
        o->resident = true;
    else if (strcmp(argv[i], "--serve") == 0)
        o->serves = true;
    else if (argv[i][0] == '-')
        refuse(argv[i], "is no option");
    else
        argv[(*left)++] = argv[i];
}

/* Takes the options off the arguments; the number of arguments that are left, from argv[1] on. */
static int take_options(int argc, char **argv, bench_options *o) {
    const char *sgemm_size = "0", *rounds = "0";
    const struct {
        const char *name, **value;
    } valued[] = {{"--device", &o->device}, {"--kernel", &o->kernel},   {"--dtype", &o->dtype},
                  {"--mode", &o->mode},     {"--pattern", &o->pattern}, {"--rounds", &rounds},
                  {"--sgemm", &sgemm_size}};
    const size_t count = sizeof valued / sizeof *valued;
    int left = 1;
    for (int i = 1; i < argc; i++) {
        size_t found = 0;
        while (found < count && strcmp(argv[i], valued[found].name) != 0)
            found++;
        if (found == count)
            take_word(argv, i, &left, o);
        else if (i + 1 == argc)
            refuse(argv[i], "needs a value");
        else
            *valued[found].value = argv[++i];
    }
    o->sgemm_size = (int)number(sgemm_size);
    o->rounds = (int)number(rounds);
    if (o->rounds > BENCH_MAX_ROUNDS)
        refuse(rounds, "are too many --rounds");
    return left;
}

static double argument(int argc, char **argv, int index, double fallback) {
    return index < argc ? number(argv[index]) : fallback;
}

static void take_lengths(int argc, char **argv, bench_options *o) {
    static const uint64_t defaults[] = {1024, 2048, 4096, 8192};
    for (int i = 8; i < argc; i++) {
        if (o->length_count == BENCH_MAX_LENGTHS)
            refuse(argv[i], "is one LENGTH too many");
        o->lengths[o->length_count++] = (uint64_t)number(argv[i]);
    }
    if (o->length_count > 0)
        return;
    memcpy(o->lengths, defaults, sizeof defaults);
    o->length_count = sizeof defaults / sizeof *defaults;
}

bench_options bench_parse(int argc, char **argv) {
    bench_options o = {.dtype = "f32",
                       .mode = "upstream-dream",
                       .pattern = "built",
                       .desc = SPARSED_DESC_INIT,
                       .select = SPARSED_SELECT_INIT};
    argc = take_options(argc, argv, &o);
    o.pattern_kind = pattern_of(o.pattern);
    o.desc.dtype = dtype_of(o.dtype);
    o.desc.batch = 1;
    o.desc.heads = (uint32_t)argument(argc, argv, 1, 8);
    o.desc.kv_heads = (uint32_t)argument(argc, argv, 2, 4);
    o.desc.head_dim = (uint32_t)argument(argc, argv, 3, 64);
    o.select.mode = mode_of(o.mode);
    o.select.block_q = (uint32_t)argument(argc, argv, 4, 32);
    o.select.block_k = (uint32_t)argument(argc, argv, 5, 32);
    o.select.ratio = argument(argc, argv, 6, 0.3);
    o.threads = (uint32_t)argument(argc, argv, 7, 0);
    take_lengths(argc, argv, &o);
    return o;
}
