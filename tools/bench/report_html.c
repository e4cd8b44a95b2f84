/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The report as a page: plots over lengths, then all that the text has. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "page/line_chart.h"
#include "page/page.h"
#include "report.h"
#include "storage_convert.h"

enum { MAX_SERIES = 24, NAME_BYTES = 192 };

/* One line of a plot: rows that differ in length alone. */
typedef struct plot_line {
    char name[NAME_BYTES];
    const bench_row *like; /* one of its rows */
    double length[BENCH_MAX_LENGTHS], value[BENCH_MAX_LENGTHS], low[BENCH_MAX_LENGTHS],
        high[BENCH_MAX_LENGTHS];
    size_t count;
} plot_line;

typedef struct plot {
    plot_line line[MAX_SERIES];
    size_t count;
} plot;

typedef struct plot_value {
    double value, low, high;
} plot_value;

typedef plot_value value_of(const bench_row *row);

static plot_value milliseconds(const bench_row *row) {
    return (plot_value){row->ms.median, row->ms.least, row->ms.most};
}

static plot_value dense_rate(const bench_row *row) {
    const double operations = row->flops_as_dense * row->ms.median * 1e-12;
    return (plot_value){operations / row->ms.median, operations / row->ms.most,
                        operations / row->ms.least};
}

static plot_value of_dense(const bench_row *row) {
    return (plot_value){row->of_dense, NAN, NAN};
}

/* ---- lines ---- */

static bool is_of(const bench_row *row, const bench_report *r, size_t device, size_t problem) {
    const bench_problem *problems = r->results->devices[device].problems;
    return row->device_index == device &&
           problems[row->problem_index].shape == problems[problem].shape &&
           problems[row->problem_index].dtype == problems[problem].dtype;
}

static bool same_line(const bench_row *a, const bench_row *b) {
    const bool peers = strcmp(a->source, "sparsed") != 0;
    return strcmp(a->source, b->source) == 0 && strcmp(a->pass, b->pass) == 0 &&
           a->block_q == b->block_q && a->block_k == b->block_k && (peers || a->ratio == b->ratio);
}

static plot_line *line_of(plot *p, const bench_row *row) {
    for (size_t i = 0; i < p->count; i++)
        if (same_line(p->line[i].like, row))
            return &p->line[i];
    if (p->count == MAX_SERIES)
        return NULL;
    plot_line *line = &p->line[p->count++];
    const bool own = strcmp(row->source, "sparsed") == 0;
    line->like = row;
    line->count = 0;
    snprintf(line->name, sizeof line->name, "%s%s%s %s %s", own ? "" : row->source, own ? "" : " ",
             row->pass, bench_blocks_of(row).text,
             bench_number_of("%g", row->ratio > 0.0 ? row->ratio : NAN).text);
    return line;
}

static void add_point(plot *p, const bench_row *row, value_of *value) {
    plot_line *line = line_of(p, row);
    if (!line || line->count == BENCH_MAX_LENGTHS)
        return;
    const plot_value v = value(row);
    line->length[line->count] = (double)row->length;
    line->value[line->count] = v.value;
    line->low[line->count] = v.low;
    line->high[line->count++] = v.high;
}

/* Dense, sparse and the peers' passes of one shape and type: builds would crowd the plot. */
static void draw_plot(page *p, const bench_report *r, size_t device, size_t problem,
                      value_of *value, line_chart chart) {
    static plot lines;
    line_series series[MAX_SERIES];
    lines.count = 0;
    for (size_t i = 0; i < r->table->count; i++) {
        const bench_row *row = &r->table->rows[i];
        if (is_of(row, r, device, problem) &&
            (strcmp(row->pass, "dense") == 0 || strcmp(row->pass, "sparse") == 0))
            add_point(&lines, row, value);
    }
    for (size_t i = 0; i < lines.count; i++) {
        const plot_line *l = &lines.line[i];
        series[i] = (line_series){l->name,
                                  l->length,
                                  l->value,
                                  l->low,
                                  l->high,
                                  l->count,
                                  strcmp(l->like->source, "sparsed") != 0};
    }
    chart.x_name = "rows";
    chart.x_steps = CHART_LOG2;
    chart.series = series;
    chart.count = lines.count;
    line_chart_draw(p, &chart);
}

