/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_read_case.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/geometry.h"
#include "../src/size.h"
#include "compare/pattern_bytes.h"
#include "compare/record_check.h"
#include "json_file.h"
#include "selection.h"
#include "storage_convert.h"

/* As validation of a plan has them: no size product of the fields below overflows. */
enum { MOST_BATCHES = 65536, MOST_HEADS = 65536, MOST_DIM = 65536 };
#define MOST_ROWS (UINT64_C(1) << 31)

typedef struct reading {
    record *r;
    const safetensors_file *file;
    record_case *c;
    char prefix[RECORD_NAME_BYTES + 32]; /* "cases.NAME." */
    json_keys keys;                      /* of the case's object */
    tool_error *error;
} reading;

/* An object inside, whose prefix tells the way to it: not to be copied. */
typedef struct part {
    char prefix[2 * RECORD_NAME_BYTES]; /* "cases.NAME.runs[0].errors.out." */
    json_keys keys;
} part;

static void set_part(const json_keys *of, const char *name, const cJSON *object, part *p) {
    snprintf(p->prefix, sizeof p->prefix, "%s%s.", of->prefix, name);
    p->keys = (json_keys){object, of->path, p->prefix, of->error};
}

/* The object under a key. */
static bool part_of(const json_keys *of, const char *key, part *p) {
    const cJSON *object = json_keys_get(of, key);
    set_part(of, key, object, p);
    if (cJSON_IsObject(object))
        return true;
    return object ? json_keys_fail(of, key, "is not an object") : json_keys_missing(of, key);
}

/* The object in a list: "ranges[3]". */
static void item_of(const json_keys *of, const char *list, int index, const cJSON *object,
                    part *p) {
    char name[32];
    snprintf(name, sizeof name, "%s[%d]", list, index);
    set_part(of, name, object, p);
}

static bool array_of(const reading *in, const char *key, const cJSON **array) {
    *array = json_keys_get(&in->keys, key);
    if (!cJSON_IsArray(*array))
        return *array ? json_keys_fail(&in->keys, key, "is not an array")
                      : json_keys_missing(&in->keys, key);
    return true;
}

/* ---- names ---- */

typedef const char *name_of(uint32_t value);

static const char *dtype_name(uint32_t value) {
    return storage_name((sparsed_dtype)value);
}

static const char *reduce_name(uint32_t value) {
    return value == SPARSED_REDUCE_MAX ? "max" : "sum";
}

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
    part at;
    *d = (sparsed_desc)SPARSED_DESC_INIT;
    d->flags = SPARSED_DESC_Q_START;
    return part_of(&in->keys, "problem", &at) &&
           named(&at.keys, "dtype", dtype_name, SPARSED_F32, SPARSED_BF16, &d->dtype) &&
           named(&at.keys, "out_dtype", dtype_name, SPARSED_F32, SPARSED_BF16, &d->out_dtype) &&
           json_keys_uint(&at.keys, "batch", 1, MOST_BATCHES, &d->batch) &&
           json_keys_uint(&at.keys, "heads", 1, MOST_HEADS, &d->heads) &&
           json_keys_uint(&at.keys, "kv_heads", 1, d->heads, &d->kv_heads) &&
           json_keys_uint(&at.keys, "head_dim", 1, MOST_DIM, &d->head_dim) &&
           json_keys_uint(&at.keys, "score_heads", 0, UINT32_MAX, &d->score_heads) &&
           json_keys_uint64(&at.keys, "q_len", MOST_ROWS, &d->q_len) &&
           json_keys_uint64(&at.keys, "kv_len", MOST_ROWS, &d->kv_len) &&
           json_keys_uint64(&at.keys, "q_start", MOST_ROWS, &d->q_start) &&
           json_keys_real(&at.keys, "scale", 0.0, &d->scale);
}

