/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Times dense, dense + build, build alone and sparse attention of one layer, for
 * docs/performance.md:
 *
 *     bench_attention [--device D] [--kernel ROW] [--dtype f32|f16|bf16] [--mode M] [--pattern P]
 *                     [--rounds N] [--resident] [--sgemm N] [--serve]
 *                     [heads] [kv_heads] [head_dim] [block_q] [block_k] [ratio] [threads] [LENGTH ...]
 *
 *   --device    as for sparsed_options.device; without it SPARSED_DEVICE, or auto (--resident: opencl)
 *   --mode      how a build ranks blocks: paper, upstream-dream, upstream-llada or joint
 *   --pattern   what sparse attends over: built; random: as many random key blocks for every query
 *               block, `ratio` of all; shared: random, the same ones for the query blocks of 128 rows
 *   --rounds    timed runs of each pass, at most 64
 *   --resident  q, k, v and out stay on the OpenCL device, whose clock times all commands of a call
 *               (bench_resident.h); else they are host memory and the times hold the copies
 *   --sgemm     OpenBLAS's product of two N x N matrices in the same rounds, with as many threads
 *   --serve     for another program that interleaves its own runs with these (tools/peers): the first
 *               LENGTH alone; prints "ready", the kernel, the density of the pattern and the bytes of
 *               the plan's scratch memory, and then, for each line of stdin that names a pass, runs it
 *               once and prints its milliseconds
 *
 * The passes run interleaved; each figure is the median of the rounds, with the spread beside it, and
 * each ratio the median of the rounds' ratios. Random normal data; rates count 4 * D operations a
 * query-key pair that is attended (build alone: 2 * D), `as dense` those of a dense pass.
 */
#include "bench_options.h"
#include "bench_resident.h"
#include "bench_tools.h"
#include "random_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPS = 4 };

static const char *const op_names[OPS] = {"dense", "dense+build", "build", "sparse"};
static const sparsed_op ops[OPS] = {SPARSED_DENSE, SPARSED_DENSE_BUILD, SPARSED_BUILD,
                                    SPARSED_SPARSE};

typedef struct bench {
    bench_options options;
    sparsed_context *context;
    bench_resident *opencl; /* NULL unless resident */
    bench_sgemm *sgemm;     /* NULL unless wanted */
    uint32_t threads;
} bench;

typedef struct times {
    int rounds;
    double ms[OPS][BENCH_MAX_ROUNDS], sgemm[BENCH_MAX_ROUNDS]; /* sgemm in GF/s */
} times;

/* One length, ready to run. */
typedef struct layer {
    sparsed_plan *plan;
    sparsed_kept *built, *attended; /* the same, unless the pattern is random */
    sparsed_io io;
    sparsed_plan_info info;
} layer;

static void check(const bench *b, sparsed_status status) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "bench_attention: %s\n", sparsed_context_error(b->context));
    exit(1);
}

/* Runs a pass: its milliseconds. */
static double run_op(const bench *b, const layer *l, int op) {
    double ms = 0.0;
    sparsed_kept *kept = ops[op] == SPARSED_DENSE    ? NULL
                         : ops[op] == SPARSED_SPARSE ? l->attended
                                                     : l->built;
    if (b->opencl) {
        check(b, bench_resident_run(b->opencl, l->plan, ops[op], &l->io, kept, &ms));
        return ms;
    }
    const double start = bench_now_ms();
    check(b, sparsed_plan_run(l->plan, ops[op], &l->io, kept));
    return bench_now_ms() - start;
}

static void time_ops(const bench *b, const layer *l, times *t) {
    for (int round = -1; round < t->rounds; round++) { /* round -1 warms up */
        double sgemm = b->sgemm ? bench_sgemm_run(b->sgemm) : 0.0;
        if (round >= 0)
            t->sgemm[round] = sgemm;
        for (int op = 0; op < OPS; op++) {
            double ms = run_op(b, l, op);
            if (round >= 0)
                t->ms[op][round] = ms;
        }
    }
}

/* ---- what is printed ---- */

typedef struct rate {
    char text[32];
} rate;

