/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Where the valid rows of each batch of a pattern lie, told.
 */
#ifndef TOOLS_PATTERN_BATCHES_H
#define TOOLS_PATTERN_BATCHES_H

#include <cjson/cJSON.h>

#include <sparsed/pattern.h>

#include "error.h"

/* Whether every row of the batch is valid. */
bool batch_is_whole(const sparsed_pattern_info *info, const sparsed_pattern_range *range);

/* A batch's range; batch < info.batch. */
sparsed_pattern_range batch_range(const sparsed_pattern *pattern, uint32_t batch);

/* A line for each batch that has rows which are not valid. */
void batches_print(const sparsed_pattern *pattern);

/* Adds "batches": the range of each. */
void batches_add_json(const sparsed_pattern *pattern, cJSON *object);

#endif