static void draw_plots(page *p, const bench_report *r, size_t device, size_t problem) {
    draw_plot(p, r, device, problem, milliseconds,
              (line_chart){.title = "Time of a pass",
                           .y_name = "ms, median; least to most",
                           .y_steps = CHART_LOG10});
    draw_plot(p, r, device, problem, dense_rate,
              (line_chart){.title = "Rate, as if all pairs were attended",
                           .y_name = "TF/s as dense",
                           .y_steps = CHART_LINEAR});
    draw_plot(p, r, device, problem, of_dense,
              (line_chart){.title = "Time as a share of the dense pass: below 1 a step pays",
                           .y_name = "of dense",
                           .y_steps = CHART_LINEAR});
}

/* ---- tables ---- */

static void draw_row(page *p, const bench_report *r, const bench_row *row, bool peak) {
    const bool own = strcmp(row->source, "sparsed") == 0;
    page_row(p);
    page_cell(p, "%llu", (unsigned long long)row->length);
    page_cell(p, "%s", row->pass);
    page_cell(p, "%s", own ? row->kernel : row->source);
    page_cell(p, "%s", bench_blocks_of(row).text);
    page_cell(p, "%s", bench_number_of("%g", row->ratio > 0.0 ? row->ratio : NAN).text);
    page_cell(p, "%.4f", row->density);
    page_cell(p, "%.3f", row->ms.median);
    page_cell(p, "%.3f to %.3f", row->ms.least, row->ms.most);
    page_marked_cell(p, own && row->ms.spread > bench_most_spread ? PAGE_WARN : PAGE_PLAIN,
                     "%.1f %%", 100.0 * row->ms.spread);
    page_cell(p, "%s", bench_rate_of(row->flops).text);
    page_cell(p, "%s", bench_rate_of(row->flops_as_dense).text);
    page_cell(p, "%s", bench_number_of("%.3f", row->of_dense).text);
    if (peak)
        page_cell(p, "%s", bench_number_of("%.3f", row->of_peak).text);
    if (r->baseline) {
        const page_mark marks[] = {PAGE_PLAIN, PAGE_PLAIN, PAGE_GOOD, PAGE_BAD};
        page_cell(p, "%s", bench_number_of("%.3f", row->before_ms).text);
        page_marked_cell(p, marks[row->verdict], "%s%s", own ? bench_change_name(row->verdict) : "",
                         bench_number_of(" (%.3f)", row->change).text);
    }
}

static bool has_peak(const bench_report *r, size_t device, size_t problem) {
    for (size_t i = 0; i < r->table->count; i++)
        if (is_of(&r->table->rows[i], r, device, problem) && isfinite(r->table->rows[i].of_peak))
            return true;
    return false;
}

enum { MOST_COLUMNS = 16 };

/* Columns that would be empty are left out. */
static size_t choose_columns(page_column *columns, size_t count, const page_column *more,
                             size_t more_count, bool wanted) {
    for (size_t i = 0; wanted && i < more_count; i++)
        columns[count++] = more[i];
    return count;
}

static void draw_rows(page *p, const bench_report *r, size_t device, size_t problem) {
    static const page_column always[] = {
        {"rows", true},   {"pass", false},   {"kernel", false},  {"blocks", false},
        {"ratio", true},  {"density", true}, {"ms", true},       {"least to most", true},
        {"spread", true}, {"rate", true},    {"as dense", true}, {"of dense", true}};
    static const page_column of_peak[] = {{"of peak", true}};
    static const page_column before[] = {{"before ms", true}, {"beside baseline", true}};
    page_column columns[MOST_COLUMNS];
    const bool peak = has_peak(r, device, problem);
    size_t count = choose_columns(columns, 0, always, sizeof always / sizeof *always, true);
    count = choose_columns(columns, count, of_peak, 1, peak);
    count = choose_columns(columns, count, before, 2, r->baseline != NULL);
    page_table_begin(p, NULL, columns, count);
    for (size_t i = 0; i < r->table->count; i++)
        if (is_of(&r->table->rows[i], r, device, problem))
            draw_row(p, r, &r->table->rows[i], peak);
    page_table_end(p);
}

static void draw_schedule(page *p, const bench_report *r, size_t device, size_t problem,
                          size_t selection) {
    const bench_problem *of = &r->results->devices[device].problems[problem];
    const bench_schedule_row row = bench_schedule_row_of(r->results, device, problem, selection);
    const sparsed_select *select = &of->measured.selected[selection].select;
    page_row(p);
    page_cell(p, "%llu", (unsigned long long)of->length);
    page_cell(p, "%ux%u", select->block_q, select->block_k);
    page_cell(p, "%g", select->ratio);
    page_cell(p, "%.3f", row.sparsed_s);
    page_cell(p, "%.3f", row.dense_s);
    page_cell(p, "%.2f", row.attention_gain);
    if (r->results->options->rest_ms.count > 0) {
        page_cell(p, "%s", bench_number_of("%g", of->rest_ms).text);
        page_cell(p, "%s", bench_number_of("%.2f", row.model_gain).text);
    }
    if (r->results->options->run_schedule)
        page_cell(p, "%s%s", bench_number_of("%.3f", row.run_s).text,
                  of->runs && !row.run_whole ? " (some steps)" : "");
}

