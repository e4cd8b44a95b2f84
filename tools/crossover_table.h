/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What `--attention auto` goes by: the user's crossover table and the shipped rows, and how its
 * choice is told.
 */
#ifndef TOOLS_CROSSOVER_TABLE_H
#define TOOLS_CROSSOVER_TABLE_H

#include <sparsed/sparsed.h>

#include <cjson/cJSON.h>

#include "error.h"

typedef struct crossover_table {
    sparsed_crossover_row *rows; /* owned */
    sparsed_crossover table;     /* of them */
} crossover_table;

/* On failure nothing is left to free. */
bool crossover_table_load(crossover_table *table, tool_error *error);
void crossover_table_free(crossover_table *table);

/* An object "auto": what ran, what decided it, and the row, if there was one. */
void crossover_choice_json(const sparsed_crossover_choice *choice, cJSON *to);

#endif
