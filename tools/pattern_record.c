/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "pattern_record.h"

#include <stdlib.h>

#include "../src/size.h"
#include "device_options.h"
#include "room.h"

enum { MAX_PATTERNS = 1 << 24 };

bool pattern_record_open(pattern_record *record, uint64_t capacity, uint32_t heads,
                         const sparsed_plan_info *info, uint32_t mode, uint32_t score_dtype,
                         tool_error *error) {
    bool two = mode == SPARSED_MODE_UPSTREAM_DREAM || mode == SPARSED_MODE_UPSTREAM_LLADA;
    *record = (pattern_record){.score_dtype = score_dtype};
    if (capacity > MAX_PATTERNS)
        return tool_fail_usage(error, "%llu patterns are to be saved, more than the %d of a file",
                               (unsigned long long)capacity, MAX_PATTERNS);
    record->capacity = (uint32_t)capacity;
    record->patterns = calloc(capacity + 1, sizeof(*record->patterns));
    record->layers = calloc(capacity + 1, sizeof *record->layers);
    uint64_t blocks = 0;
    if (score_dtype != 0 && spd_mul(info->q_blocks, info->k_blocks, &blocks) &&
        spd_mul(blocks, heads, &blocks))
        record->scores = room_for(blocks, two ? 2 * sizeof(float) : sizeof(float));
    return record->patterns && record->layers && (score_dtype == 0 || record->scores)
               ? true
               : tool_fail(error, "out of memory for %u patterns to save", record->capacity);
}

bool pattern_record_add(pattern_record *record, sparsed_context *context,
                        sparsed_pipeline *pipeline, uint32_t layer, tool_error *error) {
    sparsed_pattern *pattern = NULL;
    sparsed_message message;
    if (record->count == record->capacity)
        return tool_fail(error, "layer %u: more patterns than the %u expected", layer,
                         record->capacity);
    sparsed_status status = sparsed_pipeline_get_pattern(pipeline, layer, &pattern);
    if (!device_check(context, status, error))
        return false;
    if (record->scores) {
        sparsed_pattern *scored = NULL;
        status = sparsed_pattern_with_scores(pattern, record->scores, record->score_dtype, &scored,
                                             &message);
        sparsed_pattern_release(pattern);
        if (status != SPARSED_OK)
            return tool_fail(error, "block scores of layer %u: %s", layer, message.text);
        pattern = scored;
    }
    record->layers[record->count] = layer;
    record->patterns[record->count++] = pattern;
    return true;
}

bool pattern_record_finish(const pattern_record *record, const sparsed_pattern_set_info *info,
                           sparsed_pattern_set **set, tool_error *error) {
    sparsed_message message;
    if (sparsed_pattern_set_create(info, record->patterns, record->layers, record->count, NULL, set,
                                   &message) == SPARSED_OK)
        return true;
    return tool_fail(error, "patterns to save: %s", message.text);
}

void pattern_record_free(pattern_record *record) {
    for (uint32_t i = 0; i < record->count; i++)
        sparsed_pattern_release(record->patterns[i]);
    free(record->patterns);
    free(record->layers);
    free(record->scores);
    *record = (pattern_record){.patterns = NULL};
}
