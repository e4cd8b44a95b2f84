/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* `sparsed bench`: how fast attention is on a device, and from which length on SparseD pays. */
#include <stdio.h>

#include "commands.h"
#include "file.h"
#include "report.h"
#include "serve.h"
#include "tune.h"

/* Files beside the run: read before it, so that a fault of theirs costs no time. */
typedef struct bench_files {
    bench_baseline baseline;
    bench_peers peers;
} bench_files;

static bool open_files(const bench_options *o, bench_files *files, tool_error *error) {
    *files = (bench_files){.baseline = {.root = NULL}, .peers = {.root = NULL}};
    return (!o->tune || bench_tune_check(error)) &&
           (!o->html || file_check_writable(o->html, error)) &&
           (!o->baseline || bench_baseline_read(o->baseline, &files->baseline, error)) &&
           (!o->peers || bench_peers_read(o->peers, &files->peers, error));
}

static void close_files(bench_files *files) {
    if (files->baseline.root)
        bench_baseline_free(&files->baseline);
    if (files->peers.root)
        bench_peers_free(&files->peers);
}

static bool print_report(const bench_options *o, const bench_report *report, tool_error *error) {
    if (o->html && !bench_write_html(report, o->html, error))
        return false;
    if (o->json)
        return bench_print_json(report, error);
    if (o->csv)
        bench_print_csv(report);
    else
        bench_print_text(report);
    return true;
}

static bool report_results(const bench_options *o, const bench_results *results,
                           const bench_files *files, const bench_tuning *tuning,
                           tool_error *error) {
    const bench_peers *peers = o->peers ? &files->peers : NULL;
    const bench_baseline *baseline = o->baseline ? &files->baseline : NULL;
    bench_table table;
    bench_findings findings;
    if (!bench_table_make(results, peers, baseline, &table, error))
        return false;
    bool done = bench_findings_make(results, &table, peers, baseline, &findings, error);
    if (done) {
        const bench_report report = {results, &table, &findings, peers, baseline, tuning};
        done = print_report(o, &report, error);
        bench_findings_free(&findings);
    }
    bench_table_free(&table);
    return done;
}

/* What failed was printed with the rest, and is a failure all the same. */
static bool judge(const bench_results *results, tool_error *error) {
    const size_t failures = bench_failures(results);
    return failures == 0
               ? true
               : tool_fail(error, "%zu of the measurements failed; the report says why", failures);
}

/* With what --tune came to, which the reports tell. */
static bool tune_and_report(const bench_options *o, const bench_results *results,
                            const bench_files *files, tool_error *error) {
    bench_tuning tuning;
    tool_error fault;
    if (!o->tune)
        return report_results(o, results, files, NULL, error);
    const bool tuned = bench_tune(results, &tuning, &fault);
    bool done = report_results(o, results, files, tuned ? &tuning : NULL, error);
    if (done && !tuned) {
        *error = fault;
        done = false;
    } else if (done && bench_tune_stored(&tuning) == 0) {
        done = tool_fail(error, "--tune: no row was stored");
    }
    if (tuned)
        bench_tune_free(&tuning);
    return done;
}

static bool run(const bench_options *o, tool_error *error) {
    bench_files files;
    bench_results results;
    bool done = open_files(o, &files, error);
    if (done && bench_run(o, &results, error)) {
        done = tune_and_report(o, &results, &files, error) && judge(&results, error);
        bench_results_free(&results);
    } else {
        done = false;
    }
    close_files(&files);
    return done;
}

bool command_bench(int argc, char **argv, tool_error *error) {
    static cli_options list;
    bench_options o;
    bool help;
    bench_add_options(&o, &list);
    if (!cli_parse(&list, argc, argv, &help, error))
        return false;
    if (help) {
        printf(
            "usage: sparsed bench [OPTIONS]\n\n"
            "Times dense attention, builds and sparse attention of one layer over random data, in "
            "turns;\ntells rates, shares of the device's peak, and from which length on SparseD "
            "pays.\nKernels that do not build or fail a self-test, in whose place others ran, are "
            "told as refused.\nLIST is separated by commas.\n\n");
        cli_print_options(&list, stdout);
        return true;
    }
    o.argv = argv;
    o.argc = argc;
    bool done =
        bench_check_options(&o, error) && (o.serve ? bench_serve(&o, error) : run(&o, error));
    bench_free_options(&o);
    return done;
}
