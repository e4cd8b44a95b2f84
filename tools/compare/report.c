/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed compare report`: records side by side. */
#include <stdio.h>

#include "cli.h"
#include "compare/compare_command.h"
#include "compare/report_output.h"
#include "file.h"

typedef struct report_options {
    const char *paths[COMPARISON_MAX_RECORDS];
    size_t count;
    const char *page;
    double tolerance;
    bool json;
} report_options;

static void add_options(report_options *o, cli_options *list) {
    *o = (report_options){.tolerance = 1e-3};
    cli_add_operand_list(list, "FILE...", o->paths, COMPARISON_MAX_RECORDS, &o->count,
                         "records of one suite, as `sparsed compare record` writes them");
    cli_add(list, (cli_option){"html", CLI_STRING, &o->page, NULL, "FILE",
                               "also write a page with plots (.html); it needs no network"});
    cli_add(list,
            (cli_option){"tolerance", CLI_REAL, &o->tolerance, NULL, "X",
                         "a key block that one device alone keeps is a tie, and no fault, if "
                         "its score s and the lowest score t that its row still keeps differ "
                         "by at most X: |s - t| / max(s, t) <= X, from 0 to below 1 (0.001)"});
    cli_add(list, (cli_option){"json", CLI_FLAG, &o->json, NULL, NULL,
                               "all of it as one JSON object (docs/compare-report.schema.json)"});
}

static void print_help(const cli_options *list) {
    printf(
        "usage: sparsed compare report FILE... [OPTIONS]\n\n"
        "Compares records: each with the double-precision oracle, by the errors that it holds,\n"
        "and every pair. Of a pair: outputs given one pattern, equality to the bit, and how far\n"
        "the devices' own patterns agree. A key block that one alone keeps is a tie, real, or,\n"
        "where no scores of its query block are in the files, not to be decided.\n"
        "The exit code is 0 if the verdict is pass or warn, 1 if it is fail, 2 if there is no\n"
        "report: a word of the command line or a file is at fault, the files are of different\n"
        "suites, or the report could not be written. docs/compare.md tells the bounds.\n\n");
    cli_print_options(list, stdout);
}

static bool check_options(const report_options *o, tool_error *error) {
    if (o->tolerance < 0.0 || o->tolerance >= 1.0)
        return tool_fail_usage(error, "--tolerance is %g, not from 0 to below 1", o->tolerance);
    return !o->page || file_check_ending("html", o->page, ".html", error);
}

/* false, with the exit code of a failure, if that is the verdict. */
static bool conclude(const comparison *c, tool_error *error) {
    size_t failed = 0;
    if (c->all != VERDICT_FAIL)
        return true;
    for (size_t i = 0; i < c->record_count; i++)
        failed += c->record_verdicts[i] == VERDICT_FAIL;
    for (size_t i = 0; i < c->pair_count; i++)
        failed += c->pairs[i].all == VERDICT_FAIL;
    return tool_fail(error, "the verdict is fail: of %zu record%s and %zu pair%s, %zu failed",
                     c->record_count, c->record_count == 1 ? "" : "s", c->pair_count,
                     c->pair_count == 1 ? "" : "s", failed);
}

static bool print_report(const report_options *o, const comparison *c, tool_error *error) {
    return (!o->page || report_write_page(c, o->page, error)) &&
           (o->json ? report_print_json : report_print_words)(c, error) &&
           ((fflush(stdout) == 0 && !ferror(stdout)) ||
            tool_fail(error, "standard output: could not write all of it"));
}

static bool make_report(const report_options *o, tool_error *error) {
    comparison c;
    bool done =
        comparison_make(&c, o->paths, o->count, o->tolerance, error) && print_report(o, &c, error);
    if (!done)
        error->usage = true; /* 1 is a verdict's */
    done = done && conclude(&c, error);
    comparison_free(&c);
    return done;
}

bool compare_report(int argc, char **argv, tool_error *error) {
    cli_options list = {0};
    report_options o;
    bool help;
    add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        print_help(&list);
        return true;
    }
    return check_options(&o, error) && make_report(&o, error);
}
