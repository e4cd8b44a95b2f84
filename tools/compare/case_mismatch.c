/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/case_mismatch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "selection.h"
#include "storage_convert.h"

/* Each is true, with the text set, if the two differ. */

static bool count_differs(const char *field, uint64_t a, uint64_t b, char text[MISMATCH_BYTES]) {
    if (a != b)
        snprintf(text, MISMATCH_BYTES, "%s is %" PRIu64 " and %" PRIu64, field, a, b);
    return a != b;
}

static bool real_differs(const char *field, double a, double b, char text[MISMATCH_BYTES]) {
    if (a != b)
        snprintf(text, MISMATCH_BYTES, "%s is %.9g and %.9g", field, a, b);
    return a != b;
}

static bool name_differs(const char *field, const char *a, const char *b,
                         char text[MISMATCH_BYTES]) {
    const bool differs = strcmp(a, b) != 0;
    if (differs)
        snprintf(text, MISMATCH_BYTES, "%s is %s and %s", field, a, b);
    return differs;
}

static bool digest_differs(const char *field, sparsed_fingerprint a, sparsed_fingerprint b,
                           char text[MISMATCH_BYTES]) {
    const bool differs = a.low != b.low || a.high != b.high;
    if (differs)
        snprintf(text, MISMATCH_BYTES,
                 "the digest of %s is %016" PRIx64 "%016" PRIx64 " and %016" PRIx64 "%016" PRIx64,
                 field, a.high, a.low, b.high, b.low);
    return differs;
}

static bool shape_differs(const sparsed_desc *a, const sparsed_desc *b, char text[MISMATCH_BYTES]) {
    return name_differs("dtype", storage_name((sparsed_dtype)a->dtype),
                        storage_name((sparsed_dtype)b->dtype), text) ||
           name_differs("out_dtype", storage_name((sparsed_dtype)a->out_dtype),
                        storage_name((sparsed_dtype)b->out_dtype), text) ||
           count_differs("batch", a->batch, b->batch, text) ||
           count_differs("heads", a->heads, b->heads, text) ||
           count_differs("kv_heads", a->kv_heads, b->kv_heads, text) ||
           count_differs("head_dim", a->head_dim, b->head_dim, text) ||
           count_differs("score_heads", a->score_heads, b->score_heads, text) ||
           count_differs("q_len", a->q_len, b->q_len, text) ||
           count_differs("kv_len", a->kv_len, b->kv_len, text) ||
           count_differs("q_start", a->q_start, b->q_start, text) ||
           real_differs("scale", a->scale, b->scale, text);
}

static const char *reduce_name(const sparsed_select *s) {
    return s->score_reduce == SPARSED_REDUCE_MAX ? "max" : "sum";
}

static bool selection_differs(const sparsed_select *a, const sparsed_select *b,
                              char text[MISMATCH_BYTES]) {
    return name_differs("mode", selection_mode_name(a->mode), selection_mode_name(b->mode), text) ||
           name_differs("score_reduce", reduce_name(a), reduce_name(b), text) ||
           count_differs("flags", a->flags, b->flags, text) ||
           count_differs("block_q", a->block_q, b->block_q, text) ||
           count_differs("block_k", a->block_k, b->block_k, text) ||
           count_differs("always_first", a->always_first, b->always_first, text) ||
           count_differs("gen_len", a->gen_len, b->gen_len, text) ||
           real_differs("ratio", a->ratio, b->ratio, text) ||
           real_differs("score_scale", a->score_scale, b->score_scale, text);
}

static bool input_differs(const record_case *a, const record_case *b, char text[MISMATCH_BYTES]) {
    return digest_differs("q", a->q_digest, b->q_digest, text) ||
           digest_differs("k", a->k_digest, b->k_digest, text) ||
           digest_differs("v", a->v_digest, b->v_digest, text) ||
           digest_differs("fixed_pattern", a->fixed_digest, b->fixed_digest, text);
}

static bool range_differs(const sparsed_pattern_range *a, const sparsed_pattern_range *b,
                          char text[MISMATCH_BYTES]) {
    return count_differs("key_start", a->key_start, b->key_start, text) ||
           count_differs("keys", a->keys, b->keys, text) ||
           count_differs("query_start", a->query_start, b->query_start, text) ||
           count_differs("queries", a->queries, b->queries, text) ||
           count_differs("query_position", a->query_position, b->query_position, text) ||
           count_differs("q_blocks", a->q_blocks, b->q_blocks, text) ||
           count_differs("k_blocks", a->k_blocks, b->k_blocks, text) ||
           count_differs("split", a->split, b->split, text);
}

static bool ranges_differ(const record_case *a, const record_case *b, char text[MISMATCH_BYTES]) {
    for (uint32_t i = 0; i < a->desc.batch; i++)
        if (range_differs(&a->ranges[i], &b->ranges[i], text))
            return true;
    return false;
}

/* What is stored: which rows, or query blocks. */
static bool choice_differs(const char *field, const uint64_t *a, uint64_t count_a,
                           const uint64_t *b, uint64_t count_b, char text[MISMATCH_BYTES]) {
    for (uint64_t i = 0; i < count_a && i < count_b; i++)
        if (count_differs(field, a[i], b[i], text))
            return true;
    if (count_a != count_b)
        snprintf(text, MISMATCH_BYTES, "%s has %" PRIu64 " and %" PRIu64 " of them", field, count_a,
                 count_b);
    return count_a != count_b;
}

bool case_mismatch(const record_case *a, const record_case *b, char text[MISMATCH_BYTES]) {
    if (name_differs("data", a->data, b->data, text) || shape_differs(&a->desc, &b->desc, text) ||
        selection_differs(&a->select, &b->select, text) || input_differs(a, b, text))
        return true;
    if (a->failure[0] || b->failure[0])
        return false;
    return ranges_differ(a, b, text) || count_differs("rankings", a->rankings, b->rankings, text) ||
           choice_differs("rows", a->rows, a->row_count, b->rows, b->row_count, text) ||
           choice_differs("query_blocks", a->query_blocks, a->query_block_count, b->query_blocks,
                          b->query_block_count, text);
}
