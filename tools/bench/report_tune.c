/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What --tune stored, in every report. */
#include <stdio.h>
#include <string.h>

#include "json_print.h"
#include "number_list.h"
#include "report.h"
#include "storage_convert.h"

enum { LINE_BYTES = 1024, LENGTHS_BYTES = BENCH_MAX_LENGTHS * 10 };

static const char nothing[] = "Nothing was stored for --attention auto.";
static const char rule[] = "here a length pays where a sparse pass takes at most %g of the dense "
                           "time, there and at every longer one";

/* ---- lines ---- */

/* "cpu: cpu-plain, f32, head dimension 64, blocks 32 x 32, ratio 0.3: sparse pays from 256 rows on". */
static void row_line(const bench_tuned_row *tuned, char line[LINE_BYTES]) {
    const sparsed_crossover_row *r = &tuned->row;
    const unsigned long long shortest = r->shortest, longest = r->longest, length = r->length;
    const unsigned long long old_shortest = tuned->old_shortest, old_longest = tuned->old_longest;
    int used = snprintf(
        line, LINE_BYTES,
        "%s: %s, %s, head dimension %u, blocks %u x %u, ratio %g: ", tuned->selector, r->kernel,
        storage_name((sparsed_dtype)r->dtype), r->head_dim, r->block_q, r->block_k, r->density);
    char *at = line + used;
    const size_t room = LINE_BYTES - (size_t)used;
    if (tuned->fate == BENCH_TUNE_KEPT) {
        snprintf(at, room,
                 "not stored: the table's row of %llu to %llu rows is wider than this of %llu to "
                 "%llu, and stays",
                 old_shortest, old_longest, shortest, longest);
        return;
    }
    if (length > 0)
        used = snprintf(at, room, "sparse pays from %llu rows on", length);
    else
        used = snprintf(at, room, "sparse does not pay");
    used +=
        snprintf(at + used, room - (size_t)used, " (measured: %llu to %llu)", shortest, longest);
    if (tuned->fate == BENCH_TUNE_REPLACED && (old_shortest < shortest || old_longest > longest))
        snprintf(at + used, room - (size_t)used, "; replaces the table's row of %llu to %llu rows",
                 old_shortest, old_longest);
}

static void noise_line(const bench_tune_noise *n, char line[LINE_BYTES]) {
    char lengths[LENGTHS_BYTES];
    number_list_print(n->lengths, n->count, lengths, sizeof lengths);
    snprintf(
        line, LINE_BYTES,
        "%s: %s, %s %s, blocks %u x %u, ratio %g: %s: the times spread over more than %.0f %%: "
        "%s",
        n->selector, n->kernel, n->shape, storage_name((sparsed_dtype)n->dtype), n->select.block_q,
        n->select.block_k, n->select.ratio, lengths, 100.0 * bench_most_spread,
        n->all ? "no row was stored" : "these lengths were not stored");
}

void bench_tune_print(const bench_tuning *t, FILE *to) {
    char line[LINE_BYTES];
    if (bench_tune_stored(t) > 0) {
        fprintf(to, "\nStored for --attention auto, in %s:\n(", t->path);
        fprintf(to, rule, bench_tune_pays);
        fputs(")\n", to);
    } else {
        fprintf(to, "\n%s\n", nothing);
    }
    for (size_t i = 0; i < t->count; i++) {
        row_line(&t->rows[i], line);
        fprintf(to, "  %s\n", line);
    }
    for (size_t i = 0; i < t->noise_count; i++) {
        noise_line(&t->noise[i], line);
        fprintf(to, "  %s\n", line);
    }
}

static void draw_line(page *p, const char *line) {
    page_markup(p, "<li>");
    page_text(p, "%s", line);
    page_markup(p, "</li>\n");
}

void bench_tune_draw(page *p, const bench_tuning *t) {
    char line[LINE_BYTES];
    page_heading(p, "Stored for --attention auto");
    if (bench_tune_stored(t) > 0) {
        snprintf(line, sizeof line, rule, bench_tune_pays);
        page_paragraph(p, "In %s; %s.", t->path, line);
    } else {
        page_paragraph(p, "%s", nothing);
    }
    page_markup(p, "<ul>\n");
    for (size_t i = 0; i < t->count; i++) {
        row_line(&t->rows[i], line);
        draw_line(p, line);
    }
    for (size_t i = 0; i < t->noise_count; i++) {
        noise_line(&t->noise[i], line);
        draw_line(p, line);
    }
    page_markup(p, "</ul>\n");
}

/* ---- JSON ---- */

static void add_or_null(cJSON *o, const char *key, uint64_t number) {
    if (number > 0)
        cJSON_AddNumberToObject(o, key, (double)number);
    else
        cJSON_AddNullToObject(o, key);
}

static void add_blocks(cJSON *o, uint32_t block_q, uint32_t block_k, double ratio) {
    cJSON_AddNumberToObject(o, "block_q", block_q);
    cJSON_AddNumberToObject(o, "block_k", block_k);
    cJSON_AddNumberToObject(o, "ratio", ratio);
}

static cJSON *row_json(const bench_tuned_row *tuned) {
    static const char *const fates[] = {"stored", "replaced", "kept"};
    const sparsed_crossover_row *r = &tuned->row;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "outcome", fates[tuned->fate]);
    json_add_text(o, "device", r->device);
    json_add_text(o, "selector", tuned->selector);
    cJSON_AddStringToObject(o, "kernel", r->kernel);
    cJSON_AddStringToObject(o, "dtype", storage_name((sparsed_dtype)r->dtype));
    cJSON_AddNumberToObject(o, "head_dim", r->head_dim);
    add_blocks(o, r->block_q, r->block_k, r->density);
    add_or_null(o, "length", r->length);
    add_or_null(o, "shortest", r->shortest);
    add_or_null(o, "longest", r->longest);
    add_or_null(o, "table_shortest", tuned->old_shortest);
    add_or_null(o, "table_longest", tuned->old_longest);
    return o;
}

static cJSON *noise_json(const bench_tune_noise *n) {
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "selector", n->selector);
    cJSON_AddStringToObject(o, "kernel", n->kernel);
    json_add_text(o, "shape", n->shape);
    cJSON_AddStringToObject(o, "dtype", storage_name((sparsed_dtype)n->dtype));
    add_blocks(o, n->select.block_q, n->select.block_k, n->select.ratio);
    cJSON *lengths = cJSON_AddArrayToObject(o, "lengths");
    for (size_t i = 0; i < n->count; i++)
        cJSON_AddItemToArray(lengths, cJSON_CreateNumber(n->lengths[i]));
    cJSON_AddStringToObject(o, "why", "spread");
    return o;
}

cJSON *bench_tune_json(const bench_tuning *t) {
    cJSON *o = cJSON_CreateObject();
    if (t->path[0])
        json_add_text(o, "file", t->path);
    else
        cJSON_AddNullToObject(o, "file");
    cJSON_AddNumberToObject(o, "pays_at_most", bench_tune_pays);
    cJSON *rows = cJSON_AddArrayToObject(o, "rows");
    for (size_t i = 0; i < t->count; i++)
        cJSON_AddItemToArray(rows, row_json(&t->rows[i]));
    cJSON *left_out = cJSON_AddArrayToObject(o, "left_out");
    for (size_t i = 0; i < t->noise_count; i++)
        cJSON_AddItemToArray(left_out, noise_json(&t->noise[i]));
    return o;
}
