/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Times each function of each level that this processor has (cpu/level.h), in cache and on one
 * thread, on the cases of its test, and a dense pass of one layer over it:
 *
 *     bench_levels [LEVEL ...]
 *
 * LEVEL as SPARSED_CPU_ISA names it, or plain or blas; without one all of them are timed.
 *
 * The peak is the instruction that the level multiplies with, in a loop of nothing else, measured
 * beside each in the same rounds. All rates are the best of many short rounds, which other work on
 * the machine spoils least, and a share is the ratio of two of them.
 */
#include "peaks.h"

#include "bench/random_data.h"
#include "clock.h"
#include "support/level_case.h"

#include <sparsed/sparsed.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PEAK_BYTES = 8192,
    ROUNDS = 40,
    PASS_ROUNDS = 20,
    KEYS = SPD_TILE_KEYS,
    ROWS = SPD_STRIP_ROWS,
    LENGTH = 4096,
    HEADS = 1
};

static const double ROUND_MS = 1.5;
static const uint32_t dims[] = {64, 128};

/* ---- peaks ---- */

/* What a level multiplies with. */
typedef struct instruction {
    const spd_level *level;
    spd_isa isa;
    const char *name;
    bench_peak *run; /* NULL: not measured */
} instruction;

/* Best first; the last one is of no level. */
static const instruction instructions[] = {
#if defined(SPD_X86_LEVELS)
    {&spd_level_amx, SPD_ISA_AMX, "tdpbf16ps", bench_peak_amx},
    {&spd_level_avx512_bf16, SPD_ISA_AVX512_BF16, "vdpbf16ps", bench_peak_avx512_bf16},
    {&spd_level_avx512, SPD_ISA_AVX512, "f32 FMA, 512 bits", bench_peak_avx512},
    {&spd_level_avx2, SPD_ISA_AVX2, "f32 FMA, 256 bits", bench_peak_avx2},
#elif defined(SPD_ARM_LEVELS)
    {&spd_level_neon, SPD_ISA_NEON, "f32 FMA, 128 bits", bench_peak_neon},
#endif
    {NULL, SPD_ISA_BASELINE, "", NULL},
};

/* Its own; of plain C and OpenBLAS the best for floats that the processor has. */
static const instruction *instruction_of(const spd_level *level) {
    const instruction *i = instructions;
    for (; i->level; i++) {
        const bool serves = level == &spd_level_plain || level == &spd_level_blas;
        if (level == i->level || (serves && !i->level->pairs && !spd_processor_lacks(i->isa)))
            break;
    }
    return i;
}

/* Random elements of the level's type; none is 0. */
static void *new_peak_data(const spd_level *level) {
    const uint32_t dtype = level->pairs ? SPARSED_BF16 : SPARSED_F32;
    void *data = aligned_alloc(64, PEAK_BYTES);
    void *random = bench_random(PEAK_BYTES / (level->pairs ? 2u : 4u), 1, dtype);
    if (!data || !random) {
        fprintf(stderr, "bench_levels: no memory\n");
        exit(1);
    }
    memcpy(data, random, PEAK_BYTES);
    free(random);
    return data;
}

/* ---- what is timed ---- */

typedef struct bench {
    const spd_level *level;
    level_case c;
    bench_peak *peak; /* NULL: not measured */
    void *peak_data;
    float sink;
} bench;

/* Runs something `turns` times; the number of operations or elements. */
typedef double timed_function(bench *b, uint64_t turns);

static double run_peak(bench *b, uint64_t turns) {
    return b->peak(b->peak_data, turns, &b->sink);
}

static double products(const bench *b, uint64_t turns) {
    return 2.0 * KEYS * ROWS * b->c.shape.dim * (double)turns;
}

static double run_scores(bench *b, uint64_t turns) {
    for (uint64_t i = 0; i < turns; i++)
        b->level->scores(&b->c.k_tile, b->c.shape.dim, b->c.q_t, ROWS, b->c.s_t, ROWS, b->c.top);
    return products(b, turns);
}

static double run_output(bench *b, uint64_t turns) {
    for (uint64_t i = 0; i < turns; i++)
        b->level->output(&b->c.v_tile, b->c.shape.dim, b->c.p_t, ROWS, b->c.factor, b->c.o_t);
    return products(b, turns);
}

static double run_exponentiate(bench *b, uint64_t turns) {
    for (uint64_t i = 0; i < turns; i++)
        b->level->loops->exponentiate(b->c.s_t, KEYS, ROWS, b->c.top, 0.1f, b->c.p_t, b->c.sum);
    return (double)KEYS * ROWS * (double)turns;
}

static double run_transpose(bench *b, uint64_t turns) {
    const uint32_t columns = b->c.shape.dim / (b->level->pairs ? 2 : 1);
    for (uint64_t i = 0; i < turns; i++)
        b->level->loops->transpose(b->c.q_rows, b->c.q_stride_bytes, ROWS, columns, b->c.q_t, ROWS);
    return (double)ROWS * columns * (double)turns;
}

/* ---- rates ---- */

/* Work a nanosecond over about `ms`. */
static double rate(timed_function *run, bench *b, double ms) {
    for (uint64_t turns = 1;; turns *= 2) {
        const double start = clock_seconds();
        const double work = run(b, turns);
        const double taken = (clock_seconds() - start) * 1e3;
        if (taken >= ms)
            return work / taken * 1e-6;
    }
}

/* The best of all rounds so far; peak 0: there is none. */
typedef struct rates {
    double best, peak;
} rates;

static void keep_best(double *best, double found) {
    *best = found > *best ? found : *best;
}

