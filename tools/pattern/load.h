/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Opening a pattern file for the subcommands: mapped, with the layers and the step that --layers
 * and --step ask for; and what its patterns share.
 */
#ifndef TOOLS_PATTERN_LOAD_H
#define TOOLS_PATTERN_LOAD_H

#include <sparsed/pattern.h>

#include "cli.h"
#include "number_list.h"

enum { PATTERN_MAX_LAYERS = 65536, PATTERN_MAX_STEPS = 1 << 20 }; /* the format's limits */

typedef struct pattern_choice {
    const char *layers; /* the text of --layers; NULL: all */
    uint64_t step;
    bool step_given;
} pattern_choice;

void pattern_add_choice(pattern_choice *choice, cli_options *options);

typedef struct pattern_input {
    const char *path;
    uint64_t size_bytes; /* of the file */
    sparsed_pattern_set *set;
    sparsed_pattern_set_info info;
    sparsed_pattern_info shared;
    sparsed_pattern_entry *entries; /* those chosen, in order of step, then layer */
    uint32_t *indices;              /* [count]: each one's index in the set */
    size_t count;                   /* at least 1 */
} pattern_input;

/* choice NULL: everything. What pattern_open reads is verified; a layer's blocks when they are
 * taken by pattern_take. A layer or step that the file does not hold is an error. */
bool pattern_open(const char *path, const pattern_choice *choice, pattern_input *input,
                  tool_error *error);
void pattern_close(pattern_input *input);

/* Entry i's pattern, to be released; NULL on failure. */
sparsed_pattern *pattern_take(const pattern_input *input, size_t i, tool_error *error);

/* Whether the entries are of more than one step. */
bool pattern_has_steps(const pattern_input *input);

/* Turns a status of the library's into an error; true for SPARSED_OK. */
bool pattern_check(sparsed_status status, const sparsed_message *message, tool_error *error);

/* Whether --option, an index into `count` things of that name (`plural`), names one of them. */
bool pattern_check_index(const char *option, const char *plural, uint32_t index, uint32_t count,
                         tool_error *error);

/* Writing to a file that is read from would lose it. */
bool pattern_check_output(const char *input, const char *output, tool_error *error);

#endif
