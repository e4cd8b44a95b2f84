/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "chart_scale.h"

#include <math.h>

/* 1, 2 or 5 times a power of ten, so that about six of them make the length. */
static double linear_step(double length) {
    const double rough = length / 6.0, power = pow(10.0, floor(log10(rough)));
    const double share = rough / power;
    return power * (share <= 1.0 ? 1.0 : share <= 2.0 ? 2.0 : share <= 5.0 ? 5.0 : 10.0);
}

static double base_of(chart_steps steps) {
    return steps == CHART_LOG2 ? 2.0 : 10.0;
}

/* Powers of the base at or around a value; rounding must not take a power for a little more. */
static double power_below(double base, double value) {
    return pow(base, floor(log2(value) / log2(base) + 1e-9));
}

static double power_above(double base, double value) {
    return pow(base, ceil(log2(value) / log2(base) - 1e-9));
}

static void widen_linear(chart_scale *s) {
    if (s->low > 0.0)
        s->low = 0.0;
    if (s->low == s->high)
        s->high += fabs(s->high) > 0.0 ? fabs(s->high) : 1.0;
    const double step = linear_step(s->high - s->low);
    s->low = floor(s->low / step) * step;
    s->high = ceil(s->high / step - 1e-9) * step;
}

static void widen_logarithmic(chart_scale *s) {
    const double base = base_of(s->steps);
    s->low = power_below(base, s->low);
    s->high = power_above(base, s->high);
    if (s->low == s->high) {
        s->low /= base;
        s->high *= base;
    }
}

chart_scale chart_scale_over(chart_steps steps, double least, double most, double from, double to) {
    chart_scale s = {.steps = steps, .low = least, .high = most, .from = from, .to = to};
    if (steps == CHART_LINEAR)
        widen_linear(&s);
    else
        widen_logarithmic(&s);
    return s;
}

bool chart_scale_has(const chart_scale *scale, double value) {
    return isfinite(value) && (scale->steps == CHART_LINEAR || value > 0.0);
}

double chart_scale_at(const chart_scale *scale, double value) {
    const double share =
        scale->steps == CHART_LINEAR
            ? (value - scale->low) / (scale->high - scale->low)
            : (log2(value) - log2(scale->low)) / (log2(scale->high) - log2(scale->low));
    return scale->from + share * (scale->to - scale->from);
}

static size_t add_tick(const chart_scale *s, double value, double *ticks, size_t count) {
    const double room = s->steps == CHART_LINEAR ? (s->high - s->low) * 1e-9 : s->high * 1e-9;
    if (count < CHART_MAX_TICKS && value <= s->high + room)
        ticks[count++] = value;
    return count;
}

static size_t linear_ticks(const chart_scale *s, double ticks[CHART_MAX_TICKS]) {
    const double step = linear_step(s->high - s->low), first = ceil(s->low / step - 1e-9);
    size_t count = 0;
    for (int i = 0; i < CHART_MAX_TICKS; i++)
        count = add_tick(s, (first + i) * step, ticks, count);
    return count;
}

/* Every power of two, or every second, third ... so that they are at most twelve. */
static size_t log2_ticks(const chart_scale *s, double ticks[CHART_MAX_TICKS]) {
    const double every = ceil((log2(s->high / s->low) + 1.0) / 12.0);
    size_t count = 0;
    for (int i = 0; i < CHART_MAX_TICKS; i++)
        count = add_tick(s, s->low * exp2(every * i), ticks, count);
    return count;
}

/* Powers of ten; 2 and 5 times those too where there are few. */
static size_t log10_ticks(const chart_scale *s, double ticks[CHART_MAX_TICKS]) {
    static const double between[] = {1.0, 2.0, 5.0};
    const double decades = round(log10(s->high / s->low)), every = ceil(decades / 12.0);
    const size_t each = decades <= 4.0 ? 3 : 1;
    size_t count = 0;
    for (int i = 0; i < CHART_MAX_TICKS; i++)
        for (size_t n = 0; n < each; n++)
            count = add_tick(s, s->low * pow(10.0, every * i) * between[n], ticks, count);
    return count;
}

size_t chart_scale_ticks(const chart_scale *scale, double ticks[CHART_MAX_TICKS]) {
    switch (scale->steps) {
    case CHART_LOG2:
        return log2_ticks(scale, ticks);
    case CHART_LOG10:
        return log10_ticks(scale, ticks);
    default:
        return linear_ticks(scale, ticks);
    }
}
