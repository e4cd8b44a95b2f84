/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the attention benchmarks share. */
#include "bench_tools.h"

#include "src/half.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* As cblas.h has them. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int,
                               const float *, int, float, float *, int);

struct bench_sgemm {
    void *library;
    sgemm_function sgemm;
    void (*set_threads)(int);
    char *(*core)(void);
    float *a, *b, *c;
    int n, threads;
};

double bench_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* The middles of so many equal shares of the normal distribution, rising. */
enum { QUANTILES = 1 << 16 };

/* By Newton's method on the share that lies above, each from the one before it; the lower half are the
 * negatives of the upper. */
static void find_quantiles(float *quantiles) {
    const double root_of_half = 0.70710678118654752, root_of_two_pi = 2.5066282746310005;
    double x = 0.0;
    for (int i = QUANTILES / 2; i < QUANTILES; i++) {
        const double above = (QUANTILES - i - 0.5) / QUANTILES;
        for (int turn = 0; turn < 6; turn++)
            x += (0.5 * erfc(x * root_of_half) - above) * root_of_two_pi * exp(0.5 * x * x);
        quantiles[i] = (float)x;
        quantiles[QUANTILES - 1 - i] = (float)-x;
    }
}

uint64_t bench_random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void draw_floats(const float *quantiles, float *to, size_t count, uint64_t state) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++, bits >>= 16) {
        if (i % 4 == 0)
            bits = bench_random_bits(&state);
        to[i] = quantiles[bits % QUANTILES];
    }
}

static void draw_halves(const float *quantiles, uint32_t dtype, uint16_t *to, size_t count,
                        uint64_t state) {
    uint16_t stored[QUANTILES];
    uint64_t bits = 0;
    for (int i = 0; i < QUANTILES; i++)
        stored[i] = dtype == SPARSED_F16 ? spd_f16_from_float(quantiles[i])
                                         : spd_bf16_from_float(quantiles[i]);
    for (size_t i = 0; i < count; i++, bits >>= 16) {
        if (i % 4 == 0)
            bits = bench_random_bits(&state);
        to[i] = stored[bits % QUANTILES];
    }
}

void *bench_random(size_t count, uint32_t seed, uint32_t dtype) {
    float *quantiles = malloc(QUANTILES * sizeof *quantiles);
    void *data = malloc(count * (dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t)));
    if (!quantiles || !data) {
        free(quantiles);
        free(data);
        return NULL;
    }
    find_quantiles(quantiles);
    if (dtype == SPARSED_F32)
        draw_floats(quantiles, data, count, seed);
    else
        draw_halves(quantiles, dtype, data, count, seed);
    free(quantiles);
    return data;
}

static bool load(bench_sgemm *g) {
    g->library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!g->library)
        return false;
    *(void **)&g->sgemm = dlsym(g->library, "cblas_sgemm");
    *(void **)&g->set_threads = dlsym(g->library, "openblas_set_num_threads");
    *(void **)&g->core = dlsym(g->library, "openblas_get_corename");
    return g->sgemm && g->set_threads && g->core;
}

bench_sgemm *bench_sgemm_create(int n, int threads) {
    bench_sgemm *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->n = n;
    g->threads = threads;
    if (!load(g)) {
        fprintf(stderr, "libopenblas.so.0 was not found\n");
        bench_sgemm_destroy(g);
        return NULL;
    }
    size_t count = (size_t)n * (size_t)n;
    g->a = bench_random(count, 11, SPARSED_F32);
    g->b = bench_random(count, 12, SPARSED_F32);
    g->c = calloc(count, sizeof *g->c);
    if (!g->a || !g->b || !g->c) {
        fprintf(stderr, "no memory for three matrices of %d x %d\n", n, n);
        bench_sgemm_destroy(g);
        return NULL;
    }
    return g;
}

void bench_sgemm_destroy(bench_sgemm *sgemm) {
    if (!sgemm)
        return;
    free(sgemm->a);
    free(sgemm->b);
    free(sgemm->c);
    if (sgemm->library)
        dlclose(sgemm->library);
    free(sgemm);
}

const char *bench_sgemm_core(const bench_sgemm *sgemm) {
    return sgemm->core();
}

double bench_sgemm_run(bench_sgemm *sgemm) {
    const struct timespec until_threads_sleep = {.tv_nsec = 100000000};
    int n = sgemm->n;
    sgemm->set_threads(sgemm->threads);
    double start = bench_now_ms();
    sgemm->sgemm(ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE, n, n, n, 1.0f, sgemm->a, n, sgemm->b, n, 0.0f,
                 sgemm->c, n);
    double ms = bench_now_ms() - start;
    sgemm->set_threads(1); /* as the library wants it */
    nanosleep(&until_threads_sleep, NULL);
    return 2.0 * n * n * n / ms * 1e-6;
}
