/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/report_plots.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/pattern_picture.h"
#include "compare/report_output.h"
#include "page/histogram.h"
#include "room.h"
#include "storage_convert.h"

page_mark report_mark(verdict v) {
    return v == VERDICT_FAIL ? PAGE_BAD : v == VERDICT_WARN ? PAGE_WARN : PAGE_GOOD;
}

double report_shade(double share) {
    return share > 0.0 ? fmin(1.0, fmax(0.0, (log10(share) + 4.0) / 4.0)) : 0.0;
}

const matrix_shade report_scale[REPORT_SCALE] = {{0.0, "1e-4 of what fails, or less"},
                                                 {0.25, "0.001"},
                                                 {0.5, "0.01"},
                                                 {0.75, "0.1"},
                                                 {1.0, "1: fails"}};

/* ---- the matrix of pairs ---- */

bool report_records_name(record_names *names, const comparison *c, bool labels) {
    names->text = room_for(c->record_count, sizeof *names->text);
    names->names = room_for(c->record_count, sizeof *names->names);
    if (!names->text || !names->names)
        return false;
    for (size_t i = 0; i < c->record_count; i++) {
        snprintf(names->text[i], REPORT_RECORD_BYTES, "%c%s%s", comparison_letter(i),
                 labels ? " " : "", labels ? c->records[i].label : "");
        names->names[i] = names->text[i];
    }
    return true;
}

void report_records_free(record_names *names) {
    free(names->text);
    free(names->names);
}

/* The largest error of a record's outputs against the oracle, as a share of what fails. */
static double own_share(const record *r) {
    double largest = 0.0;
    for (size_t k = 0; k < r->case_count; k++)
        largest = fmax(largest, report_own_error(&r->cases[k]).share);
    return largest;
}

typedef void fill_cell(const comparison *c, const record_pair *pair, size_t own, matrix_cell *cell);

/* pair NULL: the diagonal, record `own`. */
static void fill_outputs(const comparison *c, const record_pair *pair, size_t own,
                         matrix_cell *cell) {
    const double share = pair ? pair->outputs.share : own_share(&c->records[own]);
    cell->shade = report_shade(share);
    cell->mark = report_mark(pair ? pair->all : c->record_verdicts[own]);
    snprintf(cell->text, sizeof cell->text, "%.2g", share);
    if (pair)
        report_distance(&pair->outputs, 2, cell->text);
    if (pair)
        snprintf(cell->title, sizeof cell->title, "%s and %s: %.3g of what fails, verdict %s",
                 c->records[pair->a].label, c->records[pair->b].label, share,
                 verdict_name(pair->all));
    else
        snprintf(cell->title, sizeof cell->title, "%s and the oracle: %.3g of what fails, %s",
                 c->records[own].label, share, verdict_name(c->record_verdicts[own]));
}

static void fill_patterns(const comparison *c, const record_pair *pair, size_t own,
                          matrix_cell *cell) {
    (void)own;
    if (!pair) {
        cell->shade = NAN;
        return;
    }
    const pattern_agreement *p = &pair->pattern;
    const double jaccard = pattern_agreement_jaccard(p);
    cell->shade = jaccard < 1.0 ? fmax(0.05, (log10(1.0 - jaccard) + 6.0) / 6.0) : 0.0;
    for (size_t k = 0; k < pair->count; k++)
        if (report_mark(pair->cases[k].pattern_verdict) > cell->mark)
            cell->mark = report_mark(pair->cases[k].pattern_verdict);
    snprintf(cell->text, sizeof cell->text, "%.5f", jaccard);
    snprintf(cell->title, sizeof cell->title,
             "%s and %s: %" PRIu64 " ties, %" PRIu64 " real, %" PRIu64 " not decidable, of %" PRIu64
             " kept blocks",
             c->records[pair->a].label, c->records[pair->b].label, p->ties, p->real, p->undecided,
             p->both + p->only_a + p->only_b);
}

static void fill_equality(const comparison *c, const record_pair *pair, size_t own,
                          matrix_cell *cell) {
    (void)own;
    if (!pair) {
        cell->shade = NAN;
        return;
    }
    cell->shade = pair->runs > 0 ? (double)pair->bitwise_runs / (double)pair->runs : 0.0;
    snprintf(cell->text, sizeof cell->text, "%zu/%zu", pair->bitwise_runs, pair->runs);
    snprintf(cell->title, sizeof cell->title, "%s and %s: %zu of %zu runs are equal to the bit",
             c->records[pair->a].label, c->records[pair->b].label, pair->bitwise_runs, pair->runs);
}

