/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * JSON that comes from a file; see json_file.h.
 */
#include "json_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "utf8.h"

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool check_own_keys(const cJSON *object, const char *path, tool_error *error) {
    size_t n = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, object) {
        n++;
    }
    if (n < 2) {
        return true;
    }
    const char **keys = calloc(n, sizeof *keys);
    if (!keys) {
        return tool_fail(error, "%s: out of memory for %zu keys", path, n);
    }
    size_t i = 0;
    cJSON_ArrayForEach(child, object) {
        keys[i++] = child->string;
    }
    qsort(keys, n, sizeof *keys, compare_strings);
    bool unique = true;
    for (i = 1; i < n && unique; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            unique = tool_fail(error, "%s: key \"%.200s\" appears twice", path, keys[i]);
        }
    }
    free(keys);
    return unique;
}

bool json_check_unique_keys(const cJSON *value, const char *path, tool_error *error) {
    if (cJSON_IsObject(value) && !check_own_keys(value, path, error)) {
        return false;
    }
    const cJSON *child;
    cJSON_ArrayForEach(child, value) {
        if (child->child && !json_check_unique_keys(child, path, error)) {
            return false;
        }
    }
    return true;
}

cJSON *json_parse_object(const char *text, size_t size_bytes, const char *path, tool_error *error) {
    size_t valid = utf8_valid_prefix(text, size_bytes);
    if (valid < size_bytes) {
        tool_fail(error, "%s: JSON is not UTF-8 at byte %zu", path, valid);
        return NULL;
    }
    /* cJSON would take a NUL for the end. */
    const char *nul = memchr(text, '\0', size_bytes);
    if (nul) {
        tool_fail(error, "%s: JSON has a NUL at byte %zu", path, (size_t)(nul - text));
        return NULL;
    }
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, size_bytes + 1, &end, true);
    if (!root) {
        size_t at = end ? (size_t)(end - text) : 0;
        tool_fail(error, "%s: not valid JSON at byte %zu", path, at);
        return NULL;
    }
    if (!cJSON_IsObject(root)) {
        tool_fail(error, "%s: JSON is not an object", path);
    } else if (json_check_unique_keys(root, path, error)) {
        return root;
    }
    cJSON_Delete(root);
    return NULL;
}

cJSON *json_file_read(const char *path, size_t max_bytes, tool_error *error) {
    size_t size;
    char *text = file_read(path, max_bytes, &size, error);
    if (!text) {
        return NULL;
    }
    cJSON *root = json_parse_object(text, size, path, error);
    free(text);
    return root;
}

bool json_uint(const cJSON *value, uint64_t *number) {
    if (!cJSON_IsNumber(value)) {
        return false;
    }
    double v = value->valuedouble;
    if (!(v >= 0 && v < 9007199254740992.0) || v != floor(v)) {
        return false;
    }
    *number = (uint64_t)v;
    return true;
}

void json_describe(const cJSON *value, char text[JSON_DESCRIBE_BYTES]) {
    if (cJSON_IsNumber(value)) {
        snprintf(text, JSON_DESCRIBE_BYTES, "%.15g", value->valuedouble);
    } else if (cJSON_IsString(value)) {
        snprintf(text, JSON_DESCRIBE_BYTES, "\"%.70s\"", value->valuestring);
    } else if (cJSON_IsBool(value)) {
        snprintf(text, JSON_DESCRIBE_BYTES, "%s", cJSON_IsTrue(value) ? "true" : "false");
    } else {
        snprintf(text, JSON_DESCRIBE_BYTES, "%s",
                 cJSON_IsArray(value)    ? "an array"
                 : cJSON_IsObject(value) ? "an object"
                                         : "null");
    }
}

void json_hide_controls(cJSON *value) {
    cJSON *item;
    if (value && cJSON_IsString(value))
        utf8_hide_controls(value->valuestring);
    if (value && value->string)
        utf8_hide_controls(value->string);
    cJSON_ArrayForEach(item, value) json_hide_controls(item);
}