static bool block_size(const json_keys *keys, const char *key, uint32_t *rows) {
    if (!json_keys_uint(keys, key, 16, 128, rows))
        return false;
    return (*rows & (*rows - 1)) == 0 || json_keys_fail(keys, key, "is not 16, 32, 64 or 128");
}

static bool read_selection(const reading *in) {
    sparsed_select *s = &in->c->select;
    part at;
    *s = (sparsed_select)SPARSED_SELECT_INIT;
    return part_of(&in->keys, "select", &at) &&
           named(&at.keys, "mode", selection_mode_name, SPARSED_MODE_PAPER, SPARSED_MODE_JOINT,
                 &s->mode) &&
           named(&at.keys, "score_reduce", reduce_name, SPARSED_REDUCE_SUM, SPARSED_REDUCE_MAX,
                 &s->score_reduce) &&
           json_keys_uint(&at.keys, "flags", 0, UINT32_MAX, &s->flags) &&
           block_size(&at.keys, "block_q", &s->block_q) &&
           block_size(&at.keys, "block_k", &s->block_k) &&
           json_keys_uint(&at.keys, "always_first", 0, UINT32_MAX, &s->always_first) &&
           json_keys_uint64(&at.keys, "gen_len", MOST_ROWS, &s->gen_len) &&
           json_keys_positive(&at.keys, "ratio", &s->ratio) &&
           (s->ratio <= 1.0 || json_keys_fail(&at.keys, "ratio", "is above 1")) &&
           json_keys_positive(&at.keys, "score_scale", &s->score_scale);
}

/* 32 hexadecimal digits, the high half first. */
static bool read_digest(const json_keys *keys, const char *key, sparsed_fingerprint *digest) {
    char text[33], half[17] = "";
    if (!json_keys_text(keys, key, text, sizeof text))
        return false;
    if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
        return json_keys_fail(keys, key, "is not a digest");
    memcpy(half, text, 16);
    digest->high = strtoull(half, NULL, 16);
    digest->low = strtoull(text + 16, NULL, 16);
    return true;
}

static bool read_digests(const reading *in) {
    record_case *c = in->c;
    part at;
    return part_of(&in->keys, "input_digests", &at) && read_digest(&at.keys, "q", &c->q_digest) &&
           read_digest(&at.keys, "k", &c->k_digest) && read_digest(&at.keys, "v", &c->v_digest) &&
           read_digest(&at.keys, "fixed_pattern", &c->fixed_digest);
}

static bool read_bound(const json_keys *keys, const char *key, record_bound *bound) {
    const cJSON *pair = json_keys_get(keys, key);
    const cJSON *warn = cJSON_GetArrayItem(pair, 0), *fail = cJSON_GetArrayItem(pair, 1);
    if (cJSON_GetArraySize(pair) != 2 || !cJSON_IsNumber(warn) || !cJSON_IsNumber(fail))
        return json_keys_fail(keys, key, "is not a pair of numbers");
    *bound = (record_bound){warn->valuedouble, fail->valuedouble};
    return (bound->warn >= 0.0 && bound->warn <= bound->fail && isfinite(bound->fail)) ||
           json_keys_fail(keys, key, "does not rise from 0 on, or is not finite");
}

static bool read_bounds(const reading *in) {
    record_bounds *b = &in->c->bounds;
    part at;
    return part_of(&in->keys, "bounds", &at) && read_bound(&at.keys, "out", &b->out) &&
           read_bound(&at.keys, "lse", &b->lse) && read_bound(&at.keys, "scores", &b->scores) &&
           json_keys_real(&at.keys, "out_absolute", 0.0, &b->out_absolute);
}

/* ---- what is stored ---- */

