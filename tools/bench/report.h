/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The reports of `sparsed bench`: text, JSON, CSV and an HTML page, of the same rows and findings.
 */
#ifndef TOOLS_BENCH_REPORT_H
#define TOOLS_BENCH_REPORT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "findings.h"
#include "page/page.h"
#include "rows.h"
#include "tune.h"

typedef struct bench_report {
    const bench_results *results;
    const bench_table *table;
    const bench_findings *findings;
    const bench_peers *peers;       /* NULL: none */
    const bench_baseline *baseline; /* NULL: none */
    const bench_tuning *tuning;     /* NULL: none */
} bench_report;

/* On standard output; of CSV the warnings, and what --tune stored, go to standard error. */
void bench_print_text(const bench_report *report);
void bench_print_csv(const bench_report *report);
bool bench_print_json(const bench_report *report, tool_error *error);

/* A line each. */
void bench_print_warnings(const bench_report *report, FILE *to);

/* A line for each kernel that was refused, with `before` at its beginning. */
void bench_print_refused(const bench_device_results *device, const char *before, FILE *to);

/* What --tune stored, and what it left out. */
void bench_tune_print(const bench_tuning *tuning, FILE *to);
cJSON *bench_tune_json(const bench_tuning *tuning);
void bench_tune_draw(page *p, const bench_tuning *tuning);

/* A page with plots. */
bool bench_write_html(const bench_report *report, const char *path, tool_error *error);

/* ---- what they share ---- */

/* What an estimate of a whole model is worth. */
extern const char bench_estimate_note[];

/* What the rates count, and what is left out. */
extern const char bench_rates_note[];

/* How many rows of the baseline are what: "3 faster, 1 slower, 10 the same, 2 not in it". */
void bench_baseline_text(const bench_table *table, char *text, size_t size);

/* What these words mean. */
extern const char bench_baseline_note[];

/* A device's line: units, instruction set, where the tensors are; the driver, but not where it is OpenBLAS
 * and no kernel multiplies with that. */
void bench_device_text(const bench_device_results *device, char *text, size_t size);

/* "128x32", or "" without blocks. */
bench_number bench_blocks_of(const bench_row *row);

/* "482.3 GF/s", "12.1 TF/s". */
bench_number bench_rate_of(double flops);

/* "512 B", "1.5 MiB", "23.0 GiB". */
bench_number bench_bytes_of(double bytes);

/* Of two that differ, with as many digits as tell them apart. */
void bench_bytes_apart(double a, double b, bench_number *a_text, bench_number *b_text);

/* The schedule in words: "upstream, T 128, skip 0.2: 26 dense, 1 dense+build, 101 sparse". */
void bench_schedule_text(const bench_results *results, char *text, size_t size);

#endif
