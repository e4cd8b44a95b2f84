/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/user_folder.h"
#include "crossover_table.h"
#include "file_lock.h"

const double bench_tune_pays = 0.9;

/* The table keeps 4 decimals of a density. */
static const double same_density = 1e-4;

/* One process at a time changes the table; -1 with an error. The lock lies in the user's folder, which is
 * made for the first one. */
static int lock_table(tool_error *error) {
    char path[sizeof((bench_tuning *)0)->path], folder[sizeof path];
    sparsed_message message;
    if (sparsed_crossover_path(path, sizeof path, &message) != SPARSED_OK)
        tool_fail(error, "--tune: %s", message.text);
    else if (!spd_user_folder(folder, sizeof folder))
        tool_fail(error, "--tune: %s: its folder cannot be made, or others may change it", path);
    else
        return file_lock(path, error);
    return -1;
}

/* Its own rows once more. */
static bool rewrite_table(tool_error *error) {
    sparsed_message message;
    crossover_table table;
    if (!crossover_table_load(&table, error))
        return false;
    const bool done = sparsed_crossover_save(NULL, table.rows, (size_t)table.table.count,
                                             &message) == SPARSED_OK ||
                      tool_fail(error, "--tune: %s", message.text);
    crossover_table_free(&table);
    return done;
}

bool bench_tune_check(tool_error *error) {
    crossover_table table;
    if (!crossover_table_load(&table, error)) /* before a folder is made for it */
        return false;
    crossover_table_free(&table);
    const int lock = lock_table(error);
    const bool done = lock >= 0 && rewrite_table(error);
    file_unlock(lock);
    return done;
}

/* ---- rows ---- */

void bench_tune_row(const uint64_t *lengths, const double *ratios, size_t count,
                    sparsed_crossover_row *row) {
    row->shortest = lengths[0];
    row->longest = lengths[count - 1];
    row->length = 0;
    for (size_t i = count; i > 0 && ratios[i - 1] <= bench_tune_pays; i--)
        row->length = lengths[i - 1];
}

bool bench_tune_same(const sparsed_crossover_row *a, const sparsed_crossover_row *b) {
    return strcmp(a->device, b->device) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           a->dtype == b->dtype && a->head_dim == b->head_dim && a->block_q == b->block_q &&
           a->block_k == b->block_k && fabs(a->density - b->density) < same_density;
}

/* Of shapes that differ in heads alone the one for which sparse pays later. */
static bool pays_later(const sparsed_crossover_row *a, const sparsed_crossover_row *b) {
    return b->length > 0 && (a->length == 0 || a->length > b->length);
}

static void add_row(bench_tuning *t, const char *selector, const sparsed_crossover_row *row) {
    for (size_t i = 0; i < t->count; i++)
        if (bench_tune_same(&t->rows[i].row, row)) {
            if (pays_later(row, &t->rows[i].row))
                t->rows[i].row = *row;
            return;
        }
    t->rows[t->count++] = (bench_tuned_row){.row = *row, .selector = selector};
}

/* What one selection came to over lengths that rise. */
typedef struct tune_series {
    uint64_t lengths[BENCH_MAX_LENGTHS];
    double ratios[BENCH_MAX_LENGTHS];
    size_t count;
    uint32_t noisy[BENCH_MAX_LENGTHS]; /* left out */
    size_t noisy_count;
} tune_series;

static void add_length(tune_series *series, const bench_problem *p, const bench_selected *s) {
    if (fmax(p->measured.dense.ms.spread, s->sparse.ms.spread) > bench_most_spread) {
        series->noisy[series->noisy_count++] = (uint32_t)p->length;
        return;
    }
    series->lengths[series->count] = p->length;
    series->ratios[series->count++] = s->density < 1.0 ? s->sparse.of_dense : INFINITY;
}

static void add_noise(bench_tuning *t, const tune_series *series, const char *selector,
                      const bench_problem *p, const bench_selected *s) {
    if (series->noisy_count == 0)
        return;
    bench_tune_noise *noise = &t->noise[t->noise_count++];
    *noise = (bench_tune_noise){.selector = selector,
                                .kernel = s->info.kernel,
                                .shape = p->shape->name,
                                .dtype = p->dtype,
                                .select = s->select,
                                .count = series->noisy_count,
                                .all = series->count == 0};
    memcpy(noise->lengths, series->noisy, sizeof noise->lengths);
}

/* The row of one selection over `count` problems, which differ in length alone: those that were
 * measured, on the kernel of the longest. */
static void tune_selection(const bench_device_results *d, const bench_problem *problems,
                           size_t count, size_t selection, bench_tuning *t) {
    tune_series series = {.count = 0};
    const bench_selected *last = NULL;
    for (size_t i = 0; i < count; i++)
        if (!problems[i].failure.text[0])
            last = &problems[i].measured.selected[selection];
    for (size_t i = 0; i < count && last; i++) {
        if (problems[i].failure.text[0])
            continue;
        const bench_selected *s = &problems[i].measured.selected[selection];
        if (strcmp(s->info.kernel, last->info.kernel) == 0)
            add_length(&series, &problems[i], s);
    }
    if (!last)
        return;
    add_noise(t, &series, d->info.selector, problems, last);
    if (series.count == 0)
        return;
    sparsed_crossover_row row = {.dtype = problems->dtype,
                                 .head_dim = problems->shape->head_dim,
                                 .block_q = last->select.block_q,
                                 .block_k = last->select.block_k,
                                 .source = SPARSED_CROSSOVER_MEASURED,
                                 .density = last->select.ratio};
    memcpy(row.device, d->info.name, sizeof row.device);
    memcpy(row.kernel, last->info.kernel, sizeof row.kernel);
    bench_tune_row(series.lengths, series.ratios, series.count, &row);
    add_row(t, d->info.selector, &row);
}

