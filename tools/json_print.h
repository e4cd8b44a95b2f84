/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One JSON object on standard output.
 */
#ifndef TOOLS_JSON_PRINT_H
#define TOOLS_JSON_PRINT_H

#include <cjson/cJSON.h>

#include "error.h"

/* Prints the object and a newline, and deletes it, whatever happens. */
bool json_print(cJSON *root, tool_error *error);

#endif
