/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * long_run: attention at lengths and sizes that only a sample of can be held to the double oracle,
 * for docs/accuracy.md: dense, dense + build, build and sparse of one problem, by the calls on host
 * memory. Checked are sampled rows of sampled heads (the first and the last of both included),
 * scores and kept blocks of sampled query blocks, and that no result holds a NaN.
 *   usage: long_run [OPTION...]    --help lists them
 * Prints a line for each check. Exit code 0: all within their bounds; 1: not; 2: usage.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "long_samples.h"
#include "src/oracle.h"
#include "src/pattern.h"
#include "src/select.h"
#include "src/size.h"
#include "support/compare.h"
#include "support/kernel_check.h"
#include "support/random.h"
#include "tools/clock.h"
#include "tools/device_options.h"
#include "tools/selection.h"
#include "tools/storage_convert.h"

typedef struct long_options {
    device_options device;
    selection_options selection;
    const char *attention, *dtype;
    uint64_t batch, heads, kv_heads, head_dim, length, gen_length;
    sample_counts samples;
    bool help;
} long_options;

typedef struct long_run {
    long_problem problem;
    sample_counts samples;
    block_shape shape;
    check_bounds bounds;
    sparsed_context *context;
    sparsed_plan *plan;
    sparsed_kept *kept; /* NULL without a selection, as scores without scores */
    sparsed_pattern *pattern;
    unsigned char *out;
    float *lse, *scores;
    uint64_t out_count, lse_count, score_count;
    int failures;
} long_run;

static void need(const long_run *r, sparsed_status status) {
    if (status == SPARSED_OK)
        return;
    fprintf(stderr, "long_run: %s\n", sparsed_context_error(r->context));
    exit(1);
}

static uint64_t element_bytes(uint32_t dtype) {
    return dtype == SPARSED_F32 ? 4 : 2;
}

static void *allocate(uint64_t count, uint64_t size_bytes) {
    void *memory = malloc(count * size_bytes);
    if (!memory) {
        fprintf(stderr, "long_run: no memory for %llu elements\n", (unsigned long long)count);
        exit(1);
    }
    return memory;
}

/* ---- data ---- */

enum { VALUES = 64, GAINS = 4, GAIN_ROWS = 16 };

/* Multiples of 1/16 in [-2, 2), in runs of rows times 1, 1/2, 1/4 or 1/8 if `gains`, so that blocks
 * differ: exact in every storage type. */
static unsigned char *new_tensor(uint32_t dtype, uint64_t rows, uint32_t dim, uint64_t seed,
                                 bool gains) {
    float values[GAINS * VALUES];
    unsigned char stored[sizeof values];
    const uint64_t bytes = element_bytes(dtype);
    unsigned char *tensor = allocate(rows * dim, bytes);
    for (int i = 0; i < GAINS * VALUES; i++)
        values[i] = ldexpf((float)(i % VALUES - VALUES / 2), -4 - i / VALUES);
    storage_from_floats(values, GAINS * VALUES, (sparsed_dtype)dtype, stored);
#pragma omp parallel for
    for (uint64_t r = 0; r < rows; r++) {
        uint64_t run = seed + r / GAIN_ROWS, random = seed ^ r << 8, bits = 0;
        uint64_t gain = gains ? random_bits(&run) % GAINS * VALUES : 0;
        unsigned char *to = tensor + r * dim * bytes;
        for (uint64_t i = 0; i < dim; i++, bits >>= 8) {
            if (i % 8 == 0)
                bits = random_bits(&random);
            memcpy(to + i * bytes, stored + (gain + bits % VALUES) * bytes, bytes);
        }
    }
    return tensor;
}

/* NaN in every type: what is not copied back is seen. */
static void fill_with_nan(void *data, uint64_t size_bytes) {
    const uint64_t piece = 1 << 20;
#pragma omp parallel for
    for (uint64_t at = 0; at < size_bytes; at += piece)
        memset((unsigned char *)data + at, 0xff, spd_min(piece, size_bytes - at));
}