static void draw_schedules(page *p, const bench_report *r, size_t device, size_t first,
                           size_t next) {
    static const page_column always[] = {{"rows", true},
                                         {"blocks", false},
                                         {"ratio", true},
                                         {"attention, s", true},
                                         {"dense in all steps, s", true},
                                         {"times as fast", true}};
    static const page_column rest[] = {{"rest of a layer, ms", true},
                                       {"the model, times (estimate)", true}};
    static const page_column run[] = {{"run, s", true}};
    const bench_options *o = r->results->options;
    page_column columns[MOST_COLUMNS];
    char caption[240], schedule[200];
    bench_schedule_text(r->results, schedule, sizeof schedule);
    const bench_problem *problems = r->results->devices[device].problems;
    snprintf(caption, sizeof caption, "%s; %u layers; composed of the medians", schedule,
             problems[first].shape->layers);
    size_t count = choose_columns(columns, 0, always, sizeof always / sizeof *always, true);
    count = choose_columns(columns, count, rest, 2, o->rest_ms.count > 0);
    count = choose_columns(columns, count, run, 1, o->run_schedule);
    page_table_begin(p, caption, columns, count);
    for (size_t i = first; i < next; i++)
        for (size_t s = 0; s < problems[i].measured.count; s++)
            draw_schedule(p, r, device, i, s);
    page_table_end(p);
}

static void draw_crossovers(page *p, const bench_report *r, size_t device, size_t first,
                            size_t next) {
    char step[BENCH_CROSSOVER_BYTES], schedule[BENCH_CROSSOVER_BYTES];
    page_markup(p, "<ul>\n");
    for (size_t i = 0; i < r->findings->crossover_count; i++) {
        const bench_crossover_row *c = &r->findings->crossovers[i];
        const sparsed_select *select = &r->results->options->selects[c->selection];
        if (c->device_index != device || c->problem_index < first || c->problem_index >= next)
            continue;
        bench_crossover_text(&c->step, step, sizeof step);
        bench_crossover_text(&c->schedule, schedule, sizeof schedule);
        page_markup(p, "<li>");
        page_text(p, "%ux%u, ratio %g: a sparse step pays %s; the schedule %s.", select->block_q,
                  select->block_k, select->ratio, step, schedule);
        page_markup(p, "</li>\n");
    }
    page_markup(p, "</ul>\n");
}

/* ---- the page ---- */

/* When, by what, and how it was called. */
static void draw_origin(page *p, const bench_report *r) {
    const bench_options *o = r->results->options;
    const uint32_t version = sparsed_version();
    const time_t now = time(NULL);
    struct tm utc;
    char date[32] = "";
    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    page_paragraph(p, "%s; sparsed %u.%u.%u%s%s", date, version >> 16, version >> 8 & 255u,
                   version & 255u, r->results->processor[0] ? "; " : "", r->results->processor);
    page_markup(p, "<p><code>");
    page_text(p, "sparsed bench");
    for (int i = 0; i < o->argc; i++) {
        const bool plain =
            o->argv[i][0] && !o->argv[i][strcspn(o->argv[i], " \t\n'\"\\$*?;&|<>()")];
        page_text(p, plain ? " %s" : " '%s'", o->argv[i]);
    }
    page_markup(p, "</code></p>\n");
}

/* "3 spread, 1 load": how many are of each kind, in the order in which they come. */
static void draw_kinds(page *p, const bench_findings *f) {
    const char *comma = "";
    for (size_t i = 0; i < f->warning_count; i++) {
        size_t before = 0, count = 0;
        for (size_t j = 0; j < f->warning_count; j++)
            if (strcmp(f->warnings[i].kind, f->warnings[j].kind) == 0) {
                before += j < i;
                count++;
            }
        if (before > 0)
            continue;
        page_text(p, "%s%zu %s", comma, count, f->warnings[i].kind);
        comma = ", ";
    }
}

