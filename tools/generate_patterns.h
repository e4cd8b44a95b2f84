/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the pattern options of `sparsed generate` make of its runs: which method they concern, what
 * its run starts with, and what is saved after it.
 */
#ifndef TOOLS_GENERATE_PATTERNS_H
#define TOOLS_GENERATE_PATTERNS_H

#include "dlm/prompt.h"
#include "generate_report.h"
#include "pattern_in.h"

/* The run, as far as it is the same for all methods. */
typedef struct generate_problem {
    const char *model_dir;
    const dlm_config *config;
    const dlm_prompt *prompt;
    const dlm_denoise_options *denoise;
} generate_problem;

typedef struct generate_patterns {
    sparsed_pattern_set *set;        /* what the run starts with; NULL: nothing */
    sparsed_schedule_entry *entries; /* of the method concerned; NULL: its preset's */
    const generate_method *method;   /* the one concerned; NULL: none */
    char creator[32];
    pattern_report report;
    tool_error failure; /* why a file that was asked for could not be saved; text "" */
} generate_patterns;

/* Before the runs: reads what is to be read, and sets the plan of the method concerned. *patterns
 * must stay where it is until the runs are over. Whatever happens, generate_patterns_free may be
 * called. */
bool generate_patterns_prepare(generate_patterns *patterns, const pattern_in_words *words,
                               const generate_problem *problem, generate_method *methods,
                               size_t count, tool_error *error);

/* After the run of a method: saves its patterns, if it is the one concerned. */
void generate_patterns_save(generate_patterns *patterns, const generate_method *method);

/* After the report, since the answer is there whatever becomes of the file: whether all was saved
 * that --pattern-out asked for. */
bool generate_patterns_saved(const generate_patterns *patterns, tool_error *error);

void generate_patterns_free(generate_patterns *patterns);

#endif
