/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Times dense, dense + build, build alone and sparse attention of one layer, for
 * docs/performance.md:
 *
 *     bench_attention [--device D] [--kernel ROW] [--dtype f32|f16|bf16] [--resident] [--sgemm N]
 *                     [--serve]
 *                     [heads] [kv_heads] [head_dim] [block_q] [block_k] [ratio] [threads]
 *                     [LENGTH ...]
 *
 *   --device    as for sparsed_options.device; without it SPARSED_DEVICE, or auto
 *   --resident  q, k, v and out stay on the OpenCL device; else they are host memory and the times
 *               hold the copies
 *   --sgemm     OpenBLAS's product of two N x N matrices in the same rounds, with as many threads
 *   --serve     for another program that interleaves its own runs with these (tools/peers): the
 *               first LENGTH alone; prints "ready", the kernel and the density of a pattern, and
 *               then, for each line of stdin that names a pass, runs it once and prints its
 *               milliseconds
 *
 * The passes run interleaved; each figure is the median of the rounds, with the spread beside it,
 * and each ratio the median of the rounds' ratios. Random normal-like data; GF/s count 4 * D
 * operations a query-key pair that is attended (build alone: 2 * D).
 */
#include "bench_resident.h"
#include "bench_tools.h"

#include <sparsed/pattern.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPS = 4, MAX_ROUNDS = 15 };

static const char *const op_names[OPS] = {"dense", "dense+build", "build", "sparse"};
static const sparsed_op ops[OPS] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                    SPARSED_SPARSE};

typedef struct bench {
    const char *device, *kernel, *dtype;
    int sgemm_size;
    bool resident, serves;
    sparsed_context *context;
    bench_resident *opencl; /* NULL unless resident */
    bench_sgemm *sgemm;     /* NULL unless wanted */
    sparsed_desc desc;
    sparsed_select select;
    uint32_t threads;
} bench;

typedef struct times {
    int rounds;
    double ms[OPS][MAX_ROUNDS], sgemm[MAX_ROUNDS]; /* sgemm in GF/s */
} times;

static void check(const bench *b, sparsed_status status) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "bench_attention: %s\n", sparsed_context_error(b->context));
    exit(1);
}

static uint32_t dtype_of(const char *name) {
    static const char *const names[] = {"f32", "f16", "bf16"};
    static const uint32_t dtypes[] = {SPARSED_F32, SPARSED_F16, SPARSED_BF16};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return dtypes[i];
    fprintf(stderr, "bench_attention: --dtype %s is none of f32, f16, bf16\n", name);
    exit(1);
}

static sparsed_status run_op(const bench *b, sparsed_plan *plan, int op, const sparsed_io *io,
                             sparsed_kept *kept) {
    sparsed_kept *used = ops[op] == SPARSED_DENSE ? NULL : kept;
    return b->opencl ? bench_resident_run(b->opencl, plan, ops[op], io, used)
                     : sparsed_plan_run(plan, ops[op], io, used);
}

static void time_ops(const bench *b, sparsed_plan *plan, sparsed_kept *kept, const sparsed_io *io,
                     times *t) {
    for (int round = -1; round < t->rounds; round++) { /* round -1 warms up */
        double sgemm = b->sgemm ? bench_sgemm_run(b->sgemm) : 0.0;
        if (round >= 0)
            t->sgemm[round] = sgemm;
        for (int op = 0; op < OPS; op++) {
            double start = bench_now_ms();
            check(b, run_op(b, plan, op, io, kept));
            if (round >= 0)
                t->ms[op][round] = bench_now_ms() - start;
        }
    }
}

static void print_op(const bench *b, uint64_t len, int op, double density, const times *t) {
    double ms[MAX_ROUNDS], of_dense[MAX_ROUNDS], of_sgemm[MAX_ROUNDS];
    double share = ops[op] == SPARSED_SPARSE ? density : 1.0;
    double flop = (double)b->desc.heads * (double)len * (double)len * share * b->desc.head_dim *
                  (ops[op] == SPARSED_BUILD ? 2.0 : 4.0);
    size_t rounds = (size_t)t->rounds;
    for (size_t i = 0; i < rounds; i++) {
        ms[i] = t->ms[op][i];
        of_dense[i] = ms[i] / t->ms[0][i];
        of_sgemm[i] = b->sgemm ? flop / ms[i] * 1e-6 / t->sgemm[i] : 0.0;
    }
    double median = bench_median(ms, rounds), of = bench_median(of_dense, rounds);
    printf("%6llu  %-12s %9.2f ms  (%.2f to %.2f)  %7.1f GF/s  %.3f of dense",
           (unsigned long long)len, op_names[op], median, ms[0], ms[rounds - 1],
           flop / median * 1e-6, of);
    if (ops[op] == SPARSED_SPARSE)
        printf("  density %.3f  time / density %.3f", density, of / density);
    if (b->sgemm)
        printf("  %.3f of sgemm", bench_median(of_sgemm, rounds));
    putchar('\n');
}

