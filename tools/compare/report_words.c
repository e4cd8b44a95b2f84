/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A comparison as tables on a terminal; see report_output.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/faults.h"
#include "compare/report_output.h"

enum { MOST_LINES = 60 }; /* of faults: the JSON object has them all */

static int longer(int width, const char *text) {
    const int length = (int)strlen(text);
    return length > width ? length : width;
}

static void print_records(const comparison *c) {
    char device[REPORT_DEVICE_BYTES], kernels[REPORT_KERNELS_BYTES];
    int label_width = 6, kernels_width = 7;
    for (size_t i = 0; i < c->record_count; i++) {
        report_kernels(&c->records[i], kernels);
        label_width = longer(label_width, c->records[i].label);
        kernels_width = longer(kernels_width, kernels);
    }
    printf("   %-*s  %-*s  %-8s  %5s  %-7s  %s\n", label_width, "record", kernels_width, "kernels",
           "version", "cases", "verdict", "device");
    for (size_t i = 0; i < c->record_count; i++) {
        const record *r = &c->records[i];
        report_device(r, device);
        report_kernels(r, kernels);
        printf("%c  %-*s  %-*s  %-8s  %5zu  %-7s  %s%s\n", comparison_letter(i), label_width,
               r->label, kernels_width, kernels, r->environment.library_version, r->case_count,
               verdict_name(c->record_verdicts[i]), device, r->self_check ? " (self-check)" : "");
    }
    if (c->versions_differ)
        printf("Warning: the records are of different versions of the library.\n");
}

/* ---- cases ---- */

static void print_own_error(const comparison *c, size_t i, const char *name) {
    size_t index;
    const record_case *at = comparison_find(&c->records[i], name, &index);
    static const char marks[] = {' ', '?', '!'};
    if (!at)
        printf("%9s  ", "");
    else if (at->failure[0])
        printf("%9s %c", "-", marks[VERDICT_FAIL]);
    else
        printf("%9.1e%c%c", report_own_error(at).relative,
               report_own_error(at).absolute ? '~' : ' ', marks[c->own[i][index].all]);
}

static bool print_cases(const comparison *c, tool_error *error) {
    report_names names;
    if (!report_names_make(&names, c, error))
        return false;
    printf(
        "\nAgainst the double oracle: the largest relative error of each case's outputs\n"
        "(? a warning, ! a failure, of whatever result of the case; ~ right within the absolute\n"
        "bound, of data near the smallest numbers)\n%-34s",
        "case");
    for (size_t i = 0; i < c->record_count; i++)
        printf("%9c  ", comparison_letter(i));
    printf("\n");
    for (size_t k = 0; k < names.count; k++) {
        printf("%-34s", names.names[k]);
        for (size_t i = 0; i < c->record_count; i++)
            print_own_error(c, i, names.names[k]);
        printf("\n");
    }
    free(names.names);
    return true;
}

/* ---- pairs ---- */

static void print_pairs(const comparison *c) {
    if (c->pair_count == 0)
        return;
    printf(
        "\nPairs. out: the largest relative difference of outputs given one pattern, as a share\n"
        "of what fails; equal: runs equal to the bit; own patterns: Jaccard index, and the key\n"
        "blocks that one alone keeps\n"
        "       %7s %9s %9s   %9s %8s %8s %8s %10s\n",
        "verdict", "out", "equal", "jaccard", "differ", "ties", "real", "undecided");
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *p = &c->pairs[i];
        const pattern_agreement *own = &p->pattern;
        char equal[32];
        snprintf(equal, sizeof equal, "%zu/%zu", p->bitwise_runs, p->runs);
        printf("%c  %c   %7s %9.2g %9s   %9.6f %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64
               "\n",
               comparison_letter(p->a), comparison_letter(p->b), verdict_name(p->all), p->out_share,
               equal, pattern_agreement_jaccard(own), own->only_a + own->only_b, own->ties,
               own->real, own->undecided);
    }
}

/* ---- faults ---- */

typedef struct fault_lines {
    verdict only;     /* what is printed in this pass */
    char who[8];      /* "A", "A B" */
    const char *name; /* of the case; "": of the record */
    size_t count;     /* told, or not for lack of room */
} fault_lines;

static void print_fault(void *context, verdict v, const char *text) {
    fault_lines *lines = context;
    if (v != lines->only)
        return;
    if (lines->count == 0)
        printf("\nFailures and warnings\n");
    if (lines->count++ < MOST_LINES)
        printf("%s  %-3s  %s%s%s\n", verdict_name(v), lines->who, lines->name,
               lines->name[0] ? ": " : "", text);
}

static void print_faults_of(const comparison *c, verdict only, fault_lines *lines) {
    lines->only = only;
    for (size_t i = 0; i < c->record_count; i++) {
        snprintf(lines->who, sizeof lines->who, "%c", comparison_letter(i));
        lines->name = "";
        faults_of_record(&c->records[i], print_fault, lines);
        for (size_t k = 0; k < c->records[i].case_count; k++) {
            lines->name = c->records[i].cases[k].name;
            faults_of_case(&c->records[i].cases[k], print_fault, lines);
        }
    }
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *p = &c->pairs[i];
        const char a = comparison_letter(p->a), b = comparison_letter(p->b);
        for (size_t k = 0; k < p->count; k++) {
            snprintf(lines->who, sizeof lines->who, "%c %c", a, b);
            lines->name = c->records[p->a].cases[p->cases[k].a].name;
            faults_of_pair(&p->cases[k], a, b, print_fault, lines);
        }
    }
}

/* Failures first: where lines are cut, a warning must not keep one from being told. */
static void print_faults(const comparison *c) {
    fault_lines lines = {.count = 0};
    print_faults_of(c, VERDICT_FAIL, &lines);
    print_faults_of(c, VERDICT_WARN, &lines);
    if (lines.count > MOST_LINES)
        printf("and %zu more lines; --json has them all\n", lines.count - MOST_LINES);
}

bool report_print_words(const comparison *c, tool_error *error) {
    const record *first = &c->records[0];
    printf("Suite %s, version %u, seed %" PRIu64 "\n\n", first->suite, first->suite_version,
           first->seed);
    print_records(c);
    if (!print_cases(c, error))
        return false;
    print_pairs(c);
    print_faults(c);
    printf("\nVerdict: %s\n", verdict_name(c->all));
    return true;
}