static bool draw_matrix(page *p, const comparison *c, const char *title, const char *note,
                        const matrix_shade *scale, size_t scale_count, fill_cell *fill) {
    const size_t n = c->record_count;
    record_names rows = {NULL, NULL}, columns = {NULL, NULL};
    matrix_cell *cells = room_for(n * n, sizeof *cells);
    bool done =
        cells && report_records_name(&rows, c, true) && report_records_name(&columns, c, false);
    for (size_t i = 0; i < n * n && done; i++) {
        const size_t row = i / n, column = i % n;
        if (row < column)
            cells[i].shade = NAN;
        else
            fill(c, row > column ? comparison_pair(c, column, row) : NULL, row, &cells[i]);
    }
    if (done) {
        const matrix_chart chart = {title, note, rows.names, columns.names, n,          n,
                                    78,    34,   cells,      scale,         scale_count};
        matrix_chart_draw(p, &chart);
    }
    report_records_free(&rows);
    report_records_free(&columns);
    free(cells);
    return done;
}

static const matrix_shade pattern_scale[] = {
    {0.0, "1: the same blocks"}, {1.0 / 3.0, "0.9999"}, {2.0 / 3.0, "0.99"}, {1.0, "0"}};
static const matrix_shade equality_scale[] = {{0.0, "none"}, {0.5, "half"}, {1.0, "all"}};

bool report_plot_pairs(page *p, const comparison *c, tool_error *error) {
    page_markup(p, "<div style=\"display:flex;flex-wrap:wrap;gap:0 2.5rem\">\n");
    bool done = draw_matrix(p, c, "Outputs given one pattern",
                            "The largest relative difference over all cases, as a share of what "
                            "fails; on the diagonal, of the record and the oracle. The fuller, the "
                            "further apart; = equal to the bit, ~ right within the absolute bound "
                            "alone. An edge marks the verdict: yellow warn, red fail.",
                            report_scale, REPORT_SCALE, fill_outputs);
    done =
        done &&
        draw_matrix(
            p, c, "Own patterns",
            "Jaccard index of the kept blocks over all cases. The fuller, the further apart.",
            pattern_scale, sizeof pattern_scale / sizeof *pattern_scale, fill_patterns) &&
        draw_matrix(p, c, "Equal to the bit",
                    "Runs whose outputs, log-sum-exp, scores and patterns have the same "
                    "digests. The fuller, the more.",
                    equality_scale, sizeof equality_scale / sizeof *equality_scale, fill_equality);
    page_markup(p, "</div>\n");
    return done || tool_fail(error, "out of memory for the matrix of pairs");
}

/* ---- errors ---- */

/* Which errors a distribution is of: outputs of one storage type, or another result. */
typedef struct error_choice {
    const char *title;
    uint32_t out_dtype; /* 0: another result ... */
    bool scores;        /* ... block scores, else log-sum-exps */
} error_choice;

static void add_counts(const record_errors *e, uint64_t *counts) {
    for (int i = 0; i < RECORD_ULP_BINS; i++)
        counts[i] += e->ulps[i];
}

static void count_errors(const record *r, const error_choice *choice, uint64_t *counts) {
    for (size_t k = 0; k < r->case_count; k++) {
        const record_case *at = &r->cases[k];
        for (int op = 0; op < RECORD_OPS && !at->failure[0]; op++) {
            const record_run *run = &at->runs[op];
            if (choice->out_dtype == at->desc.out_dtype)
                add_counts(&run->out_errors, counts);
            else if (choice->out_dtype == 0 && !choice->scores)
                add_counts(&run->lse_errors, counts);
            else if (choice->out_dtype == 0 && op == RECORD_BUILD)
                add_counts(&run->scores_errors, counts);
        }
    }
}

