/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* A comparison as tables on a terminal; see report_output.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/report_faults.h"
#include "compare/report_output.h"
#include "device_options.h"

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

/* Of a user's input: the suite's cases have telling names. */
static void print_problem(const comparison *c) {
    char text[REPORT_PROBLEM_BYTES];
    if (report_problem(c, text))
        printf("%s\n\n", text);
}

static void print_environments(const comparison *c) {
    char host[REPORT_HOST_BYTES], units[REPORT_UNITS_BYTES], given[REPORT_GIVEN_BYTES];
    int host_width = 4, units_width = 5;
    for (size_t i = 0; i < c->record_count; i++) {
        report_host(&c->records[i], host);
        device_units_text(&c->records[i].environment.device, units, sizeof units);
        host_width = longer(host_width, host);
        units_width = longer(units_width, units);
    }
    printf("\n   %-10s  %-*s  %-*s  %s\n", "day", host_width, "host", units_width, "units",
           "options, variables");
    for (size_t i = 0; i < c->record_count; i++) {
        report_host(&c->records[i], host);
        device_units_text(&c->records[i].environment.device, units, sizeof units);
        report_given(&c->records[i], given);
        printf("%c  %-10.10s  %-*s  %-*s  %s\n", comparison_letter(i),
               c->records[i].environment.created, host_width, host, units_width, units, given);
    }
}

/* ---- cases ---- */

static void print_own_error(const comparison *c, size_t i, const char *name) {
    size_t index;
    const record_case *at = comparison_find(&c->records[i], name, &index);
    char marks[REPORT_MARKS_BYTES];
    if (!at) {
        printf("%14s", "");
        return;
    }
    report_marks(at, marks);
    if (at->failure[0])
        printf("%8s %-5s", "-", marks);
    else
        printf("%8.1e%c%-5s", report_own_error(at).relative,
               report_own_error(at).absolute ? '~' : ' ', marks);
}

static void print_cases(const comparison *c, const report_names *names) {
    printf(
        "\nAgainst the double oracle: the largest relative error of each case's outputs\n"
        "(~ right within the absolute bound, of data near the smallest numbers; ? a warning, ! a\n"
        "failure, of: o outputs, l log-sum-exps, s block scores, c choice of blocks, r repeats\n"
        "that differ, x did not run)\n%-34s",
        "case");
    for (size_t i = 0; i < c->record_count; i++)
        printf("%8c%6s", comparison_letter(i), "");
    printf("\n");
    for (size_t k = 0; k < names->count; k++) {
        printf("%-34s", names->names[k]);
        for (size_t i = 0; i < c->record_count; i++)
            print_own_error(c, i, names->names[k]);
        printf("\n");
    }
}

/* ---- pairs ---- */

static void print_pairs(const comparison *c) {
    if (c->pair_count == 0)
        return;
    printf(
        "\nPairs. out: the largest relative difference of outputs given one pattern, as a share\n"
        "of what fails (= equal to the bit, ~ right within the absolute bound); equal: runs equal\n"
        "to the bit; own patterns: Jaccard index, and the key blocks that one alone keeps\n"
        "       %7s %9s %9s   %9s %8s %8s %8s %10s\n",
        "verdict", "out", "equal", "jaccard", "differ", "ties", "real", "undecided");
    for (size_t i = 0; i < c->pair_count; i++) {
        const record_pair *p = &c->pairs[i];
        const pattern_agreement *own = &p->pattern;
        char equal[32], outputs[REPORT_DISTANCE_BYTES];
        report_distance(&p->outputs, 2, outputs);
        snprintf(equal, sizeof equal, "%zu/%zu", p->bitwise_runs, p->runs);
        printf("%c  %c   %7s %9s %9s   %9.6f %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64
               "\n",
               comparison_letter(p->a), comparison_letter(p->b), verdict_name(p->all), outputs,
               equal, pattern_agreement_jaccard(own), own->only_a + own->only_b, own->ties,
               own->real, own->undecided);
    }
}

/* ---- times ---- */

static void print_times(const comparison *c, const report_names *names) {
    const size_t cases = report_common_cases(c, names);
    if (cases == 0)
        return;
    printf("\nTimes: milliseconds of a call (the median; on host memory, copies included), of %zu\n"
           "case%s together%s\n ",
           cases, cases == 1 ? "" : "s", cases < names->count ? " that ran in every record" : "");
    for (int op = 0; op < RECORD_OPS; op++)
        printf("  %12s", record_op_name((record_op)op));
    printf("\n");
    for (size_t i = 0; i < c->record_count; i++) {
        printf("%c", comparison_letter(i));
        for (int op = 0; op < RECORD_OPS; op++)
            printf("  %12.4g", 1e3 * report_common_seconds(c, names, i, (record_op)op));
        printf("\n");
    }
}

/* ---- faults ---- */

static bool print_faults(const comparison *c, tool_error *error) {
    report_faults all;
    size_t told = 0;
    const bool done = report_faults_make(&all, c, error);
    if (done && all.count > 0)
        printf("\nFailures and warnings (of pairs that are alike the first one's numbers)\n");
    for (int v = VERDICT_FAIL; done && v > VERDICT_PASS; v--)
        for (size_t i = 0; i < all.count; i++) {
            char who[REPORT_WHO_BYTES];
            if ((int)all.list[i].v != v || told++ >= MOST_LINES)
                continue;
            report_fault_who(&all.list[i], who);
            printf("%s  %-3s  %s%s%s\n", verdict_name(all.list[i].v), who, all.list[i].name,
                   all.list[i].name[0] ? ": " : "", all.list[i].text);
        }
    if (told > MOST_LINES)
        printf("and %zu more; --json has them all\n", told - MOST_LINES);
    report_faults_free(&all);
    return done;
}

bool report_print_words(const comparison *c, tool_error *error) {
    const record *first = &c->records[0];
    report_names names;
    if (!report_names_make(&names, c, error))
        return false;
    printf("Suite %s, version %u, seed %" PRIu64 "\n\n", first->suite, first->suite_version,
           first->seed);
    print_problem(c);
    print_records(c);
    print_environments(c);
    print_cases(c, &names);
    print_pairs(c);
    print_times(c, &names);
    const bool done = print_faults(c, error);
    free(names.names);
    if (!done)
        return false;
    printf("\nVerdict: %s\n", verdict_name(c->all));
    return true;
}
