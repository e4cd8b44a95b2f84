/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "findings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "storage_convert.h"

/* Above these a figure is not to be trusted without a second look. */
static const double most_others = 0.25, most_gap = 0.10, most_mhz_change = 0.05;
static const double most_peak_change = 0.05;

/* ---- warnings ---- */

static bool warn(bench_findings *f, tool_error *error, const char *kind, const char *format, ...) {
    if (f->warning_count == f->warning_room) {
        const size_t room = f->warning_room ? 2 * f->warning_room : 16;
        bench_warning *larger = realloc(f->warnings, room * sizeof *larger);
        if (!larger)
            return tool_fail(error, "out of memory");
        f->warnings = larger;
        f->warning_room = room;
    }
    bench_warning *w = &f->warnings[f->warning_count++];
    va_list args;
    va_start(args, format);
    w->kind = kind;
    vsnprintf(w->text, sizeof w->text, format, args);
    va_end(args);
    return true;
}

/* What a warning is about: "cpu, llada-8b bf16, 4096 rows". */
typedef struct problem_name {
    char text[160];
} problem_name;

static problem_name name_of(const bench_device_results *d, const bench_problem *p) {
    problem_name name;
    snprintf(name.text, sizeof name.text, "%s, %s %s, %llu rows", d->info.selector, p->shape->name,
             storage_name((sparsed_dtype)p->dtype), (unsigned long long)p->length);
    return name;
}

static bool warn_of_conditions(bench_findings *f, const bench_device_results *d,
                               const bench_problem *p, tool_error *error) {
    const bench_conditions *c = &p->measured.conditions;
    const problem_name name = name_of(d, p);
    if (c->others > most_others &&
        !warn(f, error, "load", "%s: other processes kept %.1f cores busy meanwhile", name.text,
              c->others))
        return false;
    if (c->speed_gap > most_gap &&
        !warn(f, error, "clock",
              "%s: a core ran up to %.0f %% slower in some rounds than in others: its clock "
              "changes, or it is shared",
              name.text, 100.0 * c->speed_gap))
        return false;
    if (fabs(c->mhz[1] / c->mhz[0] - 1.0) > most_mhz_change)
        return warn(f, error, "clock",
                    "%s: the processors' clock was %.0f MHz before and %.0f after", name.text,
                    c->mhz[0], c->mhz[1]);
    return true;
}

/* One line a problem: the passes that spread too far. */
static bool warn_of_spread(bench_findings *f, const bench_results *r, const bench_table *table,
                           size_t first, tool_error *error) {
    const bench_row *row = &table->rows[first];
    const bench_device_results *d = &r->devices[row->device_index];
    const bench_row *worst = NULL;
    size_t wide = 0;
    for (size_t i = first; i < table->count && bench_same_problem(&table->rows[i], row); i++) {
        const bench_row *other = &table->rows[i];
        if (strcmp(other->source, "sparsed") != 0 || !(other->ms.spread > bench_most_spread))
            continue;
        wide++;
        if (!worst || other->ms.spread > worst->ms.spread)
            worst = other;
    }
    if (!worst)
        return true;
    return warn(
        f, error, "spread",
        "%s: %zu pass%s spread%s over more than %.0f %% of the median; %s the most, %.0f %%",
        name_of(d, &d->problems[row->problem_index]).text, wide, wide == 1 ? "" : "es",
        wide == 1 ? "s" : "", 100.0 * bench_most_spread, worst->pass, 100.0 * worst->ms.spread);
}

static bool warn_of_peaks(bench_findings *f, const bench_device_results *d, tool_error *error) {
    for (size_t i = 0; i < d->peak_count; i++) {
        const bench_kernel_peak *p = &d->peaks[i];
        if (p->best.flops > 0.0 && p->least_flops < (1.0 - most_peak_change) * p->best.flops &&
            !warn(f, error, "peak",
                  "%s: the peak of %s with %s, measured several times, was %s to %s: the clock "
                  "changes, or others want the device",
                  d->info.selector, p->kernel, storage_name((sparsed_dtype)p->dtype),
                  bench_rate_of(p->least_flops).text, bench_rate_of(p->best.flops).text))
            return false;
    }
    return true;
}

/* No kernel makes more than its units do. */
static bool warn_of_shares(bench_findings *f, const bench_table *table, tool_error *error) {
    const bench_row *largest = NULL;
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].of_peak > 1.0 && (!largest || table->rows[i].of_peak > largest->of_peak))
            largest = &table->rows[i];
    return !largest || warn(f, error, "peak",
                            "%s: a rate is %.2f of the peak: the peak was disturbed when it was "
                            "measured, and is higher",
                            largest->selector, largest->of_peak);
}

/* Figures of another machine stay out of the tables. */
static bool warn_of_peers(bench_findings *f, const bench_table *table, const bench_peers *peers,
                          tool_error *error) {
    size_t used = 0;
    for (size_t i = 0; i < table->count; i++)
        used += strcmp(table->rows[i].source, "sparsed") != 0;
    return used > 0 ||
           warn(f, error, "peers",
                "%s: none of its %zu rows, of '%s', is of a device, a number of threads and a "
                "problem measured here",
                peers->path, peers->count, peers->device);
}

