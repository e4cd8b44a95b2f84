/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The patterns that a run's building steps leave, with block scores if wanted, collected
 * into a set.
 */
#ifndef TOOLS_PATTERN_RECORD_H
#define TOOLS_PATTERN_RECORD_H

#include <sparsed/pattern.h>

#include "error.h"

typedef struct pattern_record {
    sparsed_pattern **patterns; /* [count], each with a reference */
    uint32_t *layers;           /* [count] */
    uint32_t count, capacity;
    float *scores; /* for sparsed_io.scores of a step that is recorded; NULL without scores */
    uint32_t score_dtype;
} pattern_record;

/* Room for `capacity` patterns of one sequence. score_dtype 0: without scores; info and mode are
 * the pipeline's. Whatever happens, pattern_record_free may be called. */
bool pattern_record_open(pattern_record *record, uint64_t capacity, uint32_t heads,
                         const sparsed_plan_info *info, uint32_t mode, uint32_t score_dtype,
                         tool_error *error);

/* Takes a layer's pattern out of the pipeline, right after the step that built it. */
bool pattern_record_add(pattern_record *record, sparsed_context *context,
                        sparsed_pipeline *pipeline, uint32_t layer, tool_error *error);

/* The set of all that was added. */
bool pattern_record_finish(const pattern_record *record, const sparsed_pattern_set_info *info,
                           sparsed_pattern_set **set, tool_error *error);

void pattern_record_free(pattern_record *record);

#endif
