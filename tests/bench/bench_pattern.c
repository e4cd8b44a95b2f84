/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Sizes and times of pattern files, for docs/performance.md:
 *     bench_pattern PATH [length] [layers] [heads] [block_q] [block_k]
 * Makes a set of random patterns that keep 3 blocks of 8, saves it to PATH, loads it whole, maps
 * it, takes every pattern out of the mapping (first use: verified; second: not), hands one to a
 * pipeline's kept blocks, and, for comparison, runs one sparse attention call of one head with it.
 * The file stays; medians over the layers with the smallest and the largest.
 */
#include <sparsed/pattern.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_LAYERS = 256, HEAD_DIM = 128 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void check(sparsed_status status, const char *text) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "bench_pattern: %s\n", text);
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_median(const char *what, double *ms, uint32_t n) {
    qsort(ms, n, sizeof *ms, by_value);
    printf("%-46s %9.3f ms  (%.3f to %.3f)\n", what, ms[n / 2], ms[0], ms[n - 1]);
}

/* Each bit is set with probability 3/8. */
static uint64_t random_word(uint64_t *state) {
    uint64_t word[3];
    for (int i = 0; i < 3; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        word[i] = *state ^ *state >> 29;
    }
    return word[0] & (word[1] | word[2]);
}

static sparsed_pattern *random_pattern(const sparsed_pattern_info *info, uint64_t seed) {
    uint64_t q_blocks = (info->q_len + info->block_q - 1) / info->block_q;
    uint64_t k_blocks = (info->kv_len + info->block_k - 1) / info->block_k;
    uint64_t row_words = (k_blocks + 63) / 64, rows = info->heads * q_blocks;
    uint64_t *bits = malloc(rows * row_words * sizeof *bits);
    uint64_t last = k_blocks % 64 ? ((uint64_t)1 << k_blocks % 64) - 1 : UINT64_MAX;
    sparsed_pattern *pattern;
    sparsed_message message;
    if (!bits)
        exit(1);
    for (uint64_t i = 0; i < rows * row_words; i++) {
        bits[i] = random_word(&seed);
        if (i % row_words == row_words - 1)
            bits[i] &= last;
    }
    check(sparsed_pattern_from_bits(info, bits, NULL, &pattern, &message), message.text);
    free(bits);
    return pattern;
}

static void save_set(const char *path, const sparsed_pattern_info *info, uint32_t layers) {
    sparsed_pattern *patterns[MAX_LAYERS];
    uint32_t numbers[MAX_LAYERS];
    sparsed_pattern_set *set;
    sparsed_message message;
    for (uint32_t i = 0; i < layers; i++) {
        patterns[i] = random_pattern(info, i + 1);
        numbers[i] = i;
    }
    check(sparsed_pattern_set_create(NULL, patterns, numbers, layers, NULL, &set, &message),
          message.text);
    double start = now_ms();
    check(sparsed_pattern_set_save(set, path, &message), message.text);
    printf("%-46s %9.3f ms\n", "save (with both flushes)", now_ms() - start);
    sparsed_pattern_set_release(set);
    for (uint32_t i = 0; i < layers; i++)
        sparsed_pattern_release(patterns[i]);
}

static sparsed_pattern_set *time_load(const char *path, uint32_t flags, const char *what) {
    const sparsed_load_options options = {.struct_size = sizeof options, .flags = flags};
    sparsed_pattern_set *set = NULL;
    sparsed_message message;
    double ms[5];
    for (int i = 0; i < 5; i++) {
        sparsed_pattern_set_release(set);
        double start = now_ms();
        check(sparsed_pattern_set_load(path, &options, &set, &message), message.text);
        ms[i] = now_ms() - start;
    }
    print_median(what, ms, 5);
    return set;
}

static void time_get(const sparsed_pattern_set *set, uint32_t layers, const char *what) {
    double ms[MAX_LAYERS];
    sparsed_message message;
    for (uint32_t i = 0; i < layers; i++) {
        sparsed_pattern *pattern;
        double start = now_ms();
        check(sparsed_pattern_set_get(set, i, &pattern, &message), message.text);
        ms[i] = now_ms() - start;
        sparsed_pattern_release(pattern);
    }
    print_median(what, ms, layers);
}

static sparsed_desc describe(const sparsed_pattern_info *info, uint32_t heads) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = SPARSED_F32;
    desc.batch = 1;
    desc.heads = desc.kv_heads = heads;
    desc.head_dim = HEAD_DIM;
    desc.q_len = desc.kv_len = info->kv_len;
    return desc;
}