static bool read_range(const reading *in, const json_keys *keys, sparsed_pattern_range *range) {
    const record_case *c = in->c;
    range->struct_size = sizeof *range;
    if (!json_keys_uint64(keys, "keys", c->desc.kv_len, &range->keys) ||
        !json_keys_uint64(keys, "key_start", c->desc.kv_len - range->keys, &range->key_start) ||
        !json_keys_uint64(keys, "queries", c->desc.q_len, &range->queries) ||
        !json_keys_uint64(keys, "query_start", c->desc.q_len - range->queries,
                          &range->query_start) ||
        !json_keys_uint64(keys, "query_position",
                          range->keys - spd_min(range->keys, range->queries),
                          &range->query_position) ||
        !json_keys_uint64(keys, "k_blocks", c->k_blocks, &range->k_blocks) ||
        !json_keys_uint64(keys, "split", range->k_blocks, &range->split) ||
        !json_keys_uint64(keys, "q_blocks", c->q_blocks, &range->q_blocks))
        return false;
    const sparsed_select *s = &c->select;
    return (range->queries <= range->keys ||
            json_keys_fail(keys, "queries", "is more than the keys")) &&
           (range->q_blocks == spd_ceil_div(range->queries, s->block_q) ||
            json_keys_fail(keys, "q_blocks", "is not what the valid rows make")) &&
           (range->k_blocks == spd_ceil_div(range->keys, s->block_k) ||
            json_keys_fail(keys, "k_blocks", "is not what the valid rows make")) &&
           (range->split == spd_split_block(range->keys, s->block_k, s->gen_len) ||
            json_keys_fail(keys, "split", "is not what the valid rows make"));
}

static bool read_ranges(const reading *in) {
    record_case *c = in->c;
    const cJSON *array, *item;
    sparsed_pattern_range *ranges;
    uint32_t at = 0;
    if (!array_of(in, "ranges", &array))
        return false;
    if (cJSON_GetArraySize(array) != (int)c->desc.batch)
        return tool_fail(in->error, "%s: \"%sranges\" has %d entries, the batch is %u",
                         safetensors_path(in->file), in->prefix, cJSON_GetArraySize(array),
                         c->desc.batch);
    ranges = record_room(in->r, c->desc.batch, sizeof *ranges);
    if (!ranges)
        return tool_fail(in->error, "out of memory for case %s", c->name);
    cJSON_ArrayForEach(item, array) {
        part range;
        item_of(&in->keys, "ranges", (int)at, item, &range);
        if (!read_range(in, &range.keys, &ranges[at++]))
            return false;
    }
    c->ranges = ranges;
    return true;
}

/* Whole numbers below `end`, rising, at least one. */
static bool read_rising(const reading *in, const char *key, uint64_t end, uint64_t *count,
                        const uint64_t **numbers) {
    const cJSON *array, *item;
    uint64_t at = 0, least = 0;
    if (!array_of(in, key, &array))
        return false;
    *count = (uint64_t)cJSON_GetArraySize(array);
    uint64_t *room = record_room(in->r, *count, sizeof *room);
    if (!room)
        return tool_fail(in->error, "out of memory for case %s", in->c->name);
    *numbers = room;
    cJSON_ArrayForEach(item, array) {
        if (!json_uint(item, &room[at]) || room[at] < least || room[at] >= end)
            return json_keys_fail(&in->keys, key, "does not rise below the end");
        least = room[at++] + 1;
    }
    return *count > 0 || json_keys_fail(&in->keys, key, "is empty");
}

/* A key that follows from others. */
static bool same_number(const json_keys *keys, const char *key, uint64_t wanted) {
    uint64_t number;
    return json_keys_uint64(keys, key, UINT64_MAX, &number) &&
           (number == wanted || json_keys_fail(keys, key, "is not what the problem makes"));
}

