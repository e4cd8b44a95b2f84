/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The plots of a report's page: heat maps of the matrix of pairs, distributions of errors, pictures
 * of where patterns differ, case by case errors, pairs and times.
 */
#ifndef TOOLS_COMPARE_REPORT_PLOTS_H
#define TOOLS_COMPARE_REPORT_PLOTS_H

#include "compare/comparison.h"
#include "compare/report_output.h"
#include "page/matrix_chart.h"
#include "page/page.h"

page_mark report_mark(verdict v);

/* A share of what fails on a logarithmic scale of four decades, and the legend of it. */
double report_shade(double share);
enum { REPORT_SCALE = 5 };
extern const matrix_shade report_scale[REPORT_SCALE];

/* "A label" or "A" of each record. */
enum { REPORT_RECORD_BYTES = RECORD_NAME_BYTES + 8 };
typedef struct record_names {
    char (*text)[REPORT_RECORD_BYTES];
    const char **names; /* [record_count] */
} record_names;
bool report_records_name(record_names *names, const comparison *c, bool labels);
void report_records_free(record_names *names);

/* Of two records or more. */
bool report_plot_pairs(page *p, const comparison *c, tool_error *error);
bool report_plot_cases(page *p, const comparison *c, tool_error *error);
bool report_plot_errors(page *p, const comparison *c, tool_error *error);
bool report_plot_patterns(page *p, const comparison *c, tool_error *error);

#endif
