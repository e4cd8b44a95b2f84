/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "support/json_schema.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct place {
    const cJSON *root; /* of the schema */
    const char *path;  /* of the value */
    char *text;
} place;

static bool misfit(const place *at, const char *what) {
    snprintf(at->text, JSON_SCHEMA_TEXT_BYTES, "%.120s: %.120s", at->path, what);
    return false;
}

static bool has_type(const cJSON *value, const char *type) {
    if (strcmp(type, "number") == 0)
        return cJSON_IsNumber(value);
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble);
    if (strcmp(type, "string") == 0)
        return cJSON_IsString(value);
    if (strcmp(type, "boolean") == 0)
        return cJSON_IsBool(value);
    if (strcmp(type, "array") == 0)
        return cJSON_IsArray(value);
    if (strcmp(type, "object") == 0)
        return cJSON_IsObject(value);
    if (strcmp(type, "null") == 0)
        return cJSON_IsNull(value);
    fail_msg("the schema has a type %s", type);
    return false;
}

static bool fits(const place *at, const cJSON *schema, const cJSON *value);

static bool fits_type(const place *at, const cJSON *type, const cJSON *value) {
    const cJSON *one;
    if (cJSON_IsString(type))
        return has_type(value, type->valuestring) || misfit(at, type->valuestring);
    cJSON_ArrayForEach(one, type) if (has_type(value, one->valuestring)) return true;
    return misfit(at, "none of its types");
}

static bool fits_enum(const place *at, const cJSON *list, const cJSON *value) {
    const cJSON *one;
    cJSON_ArrayForEach(one, list) if (cJSON_Compare(one, value, true)) return true;
    return misfit(at, "none of the enum");
}

static bool fits_reference(const place *at, const cJSON *reference, const cJSON *value) {
    static const char prefix[] = "#/$defs/";
    assert_int_equal(strncmp(reference->valuestring, prefix, strlen(prefix)), 0);
    const cJSON *definition =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(at->root, "$defs"),
                                         reference->valuestring + strlen(prefix));
    assert_non_null(definition);
    return fits(at, definition, value);
}

static bool fits_properties(const place *at, const cJSON *properties, const cJSON *value) {
    const cJSON *property;
    cJSON_ArrayForEach(property, properties) {
        char path[JSON_SCHEMA_TEXT_BYTES];
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(value, property->string);
        snprintf(path, sizeof path, "%s%s%s", at->path, at->path[0] ? "." : "", property->string);
        const place inside = {at->root, path, at->text};
        if (member && !fits(&inside, property, member))
            return false;
    }
    return true;
}

static bool fits_required(const place *at, const cJSON *required, const cJSON *value) {
    const cJSON *name;
    cJSON_ArrayForEach(
        name,
        required) if (!cJSON_HasObjectItem(value,
                                           name->valuestring)) return misfit(at, name->valuestring);
    return true;
}

/* additionalProperties: false, or what they are. */
static bool fits_others(const place *at, const cJSON *schema, const cJSON *rule,
                        const cJSON *value) {
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties"), *member;
    cJSON_ArrayForEach(member, value) {
        if (cJSON_GetObjectItemCaseSensitive(properties, member->string))
            continue;
        if (cJSON_IsFalse(rule) ? !misfit(at, member->string) : !fits(at, rule, member))
            return false;
    }
    return true;
}

static bool fits_items(const place *at, const cJSON *items, const cJSON *value) {
    const cJSON *item;
    size_t index = 0;
    cJSON_ArrayForEach(item, value) {
        char path[JSON_SCHEMA_TEXT_BYTES];
        snprintf(path, sizeof path, "%s[%zu]", at->path, index++);
        const place inside = {at->root, path, at->text};
        if (!fits(&inside, items, item))
            return false;
    }
    return true;
}

static bool fits_keyword(const place *at, const cJSON *schema, const cJSON *rule,
                         const cJSON *value) {
    const char *keyword = rule->string;
    if (strcmp(keyword, "$ref") == 0)
        return fits_reference(at, rule, value);
    if (strcmp(keyword, "type") == 0)
        return fits_type(at, rule, value);
    if (strcmp(keyword, "enum") == 0)
        return fits_enum(at, rule, value);
    if (strcmp(keyword, "const") == 0)
        return cJSON_Compare(rule, value, true) || misfit(at, "not the constant");
    if (strcmp(keyword, "properties") == 0)
        return fits_properties(at, rule, value);
    if (strcmp(keyword, "required") == 0)
        return fits_required(at, rule, value);
    if (strcmp(keyword, "additionalProperties") == 0)
        return fits_others(at, schema, rule, value);
    if (strcmp(keyword, "items") == 0)
        return fits_items(at, rule, value);
    if (strcmp(keyword, "minimum") == 0)
        return !cJSON_IsNumber(value) || value->valuedouble >= rule->valuedouble ||
               misfit(at, "below the minimum");
    if (strcmp(keyword, "maximum") == 0)
        return !cJSON_IsNumber(value) || value->valuedouble <= rule->valuedouble ||
               misfit(at, "above the maximum");
    if (strcmp(keyword, "minItems") == 0)
        return cJSON_GetArraySize(value) >= rule->valueint || misfit(at, "too few items");
    if (strcmp(keyword, "maxItems") == 0)
        return cJSON_GetArraySize(value) <= rule->valueint || misfit(at, "too many items");
    static const char *const words[] = {"$schema", "$defs", "title", "description"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(keyword, words[i]) == 0)
            return true;
    fail_msg("the schema has a keyword %s", keyword);
    return false;
}

static bool fits(const place *at, const cJSON *schema, const cJSON *value) {
    const cJSON *rule;
    cJSON_ArrayForEach(rule, schema) if (!fits_keyword(at, schema, rule, value)) return false;
    return true;
}

const char *json_schema_misfit(const cJSON *schema, const cJSON *value,
                               char text[JSON_SCHEMA_TEXT_BYTES]) {
    const place at = {schema, "", text};
    return fits(&at, schema, value) ? NULL : text;
}