static void tune_device(const bench_options *o, const bench_device_results *d, bench_tuning *t) {
    for (size_t first = 0; d->problems && first < d->problem_count; first += o->lengths.count)
        for (size_t s = 0; s < o->select_count; s++)
            tune_selection(d, &d->problems[first], o->lengths.count, s, t);
}

/* ---- the table ---- */

/* Whether the old row stays: what it knows of other lengths would be lost. */
static bool is_wider(const sparsed_crossover_row *old, const sparsed_crossover_row *row) {
    return old->shortest <= row->shortest && old->longest >= row->longest &&
           (old->shortest < row->shortest || old->longest > row->longest);
}

/* What becomes of the row beside those of the table. */
static void settle_row(const crossover_table *old, bench_tuned_row *tuned) {
    for (size_t i = 0; i < old->table.count && tuned->fate != BENCH_TUNE_KEPT; i++) {
        const sparsed_crossover_row *row = &old->rows[i];
        if (row->source != SPARSED_CROSSOVER_MEASURED || !bench_tune_same(row, &tuned->row))
            continue;
        tuned->fate = is_wider(row, &tuned->row) ? BENCH_TUNE_KEPT : BENCH_TUNE_REPLACED;
        tuned->old_shortest = row->shortest;
        tuned->old_longest = row->longest;
    }
}

/* The user's rows, without those that `t` has anew, and then these. */
static bool merge(const crossover_table *old, const bench_tuning *t, sparsed_crossover_row **rows,
                  size_t *count, tool_error *error) {
    *count = 0;
    *rows = calloc((size_t)old->table.count + t->count + 1, sizeof **rows);
    if (!*rows)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < old->table.count; i++) {
        bool stays = old->rows[i].source == SPARSED_CROSSOVER_MEASURED;
        for (size_t j = 0; j < t->count; j++)
            stays = stays && (t->rows[j].fate == BENCH_TUNE_KEPT ||
                              !bench_tune_same(&old->rows[i], &t->rows[j].row));
        if (stays)
            (*rows)[(*count)++] = old->rows[i];
    }
    for (size_t j = 0; j < t->count; j++)
        if (t->rows[j].fate != BENCH_TUNE_KEPT)
            (*rows)[(*count)++] = t->rows[j].row;
    return true;
}

static bool store_locked(bench_tuning *t, tool_error *error) {
    crossover_table old;
    sparsed_crossover_row *rows = NULL;
    sparsed_message message;
    size_t count = 0;
    if (!crossover_table_load(&old, error))
        return false;
    for (size_t i = 0; i < t->count; i++)
        settle_row(&old, &t->rows[i]);
    bool done = merge(&old, t, &rows, &count, error);
    if (done && bench_tune_stored(t) > 0 &&
        sparsed_crossover_save(NULL, rows, count, &message) != SPARSED_OK)
        done = tool_fail(error, "--tune: %s", message.text);
    free(rows);
    crossover_table_free(&old);
    return done;
}

/* Others may store theirs meanwhile. */
static bool store(bench_tuning *t, tool_error *error) {
    sparsed_message message;
    if (sparsed_crossover_path(t->path, sizeof t->path, &message) != SPARSED_OK)
        return tool_fail(error, "--tune: %s", message.text);
    const int lock = lock_table(error);
    const bool done = lock >= 0 && store_locked(t, error);
    file_unlock(lock);
    return done;
}

bool bench_tune(const bench_results *results, bench_tuning *tuning, tool_error *error) {
    const bench_options *o = results->options;
    const size_t most = results->device_count * o->shape_count * o->dtype_count * o->select_count;
    *tuning = (bench_tuning){.rows = calloc(most, sizeof *tuning->rows),
                             .noise = calloc(most, sizeof *tuning->noise)};
    bool done = tuning->rows && tuning->noise;
    if (!done)
        tool_fail(error, "out of memory");
    for (size_t i = 0; done && i < results->device_count; i++)
        tune_device(o, &results->devices[i], tuning);
    if (done && tuning->count > 0)
        done = store(tuning, error);
    else if (done && tuning->noise_count == 0)
        done = tool_fail(error, "--tune: nothing was measured to store");
    if (!done)
        bench_tune_free(tuning);
    return done;
}

void bench_tune_free(bench_tuning *tuning) {
    free(tuning->rows);
    free(tuning->noise);
    *tuning = (bench_tuning){.rows = NULL};
}

size_t bench_tune_stored(const bench_tuning *tuning) {
    size_t stored = 0;
    for (size_t i = 0; i < tuning->count; i++)
        stored += tuning->rows[i].fate != BENCH_TUNE_KEPT;
    return stored;
}
