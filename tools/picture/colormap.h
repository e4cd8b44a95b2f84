/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The colour scale of all pictures: white for 0 through green and blue to a dark blue for 1, of
 * evenly falling lightness, so that it reads the same in grey and by all eyes.
 */
#ifndef TOOLS_PICTURE_COLORMAP_H
#define TOOLS_PICTURE_COLORMAP_H

#include "canvas.h"

/* The colour of a value in [0, 1]; values outside count as the nearer end, NaN is COLOR_GREY. */
color colormap_at(double value);

#endif
