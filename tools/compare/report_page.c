/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A comparison as one HTML page; see report_output.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/report_faults.h"
#include "compare/report_output.h"
#include "compare/report_plots.h"
#include "device_options.h"
#include "page/page.h"

static void write_summary(page *p, const comparison *c) {
    const record *first = &c->records[0];
    char problem[REPORT_PROBLEM_BYTES];
    page_markup(p, "<p><span class=\"%s\" style=\"padding:.3rem .7rem;font-weight:600\">",
                c->all == VERDICT_FAIL   ? "bad"
                : c->all == VERDICT_WARN ? "warn"
                                         : "good");
    page_text(p, "Verdict: %s", verdict_name(c->all));
    page_markup(p, "</span></p>\n");
    page_paragraph(p,
                   "Suite %s, version %u, seed %" PRIu64 ". %zu record%s, %zu pair%s. Each record "
                   "is held to attention in double precision%s.",
                   first->suite, first->suite_version, first->seed, c->record_count,
                   c->record_count == 1 ? "" : "s", c->pair_count, c->pair_count == 1 ? "" : "s",
                   c->pair_count > 0 ? ", and to every other one" : "");
    if (report_problem(c, problem))
        page_paragraph(p, "%s.", problem);
    if (c->versions_differ)
        page_note(p, "The records are of different versions of the library.");
}

static void write_records(page *p, const comparison *c) {
    static const page_column columns[] = {{"", false},       {"record", false}, {"verdict", false},
                                          {"cases", true},   {"device", false}, {"kernels", false},
                                          {"version", false}};
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
        page_marked_cell(p, report_mark(c->record_verdicts[i]), "%s",
                         verdict_name(c->record_verdicts[i]));
        page_cell(p, "%zu", r->case_count);
        page_cell(p, "%s", device);
        page_cell(p, "%s", kernels);
        page_cell(p, "%s", r->environment.library_version);
    }
    page_table_end(p);
}

static void write_environments(page *p, const comparison *c) {
    static const page_column columns[] = {{"", false},       {"made (UTC)", false},
                                          {"system", false}, {"processor", false},
                                          {"units", false},  {"options, variables", false}};
    page_table_begin(p, "Where and how they were made", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < c->record_count; i++) {
        const record_environment *e = &c->records[i].environment;
        char units[REPORT_UNITS_BYTES], given[REPORT_GIVEN_BYTES];
        device_units_text(&e->device, units, sizeof units);
        report_given(&c->records[i], given);
        page_row(p);
        page_cell(p, "%c", comparison_letter(i));
        page_cell(p, "%.10s", e->created);
        page_cell(p, "%s", e->system);
        page_cell(p, "%s", e->processor);
        page_cell(p, "%s", units);
        page_cell(p, "%s", given);
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
        char outputs[REPORT_DISTANCE_BYTES];
        report_distance(&pair->outputs, 2, outputs);
        page_row(p);
        page_cell(p, "%c, %c", comparison_letter(pair->a), comparison_letter(pair->b));
        page_marked_cell(p, report_mark(pair->all), "%s", verdict_name(pair->all));
        page_cell(p, "%s", outputs);
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

static bool write_faults(page *p, const comparison *c, tool_error *error) {
    static const page_column columns[] = {
        {"", false}, {"record", false}, {"case", false}, {"what", false}};
    report_faults all;
    size_t told = 0;
    const bool done = report_faults_make(&all, c, error);
    if (done && all.count > 0) {
        page_heading(p, "Failures and warnings");
        page_table_begin(p, "Of pairs that are alike, the numbers of the first one.", columns,
                         sizeof columns / sizeof *columns);
    }
    for (int v = VERDICT_FAIL; done && v > VERDICT_PASS; v--)
        for (size_t i = 0; i < all.count; i++) {
            const report_fault *one = &all.list[i];
            char who[REPORT_WHO_BYTES];
            if ((int)one->v != v || told++ >= MOST_ROWS)
                continue;
            report_fault_who(one, who);
            page_row(p);
            page_marked_cell(p, report_mark(one->v), "%s", verdict_name(one->v));
            page_cell(p, "%s", who);
            page_cell(p, "%s", one->name);
            page_cell(p, "%s", one->text);
        }
    if (told > 0)
        page_table_end(p);
    if (told > MOST_ROWS)
        page_paragraph(p, "And %zu more, which --json tells.", told - MOST_ROWS);
    report_faults_free(&all);
    return done;
}

bool report_write_page(const comparison *c, const char *path, tool_error *error) {
    page p;
    page_begin(&p, "Comparison of records");
    write_summary(&p, c);
    write_records(&p, c);
    write_environments(&p, c);
    bool done = true;
    if (c->pair_count > 0) {
        write_pairs(&p, c);
        done = report_plot_pairs(&p, c, error);
    }
    done = done && write_faults(&p, c, error) && report_plot_errors(&p, c, error) &&
           report_plot_cases(&p, c, error) && report_plot_patterns(&p, c, error) &&
           page_write(&p, path, error);
    page_free(&p);
    return done;
}