static bool warn_of_baseline(bench_findings *f, const bench_table *table,
                             const bench_baseline *baseline, tool_error *error) {
    size_t own = 0, found = 0;
    for (size_t i = 0; i < table->count; i++) {
        own += strcmp(table->rows[i].source, "sparsed") == 0;
        found += table->rows[i].verdict != BENCH_NOT_COMPARED;
    }
    return found == own || warn(f, error, "baseline", "%s has %zu of the %zu passes measured here",
                                baseline->path, found, own);
}

static bool find_warnings(const bench_results *r, const bench_table *table,
                          const bench_peers *peers, const bench_baseline *baseline,
                          bench_findings *f, tool_error *error) {
    for (size_t i = 0; i < table->count; i++) {
        const bench_row *row = &table->rows[i];
        const bench_device_results *d = &r->devices[row->device_index];
        const bool first = i == 0 || !bench_same_problem(row, row - 1);
        if (first && (!warn_of_conditions(f, d, &d->problems[row->problem_index], error) ||
                      !warn_of_spread(f, r, table, i, error)))
            return false;
    }
    for (size_t i = 0; i < r->device_count; i++)
        if (!warn_of_peaks(f, &r->devices[i], error))
            return false;
    return warn_of_shares(f, table, error) && (!peers || warn_of_peers(f, table, peers, error)) &&
           (!baseline || warn_of_baseline(f, table, baseline, error));
}

/* ---- crossovers ---- */

static bool same_series(const bench_problem *a, const bench_problem *b) {
    return a->shape == b->shape && a->dtype == b->dtype;
}

/* Of the problems first .. first + count - 1, which differ in length alone. */
static void add_crossover(bench_findings *f, const bench_results *r, size_t device, size_t first,
                          size_t count, size_t selection) {
    uint64_t lengths[BENCH_MAX_LENGTHS];
    double step[BENCH_MAX_LENGTHS], schedule[BENCH_MAX_LENGTHS];
    double step_noise[BENCH_MAX_LENGTHS], schedule_noise[BENCH_MAX_LENGTHS];
    const double steps = (double)bench_all_steps(&r->steps);
    const double share = 1.0 - (double)r->steps.steps[SPARSED_DENSE] / steps;
    size_t measured = 0;
    for (size_t i = first; i < first + count; i++) {
        const bench_problem *p = &r->devices[device].problems[i];
        if (p->failure.text[0])
            continue;
        const bench_pass_times times = bench_times_of(&p->measured, selection);
        const bench_selected *s = &p->measured.selected[selection];
        const bool all_kept = s->density >= 1.0;
        lengths[measured] = p->length;
        step[measured] = all_kept ? INFINITY : s->sparse.of_dense;
        step_noise[measured] = bench_noise(&p->measured.dense.ms, &s->sparse.ms);
        schedule[measured] =
            all_kept ? INFINITY : bench_schedule_ms(&r->steps, &times) / (steps * times.dense);
        schedule_noise[measured] = share * step_noise[measured];
        measured++;
    }
    if (measured > 0)
        f->crossovers[f->crossover_count++] = (bench_crossover_row){
            device, first, selection, bench_find_crossover(lengths, step, step_noise, measured),
            bench_find_crossover(lengths, schedule, schedule_noise, measured)};
}

static bool find_crossovers(const bench_results *r, bench_findings *f, tool_error *error) {
    const size_t selections = r->options->select_count;
    size_t room = 1;
    for (size_t i = 0; i < r->device_count; i++)
        room += r->devices[i].problem_count * selections;
    f->crossovers = calloc(room, sizeof *f->crossovers);
    if (!f->crossovers)
        return tool_fail(error, "out of memory");
    for (size_t d = 0; d < r->device_count; d++) {
        const bench_device_results *device = &r->devices[d];
        for (size_t first = 0, next; first < device->problem_count; first = next) {
            for (next = first + 1; next < device->problem_count &&
                                   same_series(&device->problems[first], &device->problems[next]);)
                next++;
            for (size_t s = 0; s < selections; s++)
                add_crossover(f, r, d, first, next - first, s);
        }
    }
    return true;
}

/* To two digits: more of an interpolated length would say too much. */
static double two_digits(double length) {
    const double power = pow(10.0, floor(log10(length)) - 1.0);
    return round(length / power) * power;
}

void bench_crossover_text(const bench_crossover *crossover, char *text, size_t size) {
    const char *noise = crossover->within_noise ? "; within the noise" : "";
    switch (crossover->kind) {
    case BENCH_PAYS_EVERYWHERE:
        snprintf(text, size, "at %.0f rows already, the shortest length measured%s",
                 crossover->length, noise);
        break;
    case BENCH_PAYS_FROM:
        snprintf(text, size, "from about %.0f rows on%s", two_digits(crossover->length), noise);
        break;
    default:
        snprintf(text, size, "not up to %.0f rows, the longest length measured%s",
                 crossover->length, noise);
    }
}

const char *bench_crossover_name(bench_crossover_kind kind) {
    static const char *const names[] = {"everywhere", "from", "nowhere"};
    return names[kind];
}

bool bench_findings_make(const bench_results *results, const bench_table *table,
                         const bench_peers *peers, const bench_baseline *baseline,
                         bench_findings *findings, tool_error *error) {
    *findings = (bench_findings){.warning_count = 0};
    const bool done = find_warnings(results, table, peers, baseline, findings, error) &&
                      find_crossovers(results, findings, error);
    if (!done)
        bench_findings_free(findings);
    return done;
}

void bench_findings_free(bench_findings *findings) {
    free(findings->warnings);
    free(findings->crossovers);
    *findings = (bench_findings){.warning_count = 0};
}
