/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Whether a JSON value fits a schema, as far as the schemas of docs/ go: $ref to #/$defs/NAME, type,
 * enum, const, properties, required, additionalProperties (false), items, minimum, maximum,
 * minItems, maxItems. Another keyword in the schema fails the test that runs.
 */
#ifndef TESTS_SUPPORT_JSON_SCHEMA_H
#define TESTS_SUPPORT_JSON_SCHEMA_H

#include <cjson/cJSON.h>

enum { JSON_SCHEMA_TEXT_BYTES = 256 };

/* NULL if it fits; else what does not, with its place: "pairs[0].verdict: ...", in text. */
const char *json_schema_misfit(const cJSON *schema, const cJSON *value,
                               char text[JSON_SCHEMA_TEXT_BYTES]);

#endif
