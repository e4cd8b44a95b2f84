/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Typed access to the keys of a JSON object. Each failure is one line with the path, the key and
 * its value. A key whose value is null counts as absent.
 */
#ifndef TOOLS_JSON_KEYS_H
#define TOOLS_JSON_KEYS_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct json_keys {
    const cJSON *object; /* NULL: every key is absent */
    const char *path;
    const char *prefix; /* put before the key in messages: "", "model." */
    tool_error *error;
} json_keys;

/* The value, or NULL. */
const cJSON *json_keys_get(const json_keys *keys, const char *key);

/* Fails with PATH: "KEY" is missing. */
bool json_keys_missing(const json_keys *keys, const char *key);

/* Fails with PATH: "KEY": VALUE WHAT. */
bool json_keys_fail(const json_keys *keys, const char *key, const char *what);

/* An integer in min .. max; an absent key is an error, or gives the fallback. */
bool json_keys_uint(const json_keys *keys, const char *key, uint32_t min, uint32_t max,
                    uint32_t *value);
bool json_keys_uint_or(const json_keys *keys, const char *key, uint32_t min, uint32_t max,
                       uint32_t fallback, uint32_t *value);

/* An integer in 0 .. max, of those that a JSON number holds exactly. */
bool json_keys_uint64(const json_keys *keys, const char *key, uint64_t max, uint64_t *value);

/* A finite number from min on. */
bool json_keys_real(const json_keys *keys, const char *key, double min, double *value);

/* A finite number above 0. */
bool json_keys_positive(const json_keys *keys, const char *key, double *value);

bool json_keys_bool(const json_keys *keys, const char *key, bool *value);
bool json_keys_bool_or(const json_keys *keys, const char *key, bool fallback, bool *value);

/* The string itself, which lives as long as the object; the fallback if absent. */
bool json_keys_string_or(const json_keys *keys, const char *key, const char *fallback,
                         const char **value);

/* A string that fits into text[0 .. size_bytes-1] with its NUL. */
bool json_keys_text(const json_keys *keys, const char *key, char *text, size_t size_bytes);

/* What the reader supports: exactly this string; exactly this boolean, present; absent or false;
 * absent; absent or "". Anything else is an error that says so. */
bool json_keys_only_string(const json_keys *keys, const char *key, const char *supported);
bool json_keys_only_bool(const json_keys *keys, const char *key, bool supported);
bool json_keys_off(const json_keys *keys, const char *key);
bool json_keys_absent(const json_keys *keys, const char *key);
bool json_keys_empty(const json_keys *keys, const char *key);

#endif
