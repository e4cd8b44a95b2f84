/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The colour scale: knots of equal steps in CIE lightness, straight lines between them. */
#include "colormap.h"

#include <math.h>

enum { KNOTS = 17 };

static const color knots[KNOTS] = {
    {255, 255, 255}, {229, 245, 210}, {201, 234, 182}, {169, 221, 183}, {135, 208, 186},
    {98, 194, 191},  {62, 179, 196},  {46, 163, 194},  {30, 146, 192},  {31, 129, 185},
    {32, 113, 177},  {34, 96, 169},   {35, 79, 161},   {36, 62, 153},   {32, 48, 137},
    {20, 38, 112},   {8, 29, 88}};

static uint8_t between(uint8_t from, uint8_t to, double share) {
    return (uint8_t)(from + (to - from) * share + 0.5);
}

color colormap_at(double value) {
    if (isnan(value))
        return COLOR_GREY;
    double place = fmin(fmax(value, 0.0), 1.0) * (KNOTS - 1);
    int knot = place >= KNOTS - 1 ? KNOTS - 2 : (int)place;
    double share = place - knot;
    const color *a = &knots[knot], *b = &knots[knot + 1];
    return (color){between(a->red, b->red, share), between(a->green, b->green, share),
                   between(a->blue, b->blue, share)};
}
