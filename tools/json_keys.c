/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Typed access to the keys of a JSON object; see json_keys.h.
 */
#include "json_keys.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json_file.h"

const cJSON *json_keys_get(const json_keys *keys, const char *key) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(keys->object, key);
    return cJSON_IsNull(value) ? NULL : value;
}

bool json_keys_missing(const json_keys *keys, const char *key) {
    return tool_fail(keys->error, "%s: \"%s%s\" is missing", keys->path, keys->prefix, key);
}

bool json_keys_fail(const json_keys *keys, const char *key, const char *what) {
    char text[JSON_DESCRIBE_BYTES];
    json_describe(json_keys_get(keys, key), text);
    return tool_fail(keys->error, "%s: \"%s%s\": %s %s", keys->path, keys->prefix, key, text, what);
}

bool json_keys_uint(const json_keys *keys, const char *key, uint32_t min, uint32_t max,
                    uint32_t *value) {
    const cJSON *item = json_keys_get(keys, key);
    if (!item) {
        return json_keys_missing(keys, key);
    }
    uint64_t number;
    if (!json_uint(item, &number) || number < min || number > max) {
        char what[64];
        snprintf(what, sizeof what, "is not an integer in %u .. %u", min, max);
        return json_keys_fail(keys, key, what);
    }
    *value = (uint32_t)number;
    return true;
}

bool json_keys_uint_or(const json_keys *keys, const char *key, uint32_t min, uint32_t max,
                       uint32_t fallback, uint32_t *value) {
    if (!json_keys_get(keys, key)) {
        *value = fallback;
        return true;
    }
    return json_keys_uint(keys, key, min, max, value);
}

bool json_keys_uint64(const json_keys *keys, const char *key, uint64_t max, uint64_t *value) {
    const cJSON *item = json_keys_get(keys, key);
    uint64_t number;
    if (!item)
        return json_keys_missing(keys, key);
    if (!json_uint(item, &number) || number > max) {
        char what[64];
        snprintf(what, sizeof what, "is not an integer in 0 .. %" PRIu64, max);
        return json_keys_fail(keys, key, what);
    }
    *value = number;
    return true;
}

bool json_keys_real(const json_keys *keys, const char *key, double min, double *value) {
    const cJSON *item = json_keys_get(keys, key);
    if (!item)
        return json_keys_missing(keys, key);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || item->valuedouble < min)
        return json_keys_fail(keys, key,
                              min == 0.0 ? "is not a number from 0 on" : "is not a finite number");
    *value = item->valuedouble;
    return true;
}

bool json_keys_positive(const json_keys *keys, const char *key, double *value) {
    const cJSON *item = json_keys_get(keys, key);
    if (!item) {
        return json_keys_missing(keys, key);
    }
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble) || !(item->valuedouble > 0)) {
        return json_keys_fail(keys, key, "is not a number above 0");
    }
    *value = item->valuedouble;
    return true;
}

bool json_keys_bool(const json_keys *keys, const char *key, bool *value) {
    const cJSON *item = json_keys_get(keys, key);
    if (!item) {
        return json_keys_missing(keys, key);
    }
    if (!cJSON_IsBool(item)) {
        return json_keys_fail(keys, key, "is not true or false");
    }
    *value = cJSON_IsTrue(item);
    return true;
}

bool json_keys_bool_or(const json_keys *keys, const char *key, bool fallback, bool *value) {
    if (!json_keys_get(keys, key)) {
        *value = fallback;
        return true;
    }
    return json_keys_bool(keys, key, value);
}

bool json_keys_string_or(const json_keys *keys, const char *key, const char *fallback,
                         const char **value) {
    const cJSON *item = json_keys_get(keys, key);
    if (item && !cJSON_IsString(item)) {
        return json_keys_fail(keys, key, "is not a string");
    }
    *value = item ? item->valuestring : fallback;
    return true;
}

bool json_keys_text(const json_keys *keys, const char *key, char *text, size_t size_bytes) {
    const char *string = NULL;
    if (!json_keys_string_or(keys, key, NULL, &string))
        return false;
    if (!string)
        return json_keys_missing(keys, key);
    if (strlen(string) >= size_bytes)
        return json_keys_fail(keys, key, "is too long");
    memcpy(text, string, strlen(string) + 1);
    return true;
}

bool json_keys_only_string(const json_keys *keys, const char *key, const char *supported) {
    const cJSON *item = json_keys_get(keys, key);
    if (!item) {
        return json_keys_missing(keys, key);
    }
    if (!cJSON_IsString(item) || strcmp(item->valuestring, supported) != 0) {
        char what[96];
        snprintf(what, sizeof what, "is not supported, only \"%s\"", supported);
        return json_keys_fail(keys, key, what);
    }
    return true;
}

bool json_keys_only_bool(const json_keys *keys, const char *key, bool supported) {
    bool value = !supported;
    if (!json_keys_bool(keys, key, &value)) {
        return false;
    }
    if (value != supported) {
        return json_keys_fail(
            keys, key, supported ? "is not supported, only true" : "is not supported, only false");
    }
    return true;
}

bool json_keys_off(const json_keys *keys, const char *key) {
    return !json_keys_get(keys, key) || json_keys_only_bool(keys, key, false);
}

bool json_keys_absent(const json_keys *keys, const char *key) {
    return !json_keys_get(keys, key) || json_keys_fail(keys, key, "is not supported, only null");
}

bool json_keys_empty(const json_keys *keys, const char *key) {
    return !json_keys_get(keys, key) || json_keys_only_string(keys, key, "");
}