static bool read_stored(const reading *in) {
    record_case *c = in->c;
    c->q_blocks = spd_ceil_div(c->desc.q_len, c->select.block_q);
    c->k_blocks = spd_ceil_div(c->desc.kv_len, c->select.block_k);
    c->rankings = c->select.mode == SPARSED_MODE_UPSTREAM_DREAM ||
                          c->select.mode == SPARSED_MODE_UPSTREAM_LLADA
                      ? 2
                      : 1;
    return same_number(&in->keys, "q_blocks", c->q_blocks) &&
           same_number(&in->keys, "k_blocks", c->k_blocks) &&
           same_number(&in->keys, "rankings", c->rankings) && read_ranges(in) &&
           read_rising(in, "rows", c->desc.q_len, &c->row_count, &c->rows) &&
           read_rising(in, "query_blocks", c->q_blocks, &c->query_block_count, &c->query_blocks) &&
           json_keys_uint64(&in->keys, "kept_blocks", UINT64_MAX, &c->kept_blocks) &&
           json_keys_uint64(&in->keys, "fixed_kept_blocks", UINT64_MAX, &c->fixed_kept_blocks) &&
           json_keys_uint64(&in->keys, "choice_differs", UINT64_MAX, &c->choice_differs);
}

/* ---- errors ---- */

static bool read_counts(const json_keys *keys, const char *key, int n, uint64_t *counts) {
    const cJSON *array = json_keys_get(keys, key), *item;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != n)
        return json_keys_fail(keys, key, "has not its number of counts");
    cJSON_ArrayForEach(item, array) if (!json_uint(item, counts++)) return json_keys_fail(
        keys, key, "is not a list of counts");
    return true;
}

static bool read_errors(const json_keys *of, const char *key, record_errors *e) {
    part at, worst;
    return part_of(of, key, &at) && part_of(&at.keys, "worst", &worst) &&
           json_keys_uint64(&at.keys, "count", UINT64_MAX, &e->count) &&
           json_keys_uint64(&at.keys, "nonfinite", UINT64_MAX, &e->nonfinite) &&
           json_keys_real(&at.keys, "max_abs", 0.0, &e->max_abs) &&
           json_keys_real(&at.keys, "relative", 0.0, &e->relative) &&
           json_keys_real(&at.keys, "nmse", 0.0, &e->nmse) &&
           json_keys_real(&worst.keys, "got", -DBL_MAX, &e->got) &&
           json_keys_real(&worst.keys, "expected", -DBL_MAX, &e->expected) &&
           read_counts(&worst.keys, "at", 4, e->worst) &&
           read_counts(&at.keys, "ulps", RECORD_ULP_BINS, e->ulps);
}

static bool read_seconds(const json_keys *of, record_timing *t) {
    part at;
    return part_of(of, "seconds", &at) && json_keys_real(&at.keys, "first", 0.0, &t->first) &&
           json_keys_real(&at.keys, "median", 0.0, &t->median) &&
           json_keys_real(&at.keys, "fastest", 0.0, &t->fastest) &&
           json_keys_uint(&at.keys, "repeats", 0, UINT32_MAX, &t->repeats);
}

/* What all query blocks' scores came to. */
static bool read_all_scores(const reading *in) {
    record_case *c = in->c;
    part at;
    uint32_t check;
    if (!part_of(&in->keys, "all_scores", &at) ||
        !named(&at.keys, "held_to", record_scores_check_name, RECORD_SCORES_NONE,
               RECORD_SCORES_CHECKS - 1, &check) ||
        !json_keys_uint64(&at.keys, "differ", UINT64_MAX, &c->scores_differ) ||
        !read_counts(&at.keys, "first", 3, c->scores_differ_at))
        return false;
    c->scores_check = (record_scores_check)check;
    return true;
}

/* ---- tensors ---- */

