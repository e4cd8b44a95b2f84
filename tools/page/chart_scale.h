/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One axis of a chart: values on pixels, and where ticks stand.
 */
#ifndef TOOLS_PAGE_CHART_SCALE_H
#define TOOLS_PAGE_CHART_SCALE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum chart_steps {
    CHART_LINEAR, /* from 0 on if no value is below it */
    CHART_LOG10,  /* values above 0 */
    CHART_LOG2    /* the same, ticks at powers of two */
} chart_steps;

typedef struct chart_scale {
    chart_steps steps;
    double low, high; /* widened to whole steps; low < high */
    double from, to;  /* the pixels of low and high */
} chart_scale;

/* A scale that holds least .. most, both finite. */
chart_scale chart_scale_over(chart_steps steps, double least, double most, double from, double to);

/* Whether the scale has a place for the value: a NaN, or 0 on a logarithmic one, has none. */
bool chart_scale_has(const chart_scale *scale, double value);

/* The pixel of a value, which the scale has. */
double chart_scale_at(const chart_scale *scale, double value);

enum { CHART_MAX_TICKS = 32 };

/* Rising values of the ticks; their number. */
size_t chart_scale_ticks(const chart_scale *scale, double ticks[CHART_MAX_TICKS]);

#endif
