/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The report for a terminal. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "selection.h"
#include "storage_convert.h"

static void print_peaks(const bench_device_results *d) {
    for (size_t i = 0; i < d->peak_count; i++) {
        const bench_kernel_peak *p = &d->peaks[i];
        if (p->best.flops > 0.0)
            printf("  peak of %s, %s: %s: %s\n", p->kernel, storage_name((sparsed_dtype)p->dtype),
                   bench_rate_of(p->best.flops).text, p->best.how);
        else
            printf("  peak of %s, %s: %s\n", p->kernel, storage_name((sparsed_dtype)p->dtype),
                   p->best.how);
    }
}

static void print_device(const bench_device_results *d) {
    char text[400];
    bench_device_text(d, text, sizeof text);
    printf("%s: %s, %s\n", d->info.selector, d->info.name, text);
    bench_print_refused(d, "  ", stdout);
    print_peaks(d);
    if (d->failure.text[0])
        printf("  failed: %s\n", d->failure.text);
}

static void print_problem_head(const bench_report *r, const bench_row *row) {
    const bench_problem *p = &r->results->devices[row->device_index].problems[row->problem_index];
    printf("\n%s, %llu rows: H %u, Hk %u, D %u, %s; q, k, v, out %s; %s, %llu generation "
           "rows, pattern %s; %zu rounds\n",
           row->shape, (unsigned long long)row->length, row->heads, row->kv_heads, row->head_dim,
           row->dtype, bench_bytes_of((double)row->tensor_bytes).text,
           selection_mode_name(p->shape->mode),
           (unsigned long long)p->measured.selected[0].select.gen_len,
           bench_pattern_name(p->measured.pattern), row->ms.count);
    for (size_t i = 0; i < p->measured.count; i++) {
        const bench_selected *s = &p->measured.selected[i];
        printf("  %ux%u, ratio %g: %s; scratch %s, kept blocks of a layer %s\n", s->select.block_q,
               s->select.block_k, s->select.ratio, s->info.kernel,
               bench_bytes_of((double)s->info.scratch_bytes).text,
               bench_bytes_of((double)s->info.kept_bytes).text);
    }
    printf("  %-20s %-7s %-5s %-7s %10s %6s %11s %11s %7s %8s%s\n", "PASS", "BLOCKS", "RATIO",
           "DENSITY", "MS", "SPREAD", "RATE", "AS DENSE", "OF PEAK", "OF DENSE",
           r->baseline ? "  BEFORE MS" : "");
}

/* "sparse", or with the library's name if it is another: "sparse, torch flex". */
static void print_row(const bench_report *r, const bench_row *row) {
    char pass[96];
    const bool own = strcmp(row->source, "sparsed") == 0;
    snprintf(pass, sizeof pass, "%s%s%s", row->pass, own ? "" : ", ", own ? "" : row->source);
    printf("  %-20s %-7s %-5s %-7.4f %10.3f %5.1f%% %11s %11s %7s %8s", pass,
           bench_blocks_of(row).text,
           bench_number_of("%g", row->ratio > 0.0 ? row->ratio : NAN).text, row->density,
           row->ms.median, 100.0 * row->ms.spread, bench_rate_of(row->flops).text,
           bench_rate_of(row->flops_as_dense).text, bench_number_of("%.3f", row->of_peak).text,
           bench_number_of("%.3f", row->of_dense).text);
    if (r->baseline && own && row->verdict != BENCH_NOT_COMPARED)
        printf("  %9.3f %s (%.3f)", row->before_ms, bench_change_name(row->verdict), row->change);
    putchar('\n');
}