static uint64_t count_nan(const void *data, uint32_t dtype, uint64_t count) {
    uint64_t found = 0;
#pragma omp parallel for reduction(+ : found)
    for (uint64_t i = 0; i < count; i++)
        found += isnan(spd_oracle_load(data, dtype, i)) ? 1 : 0;
    return found;
}

/* ---- checks ---- */

/* Those of the golden files, which have up to 2048 rows. Rounding of a sum of floats grows as the
 * root of their number; in half precision it is rounding the output that decides. */
static check_bounds bounds_of(const sparsed_desc *d) {
    const double golden_rows = 2048.0;
    check_bounds bounds = check_bounds_of(d->dtype);
    if (d->dtype == SPARSED_F32)
        bounds.out *= sqrt(fmax(1.0, (double)d->kv_len / golden_rows));
    return bounds;
}

static void report(long_run *r, const char *op, const char *what, double error, double bound,
                   const char *of) {
    bool within = error <= bound;
    printf("%-12s  %-18s %8.2e  bound %7.1e  %s%s\n", op, what, error, bound, of,
           within ? "" : "  FAILED");
    fflush(stdout);
    r->failures += !within;
}

static void keep_largest(double *largest, double error) {
    if (!(error <= *largest)) /* a NaN stays */
        *largest = isnan(*largest) ? *largest : error;
}

/* The worst row's error, not that of all rows together, which would hide one. */
static void check_rows(long_run *r, const char *op, const row_samples *samples) {
    const sparsed_desc *d = &r->problem.desc;
    double out_error = 0.0, worst_lse = 0.0;
    char of[64];
    for (uint64_t i = 0; i < samples->count; i++) {
        double row[256];
        uint64_t at = samples->at[i].head * d->q_len + samples->at[i].index;
        for (uint64_t j = 0; j < d->head_dim; j++)
            row[j] = spd_oracle_load(r->out, d->dtype, at * d->head_dim + j);
        double lse = (double)r->lse[at];
        keep_largest(&out_error, relative_error(row, samples->out + i * d->head_dim, d->head_dim));
        keep_largest(&worst_lse, lse_error(&lse, samples->lse + i, 1));
    }
    snprintf(of, sizeof of, "%llu rows", (unsigned long long)samples->count);
    report(r, op, "out", out_error, r->bounds.out, of);
    report(r, op, "log-sum-exp", worst_lse,
           r->bounds.lse + lse_rounding(samples->lse, samples->count), of);
    snprintf(of, sizeof of, "of %llu elements", (unsigned long long)(r->out_count + r->lse_count));
    report(r, op, "NaN",
           (double)(count_nan(r->out, d->dtype, r->out_count) +
                    count_nan(r->lse, SPARSED_F32, r->lse_count)),
           0.0, of);
}

static double score_error(const long_run *r, const float *actual, const double *expected) {
    double *row = allocate(r->shape.k_blocks, sizeof *row);
    for (uint64_t j = 0; j < r->shape.k_blocks; j++)
        row[j] = (double)actual[j];
    double error = relative_error(row, expected, r->shape.k_blocks);
    free(row);
    return error;
}

static void check_scores(long_run *r, const char *op, const block_samples *samples) {
    double error = 0.0, generation_error = 0.0;
    char of[64];
    bool upstream = spd_mode_is_upstream(r->problem.select.mode);
    for (uint64_t i = 0; i < samples->count; i++) {
        uint64_t row = samples->at[i].head * r->shape.q_blocks + samples->at[i].index;
        const float *scores = r->scores + row * r->shape.k_blocks;
        uint64_t expected = i * r->shape.k_blocks;
        keep_largest(&error, score_error(r, scores, samples->scores + expected));
        if (upstream)
            keep_largest(&generation_error, score_error(r, scores + r->score_count / 2,
                                                        samples->generation + expected));
    }
    snprintf(of, sizeof of, "%llu query blocks", (unsigned long long)samples->count);
    report(r, op, "scores", error, r->bounds.scores, of);
    if (upstream)
        report(r, op, "generation scores", generation_error, r->bounds.scores, of);
    snprintf(of, sizeof of, "of %llu scores", (unsigned long long)r->score_count);
    report(r, op, "NaN", (double)count_nan(r->scores, SPARSED_F32, r->score_count), 0.0, of);
}