static rate rate_of(double operations, double ms) {
    const double gflops = operations / ms * 1e-6;
    rate r;
    if (gflops < 1e4)
        snprintf(r.text, sizeof r.text, "%.1f GF/s", gflops);
    else
        snprintf(r.text, sizeof r.text, "%.1f TF/s", gflops * 1e-3);
    return r;
}

static void print_op(const bench *b, uint64_t len, int op, double density, const times *t) {
    double ms[BENCH_MAX_ROUNDS], of_dense[BENCH_MAX_ROUNDS], of_sgemm[BENCH_MAX_ROUNDS];
    const sparsed_desc *d = &b->options.desc;
    double share = ops[op] == SPARSED_SPARSE ? density : 1.0;
    double as_dense = (double)d->heads * (double)len * (double)len * d->head_dim *
                      (ops[op] == SPARSED_BUILD ? 2.0 : 4.0);
    size_t rounds = (size_t)t->rounds;
    for (size_t i = 0; i < rounds; i++) {
        ms[i] = t->ms[op][i];
        of_dense[i] = ms[i] / t->ms[0][i];
        of_sgemm[i] = b->sgemm ? as_dense * share / ms[i] * 1e-6 / t->sgemm[i] : 0.0;
    }
    double median = bench_median(ms, rounds), of = bench_median(of_dense, rounds);
    printf("%6llu  %-12s %9.3f ms  (%.3f to %.3f)  %12s  %.3f of dense", (unsigned long long)len,
           op_names[op], median, ms[0], ms[rounds - 1], rate_of(as_dense * share, median).text, of);
    if (ops[op] == SPARSED_SPARSE)
        printf("  density %.4f  time / density %.3f  as dense %s", density, of / density,
               rate_of(as_dense, median).text);
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
               "sgemm", median, t->sgemm[0], t->sgemm[t->rounds - 1], b->options.sgemm_size,
               b->options.sgemm_size, b->threads, bench_sgemm_core(b->sgemm));
    }
    fflush(stdout);
}

/* ---- a layer ---- */

