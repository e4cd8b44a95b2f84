/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `sparsed generate` tells of the pattern file that a run read or wrote.
 */
#ifndef TOOLS_PATTERN_REPORT_H
#define TOOLS_PATTERN_REPORT_H

#include <sparsed/pattern.h>

#include <cjson/cJSON.h>
#include <stdio.h>

#include "error.h"

typedef enum pattern_use {
    PATTERN_USE_NONE,
    PATTERN_USE_IN,
    PATTERN_USE_OUT,
    PATTERN_USE_CACHE
} pattern_use;

/* Whether a file is of the run's prompt. */
typedef enum pattern_prompt {
    PATTERN_PROMPT_NOT_KNOWN,
    PATTERN_PROMPT_SAME,
    PATTERN_PROMPT_OTHER
} pattern_prompt;

typedef struct pattern_report {
    pattern_use use;
    char *path;            /* owned */
    bool hit;              /* PATTERN_USE_CACHE: the file served */
    pattern_prompt prompt; /* PATTERN_USE_IN */
    tool_error reason;     /* why a cached file did not, or could not be written; text "" */
    /* Of the file that was read or written; all 0 if there is none. */
    uint64_t bytes;
    uint32_t patterns, score_dtype;
    uint32_t *steps; /* [step_count] that the patterns were taken at, rising; owned */
    uint32_t step_count;
} pattern_report;

/* Fills in what a set and its file at report->path say. */
bool pattern_report_set(pattern_report *report, const sparsed_pattern_set *set, tool_error *error);
void pattern_report_free(pattern_report *report);

/* A line before the run, if the patterns are of another prompt: nothing else tells that the answer
 * may be wrong. */
void pattern_report_note(const pattern_report *report, FILE *to);

/* A line of the table; nothing without a file. */
void pattern_report_print(const pattern_report *report, FILE *to);

/* The member pattern_in, pattern_out or pattern_cache. */
void pattern_report_json(const pattern_report *report, cJSON *to);

#endif