/* One box, to be unfolded: on a machine that is shared there are many. */
static void draw_warnings(page *p, const bench_findings *f) {
    if (f->warning_count == 0)
        return;
    page_markup(p, "<details class=\"note\"><summary>");
    page_text(p, "%zu warning%s: ", f->warning_count, f->warning_count == 1 ? "" : "s");
    draw_kinds(p, f);
    page_markup(p, "</summary>\n<ul>\n");
    for (size_t i = 0; i < f->warning_count; i++) {
        page_markup(p, "<li>");
        page_text(p, "%s: %s", f->warnings[i].kind, f->warnings[i].text);
        page_markup(p, "</li>\n");
    }
    page_markup(p, "</ul></details>\n");
}

static void draw_device(page *p, const bench_device_results *d) {
    char text[400];
    bench_device_text(d, text, sizeof text);
    page_heading(p, "%s: %s", d->info.selector, d->info.name);
    page_paragraph(p, "%s.", text);
    for (size_t i = 0; i < d->refused_count; i++)
        page_note(p, "Refused: %s (%s)", d->refused[i].name, d->refused[i].verdict);
    for (size_t i = 0; i < d->peak_count; i++)
        page_paragraph(p, "Peak of %s, %s: %s%s%s.", d->peaks[i].kernel,
                       storage_name((sparsed_dtype)d->peaks[i].dtype),
                       d->peaks[i].best.flops > 0.0 ? bench_rate_of(d->peaks[i].best.flops).text
                                                    : "",
                       d->peaks[i].best.flops > 0.0 ? ": " : "", d->peaks[i].best.how);
    if (d->failure.text[0])
        page_note(p, "Failed: %s", d->failure.text);
}

/* Problems first .. next - 1 differ in length alone. */
static void draw_problems(page *p, const bench_report *r, size_t device, size_t first,
                          size_t next) {
    const bench_problem *problems = r->results->devices[device].problems;
    const bench_shape *shape = problems[first].shape;
    size_t measured = 0;
    page_markup(p, "<h3>");
    page_text(p, "%s: H %u, Hk %u, D %u, %s, pattern %s", shape->name, shape->heads,
              shape->kv_heads, shape->head_dim, storage_name((sparsed_dtype)problems[first].dtype),
              bench_pattern_name(r->results->options->pattern));
    page_markup(p, "</h3>\n");
    for (size_t i = first; i < next; i++) {
        measured += !problems[i].failure.text[0];
        if (problems[i].failure.text[0])
            page_note(p, "%llu rows failed: %s", (unsigned long long)problems[i].length,
                      problems[i].failure.text);
    }
    if (measured == 0)
        return;
    if (measured > 1)
        draw_plots(p, r, device, first);
    draw_rows(p, r, device, first);
    draw_crossovers(p, r, device, first, next);
    draw_schedules(p, r, device, first, next);
}

static void draw_notes(page *p, const bench_report *r) {
    page_heading(p, "What the figures are");
    page_paragraph(p, "Medians of rounds in which the passes took turns; the spread is the middle "
                      "half's width as a share of the median.");
    page_paragraph(p, "%s", bench_rates_note);
    if (r->results->options->rest_ms.count > 0)
        page_paragraph(p, "%s", bench_estimate_note);
    if (r->baseline) {
        char counts[120];
        bench_baseline_text(r->table, counts, sizeof counts);
        page_paragraph(p, "Baseline %s: %s. %s", r->baseline->path, counts, bench_baseline_note);
    }
    if (r->peers)
        page_paragraph(p,
                       "Dashed lines: %s on %s, from %s; its rounds were not in turns with those "
                       "here.",
                       r->peers->versions, r->peers->device, r->peers->path);
}

bool bench_write_html(const bench_report *report, const char *path, tool_error *error) {
    page p;
    page_begin(&p, "sparsed bench");
    draw_origin(&p, report);
    draw_warnings(&p, report->findings);
    for (size_t d = 0; d < report->results->device_count; d++) {
        const bench_device_results *device = &report->results->devices[d];
        draw_device(&p, device);
        for (size_t first = 0, next; first < device->problem_count; first = next) {
            const bench_problem *problems = device->problems;
            for (next = first + 1; next < device->problem_count &&
                                   problems[next].shape == problems[first].shape &&
                                   problems[next].dtype == problems[first].dtype;)
                next++;
            draw_problems(&p, report, d, first, next);
        }
    }
    if (report->tuning)
        bench_tune_draw(&p, report->tuning);
    draw_notes(&p, report);
    const bool done = page_write(&p, path, error);
    page_free(&p);
    return done;
}