static sparsed_select select_of(const sparsed_pattern_info *info) {
    sparsed_select select = SPARSED_SELECT_INIT;
    select.block_q = info->block_q;
    select.block_k = info->block_k;
    select.gen_len = info->gen_len;
    return select;
}

/* Hands each layer's pattern to kept blocks. */
static void time_set(sparsed_context *context, const sparsed_pattern_set *set,
                     const sparsed_pattern_info *info, uint32_t layers) {
    const sparsed_desc desc = describe(info, info->heads);
    const sparsed_select select = select_of(info);
    sparsed_plan *plan;
    sparsed_kept *kept;
    sparsed_message message;
    double ms[MAX_LAYERS];
    check(sparsed_plan_create(context, &desc, &select, &plan), sparsed_context_error(context));
    check(sparsed_kept_create(plan, &kept), sparsed_context_error(context));
    for (uint32_t i = 0; i < layers; i++) {
        sparsed_pattern *pattern;
        check(sparsed_pattern_set_get(set, i, &pattern, &message), message.text);
        double start = now_ms();
        check(sparsed_kept_set(kept, pattern), sparsed_context_error(context));
        ms[i] = now_ms() - start;
        sparsed_pattern_release(pattern);
    }
    print_median("a layer's pattern into kept blocks", ms, layers);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
}

/* One sparse call of one head; the layer's heads cost as many times as much. */
static void time_sparse(sparsed_context *context, sparsed_pattern_info info) {
    const sparsed_desc desc = describe(&info, 1);
    const sparsed_select select = select_of(&info);
    size_t size = (size_t)info.kv_len * HEAD_DIM;
    float *q = calloc(size, sizeof *q), *out = calloc(size, sizeof *out);
    sparsed_plan *plan;
    sparsed_kept *kept;
    if (!q || !out)
        exit(1);
    for (size_t i = 0; i < size; i++)
        q[i] = (float)(i * 2654435761u % 2048) / 1024.0f - 1.0f;
    info.heads = 1;
    sparsed_pattern *pattern = random_pattern(&info, 1);
    check(sparsed_plan_create(context, &desc, &select, &plan), sparsed_context_error(context));
    check(sparsed_kept_create(plan, &kept), sparsed_context_error(context));
    check(sparsed_kept_set(kept, pattern), sparsed_context_error(context));
    const sparsed_io io = {
        .struct_size = sizeof io, .q.mem = q, .k.mem = q, .v.mem = q, .out.mem = out};
    double start = now_ms();
    check(sparsed_plan_run(plan, SPARSED_SPARSE, &io, kept), sparsed_context_error(context));
    printf("%-46s %9.3f ms\n", "one sparse attention call, one head of it", now_ms() - start);
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    free(q);
    free(out);
}

static uint32_t argument(int argc, char **argv, int index, uint32_t fallback) {
    return index < argc ? (uint32_t)strtoul(argv[index], NULL, 10) : fallback;
}

int main(int argc, char **argv) {
    const uint32_t layers = argument(argc, argv, 3, 32);
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = argument(argc, argv, 4, 32),
                                       .block_q = argument(argc, argv, 5, 128),
                                       .block_k = argument(argc, argv, 6, 32),
                                       .q_len = argument(argc, argv, 2, 65536),
                                       .kv_len = argument(argc, argv, 2, 65536),
                                       .gen_len = 256};
    sparsed_context *context;
    sparsed_message message;
    if (argc < 2 || layers < 1 || layers > MAX_LAYERS) {
        fprintf(stderr,
                "usage: bench_pattern PATH [length] [layers] [heads] [block_q] [block_k]\n");
        return 2;
    }
    check(sparsed_context_create(NULL, &context, &message), message.text);
    printf("L %llu, %u layers, %u heads, blocks %u x %u\n", (unsigned long long)info.kv_len, layers,
           info.heads, info.block_q, info.block_k);
    save_set(argv[1], &info, layers);
    sparsed_pattern_set_release(time_load(argv[1], 0, "load, all verified"));
    sparsed_pattern_set *set = time_load(argv[1], SPARSED_LOAD_MAP, "map");
    time_get(set, layers, "a mapped pattern's first use (verified)");
    time_get(set, layers, "a mapped pattern's second use");
    time_set(context, set, &info, layers);
    sparsed_pattern_set_release(set);
    time_sparse(context, info);
    sparsed_context_destroy(context);
    return 0;
}
