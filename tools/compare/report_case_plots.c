/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Case by case: errors, pairs, times; see report_plots.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/report_plots.h"
#include "room.h"

/* ---- against the oracle ---- */

/* One number of a case of a record, the worst of its runs. */
typedef struct own_value {
    double value; /* a NaN: the case did not run */
    double share; /* of what fails; 0 of what is held to no bound */
    verdict v;
    char marks[REPORT_MARKS_BYTES + 1]; /* behind the number */
} own_value;

typedef own_value value_of_case(const record_case *c);

static own_value value_of_outputs(const record_case *c) {
    const report_error error = report_own_error(c);
    own_value own = {error.relative, error.share, verdict_of_case(c), ""};
    char marks[REPORT_MARKS_BYTES];
    report_marks(c, marks);
    snprintf(own.marks, sizeof own.marks, "%s%s", error.absolute ? "~" : "", marks);
    return own;
}

/* Its runs that did not come to a number are infinite. */
static double number_of(const record_errors *e, double value) {
    return e->nonfinite > 0 ? INFINITY : value;
}

static own_value value_of_nmse(const record_case *c) {
    own_value own = {0.0, 0.0, VERDICT_PASS, ""};
    for (int op = 0; op < RECORD_OPS; op++)
        own.value =
            fmax(own.value, number_of(&c->runs[op].out_errors, c->runs[op].out_errors.nmse));
    return own;
}

static own_value value_of_lse(const record_case *c) {
    own_value own = {0.0, 0.0, VERDICT_PASS, ""};
    for (int op = 0; op < RECORD_OPS; op++) {
        const record_errors *e = &c->runs[op].lse_errors;
        own.value = fmax(own.value, number_of(e, e->max_abs));
        own.v = verdict_worse(own.v, verdict_of_lse(c, (record_op)op));
    }
    own.share = own.value / c->bounds.lse.fail;
    return own;
}

static own_value value_of_scores(const record_case *c) {
    const record_errors *e = &c->runs[RECORD_BUILD].scores_errors;
    own_value own = {number_of(e, e->relative), 0.0, verdict_of_scores(c), ""};
    own.share = own.value / c->bounds.scores.fail;
    return own;
}

typedef struct own_chart {
    const char *title, *note;
    value_of_case *value;
    bool scale;
} own_chart;

static void fill_own_case(const comparison *c, size_t i, const char *name, const own_chart *chart,
                          matrix_cell *cell) {
    size_t index;
    const record_case *at = comparison_find(&c->records[i], name, &index);
    cell->shade = NAN;
    if (!at)
        return;
    cell->shade = 0.0;
    cell->mark = PAGE_BAD;
    snprintf(cell->text, sizeof cell->text, "-");
    snprintf(cell->title, sizeof cell->title, "%c, %s: did not run", comparison_letter(i), name);
    if (at->failure[0])
        return;
    const own_value own = chart->value(at);
    cell->mark = report_mark(own.v);
    cell->shade = report_shade(own.share);
    snprintf(cell->text, sizeof cell->text, "%.1e%s", own.value, own.marks);
    snprintf(cell->title, sizeof cell->title, "%c, %s: %.3g%s; %s", comparison_letter(i), name,
             own.value, own.marks, verdict_name(own.v));
}

static bool plot_own_cases(page *p, const comparison *c, const report_names *names,
                           const own_chart *chart) {
    const size_t n = c->record_count;
    record_names columns = {NULL, NULL};
    matrix_cell *cells = room_for(names->count * n, sizeof *cells);
    const bool done = cells && report_records_name(&columns, c, false);
    for (size_t i = 0; i < names->count * n && done; i++)
        fill_own_case(c, i % n, names->names[i / n], chart, &cells[i]);
    if (done) {
        const matrix_chart matrix = {chart->title, chart->note,
                                     names->names, columns.names,
                                     names->count, n,
                                     98,           22,
                                     cells,        chart->scale ? report_scale : NULL,
                                     REPORT_SCALE};
        matrix_chart_draw(p, &matrix);
    }
    report_records_free(&columns);
    free(cells);
    return done;
}

static const own_chart own_charts[] = {
    {"Outputs against the oracle: the largest relative error",
     "An edge marks the case's verdict: yellow warn, red fail. ? and ! say what warns and fails: o "
     "outputs, l log-sum-exps, s block scores, c the choice of blocks, r repeats that differ. With "
     "~ the data is near the smallest numbers of its type, and the outputs are right within an "
     "absolute bound.",
     value_of_outputs, true},
    {"Log-sum-exps against the oracle: the largest absolute error",
     "An edge marks what warns and fails.", value_of_lse, true},
    {"Block scores against the oracle: the relative error", "An edge marks what warns and fails.",
     value_of_scores, true},
    {"Outputs: the normalised mean squared error (NMSE)", "Of the worst run; held to no bound.",
     value_of_nmse, false}};

