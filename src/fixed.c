/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Densities of the fixed patterns, in closed form. */
#include "select.h"
#include "size.h"

#include <sparsed/sparsed.h>

/* Sum over positions 0 .. count-1 of min(position, limit). */
static double sum_min(uint64_t count, uint64_t limit) {
    uint64_t low = spd_min(count, limit + 1);
    double rising = (double)low * ((double)low - 1.0) / 2.0;
    return rising + (double)(count - low) * (double)limit;
}

/* Pairs that a window of w keeps in len x len, and those of the sinks outside it. */
static double kept_pairs(uint64_t len, uint64_t window, uint64_t sinks) {
    uint64_t w = spd_min(window, len - 1);
    double pairs = (double)len + 2.0 * sum_min(len, w);
    uint64_t s = spd_min(sinks, len);
    /* The row at p has p - w keys before its window; of these the first s are kept ... */
    pairs += sum_min(len - w, s);
    /* ... and s - (p + w + 1) of those behind it. */
    uint64_t behind = s > w + 1 ? s - w - 1 : 0;
    return pairs + (double)behind * ((double)behind + 1.0) / 2.0;
}

double sparsed_fixed_density(uint64_t len, uint64_t window, uint64_t sinks) {
    if (len == 0)
        return 0.0;
    return kept_pairs(len, window, sinks) / ((double)len * (double)len);
}

uint64_t sparsed_fixed_window(uint64_t len, uint64_t sinks, double density) {
    uint64_t low = 0, high = len > 0 ? len - 1 : 0;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (sparsed_fixed_density(len, middle, sinks) >= density)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
