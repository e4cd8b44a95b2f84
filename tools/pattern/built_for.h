/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a pattern file says it was built for, as a list of fields: each can be told in words, as
 * JSON and as the text that the metadata of a safetensors file holds, read back from that, and
 * compared.
 */
#ifndef TOOLS_PATTERN_BUILT_FOR_H
#define TOOLS_PATTERN_BUILT_FOR_H

#include <cjson/cJSON.h>

#include "pattern/load.h"

typedef struct built_for {
    sparsed_pattern_info pattern; /* what the patterns share */
    sparsed_pattern_set_info set;
} built_for;

enum { BUILT_FOR_TEXT_BYTES = 4096 }; /* a field's text with its NUL */

size_t built_for_count(void);          /* fields; each function takes i below it */
const char *built_for_key(size_t i);   /* "gen_length": in JSON, and in metadata */
const char *built_for_label(size_t i); /* "generation rows": in words */

/* Whether the field says anything; the file may not know it, or the mode not use it. */
bool built_for_known(const built_for *b, size_t i);

/* The field's value; doubles so that they are read back exactly. "not known" if it is not. */
void built_for_text(const built_for *b, size_t i, char text[BUILT_FOR_TEXT_BYTES]);

/* The same for people: control characters as '?'. */
void built_for_line(const built_for *b, size_t i, char text[BUILT_FOR_TEXT_BYTES]);

/* Whether a and b say the same of the field. */
bool built_for_equal(const built_for *a, const built_for *b, size_t i);

/* Adds field i's value to an object under a key; null if it is not known. */
void built_for_add_json(const built_for *b, size_t i, cJSON *object, const char *key);

/* Sets field i from what built_for_text wrote. Texts are not copied. A fault names the path, the
 * key and the value. */
bool built_for_parse(built_for *b, size_t i, const char *text, const char *path, tool_error *error);

/* A number that src/number_text.h wrote. */
bool built_for_parse_real(const char *text, double *value);

#endif
