/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Sums of a row's scores under different choices of as many blocks. */
#include "pattern/budget.h"

static void swap(float *a, float *b) {
    float kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts the largest `keep` of scores[0 .. count - 1] first: quickselect with a middle pivot. */
static void largest_first(float *scores, size_t count, size_t keep) {
    size_t begin = 0, end = count;
    while (end - begin > 1 && keep > begin && keep < end) {
        float pivot = scores[begin + (end - begin) / 2];
        size_t above = begin, below = end, i = begin;
        while (i < below) {
            if (scores[i] > pivot)
                swap(&scores[above++], &scores[i++]);
            else if (scores[i] < pivot)
                swap(&scores[i], &scores[--below]);
            else
                i++;
        }
        /* [begin, above) lie above the pivot, [above, below) equal it. */
        if (keep <= above)
            end = above;
        else if (keep >= below)
            begin = below;
        else
            return;
    }
}

double budget_best(float *scores, size_t count, size_t keep) {
    double sum = 0.0;
    largest_first(scores, count, keep);
    for (size_t i = 0; i < keep; i++)
        sum += (double)scores[i];
    return sum;
}

/* The first key block, from `least` on, whose middle is not before the place. */
static size_t first_behind(size_t count, size_t least, budget_place place) {
    double before = place.centre / place.block_k - 0.5;
    size_t first = before <= 0.0 ? 0 : before >= (double)count ? count : (size_t)before;
    if ((double)first < before)
        first++;
    if (first > count)
        first = count;
    return first < least ? least : first;
}

double budget_nearest(const float *scores, size_t count, size_t keep, size_t sinks,
                      budget_place place) {
    double sum = 0.0;
    if (sinks > keep)
        sinks = keep;
    for (size_t j = 0; j < sinks; j++)
        sum += (double)scores[j];
    size_t behind = first_behind(count, sinks, place), ahead = behind;
    for (size_t left = keep - sinks; left > 0; left--) {
        double back = place.centre - ((double)behind - 0.5) * place.block_k;
        double forth = ((double)ahead + 0.5) * place.block_k - place.centre;
        if (behind > sinks && (ahead == count || back <= forth))
            sum += (double)scores[--behind];
        else
            sum += (double)scores[ahead++];
    }
    return sum;
}

double budget_ordered(const float *scores, const uint32_t *order, size_t keep) {
    double sum = 0.0;
    for (size_t i = 0; i < keep; i++)
        sum += (double)scores[order[i]];
    return sum;
}
