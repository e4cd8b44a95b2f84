/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One JSON object on standard output, and what goes into it.
 */
#ifndef TOOLS_JSON_PRINT_H
#define TOOLS_JSON_PRINT_H

#include <cjson/cJSON.h>

#include "error.h"

/* Prints the object and a newline, and deletes it, whatever happens. */
bool json_print(cJSON *root, tool_error *error);

/* Adds a text that may not be UTF-8: what is none of it becomes U+FFFD. */
void json_add_text(cJSON *object, const char *key, const char *text);

#endif