/* Blocks that the double scores do not choose, ties excepted. */
static void check_kept(long_run *r, const char *op, const block_samples *samples) {
    uint64_t wrong = 0, ties = 0, count = samples->count * r->shape.k_blocks;
    char of[96];
    for (uint64_t i = 0; i < count; i++) {
        const sample *s = &samples->at[i / r->shape.k_blocks];
        const uint64_t *row =
            r->pattern->bits + (s->head * r->shape.q_blocks + s->index) * r->shape.row_words;
        bool kept = spd_bit_get(row, i % r->shape.k_blocks);
        ties += samples->choices[i] == REFERENCE_EITHER;
        wrong += samples->choices[i] != REFERENCE_EITHER &&
                 (samples->choices[i] == REFERENCE_KEPT) != kept;
    }
    snprintf(of, sizeof of, "of %llu blocks, %.2f %% of them near ties", (unsigned long long)count,
             100.0 * (double)ties / (double)spd_max(count, 1));
    report(r, op, "kept otherwise", (double)wrong, 0.0, of);
}

/* ---- runs ---- */

static void run_op(long_run *r, const char *name, sparsed_op op) {
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = r->problem.q,
                           .k.mem = r->problem.k,
                           .v.mem = r->problem.v,
                           .out.mem = r->out,
                           .lse.mem = r->lse,
                           .scores.mem = op == SPARSED_SPARSE ? NULL : r->scores};
    fill_with_nan(r->out, r->out_count * element_bytes(r->problem.desc.dtype));
    fill_with_nan(r->lse, r->lse_count * sizeof *r->lse);
    fill_with_nan(r->scores, r->score_count * sizeof *r->scores);
    double start = clock_seconds();
    need(r, sparsed_plan_run(r->plan, op, &io, op == SPARSED_DENSE ? NULL : r->kept));
    printf("%-12s  %.2f s, copies included\n", name, clock_seconds() - start);
    fflush(stdout);
}

/* Takes the pattern that was built. The same as the last one's, if there was one? */
static void take_pattern(long_run *r, const char *op) {
    sparsed_pattern *last = r->pattern;
    uint64_t differ = 0;
    need(r, sparsed_kept_get(r->kept, &r->pattern));
    if (!last)
        return;
    for (uint64_t i = 0; i < spd_pattern_words(&last->info); i++)
        differ += r->pattern->bits[i] != last->bits[i];
    report(r, op, "pattern changed", (double)differ, 0.0, "words of bits");
    sparsed_pattern_release(last);
}

static void run_builds(long_run *r, const row_samples *rows) {
    block_samples blocks = block_samples_new(&r->problem, &r->samples);
    expect_blocks(&r->problem, &blocks);
    run_op(r, "dense+build", SPARSED_DENSE_BUILD);
    take_pattern(r, "dense+build");
    check_rows(r, "dense+build", rows);
    check_scores(r, "dense+build", &blocks);
    check_kept(r, "dense+build", &blocks);
    run_op(r, "build", SPARSED_BUILD);
    take_pattern(r, "build");
    check_scores(r, "build", &blocks);
    block_samples_free(&blocks);
}

static void run_sparse(long_run *r, row_samples *rows) {
    printf("%-12s  density %.4f\n", "sparse", sparsed_pattern_density(r->pattern, UINT32_MAX));
    run_op(r, "sparse", SPARSED_SPARSE);
    expect_rows(&r->problem, r->pattern->bits, rows);
    check_rows(r, "sparse", rows);
}

