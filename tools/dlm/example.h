/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Ready questions with known answers: the rows of a model folder's eval/tasks-LENGTH.jsonl.
 */
#ifndef TOOLS_DLM_EXAMPLE_H
#define TOOLS_DLM_EXAMPLE_H

#include <stdint.h>

#include "../error.h"

typedef struct dlm_example {
    char *prompt, *answer; /* owned */
    char **refs;           /* [ref_count] strings that a right answer contains; owned */
    uint32_t ref_count;
    uint32_t gen_length;
} dlm_example;

/* Finds NAME = TASK-LENGTH[:ROW], such as niah_single-2048 (its first row) or var_track-4096:3. */
bool dlm_example_load(const char *model_dir, const char *name, dlm_example *example,
                      tool_error *error);
void dlm_example_free(dlm_example *example);

/* How many of the refs the text contains. */
uint32_t dlm_example_found(const dlm_example *example, const char *text);

#endif
