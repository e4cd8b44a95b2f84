/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The valid rows of each batch; see batches.h. */
#include "pattern/batches.h"

#include <inttypes.h>
#include <stdio.h>

bool batch_is_whole(const sparsed_pattern_info *info, const sparsed_pattern_range *range) {
    return range->keys == info->kv_len && range->queries == info->q_len &&
           range->query_position == info->q_start;
}

sparsed_pattern_range batch_range(const sparsed_pattern *pattern, uint32_t batch) {
    sparsed_pattern_range range = {.struct_size = sizeof range};
    sparsed_pattern_batch(pattern, batch, &range);
    return range;
}

static uint32_t batch_count(const sparsed_pattern *pattern, sparsed_pattern_info *info) {
    *info = (sparsed_pattern_info){.struct_size = sizeof *info};
    sparsed_pattern_describe(pattern, info);
    return info->batch;
}

void batches_print(const sparsed_pattern *pattern) {
    sparsed_pattern_info info;
    uint32_t count = batch_count(pattern, &info);
    for (uint32_t batch = 0; batch < count; batch++) {
        char label[40];
        const sparsed_pattern_range r = batch_range(pattern, batch);
        if (batch_is_whole(&info, &r))
            continue;
        snprintf(label, sizeof label, "valid rows of batch %" PRIu32, batch);
        printf("  %-32s %" PRIu64 " keys from row %" PRIu64 ", %" PRIu64
               " queries from row %" PRIu64 "; the first query is key %" PRIu64 "\n",
               label, r.keys, r.key_start, r.queries, r.query_start, r.query_position);
    }
}

void batches_add_json(const sparsed_pattern *pattern, cJSON *object) {
    sparsed_pattern_info info;
    uint32_t count = batch_count(pattern, &info);
    cJSON *list = cJSON_AddArrayToObject(object, "batches");
    for (uint32_t batch = 0; batch < count; batch++) {
        const sparsed_pattern_range r = batch_range(pattern, batch);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddNumberToObject(item, "key_start", (double)r.key_start);
        cJSON_AddNumberToObject(item, "keys", (double)r.keys);
        cJSON_AddNumberToObject(item, "query_start", (double)r.query_start);
        cJSON_AddNumberToObject(item, "queries", (double)r.queries);
        cJSON_AddNumberToObject(item, "query_position", (double)r.query_position);
        cJSON_AddNumberToObject(item, "q_blocks", (double)r.q_blocks);
        cJSON_AddNumberToObject(item, "k_blocks", (double)r.k_blocks);
        cJSON_AddNumberToObject(item, "split", (double)r.split);
    }
}