/* The data of a run's tensor of this type and shape, aligned for its elements; NULL on failure. */
static const void *read_tensor(const reading *in, record_op op, const char *name,
                               const safetensors_tensor *wanted) {
    const char *path = safetensors_path(in->file);
    char full[3 * RECORD_NAME_BYTES];
    snprintf(full, sizeof full, "%s/%s/%s", in->c->name, record_op_name(op), name);
    const safetensors_tensor *t = safetensors_find(in->file, full);
    if (!t) {
        tool_fail(in->error, "%s: tensor %s is missing", path, full);
        return NULL;
    }
    if (t->dtype != wanted->dtype || t->rank != wanted->rank ||
        memcmp(t->shape, wanted->shape, wanted->rank * sizeof *t->shape) != 0) {
        tool_fail(in->error, "%s: tensor %s has not the type and shape of its case", path, full);
        return NULL;
    }
    if ((uintptr_t)t->data % safetensors_dtype_bytes(t->dtype) == 0)
        return t->data;
    void *aligned = record_room(in->r, t->size_bytes, 1);
    if (aligned)
        memcpy(aligned, t->data, (size_t)t->size_bytes);
    else
        tool_fail(in->error, "out of memory for tensor %s", full);
    return aligned;
}

static bool check_digest(const reading *in, record_op op, const char *name, const void *data,
                         const safetensors_tensor *t, sparsed_fingerprint digest) {
    uint64_t bytes = safetensors_dtype_bytes(t->dtype);
    for (uint32_t i = 0; i < t->rank; i++)
        bytes *= t->shape[i]; /* as in the file: no overflow */
    sparsed_fingerprint of = sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, bytes);
    if (record_same_digest(of, digest))
        return true;
    return tool_fail(in->error, "%s: tensor %s/%s/%s is not that of its digest",
                     safetensors_path(in->file), in->c->name, record_op_name(op), name);
}

/* The tensor is that of its digest as it is stored, and if that is whole, of the whole one's. */
static bool check_stored(const reading *in, const json_keys *keys, record_op op, const char *name,
                         const void *data, const safetensors_tensor *t, bool is_whole,
                         sparsed_fingerprint whole) {
    sparsed_fingerprint stored;
    part digests;
    if (is_whole && !check_digest(in, op, name, data, t, whole))
        return false;
    return part_of(keys, "stored_digests", &digests) && read_digest(&digests.keys, name, &stored) &&
           check_digest(in, op, name, data, t, stored);
}

static bool read_outputs(const reading *in, const json_keys *keys, record_op op, record_run *run) {
    const record_case *c = in->c;
    const bool whole = c->row_count == c->desc.q_len;
    const safetensors_tensor out_shape = {
        .dtype = record_storage(c->desc.out_dtype),
        .rank = 4,
        .shape = {c->desc.batch, c->desc.heads, c->row_count, c->desc.head_dim}};
    const safetensors_tensor lse_shape = {
        .dtype = SAFETENSORS_F32, .rank = 3, .shape = {c->desc.batch, c->desc.heads, c->row_count}};
    run->out = read_tensor(in, op, "out", &out_shape);
    run->lse = run->out ? read_tensor(in, op, "lse", &lse_shape) : NULL;
    if (!run->lse)
        return false;
    return check_stored(in, keys, op, "out", run->out, &out_shape, whole, run->out_digest) &&
           check_stored(in, keys, op, "lse", run->lse, &lse_shape, whole, run->lse_digest);
}

static bool check_pattern(const reading *in, const record_run *run) {
    const record_case *c = in->c;
    const uint64_t rows = (uint64_t)c->desc.batch * c->desc.heads * c->q_blocks;
    const uint64_t bytes = pattern_bytes_of_row(c->k_blocks), used = c->k_blocks % 8;
    for (uint64_t i = 0; i < rows && used > 0; i++)
        if (run->pattern[i * bytes + bytes - 1] >> used != 0)
            return tool_fail(in->error, "%s: tensor %s/build/pattern has bits past key block %llu",
                             safetensors_path(in->file), c->name,
                             (unsigned long long)c->k_blocks - 1);
    return true;
}