/* ---- pairs ---- */

static void fill_case_pair(const comparison *c, const record_pair *pair, const char *name,
                           matrix_cell *cell) {
    const record *a = &c->records[pair->a], *b = &c->records[pair->b];
    const case_pair *at = comparison_pair_case(c, pair, name);
    cell->shade = NAN;
    if (!at)
        return;
    const out_distance apart = case_pair_out_distance(at, &a->cases[at->a], &b->cases[at->b]);
    size_t equal = 0;
    for (int op = 0; op < RECORD_OPS; op++)
        equal += at->runs[op].bitwise;
    cell->shade = report_shade(apart.share);
    cell->mark = report_mark(at->all);
    report_distance(&apart, 1, cell->text);
    snprintf(cell->title, sizeof cell->title,
             "%c, %c, %s: %.3g of what fails%s; %zu of %d runs equal; Jaccard index %.6g; %s",
             comparison_letter(pair->a), comparison_letter(pair->b), name, apart.share,
             apart.absolute ? ", the rest within the absolute bound" : "", equal, RECORD_OPS,
             pattern_agreement_jaccard(&at->pattern), verdict_name(at->all));
}

static bool plot_case_pairs(page *p, const comparison *c, const report_names *names) {
    const size_t n = c->pair_count;
    char(*text)[4] = room_for(n, sizeof *text);
    const char **columns = room_for(n, sizeof *columns);
    matrix_cell *cells = room_for(names->count * n, sizeof *cells);
    const bool done = text && columns && cells;
    for (size_t i = 0; i < n && done; i++) {
        snprintf(text[i], sizeof text[i], "%c %c", comparison_letter(c->pairs[i].a),
                 comparison_letter(c->pairs[i].b));
        columns[i] = text[i];
    }
    for (size_t i = 0; i < names->count * n && done; i++)
        fill_case_pair(c, &c->pairs[i % n], names->names[i / n], &cells[i]);
    if (done) {
        const matrix_chart chart = {
            "Pairs: outputs given one pattern",
            "The largest relative difference as a share of what fails; = where outputs are equal to "
            "the bit, 0 where their stored values are the same, ~ where they differ and are right within an "
            "absolute bound. An edge marks the case's verdict.",
            names->names,
            columns,
            names->count,
            n,
            56,
            22,
            cells,
            report_scale,
            REPORT_SCALE};
        matrix_chart_draw(p, &chart);
    }
    free(text);
    free(columns);
    free(cells);
    return done;
}

/* ---- times ---- */

static void write_times_of(page *p, const record *r, const char *name) {
    size_t index;
    const record_case *at = comparison_find(r, name, &index);
    if (!at || at->failure[0])
        page_cell(p, "-");
    else
        page_cell(p, "%.2f/%.2f/%.2f", 1e3 * report_seconds(&at->runs[RECORD_DENSE]),
                  1e3 * report_seconds(&at->runs[RECORD_BUILD]),
                  1e3 * report_seconds(&at->runs[RECORD_SPARSE_OWN]));
}

static bool write_times(page *p, const comparison *c, const report_names *names) {
    page_column columns[COMPARISON_MAX_RECORDS + 1] = {{"case", true}}; /* in one line */
    record_names letters = {NULL, NULL};
    const bool done = report_records_name(&letters, c, false);
    for (size_t i = 0; i < c->record_count && done; i++)
        columns[i + 1] = (page_column){letters.names[i], true};
    if (done) {
        page_heading(p, "Times");
        page_table_begin(p,
                         "Milliseconds of a call, the median: dense / build / sparse over the own "
                         "pattern. On host memory, so that copies to a device and back are in it.",
                         columns, c->record_count + 1);
        for (size_t k = 0; k < names->count; k++) {
            page_row(p);
            page_cell(p, "%s", names->names[k]);
            for (size_t i = 0; i < c->record_count; i++)
                write_times_of(p, &c->records[i], names->names[k]);
        }
        page_table_end(p);
    }
    report_records_free(&letters);
    return done;
}

bool report_plot_cases(page *p, const comparison *c, tool_error *error) {
    report_names names;
    if (!report_names_make(&names, c, error))
        return false;
    bool done = true;
    page_heading(p, "Cases");
    for (size_t i = 0; i < sizeof own_charts / sizeof *own_charts && done; i++)
        done = plot_own_cases(p, c, &names, &own_charts[i]);
    done =
        done && (c->pair_count == 0 || plot_case_pairs(p, c, &names)) && write_times(p, c, &names);
    free(names.names);
    return done || tool_fail(error, "out of memory for the cases");
}