/* A tensor where the benchmark's runs want it: random from `seed`, or zeros if that is 0. */
static void *tensor(const bench *b, uint64_t count, uint32_t seed) {
    const uint32_t dtype = b->options.desc.dtype;
    const size_t element_bytes = dtype == SPARSED_F32 ? 4 : 2;
    const size_t size_bytes = (size_t)count * element_bytes;
    if (!seed && b->opencl)
        return bench_resident_buffer(b->opencl, NULL, size_bytes);
    void *data =
        seed ? bench_random((size_t)count, seed, dtype) : calloc((size_t)count, element_bytes);
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

static sparsed_kept *random_kept(const bench *b, sparsed_plan *plan) {
    const bench_options *o = &b->options;
    const sparsed_pattern_info info = {.struct_size = sizeof info,
                                       .batch = 1,
                                       .heads = o->desc.heads,
                                       .block_q = o->select.block_q,
                                       .block_k = o->select.block_k,
                                       .q_len = o->desc.q_len,
                                       .kv_len = o->desc.kv_len};
    sparsed_message message;
    sparsed_kept *kept;
    sparsed_pattern *pattern =
        random_pattern(&info, o->select.ratio, o->pattern_kind == BENCH_SHARED ? 128 : 0, &message);
    if (!pattern) {
        fprintf(stderr, "bench_attention: %s\n", message.text);
        exit(1);
    }
    check(b, sparsed_kept_create(plan, &kept));
    check(b, sparsed_kept_set(kept, pattern));
    sparsed_pattern_release(pattern);
    return kept;
}

static layer open_layer(bench *b, uint64_t len) {
    layer l = {.info = {.struct_size = sizeof l.info}};
    bench_options *o = &b->options;
    uint64_t q_size = o->desc.heads * len * o->desc.head_dim;
    uint64_t k_size = o->desc.kv_heads * len * o->desc.head_dim;
    l.io = (sparsed_io){.struct_size = sizeof l.io,
                        .q.mem = tensor(b, q_size, 1),
                        .k.mem = tensor(b, k_size, 2),
                        .v.mem = tensor(b, k_size, 3),
                        .out.mem = tensor(b, q_size, 0)};
    o->desc.q_len = o->desc.kv_len = len;
    o->select.gen_len = len / 16;
    check(b, sparsed_plan_create(b->context, &o->desc, &o->select, &l.plan));
    check(b, sparsed_plan_describe(l.plan, &l.info));
    check(b, sparsed_kept_create(l.plan, &l.built));
    l.attended = o->pattern_kind == BENCH_BUILT ? l.built : random_kept(b, l.plan);
    return l;
}

static void close_layer(const bench *b, const layer *l) {
    if (l->attended != l->built)
        sparsed_kept_destroy(l->attended);
    sparsed_kept_destroy(l->built);
    sparsed_plan_destroy(l->plan);
    release(b, l->io.q.mem);
    release(b, l->io.k.mem);
    release(b, l->io.v.mem);
    release(b, l->io.out.mem);
}

static double kept_density(const bench *b, const layer *l) {
    sparsed_pattern *pattern;
    check(b, sparsed_kept_get(l->attended, &pattern));
    double density = sparsed_pattern_density(pattern, UINT32_MAX);
    sparsed_pattern_release(pattern);
    return density;
}

/* ---- runs ---- */

static void run_length(bench *b, uint64_t len) {
    layer l = open_layer(b, len);
    times t = {.rounds = b->options.rounds ? b->options.rounds : len <= 2048 ? 15 : 9};
    printf("%6llu  kernel %s, %d rounds, scratch %llu bytes, kept blocks %llu bytes\n",
           (unsigned long long)len, l.info.kernel, t.rounds,
           (unsigned long long)l.info.scratch_bytes, (unsigned long long)l.info.kept_bytes);
    time_ops(b, &l, &t);
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
    run_op(b, &l, op_of("build"));
    printf("ready %s %.6f %llu\n", l.info.kernel, kept_density(b, &l),
           (unsigned long long)l.info.scratch_bytes);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        printf("%.4f\n", run_op(b, &l, op_of(line)));
        fflush(stdout);
    }
    close_layer(b, &l);
}

static void open_device(bench *b) {
    const bench_options *o = &b->options;
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_message message;
    sparsed_device_info device = {.struct_size = sizeof device};
    options.device = o->device;
    options.kernel = o->kernel;
    options.threads = o->threads;
    if (o->resident) {
        b->opencl = bench_resident_open(o->device, o->kernel, &b->context);
    } else if (sparsed_context_create(&options, &b->context, &message) != SPARSED_OK) {
        fprintf(stderr, "bench_attention: %s\n", message.text);
        exit(1);
    }
    check(b, sparsed_context_device(b->context, &device));
    b->threads = o->threads ? o->threads : device.compute_units;
    printf("%s: %s, %u compute units, %s%s%s; %s\n", device.selector, device.name,
           device.compute_units, device.isa, device.isa[0] ? ", " : "", device.driver,
           o->resident ? "tensors stay on the device" : "tensors in host memory");
}

int main(int argc, char **argv) {
    bench b = {.options = bench_parse(argc, argv)};
    const bench_options *o = &b.options;
    open_device(&b);
    if (o->sgemm_size > 0 && !(b.sgemm = bench_sgemm_create(o->sgemm_size, (int)b.threads)))
        return 1;
    printf("H %u, Hk %u, D %u, blocks %u x %u, ratio %g, %s, %s, pattern %s\n", o->desc.heads,
           o->desc.kv_heads, o->desc.head_dim, o->select.block_q, o->select.block_k,
           o->select.ratio, o->dtype, o->mode, o->pattern);
    if (o->serves)
        serve_length(&b, o->lengths[0]);
    for (int i = 0; i < o->length_count && !o->serves; i++)
        run_length(&b, o->lengths[i]);
    bench_sgemm_destroy(b.sgemm);
    if (b.opencl)
        bench_resident_close(b.opencl, b.context);
    else
        sparsed_context_destroy(b.context);
    return 0;
}
