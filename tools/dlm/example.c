/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "example.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../file.h"
#include "../json_file.h"
#include "../json_keys.h"

enum { MAX_FILE_BYTES = 64 << 20, MAX_REFS = 256 };

typedef struct example_name {
    char task[48];
    unsigned length, row;
} example_name;

/* Reads a number of up to six digits at *text and steps over it. */
static bool read_number(const char **text, unsigned *number) {
    int digits = 0;
    for (*number = 0; **text >= '0' && **text <= '9' && digits < 7; digits++)
        *number = *number * 10 + (unsigned)(*(*text)++ - '0');
    return digits >= 1 && digits <= 6;
}

/* TASK-LENGTH[:ROW] */
static bool parse_name(const char *text, example_name *name, tool_error *error) {
    const char *dash = strrchr(text, '-'), *rest = dash ? dash + 1 : text;
    bool good = dash && dash > text && (size_t)(dash - text) < sizeof name->task &&
                read_number(&rest, &name->length);
    name->row = 0;
    if (good && *rest == ':') {
        rest++;
        good = read_number(&rest, &name->row);
    }
    if (!good || *rest != '\0')
        return tool_fail_usage(error,
                               "--example is '%s', not TASK-LENGTH or TASK-LENGTH:ROW such "
                               "as niah_single-2048 or var_track-4096:3",
                               text);
    snprintf(name->task, sizeof name->task, "%.*s", (int)(dash - text), text);
    return true;
}

static char *copy_string(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static bool copy_row(const cJSON *row, const char *path, dlm_example *e, tool_error *error) {
    const json_keys keys = {row, path, "", error};
    const cJSON *refs = json_keys_get(&keys, "refs"), *ref;
    const char *prompt, *answer;
    if (!json_keys_string_or(&keys, "prompt", "", &prompt) ||
        !json_keys_string_or(&keys, "answer", "", &answer) ||
        !json_keys_uint(&keys, "gen_length", 1, 1 << 20, &e->gen_length))
        return false;
    if (!cJSON_IsArray(refs) || cJSON_GetArraySize(refs) > MAX_REFS)
        return tool_fail(error, "%s: \"refs\" is not a list of strings", path);
    e->prompt = copy_string(prompt);
    e->answer = copy_string(answer);
    e->refs = calloc((size_t)cJSON_GetArraySize(refs) + 1, sizeof *e->refs);
    if (!e->prompt || !e->answer || !e->refs)
        return tool_fail(error, "out of memory");
    cJSON_ArrayForEach(ref, refs) {
        if (!cJSON_IsString(ref))
            return tool_fail(error, "%s: \"refs\" is not a list of strings", path);
        e->refs[e->ref_count] = copy_string(ref->valuestring);
        if (!e->refs[e->ref_count++])
            return tool_fail(error, "out of memory");
    }
    return true;
}

/* Looks through the lines for the row-th of the task. */
static bool find_row(char *text, const example_name *name, const char *path, dlm_example *example,
                     tool_error *error) {
    unsigned row = 0;
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        cJSON *json = json_parse_object(line, strlen(line), path, error);
        if (!json)
            return false;
        const cJSON *task = cJSON_GetObjectItemCaseSensitive(json, "task");
        bool wanted = cJSON_IsString(task) && strcmp(task->valuestring, name->task) == 0 &&
                      row++ == name->row;
        bool copied = wanted && copy_row(json, path, example, error);
        cJSON_Delete(json);
        if (wanted)
            return copied;
    }
    return tool_fail_usage(error, "--example: %s has %u rows of task '%s', so no row %u", path, row,
                           name->task, name->row);
}

bool dlm_example_load(const char *model_dir, const char *name, dlm_example *example,
                      tool_error *error) {
    example_name wanted = {.length = 0};
    char file[64];
    size_t size = 0;
    *example = (dlm_example){.prompt = NULL};
    if (!parse_name(name, &wanted, error))
        return false;
    snprintf(file, sizeof file, "eval/tasks-%u.jsonl", wanted.length);
    char *path = file_join(model_dir, file, error);
    if (path && !file_exists(path)) {
        tool_fail_usage(error, "--example is '%s', but there is no %s", name, path);
        free(path);
        return false;
    }
    char *text = path ? file_read(path, MAX_FILE_BYTES, &size, error) : NULL;
    bool found = text && find_row(text, &wanted, path, example, error);
    free(text);
    free(path);
    if (!found)
        dlm_example_free(example);
    return found;
}

void dlm_example_free(dlm_example *example) {
    for (uint32_t i = 0; i < example->ref_count; i++)
        free(example->refs[i]);
    free(example->refs);
    free(example->prompt);
    free(example->answer);
    *example = (dlm_example){.prompt = NULL};
}

uint32_t dlm_example_found(const dlm_example *example, const char *text) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < example->ref_count; i++)
        found += strstr(text, example->refs[i]) != NULL;
    return found;
}