static bool read_build(const reading *in, const json_keys *keys, record_run *run) {
    const record_case *c = in->c;
    const safetensors_tensor scores_shape = {
        .dtype = SAFETENSORS_F32,
        .rank = 5,
        .shape = {c->rankings, c->desc.batch, c->desc.heads, c->query_block_count, c->k_blocks}};
    const safetensors_tensor pattern_shape = {
        .dtype = SAFETENSORS_U8,
        .rank = 4,
        .shape = {c->desc.batch, c->desc.heads, c->q_blocks, pattern_bytes_of_row(c->k_blocks)}};
    run->scores = read_tensor(in, RECORD_BUILD, "scores", &scores_shape);
    run->pattern = run->scores ? read_tensor(in, RECORD_BUILD, "pattern", &pattern_shape) : NULL;
    if (!run->pattern)
        return false;
    return check_pattern(in, run) &&
           check_digest(in, RECORD_BUILD, "pattern", run->pattern, &pattern_shape,
                        run->pattern_digest) &&
           check_stored(in, keys, RECORD_BUILD, "scores", run->scores, &scores_shape,
                        c->query_block_count == c->q_blocks, run->scores_digest);
}

/* ---- runs ---- */

static bool read_run(const reading *in, const json_keys *keys, record_op op) {
    record_run *run = &in->c->runs[op];
    part digests, errors;
    if (!json_keys_only_string(keys, "op", record_op_name(op)) ||
        !json_keys_bool(keys, "repeatable", &run->repeatable) ||
        !part_of(keys, "digests", &digests) || !part_of(keys, "errors", &errors) ||
        !read_digest(&digests.keys, "out", &run->out_digest) ||
        !read_digest(&digests.keys, "lse", &run->lse_digest) ||
        !read_errors(&errors.keys, "out", &run->out_errors) ||
        !read_errors(&errors.keys, "lse", &run->lse_errors) || !read_seconds(keys, &run->seconds) ||
        !read_outputs(in, keys, op, run))
        return false;
    return op != RECORD_BUILD ||
           (read_digest(&digests.keys, "scores", &run->scores_digest) &&
            read_digest(&digests.keys, "pattern", &run->pattern_digest) &&
            read_errors(&errors.keys, "scores", &run->scores_errors) && read_build(in, keys, run));
}

static bool read_runs(const reading *in) {
    const cJSON *runs;
    if (!array_of(in, "runs", &runs))
        return false;
    if (cJSON_GetArraySize(runs) != RECORD_OPS)
        return tool_fail(in->error, "%s: \"%sruns\" has %d entries, not %d",
                         safetensors_path(in->file), in->prefix, cJSON_GetArraySize(runs),
                         RECORD_OPS);
    for (int op = 0; op < RECORD_OPS; op++) {
        part run;
        item_of(&in->keys, "runs", op, cJSON_GetArrayItem(runs, op), &run);
        if (!read_run(in, &run.keys, (record_op)op))
            return false;
    }
    return true;
}

/* Tensors are named after the case. */
static bool check_name(const json_keys *keys, const char *name) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return (name[0] && name[strspn(name, allowed)] == '\0') ||
           json_keys_fail(keys, "name", "is not of letters, digits, '-' and '.'");
}

bool record_read_case(record *r, const safetensors_file *file, const cJSON *object, record_case *c,
                      tool_error *error) {
    reading in = {.r = r, .file = file, .c = c, .error = error};
    json_keys keys = {object, safetensors_path(file), "cases.", error};
    if (!json_keys_text(&keys, "name", c->name, sizeof c->name) || !check_name(&keys, c->name))
        return false;
    snprintf(in.prefix, sizeof in.prefix, "cases.%s.", c->name);
    keys.prefix = in.prefix;
    in.keys = keys;
    return json_keys_text(&keys, "data", c->data, sizeof c->data) &&
           json_keys_text(&keys, "kernel", c->kernel, sizeof c->kernel) &&
           json_keys_text(&keys, "failure", c->failure, sizeof c->failure) && read_problem(&in) &&
           read_selection(&in) && read_digests(&in) && read_bounds(&in) &&
           (c->failure[0] || (read_stored(&in) && read_all_scores(&in) && read_runs(&in) &&
                              record_check_case(&in.keys, c)));
}
