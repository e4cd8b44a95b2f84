/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Times dense, dense + build, build alone and sparse attention of one layer, for
 * docs/performance.md: bench_attention [heads] [kv_heads] [head_dim] [block_q] [block_k] [ratio]
 * [threads] [LENGTH ...] The four passes run interleaved; each figure is the median of `rounds`,
 * with the spread beside it. Random normal-like data; GF/s count 4 * D operations a query-key pair
 * that is attended.
 */
#include <sparsed/pattern.h>
#include <sparsed/sparsed.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { OPS = 4, MAX_ROUNDS = 15 };

static const char *const op_names[OPS] = {"dense", "dense+build", "build", "sparse"};
static const sparsed_op ops[OPS] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                    SPARSED_SPARSE};

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sum of four uniform numbers, scaled to variance 1. */
static float *random_floats(size_t count, uint32_t seed) {
    float *data = malloc(count * sizeof *data);
    uint32_t state = seed;
    for (size_t i = 0; data && i < count; i++) {
        float sum = -2.0f;
        for (int j = 0; j < 4; j++) {
            state = state * 1664525u + 1013904223u;
            sum += (float)(state >> 8) * 0x1p-24f;
        }
        data[i] = sum * 1.7320508f;
    }
    return data;
}

static void check(sparsed_context *context, sparsed_status status) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "bench_attention: %s\n", sparsed_context_error(context));
    exit(1);
}

/* Medians over the rounds of each op, in ms[op][0 .. rounds-1], sorted. */
static void time_ops(sparsed_context *c, sparsed_plan *plan, sparsed_kept *kept,
                     const sparsed_io *io, int rounds, double ms[OPS][MAX_ROUNDS]) {
    for (int round = -1; round < rounds; round++) /* round -1 warms up */
        for (int op = 0; op < OPS; op++) {
            double start = now_ms();
            check(c, sparsed_plan_run(plan, ops[op], io, op == 0 ? NULL : kept));
            if (round >= 0)
                ms[op][round] = now_ms() - start;
        }
    for (int op = 0; op < OPS; op++)
        qsort(ms[op], (size_t)rounds, sizeof(double), by_value);
}

static void run_length(sparsed_context *c, sparsed_desc desc, sparsed_select select, uint64_t len) {
    desc.q_len = desc.kv_len = len;
    select.gen_len = len / 16;
    size_t q_size = (size_t)(desc.heads * len) * desc.head_dim;
    size_t k_size = (size_t)(desc.kv_heads * len) * desc.head_dim;
    float *q = random_floats(q_size, 1), *k = random_floats(k_size, 2),
          *v = random_floats(k_size, 3);
    float *out = calloc(q_size, sizeof *out);
    sparsed_plan *plan;
    sparsed_kept *kept;
    sparsed_pattern *pattern;
    if (!q || !k || !v || !out)
        exit(1);
    check(c, sparsed_plan_create(c, &desc, &select, &plan));
    check(c, sparsed_kept_create(plan, &kept));
    const sparsed_io io = {
        .struct_size = sizeof io, .q.mem = q, .k.mem = k, .v.mem = v, .out.mem = out};
    double ms[OPS][MAX_ROUNDS];
    int rounds = len <= 2048 ? MAX_ROUNDS : 7;
    time_ops(c, plan, kept, &io, rounds, ms);
    check(c, sparsed_kept_get(kept, &pattern));
    double density = sparsed_pattern_density(pattern, UINT32_MAX);
    double pairs = (double)desc.heads * (double)len * (double)len;
    for (int op = 0; op < OPS; op++) {
        double median = ms[op][rounds / 2], share = op == 3 ? density : 1.0;
        double flop = pairs * share * desc.head_dim * (op == 2 ? 2.0 : 4.0);
        printf("%6llu  %-12s %9.2f ms  (%.2f to %.2f)  %7.1f GF/s  %.3f of dense  density %.3f\n",
               (unsigned long long)len, op_names[op], median, ms[op][0], ms[op][rounds - 1],
               flop / median * 1e-6, median / ms[0][rounds / 2], share);
    }
    sparsed_pattern_release(pattern);
    sparsed_kept_destroy(kept);
    sparsed_plan_destroy(plan);
    free(q);
    free(k);
    free(v);
    free(out);
}

static double argument(int argc, char **argv, int index, double fallback) {
    return index < argc ? atof(argv[index]) : fallback;
}

int main(int argc, char **argv) {
    static const uint64_t lengths[] = {1024, 2048, 4096, 8192};
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_desc desc = SPARSED_DESC_INIT;
    sparsed_select select = SPARSED_SELECT_INIT;
    sparsed_context *context;
    sparsed_message message;
    desc.dtype = SPARSED_F32;
    desc.batch = 1;
    desc.heads = (uint32_t)argument(argc, argv, 1, 8);
    desc.kv_heads = (uint32_t)argument(argc, argv, 2, 4);
    desc.head_dim = (uint32_t)argument(argc, argv, 3, 64);
    select.block_q = (uint32_t)argument(argc, argv, 4, 32);
    select.block_k = (uint32_t)argument(argc, argv, 5, 32);
    select.ratio = argument(argc, argv, 6, 0.3);
    options.threads = (uint32_t)argument(argc, argv, 7, 0);
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK) {
        fprintf(stderr, "bench_attention: %s\n", message.text);
        return 1;
    }
    sparsed_device_info device = {.struct_size = sizeof device};
    check(context, sparsed_context_device(context, &device));
    printf("%s, %u threads, %s; H %u, Hk %u, D %u, blocks %u x %u, ratio %g, f32\n", device.name,
           device.compute_units, device.driver, desc.heads, desc.kv_heads, desc.head_dim,
           select.block_q, select.block_k, select.ratio);
    for (int i = 8; i < argc; i++)
        run_length(context, desc, select, strtoull(argv[i], NULL, 10));
    for (size_t i = 0; argc <= 8 && i < sizeof lengths / sizeof *lengths; i++)
        run_length(context, desc, select, lengths[i]);
    sparsed_context_destroy(context);
    return 0;
}