/* The run of a schedule under each selection of a problem. */
static void print_schedules(const bench_report *r, size_t device, size_t problem) {
    const bench_problem *p = &r->results->devices[device].problems[problem];
    for (size_t s = 0; s < p->measured.count; s++) {
        const sparsed_select *select = &p->measured.selected[s].select;
        const bench_schedule_row row = bench_schedule_row_of(r->results, device, problem, s);
        printf("  schedule     %ux%u, ratio %g: attention of %u layers %.3f s, dense %.3f s: %.2f "
               "times as fast",
               select->block_q, select->block_k, select->ratio, p->shape->layers, row.sparsed_s,
               row.dense_s, row.attention_gain);
        if (isfinite(row.model_gain))
            printf("; with %g ms for the rest of a layer the model %.2f times (estimate)",
                   p->rest_ms, row.model_gain);
        putchar('\n');
        if (p->runs)
            printf("  %-12s run: %.3f s%s; library's memory: scratch %s, patterns %s\n", "",
                   row.run_s, row.run_whole ? "" : ", of some steps of each kind at their mean",
                   bench_bytes_of((double)p->runs[s].scratch_bytes).text,
                   bench_bytes_of((double)p->runs[s].patterns_bytes).text);
    }
}

static void print_rows(const bench_report *r, size_t device) {
    const bench_table *t = r->table;
    for (size_t i = 0; i < t->count; i++) {
        const bench_row *row = &t->rows[i];
        if (row->device_index != device)
            continue;
        if (i == 0 || !bench_same_problem(row, row - 1))
            print_problem_head(r, row);
        print_row(r, row);
        if (i + 1 == t->count || !bench_same_problem(row, row + 1))
            print_schedules(r, device, row->problem_index);
    }
    const bench_device_results *d = &r->results->devices[device];
    for (size_t i = 0; i < d->problem_count; i++)
        if (d->problems[i].failure.text[0])
            printf("\n%s %s, %llu rows: failed: %s\n", d->problems[i].shape->name,
                   storage_name((sparsed_dtype)d->problems[i].dtype),
                   (unsigned long long)d->problems[i].length, d->problems[i].failure.text);
}

static void print_crossovers(const bench_report *r) {
    char step[BENCH_CROSSOVER_BYTES], schedule[BENCH_CROSSOVER_BYTES];
    if (r->findings->crossover_count > 0)
        printf("\nWhere sparse attention pays:\n");
    for (size_t i = 0; i < r->findings->crossover_count; i++) {
        const bench_crossover_row *c = &r->findings->crossovers[i];
        const bench_device_results *d = &r->results->devices[c->device_index];
        const bench_problem *p = &d->problems[c->problem_index];
        const sparsed_select *select = &r->results->options->selects[c->selection];
        bench_crossover_text(&c->step, step, sizeof step);
        bench_crossover_text(&c->schedule, schedule, sizeof schedule);
        printf("  %s, %s %s, %ux%u, ratio %g\n    a sparse step: %s\n    the schedule:  %s\n",
               d->info.selector, p->shape->name, storage_name((sparsed_dtype)p->dtype),
               select->block_q, select->block_k, select->ratio, step, schedule);
    }
}

static void print_notes(const bench_report *r) {
    char schedule[200];
    bench_schedule_text(r->results, schedule, sizeof schedule);
    printf("\nSchedule: %s; composed of the medians%s.\n", schedule,
           r->results->options->run_schedule ? ", and run" : ", not run");
    printf("%s\n", bench_rates_note);
    if (r->results->options->rest_ms.count > 0)
        printf("%s\n", bench_estimate_note);
    if (r->baseline) {
        char counts[120];
        bench_baseline_text(r->table, counts, sizeof counts);
        printf("Baseline %s: %s. %s\n", r->baseline->path, counts, bench_baseline_note);
    }
    if (r->peers)
        printf("%s: %s on %s; its rounds were not in turns with those here.\n", r->peers->path,
               r->peers->versions, r->peers->device);
}

void bench_print_text(const bench_report *report) {
    for (size_t i = 0; i < report->results->device_count; i++) {
        if (i > 0)
            putchar('\n');
        print_device(&report->results->devices[i]);
        print_rows(report, i);
    }
    print_crossovers(report);
    print_notes(report);
    if (report->findings->warning_count > 0)
        putchar('\n');
    bench_print_warnings(report, stdout);
    if (report->tuning)
        bench_tune_print(report->tuning, stdout);
}
