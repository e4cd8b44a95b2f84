/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where the model lies.
 */
#ifndef TOOLS_MODEL_DIR_H
#define TOOLS_MODEL_DIR_H

#include "error.h"

/* The folder asked for; without one SPARSED_MODEL, the installed data folder, the source tree.
 * malloc'd; NULL on failure. */
char *model_dir_find(const char *asked, tool_error *error);

#endif
