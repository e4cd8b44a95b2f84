/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Histograms of several series over the same bins as inline SVG on a page: bars side by side, on a
 * logarithmic scale, so that the rare ones can be seen.
 */
#ifndef TOOLS_PAGE_HISTOGRAM_H
#define TOOLS_PAGE_HISTOGRAM_H

#include <stdint.h>

#include "page.h"

typedef struct histogram_series {
    const char *name;
    const uint64_t *counts; /* [bins] */
} histogram_series;

typedef struct histogram {
    const char *title, *x_name, *y_name; /* y: a share of the series' sum */
    const char *const *bin_names;
    size_t bins;
    const histogram_series *series;
    size_t count; /* colours repeat after PAGE_COLORS of them */
} histogram;

/* Without a count above 0, the title and a line that says so. */
void histogram_draw(page *p, const histogram *chart);

#endif
