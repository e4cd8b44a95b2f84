/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern_report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "number_list.h"
#include "utf8.h"

/* Entries come in the order of their steps. */
static bool list_steps(pattern_report *r, const sparsed_pattern_set *set, tool_error *error) {
    r->steps = calloc((size_t)r->patterns + 1, sizeof *r->steps);
    if (!r->steps)
        return tool_fail(error, "%s: out of memory for its %u patterns", r->path, r->patterns);
    for (uint32_t i = 0; i < r->patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        sparsed_pattern_set_entry(set, i, &entry);
        if (i == 0 || entry.step != r->steps[r->step_count - 1])
            r->steps[r->step_count++] = entry.step;
        if (i == 0)
            r->score_dtype = entry.score_dtype;
    }
    return true;
}

bool pattern_report_set(pattern_report *r, const sparsed_pattern_set *set, tool_error *error) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    struct stat file;
    sparsed_pattern_set_describe(set, &info, NULL);
    r->bytes = stat(r->path, &file) == 0 ? (uint64_t)file.st_size : 0;
    r->patterns = info.patterns;
    return list_steps(r, set, error);
}

void pattern_report_free(pattern_report *r) {
    free(r->path);
    free(r->steps);
    *r = (pattern_report){.path = NULL};
}

static const char *scores_name(uint32_t dtype) {
    return dtype == SPARSED_F32 ? "f32" : dtype == SPARSED_F16 ? "f16" : "none";
}

void pattern_report_note(const pattern_report *r, FILE *to) {
    if (r->prompt == PATTERN_PROMPT_OTHER)
        fprintf(to, "note: %s is of another prompt\n", r->path);
}

void pattern_report_print(const pattern_report *r, FILE *to) {
    char steps[80];
    if (r->use == PATTERN_USE_NONE)
        return;
    if (r->use == PATTERN_USE_CACHE)
        fprintf(to, "pattern cache: %s%s%s\n", r->hit ? "hit" : "miss",
                r->reason.text[0] ? ": " : "", r->reason.text);
    if (r->patterns == 0)
        return;
    number_list_print(r->steps, r->step_count, steps, sizeof steps);
    fprintf(to, "patterns %s: %s, %llu bytes, %u pattern%s of step%s %s, scores %s\n",
            r->use == PATTERN_USE_IN || r->hit ? "read" : "written", r->path,
            (unsigned long long)r->bytes, r->patterns, r->patterns == 1 ? "" : "s",
            r->step_count == 1 ? "" : "s", steps, scores_name(r->score_dtype));
}

/* A path may be any bytes. */
static void add_text(cJSON *to, const char *key, const char *text) {
    char *valid = utf8_repair(text, strlen(text));
    cJSON_AddStringToObject(to, key, valid ? valid : "");
    free(valid);
}

void pattern_report_json(const pattern_report *r, cJSON *to) {
    static const char *const keys[] = {[PATTERN_USE_IN] = "pattern_in",
                                       [PATTERN_USE_OUT] = "pattern_out",
                                       [PATTERN_USE_CACHE] = "pattern_cache"};
    if (r->use == PATTERN_USE_NONE)
        return;
    cJSON *o = cJSON_AddObjectToObject(to, keys[r->use]);
    if (r->use == PATTERN_USE_CACHE) {
        cJSON_AddBoolToObject(o, "hit", r->hit);
        if (r->reason.text[0])
            add_text(o, "reason", r->reason.text);
    }
    add_text(o, "file", r->path);
    if (r->use == PATTERN_USE_IN && r->prompt == PATTERN_PROMPT_NOT_KNOWN)
        cJSON_AddNullToObject(o, "same_prompt");
    else if (r->use == PATTERN_USE_IN)
        cJSON_AddBoolToObject(o, "same_prompt", r->prompt == PATTERN_PROMPT_SAME);
    cJSON_AddNumberToObject(o, "bytes", (double)r->bytes);
    cJSON_AddNumberToObject(o, "patterns", r->patterns);
    cJSON *steps = cJSON_AddArrayToObject(o, "steps");
    for (uint32_t i = 0; i < r->step_count; i++)
        cJSON_AddItemToArray(steps, cJSON_CreateNumber(r->steps[i]));
    cJSON_AddStringToObject(o, "scores", scores_name(r->score_dtype));
}
