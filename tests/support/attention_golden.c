/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See attention_golden.h. */
#include "support/attention_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/oracle.h"
#include "support/test_files.h"

safetensors_file *attention_golden_open(const char *name) {
    char path[1024];
    tool_error error;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    test_file_or_skip(path);
    safetensors_file *file = safetensors_open(path, &error);
    if (!file)
        fail_msg("%s", error.text);
    return file;
}

bool attention_golden_has(const safetensors_file *file, const char *name) {
    return safetensors_find(file, name) != NULL;
}

static double element(const safetensors_tensor *tensor, uint64_t index) {
    const unsigned char *bytes = tensor->data;
    int64_t integer;
    switch (tensor->dtype) {
    case SAFETENSORS_F32:
        return spd_oracle_load(bytes, SPARSED_F32, index);
    case SAFETENSORS_F16:
        return spd_oracle_load(bytes, SPARSED_F16, index);
    case SAFETENSORS_BF16:
        return spd_oracle_load(bytes, SPARSED_BF16, index);
    case SAFETENSORS_U8:
        return (double)bytes[index];
    case SAFETENSORS_I64:
        memcpy(&integer, bytes + index * sizeof integer, sizeof integer);
        return (double)integer;
    default:
        fail_msg("tensor %s is %s", tensor->name, tensor->dtype_name);
        return 0.0;
    }
}

double *attention_golden_values(const safetensors_file *file, const char *name, uint64_t count) {
    const safetensors_tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->size_bytes / safetensors_dtype_bytes(tensor->dtype) != count) {
        fail_msg("%s has no tensor %s of %llu elements", safetensors_path(file), name,
                 (unsigned long long)count);
        return NULL;
    }
    double *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++)
        values[i] = element(tensor, i);
    return values;
}

double attention_golden_number(const safetensors_file *file, const char *key, double otherwise) {
    const char *text = safetensors_metadata(file, key);
    return text ? strtod(text, NULL) : otherwise;
}

uint8_t *attention_golden_mask(const safetensors_file *file, const attention_case *c) {
    const uint64_t count = case_block_count(c);
    double *values = attention_golden_values(file, "block_mask", count);
    uint8_t *mask = malloc(count);
    assert_non_null(mask);
    for (uint64_t i = 0; i < count; i++)
        mask[i] = values[i] != 0.0;
    free(values);
    return mask;
}

static uint32_t whole(const safetensors_file *file, const char *key, uint32_t otherwise) {
    return (uint32_t)attention_golden_number(file, key, (double)otherwise);
}

static uint32_t mode_of(const safetensors_file *file) {
    static const char *const names[] = {"paper", "upstream-dream", "upstream-llada", "joint"};
    const char *mode = safetensors_metadata(file, "mode");
    for (uint32_t i = 0; mode && i < 4; i++)
        if (strcmp(mode, names[i]) == 0)
            return SPARSED_MODE_PAPER + i;
    if (mode)
        fail_msg("mode '%s' is not known", mode);
    return 0;
}

static sparsed_select select_of(const safetensors_file *file) {
    sparsed_select select = SPARSED_SELECT_INIT;
    const char *reduce = safetensors_metadata(file, "score-reduce");
    const uint32_t block = whole(file, "block-size", 0);
    select.mode = mode_of(file);
    select.block_q = whole(file, "block-size-q", block);
    select.block_k = whole(file, "block-size-k", block);
    select.gen_len = whole(file, "gen-length", 0);
    select.ratio = attention_golden_number(file, "select", 0.0);
    select.always_first = whole(file, "keep-first", 0);
    if (reduce && strcmp(reduce, "max") == 0)
        select.score_reduce = SPARSED_REDUCE_MAX;
    if (whole(file, "dense-generation-rows", 0))
        select.flags |= SPARSED_SELECT_DENSE_GENERATION_ROWS;
    if (whole(file, "keep-diagonal", 0))
        select.flags |= SPARSED_SELECT_KEEP_DIAGONAL;
    if (whole(file, "keep-generation", 0))
        select.flags |= SPARSED_SELECT_KEEP_GENERATION;
    return select;
}

static void load_floats(const safetensors_file *file, const char *name, uint64_t count, float *to) {
    double *values = attention_golden_values(file, name, count);
    for (uint64_t i = 0; i < count; i++)
        to[i] = (float)values[i];
    free(values);
}

void attention_golden_load(const safetensors_file *file, attention_case *c) {
    const sparsed_desc *d = &c->problem.desc;
    const uint64_t kv_count = (uint64_t)d->batch * d->kv_heads * d->kv_len * d->head_dim;
    load_floats(file, "q", case_out_count(c), c->q);
    load_floats(file, "k", kv_count, c->k);
    load_floats(file, "v", kv_count, c->v);
    case_store(c);
}

static void load_ranges(const safetensors_file *file, attention_case *c) {
    double *start = attention_golden_values(file, "valid_start", c->desc.batch);
    double *end = attention_golden_values(file, "valid_end", c->desc.batch);
    for (uint32_t b = 0; b < c->desc.batch; b++) {
        c->valid_start[b] = (uint64_t)start[b];
        c->valid_end[b] = (uint64_t)end[b];
    }
    c->has_valid = true;
    free(start);
    free(end);
}

void attention_golden_small(const safetensors_file *file, uint32_t dtype, uint32_t out_dtype,
                            attention_case *c) {
    *c = (attention_case){.select = select_of(file)};
    c->desc =
        case_desc(whole(file, "batch", 0), whole(file, "heads", 0), whole(file, "kv_heads", 0),
                  whole(file, "head_dim", 0), whole(file, "kv_len", 0));
    c->desc.q_len = whole(file, "q_len", 0);
    c->desc.dtype = dtype;
    c->desc.out_dtype = out_dtype;
    if (attention_golden_has(file, "valid_start"))
        load_ranges(file, c);
    case_prepare(c, 1);
    attention_golden_load(file, c);
}
