/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * JSON that comes from a file: parsed by cJSON, with the strictness that cJSON leaves to its
 * caller. Errors name the path.
 */
#ifndef TOOLS_JSON_FILE_H
#define TOOLS_JSON_FILE_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Parses text[0 .. size_bytes-1], which a NUL follows: valid UTF-8, one object with nothing behind
 * it, no key twice in any object. NULL on failure; else the caller calls cJSON_Delete. */
cJSON *json_parse_object(const char *text, size_t size_bytes, const char *path, tool_error *error);

/* The same from a file of at most max_bytes. */
cJSON *json_file_read(const char *path, size_t max_bytes, tool_error *error);

/* Checks that no key is twice in the object, or in an object inside it. */
bool json_check_unique_keys(const cJSON *value, const char *path, tool_error *error);

/* Whether value is an integer in 0 .. 2^53 - 1, the range in which a JSON number is exact. */
bool json_uint(const cJSON *value, uint64_t *number);

/* Makes each control character of the texts and keys inside a '?': for files whose texts are shown. */
void json_hide_controls(cJSON *value);

#define JSON_DESCRIBE_BYTES 80

/* Writes a value as a message would name it: 12, "text", true, null, an array, an object. */
void json_describe(const cJSON *value, char text[JSON_DESCRIBE_BYTES]);

#endif
