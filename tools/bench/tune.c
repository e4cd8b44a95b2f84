/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crossover_table.h"
#include "storage_convert.h"

/* Sparse pays where it takes at most so much of the dense time: a tenth is what a build and the
 * noise of a measurement may cost. */
static const double pays = 0.9;

/* The table keeps 4 decimals of a density. */
static const double same_density = 1e-4;

bool bench_tune_check(tool_error *error) {
    char path[sizeof((bench_tuning *)0)->path];
    sparsed_message message;
    crossover_table table;
    if (sparsed_crossover_path(path, sizeof path, &message) != SPARSED_OK)
        return tool_fail(error, "--tune: %s", message.text);
    if (!crossover_table_load(&table, error))
        return false;
    crossover_table_free(&table);
    return true;
}

/* ---- rows ---- */

void bench_tune_row(const uint64_t *lengths, const double *ratios, size_t count,
                    sparsed_crossover_row *row) {
    row->shortest = lengths[0];
    row->longest = lengths[count - 1];
    row->length = 0;
    for (size_t i = count; i > 0 && ratios[i - 1] <= pays; i--)
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

static void add_row(bench_tuning *t, const sparsed_crossover_row *row) {
    for (size_t i = 0; i < t->count; i++)
        if (bench_tune_same(&t->rows[i], row)) {
            if (pays_later(row, &t->rows[i]))
                t->rows[i] = *row;
            return;
        }
    t->rows[t->count++] = *row;
}

/* The row of one selection over `count` problems, which differ in length alone: those that were
 * measured, on the kernel of the longest. */
static void tune_selection(const bench_device_results *d, const bench_problem *problems,
                           size_t count, size_t selection, bench_tuning *t) {
    uint64_t lengths[BENCH_MAX_LENGTHS];
    double ratios[BENCH_MAX_LENGTHS];
    const bench_selected *last = NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!problems[i].failure.text[0])
            last = &problems[i].measured.selected[selection];
    for (size_t i = 0; i < count && last; i++) {
        if (problems[i].failure.text[0])
            continue;
        const bench_selected *s = &problems[i].measured.selected[selection];
        if (strcmp(s->info.kernel, last->info.kernel) != 0)
            continue;
        lengths[n] = problems[i].length;
        ratios[n++] = s->sparse.of_dense;
    }
    if (n == 0)
        return;
    sparsed_crossover_row row = {.dtype = problems->dtype,
                                 .head_dim = problems->shape->head_dim,
                                 .block_q = last->select.block_q,
                                 .block_k = last->select.block_k,
                                 .source = SPARSED_CROSSOVER_MEASURED,
                                 .density = last->select.ratio};
    memcpy(row.device, d->info.name, sizeof row.device);
    memcpy(row.kernel, last->info.kernel, sizeof row.kernel);
    bench_tune_row(lengths, ratios, n, &row);
    add_row(t, &row);
}

static void tune_device(const bench_options *o, const bench_device_results *d, bench_tuning *t) {
    for (size_t first = 0; d->problems && first < d->problem_count; first += o->lengths.count)
        for (size_t s = 0; s < o->select_count; s++)
            tune_selection(d, &d->problems[first], o->lengths.count, s, t);
}

/* ---- the table ---- */

/* The user's rows, without those that `t` has anew, and then these. */
static bool merge(const crossover_table *old, const bench_tuning *t, sparsed_crossover_row **rows,
                  size_t *count, tool_error *error) {
    *count = 0;
    *rows = calloc((size_t)old->table.count + t->count, sizeof **rows);
    if (!*rows)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < old->table.count; i++) {
        bool stays = old->rows[i].source == SPARSED_CROSSOVER_MEASURED;
        for (size_t j = 0; j < t->count; j++)
            stays = stays && !bench_tune_same(&old->rows[i], &t->rows[j]);
        if (stays)
            (*rows)[(*count)++] = old->rows[i];
    }
    for (size_t j = 0; j < t->count; j++)
        (*rows)[(*count)++] = t->rows[j];
    return true;
}

static bool store(bench_tuning *t, tool_error *error) {
    crossover_table old;
    sparsed_crossover_row *rows = NULL;
    sparsed_message message;
    size_t count = 0;
    if (!crossover_table_load(&old, error))
        return false;
    bool done = merge(&old, t, &rows, &count, error);
    if (done && (sparsed_crossover_save(NULL, rows, count, &message) != SPARSED_OK ||
                 sparsed_crossover_path(t->path, sizeof t->path, &message) != SPARSED_OK))
        done = tool_fail(error, "--tune: %s", message.text);
    free(rows);
    crossover_table_free(&old);
    return done;
}

bool bench_tune(const bench_results *results, bench_tuning *tuning, tool_error *error) {
    const bench_options *o = results->options;
    const size_t most = results->device_count * o->shape_count * o->dtype_count * o->select_count;
    *tuning = (bench_tuning){.rows = calloc(most, sizeof *tuning->rows)};
    if (!tuning->rows)
        return tool_fail(error, "out of memory");
    for (size_t i = 0; i < results->device_count; i++)
        tune_device(o, &results->devices[i], tuning);
    bool done = tuning->count > 0 ? store(tuning, error)
                                  : tool_fail(error, "--tune: nothing was measured to store");
    if (!done)
        bench_tune_free(tuning);
    return done;
}

void bench_tune_free(bench_tuning *tuning) {
    free(tuning->rows);
    *tuning = (bench_tuning){.rows = NULL};
}

void bench_tune_print(const bench_tuning *t, FILE *to) {
    fprintf(to, "\nStored for --attention auto, in %s:\n", t->path);
    for (size_t i = 0; i < t->count; i++) {
        const sparsed_crossover_row *r = &t->rows[i];
        fprintf(to, "  %s, %s, head dimension %u, blocks %u x %u, density up to %g: ", r->kernel,
                storage_name((sparsed_dtype)r->dtype), r->head_dim, r->block_q, r->block_k,
                r->density);
        if (r->length > 0)
            fprintf(to, "sparse pays from %llu rows on", (unsigned long long)r->length);
        else
            fprintf(to, "sparse does not pay");
        fprintf(to, " (measured: %llu to %llu)\n", (unsigned long long)r->shortest,
                (unsigned long long)r->longest);
    }
}
