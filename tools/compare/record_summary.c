/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_summary.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "device_options.h"
#include "storage_convert.h"

record_counts record_count_verdicts(const record *r) {
    record_counts counts = {{0}};
    for (size_t i = 0; i < r->case_count; i++)
        counts.of[verdict_of_case(&r->cases[i])]++;
    return counts;
}

/* ---- reasons ---- */

typedef struct first_fault {
    verdict v;
    char *text;
} first_fault;

static void keep_first(void *context, verdict v, const finding *place, const char *text) {
    (void)place;
    const first_fault *first = context;
    if (v == first->v && !first->text[0])
        snprintf(first->text, FAULT_BYTES, "%s", text);
}

void record_reason(const record_case *c, char text[FAULT_BYTES]) {
    first_fault first = {verdict_of_case(c), text};
    text[0] = '\0';
    faults_of_case(c, keep_first, &first);
}

/* ---- the table ---- */

/* The worst of the cases of one type and kernel. */
typedef struct row {
    size_t cases, ran;
    double out[RECORD_OPS], lse, scores;
    record_counts counts;
} row;

static bool same_row(const record_case *a, const record_case *b) {
    return a->desc.dtype == b->desc.dtype && strcmp(a->kernel, b->kernel) == 0;
}

static void add_to_row(row *to, const record_case *c) {
    to->cases++;
    to->ran += !c->failure[0];
    to->counts.of[verdict_of_case(c)]++;
    for (int op = 0; !c->failure[0] && op < RECORD_OPS; op++) {
        const record_run *run = &c->runs[op];
        /* Denormals that a device may flush tell nothing of the others. */
        if (run->out_errors.max_abs > c->bounds.out_absolute)
            to->out[op] = fmax(to->out[op], run->out_errors.relative);
        to->lse = fmax(to->lse, run->lse_errors.max_abs);
        to->scores = fmax(to->scores, run->scores_errors.relative);
    }
}

static void print_error(double error, int width, bool known, FILE *to) {
    if (known)
        fprintf(to, "  %*.1e", width, error);
    else
        fprintf(to, "  %*s", width, "-");
}

/* Prints the row that begins with case i; none if an earlier case began it. */
static void print_row(const record *r, size_t i, FILE *to) {
    const record_case *first = &r->cases[i];
    row sum = {.cases = 0};
    for (size_t j = 0; j < i; j++)
        if (same_row(&r->cases[j], first))
            return;
    for (size_t j = i; j < r->case_count; j++)
        if (same_row(&r->cases[j], first))
            add_to_row(&sum, &r->cases[j]);
    fprintf(to, "%-5s %-16s %5zu", storage_name((sparsed_dtype)first->desc.dtype),
            first->kernel[0] ? first->kernel : "none", sum.cases);
    for (int op = 0; op < RECORD_OPS; op++)
        print_error(sum.out[op], 12, sum.ran > 0, to);
    print_error(sum.lse, 8, sum.ran > 0, to);
    print_error(sum.scores, 8, sum.ran > 0, to);
    fprintf(to, "  %4zu %4zu %4zu\n", sum.counts.of[VERDICT_PASS], sum.counts.of[VERDICT_WARN],
            sum.counts.of[VERDICT_FAIL]);
}

void record_print_summary(const record *r, const char *file, double seconds, FILE *to) {
    const sparsed_device_info *d = &r->environment.device;
    char units[32];
    device_units_text(d, units, sizeof units);
    fprintf(to, "%s: %s, %s (%s), sparsed %s\n", d->selector, d->name, units, d->driver,
            r->environment.library_version);
    fprintf(to, "suite %s %u, seed %" PRIu64 "%s: %zu case%s in %.1f s%s%s\n\n", r->suite,
            r->suite_version, r->seed, r->self_check ? ", self-check" : "", r->case_count,
            r->case_count == 1 ? "" : "s", seconds, file ? ", written to " : "", file ? file : "");
    fprintf(to, "%-5s %-16s %5s", "type", "kernel", "cases");
    for (int op = 0; op < RECORD_OPS; op++)
        fprintf(to, "  %12s", record_op_name((record_op)op));
    fprintf(to, "  %8s  %8s  %4s %4s %4s\n", "lse", "scores", "pass", "warn", "fail");
    for (size_t i = 0; i < r->case_count; i++)
        print_row(r, i, to);
    fprintf(to, "(the worst relative error of outputs and scores, absolute of the log-sum-exp)\n");
    for (size_t i = 0; i < r->case_count; i++) {
        char reason[FAULT_BYTES];
        verdict v = verdict_of_case(&r->cases[i]);
        record_reason(&r->cases[i], reason);
        if (v != VERDICT_PASS)
            fprintf(to, "%s  %s: %s\n", verdict_name(v), r->cases[i].name, reason);
    }
}
