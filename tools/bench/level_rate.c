/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What the levels of the processor multiply at best, on all threads at once. */
#include "peak.h"

#include <stdlib.h>
#include <string.h>

#include "../cpu/levels.h"
#include "clock.h"
#include "random_data.h"

enum { DIM = 128, ROUNDS = 50 };

/* Short, so that some fall between what other work does. */
static const double ROUND_S = 0.002;

/* The level of a registry row such as "cpu-avx512"; NULL: none. */
static const spd_level *find_level(const char *kernel) {
    for (size_t row = 0; row < SPD_LEVELS; row++)
        if (strncmp(kernel, "cpu-", 4) == 0 && strcmp(kernel + 4, spd_level_row_name(row)) == 0 &&
            spd_level_row_runs(row, NULL, 0))
            return spd_level_rows[row].level;
    return NULL;
}

/* One strip and one tile of a thread's own. */
typedef struct operands {
    void *k, *q_t;
    float *s_t;
    spd_tile tile;
} operands;

/* Normal data, aligned as the level wants it: for pairs, 16 bits of it are as good as any. */
static void *new_values(size_t count, uint32_t seed, uint32_t dtype) {
    const size_t size_bytes = count * (dtype == SPARSED_F32 ? 4 : 2);
    void *values = aligned_alloc(64, (size_bytes + 63) / 64 * 64);
    void *random = bench_random(count, seed, dtype);
    if (values && random)
        memcpy(values, random, size_bytes);
    else {
        free(values);
        values = NULL;
    }
    free(random);
    return values;
}

static void release(operands *o) {
    free(o->k);
    free(o->q_t);
    free(o->s_t);
}

static bool prepare(const spd_level *level, operands *o) {
    const uint32_t dtype = level->pairs ? SPARSED_BF16 : SPARSED_F32;
    *o = (operands){.k = new_values((size_t)SPD_TILE_KEYS * DIM, 1, dtype),
                    .q_t = new_values((size_t)DIM * SPD_STRIP_ROWS, 2, dtype),
                    .s_t = aligned_alloc(64, sizeof(float) * SPD_TILE_KEYS * SPD_STRIP_ROWS)};
    o->tile = (spd_tile){.run = {{o->k, SPD_TILE_KEYS}},
                         .runs = 1,
                         .keys = SPD_TILE_KEYS,
                         .stride_bytes = (ptrdiff_t)DIM * (level->pairs ? 2 : 4)};
    if (o->k && o->q_t && o->s_t)
        return true;
    release(o);
    return false;
}

/* Tiles multiplied until the moment, and some if it is over: on a busy machine a thread may begin late. */
static double multiply_until(const spd_level *level, const operands *o, double end_s) {
    enum { BATCH = 8 };
    double tiles = 0.0;
    if (level->enter)
        level->enter();
    do {
        for (int i = 0; i < BATCH; i++)
            level->scores(&o->tile, DIM, o->q_t, SPD_STRIP_ROWS, o->s_t, SPD_STRIP_ROWS, NULL);
        tiles += BATCH;
    } while (clock_seconds() < end_s);
    if (level->leave)
        level->leave();
    return tiles;
}

/* All threads run for the same time; the best round counts, which other work spoils least. */
static double best_rate(const spd_level *level, const operands *of_threads, uint32_t threads) {
    const double operations = 2.0 * SPD_TILE_KEYS * SPD_STRIP_ROWS * DIM;
    double best = 0.0;
    for (int round = 0; round < ROUNDS; round++) {
        double tiles = 0.0;
        const double start = clock_seconds(), end = start + ROUND_S;
#pragma omp parallel for num_threads((int)threads) schedule(static, 1) reduction(+ : tiles)
        for (uint32_t i = 0; i < threads; i++)
            tiles += multiply_until(level, &of_threads[i], end);
        const double rate = tiles * operations / (clock_seconds() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

double bench_level_rate(const char *kernel, uint32_t threads) {
    const spd_level *level = find_level(kernel);
    operands *of_threads = level && threads > 0 ? calloc(threads, sizeof *of_threads) : NULL;
    uint32_t prepared = 0;
    double rate = 0.0;
    while (of_threads && prepared < threads && prepare(level, &of_threads[prepared]))
        prepared++;
    if (of_threads && prepared == threads)
        rate = best_rate(level, of_threads, threads);
    while (prepared > 0)
        release(&of_threads[--prepared]);
    free(of_threads);
    return rate;
}