static void print_length(const bench *b, uint64_t len, double density, times *t) {
    for (int op = 0; op < OPS; op++)
        print_op(b, len, op, density, t);
    if (b->sgemm) {
        double median = bench_median(t->sgemm, (size_t)t->rounds);
        printf("%6s  %-12s %35.1f GF/s  (%.1f to %.1f), %d x %d, %u threads, core %s\n", "",
               "sgemm", median, t->sgemm[0], t->sgemm[t->rounds - 1], b->sgemm_size, b->sgemm_size,
               b->threads, bench_sgemm_core(b->sgemm));
    }
    fflush(stdout);
}

/* A tensor where the benchmark's runs want it: random from `seed`, or zeros if that is 0. */
static void *tensor(const bench *b, uint64_t count, uint32_t seed) {
    const size_t element_bytes = b->desc.dtype == SPARSED_F32 ? 4 : 2;
    size_t size_bytes = (size_t)count * element_bytes;
    void *data = seed ? bench_random((size_t)count, seed, b->desc.dtype)
                      : calloc((size_t)count, element_bytes);
    if (!data) {
        fprintf(stderr, "bench_attention: no memory for %zu bytes\n", size_bytes);
        exit(1);
    }
    if (!b->opencl)
        return data;
    void *buffer = bench_resident_buffer(b->opencl, data, size_bytes);
    free(data);
    return buffer;
}

static void release(const bench *b, void *tensor) {
    if (b->opencl)
        bench_resident_release(tensor);
    else
        free(tensor);
}

/* One length, ready to run. */
typedef struct layer {
    sparsed_plan *plan;
    sparsed_kept *kept;
    sparsed_io io;
    sparsed_plan_info info;
} layer;

static layer open_layer(bench *b, uint64_t len) {
    layer l = {.info = {.struct_size = sizeof l.info}};
    uint64_t q_size = b->desc.heads * len * b->desc.head_dim;
    uint64_t k_size = b->desc.kv_heads * len * b->desc.head_dim;
    l.io = (sparsed_io){.struct_size = sizeof l.io,
                        .q.mem = tensor(b, q_size, 1),
                        .k.mem = tensor(b, k_size, 2),
                        .v.mem = tensor(b, k_size, 3),
                        .out.mem = tensor(b, q_size, 0)};
    b->desc.q_len = b->desc.kv_len = len;
    b->select.gen_len = len / 16;
    check(b, sparsed_plan_create(b->context, &b->desc, &b->select, &l.plan));
    check(b, sparsed_plan_describe(l.plan, &l.info));
    check(b, sparsed_kept_create(l.plan, &l.kept));
    return l;
}

static void close_layer(const bench *b, const layer *l) {
    sparsed_kept_destroy(l->kept);
    sparsed_plan_destroy(l->plan);
    release(b, l->io.q.mem);
    release(b, l->io.k.mem);
    release(b, l->io.v.mem);
    release(b, l->io.out.mem);
}

static double kept_density(const bench *b, const layer *l) {
    sparsed_pattern *pattern;
    check(b, sparsed_kept_get(l->kept, &pattern));
    double density = sparsed_pattern_density(pattern, UINT32_MAX);
    sparsed_pattern_release(pattern);
    return density;
}

static void run_length(bench *b, uint64_t len) {
    layer l = open_layer(b, len);
    times t = {.rounds = len <= 2048 ? MAX_ROUNDS : 9};
    printf("%6llu  kernel %s\n", (unsigned long long)len, l.info.kernel);
    time_ops(b, l.plan, l.kept, &l.io, &t);
    print_length(b, len, kept_density(b, &l), &t);
    close_layer(b, &l);
}

static int op_of(const char *name) {
    for (int op = 0; op < OPS; op++)
        if (strcmp(name, op_names[op]) == 0)
            return op;
    fprintf(stderr, "bench_attention: a line of stdin says \"%s\", which is no pass\n", name);
    exit(1);
}

static void serve_length(bench *b, uint64_t len) {
    char line[64];
    layer l = open_layer(b, len);
    check(b, run_op(b, l.plan, op_of("build"), &l.io, l.kept));
    printf("ready %s %.6f\n", l.info.kernel, kept_density(b, &l));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        int op = op_of(line);
        double start = bench_now_ms();
        check(b, run_op(b, l.plan, op, &l.io, l.kept));
        printf("%.4f\n", bench_now_ms() - start);
        fflush(stdout);
    }
    close_layer(b, &l);
}