static rates measure(timed_function *run, bench *b) {
    rates r = {0.0, 0.0};
    for (int i = 0; i < ROUNDS; i++) {
        if (b->peak)
            keep_best(&r.peak, rate(run_peak, b, ROUND_MS));
        keep_best(&r.best, rate(run, b, ROUND_MS));
    }
    return r;
}

static void print_products(const char *name, uint32_t dim, rates r) {
    printf("  %-13s D %3u  %8.1f GF/s", name, dim, r.best);
    if (r.peak > 0.0)
        printf("  %.3f of the peak, %.1f", r.best / r.peak, r.peak);
    putchar('\n');
    fflush(stdout);
}

static void bench_functions(bench *b, uint32_t dim) {
    const level_shape shape = {.rows = ROWS, .keys = KEYS, .dim = dim, .runs = 1, .group_keys = 32};
    b->c = level_case_make(b->level, &shape, 1);
    print_products("scores", dim, measure(run_scores, b));
    print_products("output", dim, measure(run_output, b));
    printf("  %-13s D %3u  %8.2f elements/ns\n", "exponentiate", dim,
           measure(run_exponentiate, b).best);
    printf("  %-13s D %3u  %8.2f elements/ns\n", "transpose", dim, measure(run_transpose, b).best);
    level_case_free(&b->c);
}

/* ---- a dense pass ---- */

typedef struct pass {
    sparsed_plan *plan;
    sparsed_io io;
    double operations;
} pass;

static void check(sparsed_context *context, sparsed_status status) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "bench_levels: %s\n", sparsed_context_error(context));
    exit(1);
}

static rates measure_pass(bench *b, sparsed_context *context, const pass *p) {
    rates r = {0.0, 0.0};
    for (int i = 0; i < PASS_ROUNDS; i++) {
        level_enter(b->level);
        for (int j = 0; b->peak && j < 5; j++)
            keep_best(&r.peak, rate(run_peak, b, ROUND_MS));
        level_leave(b->level);
        const double start = clock_seconds();
        check(context, sparsed_plan_run(p->plan, SPARSED_DENSE, &p->io, NULL));
        keep_best(&r.best, p->operations / (clock_seconds() - start) * 1e-9);
    }
    return r;
}

static void bench_pass(bench *b, sparsed_context *context, uint32_t dim) {
    sparsed_desc desc = SPARSED_DESC_INIT;
    desc.dtype = b->level->pairs ? SPARSED_BF16 : SPARSED_F32;
    desc.batch = 1;
    desc.heads = desc.kv_heads = HEADS;
    desc.head_dim = dim;
    desc.q_len = desc.kv_len = LENGTH;
    const size_t count = (size_t)HEADS * LENGTH * dim;
    pass p = {.io = {.struct_size = sizeof p.io,
                     .q.mem = bench_random(count, 1, desc.dtype),
                     .k.mem = bench_random(count, 2, desc.dtype),
                     .v.mem = bench_random(count, 3, desc.dtype),
                     .out.mem = bench_random(count, 4, desc.dtype)},
              .operations = 4.0 * HEADS * LENGTH * LENGTH * dim};
    sparsed_status status = sparsed_plan_create(context, &desc, NULL, &p.plan);
    if (status == SPARSED_E_UNSUPPORTED) /* slower than the level below it, so not used */
        printf("  no dense pass: %s\n", sparsed_context_error(context));
    else
        check(context, status);
    if (p.plan)
        print_products("dense, 4096", dim, measure_pass(b, context, &p));
    sparsed_plan_destroy(p.plan);
    free(p.io.q.mem);
    free(p.io.k.mem);
    free(p.io.v.mem);
    free(p.io.out.mem);
}

static void bench_passes(bench *b, const char *name) {
    sparsed_options options = SPARSED_OPTIONS_INIT;
    sparsed_context *context;
    sparsed_message message;
    char row[40];
    snprintf(row, sizeof row, "cpu-%s", name);
    options.device = "cpu";
    options.kernel = row;
    options.threads = 1;
    if (sparsed_context_create(&options, &context, &message) != SPARSED_OK) {
        printf("  no dense pass: %s\n", message.text);
        return;
    }
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        bench_pass(b, context, dims[i]);
    sparsed_context_destroy(context);
}

/* ---- levels ---- */

static void bench_level(const named_level *named) {
    const instruction *multiplies = instruction_of(named->level);
    bench b = {
        .level = named->level, .peak = multiplies->run, .peak_data = new_peak_data(named->level)};
    printf("%s\n", named->name);
    level_enter(b.level);
    if (b.peak)
        printf("  %-20s %8.1f GF/s: %s\n", "peak", measure(run_peak, &b).best, multiplies->name);
    const level_exp2_error error = level_measure_exp2(b.level, 1e-3);
    printf("  %-20s %8.2f ulp, relative %.1e\n", "2^x", error.ulp, error.relative);
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        bench_functions(&b, dims[i]);
    level_leave(b.level);
    bench_passes(&b, named->name);
    free(b.peak_data);
}

static void print_names(FILE *to, const named_level *levels, size_t count) {
    for (size_t i = 0; i < count; i++)
        fprintf(to, " %s", levels[i].name);
    fputc('\n', to);
}

static const named_level *find(const named_level *levels, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(levels[i].name, name) == 0)
            return &levels[i];
    fprintf(stderr, "bench_levels: '%s' is no level of this processor, which has", name);
    print_names(stderr, levels, count);
    exit(2);
}

int main(int argc, char **argv) {
    named_level levels[SPD_LEVELS];
    const size_t count = list_levels(levels);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: bench_levels [LEVEL ...]; levels of this processor:");
        print_names(stdout, levels, count);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        find(levels, count, argv[i]);
    for (int i = 1; i < argc; i++)
        bench_level(find(levels, count, argv[i]));
    for (size_t i = 0; argc == 1 && i < count; i++)
        bench_level(&levels[i]);
    return 0;
}
