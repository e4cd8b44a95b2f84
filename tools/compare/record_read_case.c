/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_read_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/record_read_tensors.h"
#include "json_file.h"
#include "selection.h"

/* As validation of a plan has them: no size product of the fields below overflows. */
enum { MOST_BATCHES = 65536, MOST_HEADS = 65536, MOST_DIM = 65536 };
#define MOST_ROWS (UINT64_C(1) << 31)

typedef struct reading {
    record *r;
    const safetensors_file *file;
    const cJSON *object;
    record_case *c;
    char prefix[RECORD_NAME_BYTES + 32]; /* "cases.NAME." */
    tool_error *error;
} reading;

/* The object under a key of a case. */
static bool part_of(const reading *in, const cJSON *of, const char *key, json_keys *part) {
    const json_keys keys = {of, safetensors_path(in->file), in->prefix, in->error};
    const cJSON *object = json_keys_get(&keys, key);
    if (!cJSON_IsObject(object))
        return object ? json_keys_fail(&keys, key, "is not an object")
                      : json_keys_missing(&keys, key);
    *part = keys;
    part->object = object;
    return true;
}

static bool array_of(const reading *in, const char *key, const cJSON **array) {
    const json_keys keys = {in->object, safetensors_path(in->file), in->prefix, in->error};
    *array = json_keys_get(&keys, key);
    if (!cJSON_IsArray(*array))
        return *array ? json_keys_fail(&keys, key, "is not an array")
                      : json_keys_missing(&keys, key);
    return true;
}

/* ---- names ---- */

typedef const char *name_of(uint32_t value);

/* The value from first to last that has the name. */
static bool named(const json_keys *keys, const char *key, name_of *name, uint32_t first,
                  uint32_t last, uint32_t *value) {
    char text[RECORD_NAME_BYTES];
    if (!json_keys_text(keys, key, text, sizeof text))
        return false;
    for (*value = first; *value <= last; ++*value)
        if (strcmp(name(*value), text) == 0)
            return true;
    return json_keys_fail(keys, key, "is not known");
}

/* ---- the problem ---- */

static bool read_problem(const reading *in) {
    sparsed_desc *d = &in->c->desc;
    json_keys keys;
    *d = (sparsed_desc)SPARSED_DESC_INIT;
    d->flags = SPARSED_DESC_Q_START;
    return part_of(in, in->object, "problem", &keys) &&
           named(&keys, "dtype", record_dtype_name, SPARSED_F32, SPARSED_BF16, &d->dtype) &&
           named(&keys, "out_dtype", record_dtype_name, SPARSED_F32, SPARSED_BF16, &d->out_dtype) &&
           json_keys_uint(&keys, "batch", 1, MOST_BATCHES, &d->batch) &&
           json_keys_uint(&keys, "heads", 1, MOST_HEADS, &d->heads) &&
           json_keys_uint(&keys, "kv_heads", 1, d->heads, &d->kv_heads) &&
           json_keys_uint(&keys, "head_dim", 1, MOST_DIM, &d->head_dim) &&
           json_keys_uint(&keys, "score_heads", 0, UINT32_MAX, &d->score_heads) &&
           json_keys_uint64(&keys, "q_len", MOST_ROWS, &d->q_len) &&
           json_keys_uint64(&keys, "kv_len", MOST_ROWS, &d->kv_len) &&
           json_keys_uint64(&keys, "q_start", MOST_ROWS, &d->q_start) &&
           json_keys_real(&keys, "scale", 0.0, &d->scale);
}

static bool block_size(const json_keys *keys, const char *key, uint32_t *rows) {
    if (!json_keys_uint(keys, key, 16, 128, rows))
        return false;
    return (*rows & (*rows - 1)) == 0 || json_keys_fail(keys, key, "is not 16, 32, 64 or 128");
}

static bool read_selection(const reading *in) {
    sparsed_select *s = &in->c->select;
    json_keys keys;
    *s = (sparsed_select)SPARSED_SELECT_INIT;
    return part_of(in, in->object, "select", &keys) &&
           named(&keys, "mode", selection_mode_name, SPARSED_MODE_PAPER, SPARSED_MODE_JOINT,
                 &s->mode) &&
           named(&keys, "score_reduce", record_reduce_name, SPARSED_REDUCE_SUM, SPARSED_REDUCE_MAX,
                 &s->score_reduce) &&
           json_keys_uint(&keys, "flags", 0, UINT32_MAX, &s->flags) &&
           block_size(&keys, "block_q", &s->block_q) && block_size(&keys, "block_k", &s->block_k) &&
           json_keys_uint(&keys, "always_first", 0, UINT32_MAX, &s->always_first) &&
           json_keys_uint64(&keys, "gen_len", MOST_ROWS, &s->gen_len) &&
           json_keys_positive(&keys, "ratio", &s->ratio) &&
           json_keys_positive(&keys, "score_scale", &s->score_scale);
}

static bool read_digests(const reading *in) {
    record_case *c = in->c;
    json_keys keys;
    return part_of(in, in->object, "input_digests", &keys) &&
           record_read_digest(&keys, "q", &c->q_digest) &&
           record_read_digest(&keys, "k", &c->k_digest) &&
           record_read_digest(&keys, "v", &c->v_digest) &&
           record_read_digest(&keys, "fixed_pattern", &c->fixed_digest);
}