static const char usage[] =
    "usage: bench_attention [--device D] [--kernel ROW] [--dtype f32|f16|bf16] [--resident]\n"
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

/* A flag, or an argument that is no option: kept at argv[*left]. */
static void take_word(char **argv, int i, int *left, bench *b) {
    if (strcmp(argv[i], "--help") == 0) {
        fputs(usage, stdout);
        exit(0);
    }
    if (strcmp(argv[i], "--resident") == 0)
        b->resident = true;
    else if (strcmp(argv[i], "--serve") == 0)
        b->serves = true;
    else if (argv[i][0] == '-')
        refuse(argv[i], "is no option");
    else
        argv[(*left)++] = argv[i];
}

/* Takes the options off the arguments; the number of arguments that are left, from argv[1] on. */
static int take_options(int argc, char **argv, bench *b) {
    const char *sgemm_size = "0";
    const struct {
        const char *name, **value;
    } valued[] = {{"--device", &b->device},
                  {"--kernel", &b->kernel},
                  {"--dtype", &b->dtype},
                  {"--sgemm", &sgemm_size}};
    const size_t count = sizeof valued / sizeof *valued;
    int left = 1;
    for (int i = 1; i < argc; i++) {
        size_t found = 0;
        while (found < count && strcmp(argv[i], valued[found].name) != 0)
            found++;
        if (found == count)
            take_word(argv, i, &left, b);
        else if (i + 1 == argc)
            refuse(argv[i], "needs a value");
        else
            *valued[found].value = argv[++i];
    }
    b->sgemm_size = (int)number(sgemm_size);
    return left;
}

static double argument(int argc, char **argv, int index, double fallback) {
    return index < argc ? number(argv[index]) : fallback;
}

static void open_device(bench *b, uint32_t threads) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    sparsed_device_info device = {.struct_size = sizeof device};
    options.device = b->device;
    options.kernel = b->kernel;
    options.threads = threads;
    if (b->resident) {
        const char *selector = b->device ? b->device : getenv("SPARSED_DEVICE");
        b->opencl = bench_resident_open(selector ? selector : "opencl", b->kernel, &b->context);
    } else if (sparsed_context_create(&options, &b->context, &message) != SPARSED_OK) {
        fprintf(stderr, "bench_attention: %s\n", message.text);
        exit(1);
    }
    check(b, sparsed_context_device(b->context, &device));
    b->threads = threads ? threads : device.compute_units;
    printf("%s: %s, %u compute units, %s%s%s; %s\n", device.selector, device.name,
           device.compute_units, device.isa, device.isa[0] ? ", " : "", device.driver,
           b->resident ? "tensors stay on the device" : "tensors in host memory");
}

int main(int argc, char **argv) {
    static const uint64_t lengths[] = {1024, 2048, 4096, 8192};
    bench b = {.dtype = "f32", .desc = SPARSED_DESC_INIT, .select = SPARSED_SELECT_INIT};
    argc = take_options(argc, argv, &b);
    b.desc.dtype = dtype_of(b.dtype);
    b.desc.batch = 1;
    b.desc.heads = (uint32_t)argument(argc, argv, 1, 8);
    b.desc.kv_heads = (uint32_t)argument(argc, argv, 2, 4);
    b.desc.head_dim = (uint32_t)argument(argc, argv, 3, 64);
    b.select.block_q = (uint32_t)argument(argc, argv, 4, 32);
    b.select.block_k = (uint32_t)argument(argc, argv, 5, 32);
    b.select.ratio = argument(argc, argv, 6, 0.3);
    open_device(&b, (uint32_t)argument(argc, argv, 7, 0));
    if (b.sgemm_size > 0 && !(b.sgemm = bench_sgemm_create(b.sgemm_size, (int)b.threads)))
        return 1;
    printf("H %u, Hk %u, D %u, blocks %u x %u, ratio %g, %s\n", b.desc.heads, b.desc.kv_heads,
           b.desc.head_dim, b.select.block_q, b.select.block_k, b.select.ratio, b.dtype);
    if (b.serves)
        serve_length(&b, (uint64_t)argument(argc, argv, 8, (double)lengths[0]));
    else if (argc > 8)
        for (int i = 8; i < argc; i++)
            run_length(&b, (uint64_t)number(argv[i]));
    else
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            run_length(&b, lengths[i]);
    bench_sgemm_destroy(b.sgemm);
    if (b.opencl)
        bench_resident_close(b.opencl, b.context);
    else
        sparsed_context_destroy(b.context);
    return 0;
}
