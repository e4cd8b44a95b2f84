/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Patterns as JSON: what they were built for, and the kept blocks as CSR. The numbers go to the
 * file row by row, because there may be many millions of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/atomic_file.h"
#include "../src/number_text.h"
#include "json_print.h"
#include "pattern/batches.h"
#include "pattern/built_for.h"
#include "pattern/exchange.h"

/* The first failure stays; what follows it does nothing. */
typedef struct writer {
    spd_atomic_file file;
    sparsed_status status;
    sparsed_message message;
    size_t used;
    char bytes[1 << 16];
} writer;

static void flush(writer *w) {
    if (w->status == SPARSED_OK)
        w->status = spd_atomic_file_write(&w->file, w->bytes, w->used, &w->message);
    w->used = 0;
}

static void put(writer *w, const char *text) {
    for (size_t length = strlen(text); length > 0;) {
        size_t room = sizeof w->bytes - w->used, part = length < room ? length : room;
        memcpy(w->bytes + w->used, text, part);
        w->used += part;
        text += part;
        length -= part;
        if (w->used == sizeof w->bytes)
            flush(w);
    }
}

static void put_number(writer *w, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    put(w, text);
}

static void put_real(writer *w, double number) {
    put(w, spd_number_text_of(number).text);
}

/* null where all heads have the pattern's. */
static void put_head_ratios(writer *w, const sparsed_pattern *pattern,
                            const sparsed_pattern_info *info) {
    put(w, ",\"head_ratios\":");
    if (!(info->pattern_flags & SPARSED_PATTERN_HEAD_RATIOS)) {
        put(w, "null");
        return;
    }
    for (uint32_t head = 0; head < info->heads; head++) {
        put(w, head > 0 ? "," : "[");
        put_real(w, sparsed_pattern_ratio(pattern, head));
    }
    put(w, "]");
}

/* Calls row for each row of the pattern, in order. */
static void each_row(writer *w, const sparsed_pattern *pattern, const sparsed_pattern_info *info,
                     uint32_t *blocks,
                     void (*row)(writer *, const uint32_t *, uint64_t, uint64_t *),
                     uint64_t *state) {
    for (uint32_t batch = 0; batch < info->batch; batch++)
        for (uint32_t head = 0; head < info->heads; head++)
            for (uint64_t i = 0; i < info->q_blocks; i++) {
                uint64_t count = 0;
                sparsed_pattern_row(pattern, batch, head, i, blocks, &count);
                row(w, blocks, count, state);
            }
}

/* *end: where the row before ends. */
static void put_row_end(writer *w, const uint32_t *blocks, uint64_t count, uint64_t *end) {
    (void)blocks;
    *end += count;
    put(w, ",");
    put_number(w, *end);
}

/* *written: blocks so far. */
static void put_row_blocks(writer *w, const uint32_t *blocks, uint64_t count, uint64_t *written) {
    for (uint64_t i = 0; i < count; i++) {
        put(w, (*written)++ > 0 ? "," : "");
        put_number(w, blocks[i]);
    }
}

static void put_pattern(writer *w, const sparsed_pattern *pattern, uint32_t layer,
                        uint32_t *blocks) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    uint64_t end = 0, written = 0;
    sparsed_pattern_describe(pattern, &info);
    put(w, "{\"step\":");
    put_number(w, info.step);
    put(w, ",\"layer\":");
    put_number(w, layer);
    put(w, ",\"ratio\":");
    put_real(w, info.ratio);
    put_head_ratios(w, pattern, &info);
    put(w, ",\"kept_blocks\":");
    put_number(w, info.kept_blocks);
    put(w, ",\"row_starts\":[0");
    each_row(w, pattern, &info, blocks, put_row_end, &end);
    put(w, "],\"blocks\":[");
    each_row(w, pattern, &info, blocks, put_row_blocks, &written);
    put(w, "]}");
}

/* Everything before the patterns, malloc'd by cJSON, without its last brace; NULL on failure. */
static char *make_header(const built_for *b, const sparsed_pattern *first, tool_error *error) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "format", EXCHANGE_FORMAT);
    cJSON *fields = cJSON_AddObjectToObject(root, "built_for");
    for (size_t i = 0; i < built_for_count(); i++)
        built_for_add_json(b, i, fields, built_for_key(i));
    cJSON_AddNumberToObject(root, "q_blocks", (double)b->pattern.q_blocks);
    cJSON_AddNumberToObject(root, "k_blocks", (double)b->pattern.k_blocks);
    batches_add_json(first, root);
    char *text = root ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    if (text)
        text[strlen(text) - 1] = '\0';
    else
        tool_fail(error, "out of memory for the JSON object");
    return text;
}

static bool put_set(writer *w, const sparsed_pattern_set *set, const built_for *b, uint32_t *blocks,
                    tool_error *error) {
    for (uint32_t i = 0; i < b->set.patterns; i++) {
        sparsed_pattern_entry entry = {.struct_size = sizeof entry};
        sparsed_message message = {""};
        sparsed_pattern *pattern = NULL;
        sparsed_pattern_set_entry(set, i, &entry);
        if (!pattern_check(sparsed_pattern_set_get(set, i, &pattern, &message), &message, error))
            return false;
        if (i == 0) {
            char *header = make_header(b, pattern, error);
            if (!header) {
                sparsed_pattern_release(pattern);
                return false;
            }
            put(w, header);
            cJSON_free(header);
        }
        put(w, i == 0 ? ",\"patterns\":[\n" : ",\n");
        put_pattern(w, pattern, entry.layer, blocks);
        sparsed_pattern_release(pattern);
    }
    put(w, "]}\n");
    flush(w);
    return pattern_check(w->status, &w->message, error);
}

static bool write_file(const sparsed_pattern_set *set, const built_for *b, const char *path,
                       writer *w, uint32_t *blocks, tool_error *error) {
    w->status = SPARSED_OK;
    w->used = 0;
    if (!pattern_check(spd_atomic_file_open(&w->file, path, &w->message), &w->message, error))
        return false;
    if (put_set(w, set, b, blocks, error))
        return pattern_check(spd_atomic_file_commit(&w->file, &w->message), &w->message, error);
    spd_atomic_file_discard(&w->file);
    return false;
}

bool exchange_write_json(const sparsed_pattern_set *set, const char *path, tool_error *error) {
    built_for b = {.pattern.struct_size = sizeof b.pattern, .set.struct_size = sizeof b.set};
    sparsed_pattern_set_describe(set, &b.set, &b.pattern);
    writer *w = malloc(sizeof *w);
    uint32_t *blocks = calloc((size_t)b.pattern.k_blocks, sizeof *blocks);
    bool done = w && blocks ? write_file(set, &b, path, w, blocks, error)
                            : tool_fail(error, "%s: out of memory for its rows", path);
    free(w);
    free(blocks);
    return done;
}
