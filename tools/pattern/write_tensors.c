/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Patterns as a safetensors file; see exchange.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/number_text.h"
#include "../src/size.h"
#include "pattern/batches.h"
#include "pattern/built_for.h"
#include "pattern/exchange.h"
#include "pattern/score_array.h"
#include "room.h"
#include "safetensors.h"
#include "storage_convert.h"

enum { NAME_BYTES = 64 };

typedef struct metadata {
    char **keys, **values;
    size_t count, room;
} metadata;

/* Everything the file will hold. */
typedef struct contents {
    safetensors_tensor *tensors;
    char (*names)[NAME_BYTES];
    void **data;
    size_t count;
    metadata metadata;
} contents;

static bool add_metadata(metadata *m, const char *key, const char *value, tool_error *error) {
    if (m->count == m->room) {
        size_t room = m->room > 0 ? 2 * m->room : 64;
        char **keys = realloc(m->keys, room * sizeof *keys);
        if (keys)
            m->keys = keys;
        char **values = realloc(m->values, room * sizeof *values);
        if (values)
            m->values = values;
        if (!keys || !values)
            return tool_fail(error, "out of memory for the metadata");
        m->room = room;
    }
    m->keys[m->count] = strdup(key);
    m->values[m->count] = strdup(value);
    m->count++;
    return m->keys[m->count - 1] && m->values[m->count - 1]
               ? true
               : tool_fail(error, "out of memory for the metadata");
}

static bool add_built_for(metadata *m, const built_for *b, tool_error *error) {
    char text[BUILT_FOR_TEXT_BYTES];
    if (!add_metadata(m, "format", EXCHANGE_FORMAT, error))
        return false;
    for (size_t i = 0; i < built_for_count(); i++) {
        built_for_text(b, i, text);
        if (built_for_known(b, i) && !add_metadata(m, built_for_key(i), text, error))
            return false;
    }
    return true;
}

static bool add_batches(metadata *m, const sparsed_pattern *pattern,
                        const sparsed_pattern_info *info, tool_error *error) {
    for (uint32_t batch = 0; batch < info->batch; batch++) {
        char key[NAME_BYTES], value[128];
        const sparsed_pattern_range r = batch_range(pattern, batch);
        snprintf(key, sizeof key, "batch.%" PRIu32 ".rows", batch);
        snprintf(value, sizeof value, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                 r.key_start, r.keys, r.query_start, r.queries, r.query_position);
        if (!batch_is_whole(info, &r) && !add_metadata(m, key, value, error))
            return false;
    }
    return true;
}

/* Adds a tensor and takes its data over; NULL data is what a failed call gave: false. */
static bool add_tensor(contents *c, const char *name, safetensors_dtype dtype, void *data,
                       const sparsed_pattern_info *info, uint32_t rankings) {
    safetensors_tensor *t = &c->tensors[c->count];
    c->data[c->count] = data;
    snprintf(c->names[c->count], NAME_BYTES, "%s", name);
    *t = (safetensors_tensor){.name = c->names[c->count], .dtype = dtype, .data = data};
    if (rankings > 1)
        t->shape[t->rank++] = rankings;
    t->shape[t->rank++] = info->batch;
    t->shape[t->rank++] = info->heads;
    t->shape[t->rank++] = info->q_blocks;
    t->shape[t->rank++] = info->k_blocks;
    t->size_bytes = safetensors_dtype_bytes(dtype);
    for (uint32_t i = 0; i < t->rank; i++)
        t->size_bytes *= t->shape[i];
    c->count++;
    return data != NULL;
}

static uint8_t *read_mask(const sparsed_pattern *pattern, const sparsed_pattern_info *info,
                          tool_error *error) {
    uint64_t bytes = (uint64_t)info->batch * info->heads;
    bool fits = spd_mul(bytes, info->q_blocks, &bytes) && spd_mul(bytes, info->k_blocks, &bytes);
    uint8_t *mask = fits ? room_for(bytes, sizeof *mask) : NULL;
    if (!mask) {
        tool_fail(error,
                  "out of memory for a mask of %u x %u x %llu x %llu bytes; --layers takes fewer",
                  info->batch, info->heads, (unsigned long long)info->q_blocks,
                  (unsigned long long)info->k_blocks);
        return NULL;
    }
    sparsed_pattern_to_mask(pattern, mask);
    return mask;
}

static bool add_pattern(contents *c, const sparsed_pattern *pattern, uint32_t layer,
                        tool_error *error) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    char prefix[NAME_BYTES / 2], name[NAME_BYTES];
    sparsed_pattern_describe(pattern, &info);
    snprintf(prefix, sizeof prefix, "step.%" PRIu32 ".layer.%" PRIu32, info.step, layer);
    snprintf(name, sizeof name, "%s.block_mask", prefix);
    if (!add_tensor(c, name, SAFETENSORS_U8, read_mask(pattern, &info, error), &info, 1))
        return false;
    snprintf(name, sizeof name, "%s.ratio", prefix);
    if (!add_metadata(&c->metadata, name, spd_number_text_of(info.ratio).text, error))
        return false;
    if (!info.score_dtype)
        return true;
    snprintf(name, sizeof name, "%s.scores", prefix);
    if (!add_metadata(&c->metadata, name, storage_name((sparsed_dtype)info.score_dtype), error))
        return false;
    snprintf(name, sizeof name, "%s.block_scores", prefix);
    return add_tensor(c, name, SAFETENSORS_F32, score_array_read(pattern, error), &info,
                      score_array_rankings(&info));
}

static bool gather(contents *c, const sparsed_pattern_set *set, tool_error *error) {
    built_for b = {.pattern.struct_size = sizeof b.pattern, .set.struct_size = sizeof b.set};
    sparsed_message message = {""};
    sparsed_pattern_set_describe(set, &b.set, &b.pattern);
    const size_t patterns = b.set.patterns;
    c->tensors = calloc(patterns, 2 * sizeof *c->tensors);
    c->names = calloc(patterns, 2 * sizeof *c->names);
    c->data = calloc(patterns, 2 * sizeof *c->data);
    if (!c->tensors || !c->names || !c->data)
        return tool_fail(error, "out of memory for %zu tensors", 2 * patterns);
    bool done = add_built_for(&c->metadata, &b, error);
    for (uint32_t i = 0; i < patterns && done; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        sparsed_pattern *pattern = NULL;
        sparsed_pattern_set_entry(set, i, &entry);
        done =
            pattern_check(sparsed_pattern_set_get(set, i, &pattern, &message), &message, error) &&
            (i > 0 || add_batches(&c->metadata, pattern, &b.pattern, error)) &&
            add_pattern(c, pattern, entry.layer, error);
        sparsed_pattern_release(pattern);
    }
    return done;
}

static void release(contents *c) {
    for (size_t i = 0; i < c->count; i++)
        free(c->data[i]);
    for (size_t i = 0; i < c->metadata.count; i++) {
        free(c->metadata.keys[i]);
        free(c->metadata.values[i]);
    }
    free(c->metadata.keys);
    free(c->metadata.values);
    free(c->tensors);
    free(c->names);
    free(c->data);
}

bool exchange_write_tensors(const sparsed_pattern_set *set, const char *path, tool_error *error) {
    contents c = {.count = 0};
    bool done = gather(&c, set, error) &&
                safetensors_write(path, c.tensors, c.count, (const char *const *)c.metadata.keys,
                                  (const char *const *)c.metadata.values, c.metadata.count, error);
    release(&c);
    return done;
}
