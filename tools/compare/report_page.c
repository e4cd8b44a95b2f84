/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A comparison as one HTML page; see report_output.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/faults.h"
#include "compare/report_output.h"
#include "compare/report_plots.h"
#include "page/page.h"

static page_mark mark_of(verdict v) {
    return v == VERDICT_FAIL ? PAGE_BAD : v == VERDICT_WARN ? PAGE_WARN : PAGE_GOOD;
}

static void write_summary(page *p, const comparison *c) {
    const record *first = &c->records[0];
    page_markup(p, "<p><span class=\"%s\" style=\"padding:.3rem .7rem;font-weight:600\">",
                c->all == VERDICT_FAIL   ? "bad"
                : c->all == VERDICT_WARN ? "warn"
                                         : "good");
    page_text(p, "Verdict: %s", verdict_name(c->all));
    page_markup(p, "</span></p>\n");
    page_paragraph(p,
                   "Suite %s, version %u, seed %" PRIu64 ". %zu records, %zu pairs. Each record is "
                   "held to attention in double precision, and to every other one.",
                   first->suite, first->suite_version, first->seed, c->record_count, c->pair_count);
    if (c->versions_differ)
        page_note(p, "The records are of different versions of the library.");
}

static void write_records(page *p, const comparison *c) {
    static const page_column columns[] = {{"", false},        {"record", false},  {"device", false},
                                          {"kernels", false}, {"version", false}, {"made", true},
                                          {"cases", true},    {"verdict", false}};
    page_heading(p, "Records");
    page_table_begin(p, NULL, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < c->record_count; i++) {
        const record *r = &c->records[i];
        char device[REPORT_DEVICE_BYTES], kernels[REPORT_KERNELS_BYTES];
        report_device(r, device);
        report_kernels(r, kernels);
        page_row(p);
        page_cell(p, "%c", comparison_letter(i));
        page_cell(p, "%s%s", r->label, r->self_check ? " (self-check)" : "");
        page_cell(p, "%s", device);
        page_cell(p, "%s", kernels);
        page_cell(p, "%s", r->environment.library_version);
        page_cell(p, "%.10s", r->environment.created);
        page_cell(p, "%zu", r->case_count);
        page_marked_cell(p, mark_of(c->record_verdicts[i]), "%s",
                         verdict_name(c->record_verdicts[i]));
    }
    page_table_end(p);
}

static void write_pairs(page *p, const comparison *c) {
    static const page_column columns[] = {{"pair", false},
                                          {"verdict", false},
                                          {"outputs, share of what fails", true},
                                          {"equal to the bit", true},
                                          {"Jaccard index", true},
                                          {"blocks that differ", true},
                                          {"ties", true},
                                          {"real", true},
                                          {"not decidable", true}};
    page_heading(p, "Pairs");
    page_table_begin(p, NULL, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *pair = &c->pairs[i];
        const pattern_agreement *own = &pair->pattern;
        page_row(p);
        page_cell(p, "%c, %c", comparison_letter(pair->a), comparison_letter(pair->b));
        page_marked_cell(p, mark_of(pair->all), "%s", verdict_name(pair->all));
        page_cell(p, "%.2g", pair->out_share);
        page_cell(p, "%zu of %zu", pair->bitwise_runs, pair->runs);
        page_cell(p, "%.6f", pattern_agreement_jaccard(own));
        page_cell(p, "%" PRIu64, own->only_a + own->only_b);
        page_cell(p, "%" PRIu64, own->ties);
        page_cell(p, "%" PRIu64, own->real);
        page_cell(p, "%" PRIu64, own->undecided);
    }
    page_table_end(p);
}

/* ---- faults ---- */

enum { MOST_ROWS = 300 }; /* the JSON object has them all */

typedef struct fault_rows {
    page *p;
    char who[8];
    const char *name; /* of the case; "": of the record */
    size_t count;
} fault_rows;

static void write_fault(void *context, verdict v, const char *text) {
    static const page_column columns[] = {
        {"", false}, {"record", false}, {"case", false}, {"what", false}};
    fault_rows *rows = context;
    if (rows->count++ == 0) {
        page_heading(rows->p, "Failures and warnings");
        page_table_begin(rows->p, NULL, columns, sizeof columns / sizeof *columns);
    }
    if (rows->count > MOST_ROWS)
        return;
    page_row(rows->p);
    page_marked_cell(rows->p, mark_of(v), "%s", verdict_name(v));
    page_cell(rows->p, "%s", rows->who);
    page_cell(rows->p, "%s", rows->name);
    page_cell(rows->p, "%s", text);
}

static void write_faults(page *p, const comparison *c) {
    fault_rows rows = {.p = p};
    for (size_t i = 0; i < c->record_count; i++) {
        snprintf(rows.who, sizeof rows.who, "%c", comparison_letter(i));
        rows.name = "";
        faults_of_record(&c->records[i], write_fault, &rows);
        for (size_t k = 0; k < c->records[i].case_count; k++) {
            rows.name = c->records[i].cases[k].name;
            faults_of_case(&c->records[i].cases[k], write_fault, &rows);
        }
    }
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *pair = &c->pairs[i];
        const char a = comparison_letter(pair->a), b = comparison_letter(pair->b);
        for (size_t k = 0; k < pair->count; k++) {
            snprintf(rows.who, sizeof rows.who, "%c, %c", a, b);
            rows.name = c->records[pair->a].cases[pair->cases[k].a].name;
            faults_of_pair(&pair->cases[k], a, b, write_fault, &rows);
        }
    }
    if (rows.count > 0)
        page_table_end(p);
    if (rows.count > MOST_ROWS)
        page_paragraph(p, "And %zu more, which --json tells.", rows.count - MOST_ROWS);
}

bool report_write_page(const comparison *c, const char *path, tool_error *error) {
    page p;
    page_begin(&p, "Comparison of records");
    write_summary(&p, c);
    write_records(&p, c);
    bool done = true;
    if (c->pair_count > 0) {
        write_pairs(&p, c);
        done = report_plot_pairs(&p, c, error);
    }
    write_faults(&p, c);
    done = done && report_plot_errors(&p, c, error) && report_plot_patterns(&p, c, error) &&
           page_write(&p, path, error);
    page_free(&p);
    return done;
}
