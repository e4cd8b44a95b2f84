/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The plots of a report's page: heat maps of the matrix of pairs, distributions of errors, pictures
 * of where patterns differ.
 */
#ifndef TOOLS_COMPARE_REPORT_PLOTS_H
#define TOOLS_COMPARE_REPORT_PLOTS_H

#include "compare/comparison.h"
#include "page/page.h"

/* Of two records or more. */
bool report_plot_pairs(page *p, const comparison *c, tool_error *error);
bool report_plot_errors(page *p, const comparison *c, tool_error *error);
bool report_plot_patterns(page *p, const comparison *c, tool_error *error);

#endif
