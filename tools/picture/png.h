/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A canvas as a PNG file. Needs libpng; a build without it says so when asked.
 */
#ifndef TOOLS_PICTURE_PNG_H
#define TOOLS_PICTURE_PNG_H

#include "canvas.h"

/* Whether this build writes PNG; if not, error says so. To be asked before the work. */
bool png_available(tool_error *error);

/* Writes the file; it appears whole or not at all. */
bool png_write(const canvas *page, const char *path, tool_error *error);

#endif