static void run_all(long_run *r) {
    uint32_t mode = r->problem.select.mode;
    row_samples rows = row_samples_new(&r->problem, &r->samples);
    if (!mode || spd_mode_is_scored(mode)) {
        expect_rows(&r->problem, NULL, &rows);
        run_op(r, "dense", SPARSED_DENSE);
        check_rows(r, "dense", &rows);
    }
    if (spd_mode_is_scored(mode)) {
        run_builds(r, &rows);
    } else if (mode) {
        run_op(r, "build", SPARSED_BUILD);
        take_pattern(r, "build");
    }
    if (mode)
        run_sparse(r, &rows);
    row_samples_free(&rows);
}

/* ---- the problem ---- */

static void add_options(long_options *o, cli_options *list) {
    *o = (long_options){.attention = "sparsed",
                        .dtype = "f32",
                        .batch = 1,
                        .heads = 8,
                        .kv_heads = 2,
                        .head_dim = 128,
                        .length = 2049,
                        .samples = {8, 64, 4}};
    device_add_options(&o->device, list);
    selection_add_options(&o->selection, "ranking of the blocks (upstream-dream)", list);
    const cli_option own[] = {
        {"attention", CLI_STRING, &o->attention, NULL, "KIND",
         "dense, sparsed, window or streaming (sparsed)"},
        {"dtype", CLI_STRING, &o->dtype, NULL, "TYPE", "f32, f16 or bf16 (f32)"},
        {"batch", CLI_UINT, &o->batch, NULL, "N", "(1)"},
        {"heads", CLI_UINT, &o->heads, NULL, "N", "query heads (8)"},
        {"kv-heads", CLI_UINT, &o->kv_heads, NULL, "N", "(2)"},
        {"dim", CLI_UINT, &o->head_dim, NULL, "N", "head dimension (128)"},
        {"length", CLI_UINT, &o->length, NULL, "N", "rows (2049)"},
        {"gen-length", CLI_UINT, &o->gen_length, NULL, "N",
         "rows of the generation region (a 16th of all)"},
        {"check-heads", CLI_UINT, &o->samples.heads, NULL, "N", "heads sampled, over batches (8)"},
        {"rows", CLI_UINT, &o->samples.rows, NULL, "N", "rows sampled of each (64)"},
        {"blocks", CLI_UINT, &o->samples.blocks, NULL, "N", "query blocks sampled of each (4)"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        cli_add(list, own[i]);
}

static bool find_select(const long_options *o, sparsed_select *select, tool_error *error) {
    uint32_t fixed = strcmp(o->attention, "window") == 0      ? SPARSED_MODE_WINDOW
                     : strcmp(o->attention, "streaming") == 0 ? SPARSED_MODE_STREAMING
                                                              : 0;
    if (!fixed && strcmp(o->attention, "dense") != 0 && strcmp(o->attention, "sparsed") != 0)
        return tool_fail_usage(error, "--attention is '%s', not dense, sparsed, window, streaming",
                               o->attention);
    if (!selection_make(&o->selection, fixed ? fixed : SPARSED_MODE_UPSTREAM_DREAM, select, error))
        return false;
    if (strcmp(o->attention, "dense") == 0)
        select->mode = 0;
    select->gen_len = o->gen_length ? o->gen_length : o->length / 16;
    if (!fixed)
        return true;
    select->sinks = fixed == SPARSED_MODE_STREAMING ? o->selection.sinks : 0;
    select->window = o->selection.window_given
                         ? o->selection.window
                         : sparsed_fixed_window(o->length, select->sinks, o->selection.ratio);
    return true;
}

static bool find_problem(const long_options *o, long_problem *p, tool_error *error) {
    sparsed_dtype dtype;
    if (!storage_parse(o->dtype, &dtype, error) || !find_select(o, &p->select, error))
        return false;
    p->desc = (sparsed_desc){.struct_size = sizeof p->desc,
                             .dtype = (uint32_t)dtype,
                             .batch = (uint32_t)o->batch,
                             .heads = (uint32_t)o->heads,
                             .kv_heads = (uint32_t)o->kv_heads,
                             .head_dim = (uint32_t)o->head_dim,
                             .q_len = o->length,
                             .kv_len = o->length};
    return true;
}

/* After the plan, which checks the problem. */
static void allocate_tensors(long_run *r) {
    long_problem *p = &r->problem;
    const sparsed_desc *d = &p->desc;
    uint64_t kv_rows = (uint64_t)d->batch * d->kv_heads * d->kv_len;
    uint64_t scores = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    r->shape = block_shape_of(p);
    r->lse_count = (uint64_t)d->batch * d->heads * d->q_len;
    r->out_count = r->lse_count * d->head_dim;
    p->q = new_tensor(d->dtype, r->lse_count, d->head_dim, 1, false);
    p->k = new_tensor(d->dtype, kv_rows, d->head_dim, 2, true);
    p->v = new_tensor(d->dtype, kv_rows, d->head_dim, 3, false);
    r->out = allocate(r->out_count, element_bytes(d->dtype));
    r->lse = allocate(r->lse_count, sizeof *r->lse);
    if (spd_mode_is_scored(p->select.mode)) {
        r->score_count = scores * d->batch * d->heads * r->shape.q_blocks * r->shape.k_blocks;
        r->scores = allocate(r->score_count, sizeof *r->scores);
    }
}

static void set_up(long_run *r, const long_options *o) {
    sparsed_device_info device = {.struct_size = sizeof device};
    sparsed_plan_info plan = {.struct_size = sizeof plan};
    const sparsed_desc *d = &r->problem.desc;
    const sparsed_select *s = &r->problem.select;
    need(r, sparsed_plan_create(r->context, d, s->mode ? s : NULL, &r->plan));
    if (s->mode)
        need(r, sparsed_kept_create(r->plan, &r->kept));
    need(r, sparsed_context_device(r->context, &device));
    need(r, sparsed_plan_describe(r->plan, &plan));
    allocate_tensors(r);
    r->samples = o->samples;
    r->bounds = bounds_of(d);
    printf("%s, %s; %s\n", device.name, device.driver, plan.kernel);
    printf("%s, batch %u, heads %u on %u, L %llu, D %u; %llu elements of q\n", o->dtype, d->batch,
           d->heads, d->kv_heads, (unsigned long long)d->q_len, d->head_dim,
           (unsigned long long)r->out_count);
    if (s->mode)
        printf("%s, blocks %u x %u, ratio %g, G %llu, window %llu, sinks %llu\n",
               selection_mode_name(s->mode), s->block_q, s->block_k, s->ratio,
               (unsigned long long)s->gen_len, (unsigned long long)s->window,
               (unsigned long long)s->sinks);
    fflush(stdout);
}

static void tear_down(long_run *r) {
    void *memory[] = {r->problem.q, r->problem.k, r->problem.v, r->out, r->lse, r->scores};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
    sparsed_pattern_release(r->pattern);
    sparsed_kept_destroy(r->kept);
    sparsed_plan_destroy(r->plan);
    sparsed_context_destroy(r->context);
}

int main(int argc, char **argv) {
    static cli_options list;
    long_options o;
    long_run r = {.failures = 0};
    tool_error error = {false, ""};
    add_options(&o, &list);
    bool parsed = cli_parse(&list, argc - 1, argv + 1, &o.help, &error);
    if (parsed && o.help) {
        cli_print_options(&list, stdout);
        return 0;
    }
    if (!parsed || !find_problem(&o, &r.problem, &error) ||
        !(r.context = device_open(&o.device, &error))) {
        fprintf(stderr, "long_run: %s\n", error.text);
        return error.usage ? 2 : 1;
    }
    set_up(&r, &o);
    run_all(&r);
    printf("%d checks failed\n", r.failures);
    tear_down(&r);
    return r.failures > 0;
}
