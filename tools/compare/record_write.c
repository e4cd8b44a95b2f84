/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include <stdio.h>
#include <stdlib.h>

#include "compare/pattern_bytes.h"
#include "compare/record_file.h"
#include "room.h"
#include "safetensors.h"

enum { TENSORS_OF_CASE = 2 * RECORD_OPS + 2, TENSOR_NAME_BYTES = 2 * RECORD_NAME_BYTES };

/* The tensors of a file, and their names. */
typedef struct contents {
    safetensors_tensor *tensors;
    char (*names)[TENSOR_NAME_BYTES];
    size_t count;
} contents;

static void add(contents *c, const record_case *of, record_op op, const char *name,
                safetensors_tensor t, const void *data) {
    char *full = c->names[c->count];
    snprintf(full, TENSOR_NAME_BYTES, "%s/%s/%s", of->name, record_op_name(op), name);
    t.name = full;
    t.data = data;
    t.size_bytes = safetensors_dtype_bytes(t.dtype);
    for (uint32_t i = 0; i < t.rank; i++)
        t.size_bytes *= t.shape[i];
    c->tensors[c->count++] = t;
}

static void add_case(contents *all, const record_case *c) {
    uint32_t batch = c->desc.batch, heads = c->desc.heads, dim = c->desc.head_dim;
    const safetensors_tensor out = {.dtype = record_storage(c->desc.out_dtype),
                                    .rank = 4,
                                    .shape = {batch, heads, c->row_count, dim}};
    const safetensors_tensor lse = {
        .dtype = SAFETENSORS_F32, .rank = 3, .shape = {batch, heads, c->row_count}};
    const safetensors_tensor scores = {
        .dtype = SAFETENSORS_F32,
        .rank = 5,
        .shape = {c->rankings, batch, heads, c->query_block_count, c->k_blocks}};
    const safetensors_tensor pattern = {
        .dtype = SAFETENSORS_U8,
        .rank = 4,
        .shape = {batch, heads, c->q_blocks, pattern_bytes_of_row(c->k_blocks)}};
    for (int i = 0; i < RECORD_OPS; i++) {
        const record_op op = (record_op)i;
        const record_run *run = &c->runs[op];
        add(all, c, op, "out", out, run->out);
        add(all, c, op, "lse", lse, run->lse);
        if (op == RECORD_BUILD) {
            add(all, c, op, "scores", scores, run->scores);
            add(all, c, op, "pattern", pattern, run->pattern);
        }
    }
}

static char *metadata_of(const record *r) {
    cJSON *root = record_json(r);
    char *text = root ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

bool record_write(const record *r, const char *path, tool_error *error) {
    size_t most = r->case_count * TENSORS_OF_CASE;
    contents all = {.tensors = room_for(most, sizeof *all.tensors),
                    .names = room_for(most, sizeof *all.names)};
    char *metadata = metadata_of(r);
    bool done = all.tensors && all.names && metadata;
    for (size_t i = 0; done && i < r->case_count; i++)
        if (!r->cases[i].failure[0])
            add_case(&all, &r->cases[i]);
    const char *const keys[] = {RECORD_METADATA_KEY};
    const char *const values[] = {metadata};
    done = done ? safetensors_write(path, all.tensors, all.count, keys, values, 1, error)
                : tool_fail(error, "out of memory for the record %s", path);
    cJSON_free(metadata);
    free(all.tensors);
    free(all.names);
    return done;
}