static bool plot_distribution(page *p, const comparison *c, const error_choice *choice) {
    static const char *const bins[RECORD_ULP_BINS] = {"0",    "1",    "2",    "4",   "8",   "16",
                                                      "32",   "64",   "128",  "256", "512", "1024",
                                                      "2048", "4096", "8192", "more"};
    record_names names = {NULL, NULL};
    uint64_t(*counts)[RECORD_ULP_BINS] = room_for(c->record_count, sizeof *counts);
    histogram_series *series = room_for(c->record_count, sizeof *series);
    const bool done = counts && series && report_records_name(&names, c, true);
    for (size_t i = 0; i < c->record_count && done; i++) {
        count_errors(&c->records[i], choice, counts[i]);
        series[i] = (histogram_series){names.names[i], counts[i]};
    }
    uint64_t elements = 0;
    for (size_t i = 0; i < c->record_count && done; i++)
        for (int bin = 0; bin < RECORD_ULP_BINS; bin++)
            elements += counts[i][bin];
    if (elements > 0) {
        const histogram chart = {
            choice->title,       "steps of the storage type from the oracle's value, at most",
            "share of elements", bins,
            RECORD_ULP_BINS,     series,
            c->record_count};
        histogram_draw(p, &chart);
    }
    report_records_free(&names);
    free(counts);
    free(series);
    return done;
}

bool report_plot_errors(page *p, const comparison *c, tool_error *error) {
    static const error_choice choices[] = {{"Outputs stored in f32", SPARSED_F32, false},
                                           {"Outputs stored in f16", SPARSED_F16, false},
                                           {"Outputs stored in bf16", SPARSED_BF16, false},
                                           {"Log-sum-exps", 0, false},
                                           {"Block scores", 0, true}};
    page_heading(p, "Errors against the double oracle");
    bool done = true;
    for (size_t i = 0; i < sizeof choices / sizeof *choices && done; i++)
        done = plot_distribution(p, c, &choices[i]);
    return done || tool_fail(error, "out of memory for the distributions of errors");
}

/* ---- patterns ---- */

enum { MOST_PICTURES = 12 };

/* Real differences first, then undecided ones, then ties. */
static double weight_of(const case_pair *at) {
    const pattern_agreement *p = &at->pattern;
    return ((double)p->real * 1e6 + (double)p->undecided) * 1e6 + (double)p->ties;
}

typedef struct chosen_pair {
    const record_pair *pair;
    const case_pair *at;
} chosen_pair;

/* Keeps the heaviest ones, in their order. */
static void choose(chosen_pair *chosen, size_t *count, const record_pair *pair,
                   const case_pair *at) {
    size_t place = *count;
    while (place > 0 && weight_of(chosen[place - 1].at) < weight_of(at))
        place--;
    if (place == MOST_PICTURES)
        return;
    if (*count < MOST_PICTURES)
        ++*count;
    memmove(&chosen[place + 1], &chosen[place], (*count - place - 1) * sizeof *chosen);
    chosen[place] = (chosen_pair){pair, at};
}

bool report_plot_patterns(page *p, const comparison *c, tool_error *error) {
    chosen_pair chosen[MOST_PICTURES];
    size_t count = 0, differing = 0;
    if (c->pair_count == 0)
        return true;
    page_heading(p, "Where own patterns differ");
    for (size_t i = 0; i < c->pair_count; i++)
        for (size_t k = 0; k < c->pairs[i].count; k++) {
            const case_pair *at = &c->pairs[i].cases[k];
            if (at->pattern.only_a + at->pattern.only_b == 0)
                continue;
            differing++;
            choose(chosen, &count, &c->pairs[i], at);
        }
    if (differing == 0) {
        page_paragraph(p, "Nowhere: in every case all devices keep the same blocks.");
        return true;
    }
    page_paragraph(p, "Query blocks down, key blocks across, heads that differ.%s",
                   differing > count ? " The cases and pairs that differ most." : "");
    pattern_picture_legend(p);
    for (size_t i = 0; i < count; i++) {
        const record *a = &c->records[chosen[i].pair->a], *b = &c->records[chosen[i].pair->b];
        const case_patterns patterns = {&a->cases[chosen[i].at->a], &b->cases[chosen[i].at->b],
                                        c->tolerance};
        char title[3 * RECORD_NAME_BYTES];
        snprintf(title, sizeof title, "%s: %c and %c", patterns.a->name,
                 comparison_letter(chosen[i].pair->a), comparison_letter(chosen[i].pair->b));
        if (!pattern_picture_draw(p, &patterns, title))
            return tool_fail(error, "out of memory for the picture of a pattern");
    }
    return true;
}
