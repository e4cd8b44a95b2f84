/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Host patterns: memory, reference count, what they say of themselves. */
#include "pattern.h"

#include "alloc.h"
#include "error.h"
#include "pattern_file.h"
#include "size.h"

#include <string.h>

uint64_t spd_pattern_row_count(const sparsed_pattern_info *info) {
    return (uint64_t)info->batch * info->heads * info->q_blocks;
}

uint64_t spd_pattern_words(const sparsed_pattern_info *info) {
    return spd_pattern_row_count(info) * spd_ceil_div(info->k_blocks, 64);
}

uint64_t spd_score_bytes(uint32_t score_dtype) {
    return score_dtype == SPARSED_F32 ? 4 : score_dtype == SPARSED_F16 ? 2 : 0;
}

void spd_pattern_derive_extent(const sparsed_pattern_info *info, spd_extent *extent) {
    spd_extent e = {.key_start = extent->key_start,
                    .keys = extent->keys,
                    .query_start = extent->query_start,
                    .queries = extent->queries,
                    .query_position = extent->query_position};
    if (e.keys > 0) {
        e.q_blocks = spd_ceil_div(e.queries, info->block_q);
        e.k_blocks = spd_ceil_div(e.keys, info->block_k);
        e.split = spd_split_block(e.keys, info->block_k, info->gen_len);
        e.generation_position = e.keys - spd_min(info->gen_len, e.keys);
    }
    *extent = e;
}

/* Copied and derived; without any, all rows are valid. NULL: no memory. */
static spd_extents *derive_extents(const sparsed_pattern_info *info, const spd_extent *extents,
                                   const sparsed_allocator *allocator) {
    spd_extents *made = spd_extents_new(info->batch, allocator);
    for (uint32_t b = 0; made && b < info->batch; b++) {
        spd_extent e = extents ? extents[b]
                               : (spd_extent){.keys = info->kv_len,
                                              .queries = info->q_len,
                                              .query_position = info->q_start};
        spd_pattern_derive_extent(info, &e);
        spd_extents_set(made, b, &e);
    }
    return made;
}

sparsed_status spd_pattern_create(const sparsed_pattern_info *info, const spd_extent *extents,
                                  bool with_bits, const sparsed_allocator *allocator,
                                  sparsed_pattern **pattern, sparsed_message *message) {
    *pattern = NULL;
    spd_extents *own = derive_extents(info, extents, allocator);
    if (!own)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern's rows of %u batches",
                        info->batch);
    sparsed_status status =
        spd_pattern_create_shared(info, own, with_bits, allocator, pattern, message);
    spd_extents_release(own);
    return status;
}

sparsed_status spd_pattern_create_shared(const sparsed_pattern_info *info, spd_extents *extents,
                                         bool with_bits, const sparsed_allocator *allocator,
                                         sparsed_pattern **pattern, sparsed_message *message) {
    const uint64_t bits_bytes = with_bits ? spd_pattern_words(info) * sizeof(uint64_t) : 0;
    sparsed_pattern *p = spd_allocate(allocator, 1, sizeof *p);
    uint64_t *bits = with_bits ? spd_allocate(allocator, bits_bytes, 1) : NULL;
    *pattern = NULL;
    if (!p || (with_bits && !bits)) {
        spd_release(allocator, p);
        spd_release(allocator, bits);
        spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern of %llu bytes",
                 (unsigned long long)bits_bytes);
        return SPARSED_E_NOMEM;
    }
    atomic_init(&p->references, 1);
    p->allocator = *allocator;
    p->info = *info;
    p->info.struct_size = sizeof p->info;
    p->row_words = spd_ceil_div(info->k_blocks, 64);
    p->generation_blocks = extents->generation_blocks;
    p->shared_extents = spd_extents_retain(extents);
    p->extents = extents->of;
    p->bits = bits;
    *pattern = p;
    return SPARSED_OK;
}

sparsed_status spd_pattern_set_ratios(sparsed_pattern *pattern, const double *ratios,
                                      sparsed_message *message) {
    const uint64_t heads = pattern->info.heads;
    double *own = spd_allocate(&pattern->allocator, heads, sizeof *own);
    if (!own)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern's %llu ratios",
                        (unsigned long long)heads);
    memcpy(own, ratios, heads * sizeof *own);
    pattern->ratios = own;
    pattern->info.pattern_flags |= SPARSED_PATTERN_HEAD_RATIOS;
    return SPARSED_OK;
}

sparsed_status spd_pattern_copy(const sparsed_pattern *from, sparsed_pattern **pattern,
                                sparsed_message *message) {
    const sparsed_pattern_info *info = &from->info;
    sparsed_pattern *p;
    sparsed_status status =
        spd_pattern_create_shared(info, from->shared_extents, true, &from->allocator, &p, message);
    *pattern = NULL;
    if (status == SPARSED_OK && from->ratios)
        status = spd_pattern_set_ratios(p, from->ratios, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(p);
        return status;
    }
    p->info.score_dtype = 0;
    memcpy(spd_pattern_own_bits(p), from->bits, spd_pattern_words(info) * sizeof *p->bits);
    *pattern = p;
    return SPARSED_OK;
}

uint64_t *spd_pattern_own_bits(sparsed_pattern *pattern) {
    return (uint64_t *)pattern->bits;
}

sparsed_pattern *sparsed_pattern_retain(sparsed_pattern *pattern) {
    if (pattern)
        atomic_fetch_add_explicit(&pattern->references, 1, memory_order_relaxed);
    return pattern;
}

void sparsed_pattern_release(sparsed_pattern *pattern) {
    if (!pattern || atomic_fetch_sub_explicit(&pattern->references, 1, memory_order_acq_rel) != 1)
        return;
    sparsed_allocator allocator = pattern->allocator;
    if (!pattern->map) {
        spd_release(&allocator, (void *)pattern->bits);
        spd_release(&allocator, (void *)pattern->ratios);
    }
    if (!pattern->map && !pattern->lender) {
        spd_release(&allocator, (void *)pattern->scores);
        spd_release(&allocator, (void *)pattern->generation_scores);
    }
    spd_file_map_release(pattern->map);
    sparsed_pattern_release(pattern->lender);
    spd_extents_release(pattern->shared_extents);
    spd_release(&allocator, pattern);
}

sparsed_status sparsed_pattern_describe(const sparsed_pattern *pattern,
                                        sparsed_pattern_info *info) {
    if (!pattern)
        return SPARSED_E_INVALID;
    return spd_copy_struct_out(info, &pattern->info, sizeof pattern->info, "info", NULL);
}

sparsed_status sparsed_pattern_batch(const sparsed_pattern *pattern, uint32_t batch,
                                     sparsed_pattern_range *range) {
    if (!pattern || batch >= pattern->info.batch)
        return SPARSED_E_INVALID;
    const spd_extent *e = &pattern->extents[batch];
    const sparsed_pattern_range known = {.struct_size = sizeof known,
                                         .key_start = e->key_start,
                                         .keys = e->keys,
                                         .query_start = e->query_start,
                                         .queries = e->queries,
                                         .query_position = e->query_position,
                                         .q_blocks = e->q_blocks,
                                         .k_blocks = e->k_blocks,
                                         .split = e->split};
    return spd_copy_struct_out(range, &known, sizeof known, "range", NULL);
}

static sparsed_status differ(const char *field, uint64_t a, uint64_t b, sparsed_message *message) {
    return spd_fail(message, SPARSED_E_MISMATCH, "one pattern's %s is %llu, the other's is %llu",
                    field, (unsigned long long)a, (unsigned long long)b);
}

static sparsed_status same_rows(uint32_t batch, const spd_extent *a, const spd_extent *b,
                                sparsed_message *message) {
    const struct {
        const char *name;
        uint64_t a, b;
    } fields[] = {{"key_start", a->key_start, b->key_start},
                  {"keys", a->keys, b->keys},
                  {"query_start", a->query_start, b->query_start},
                  {"queries", a->queries, b->queries},
                  {"query_position", a->query_position, b->query_position}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].a != fields[i].b)
            return spd_fail(message, SPARSED_E_MISMATCH,
                            "one pattern's %s of batch %u is %llu, the other's is %llu",
                            fields[i].name, batch, (unsigned long long)fields[i].a,
                            (unsigned long long)fields[i].b);
    return SPARSED_OK;
}

sparsed_status spd_pattern_same_shape(const sparsed_pattern *a, const sparsed_pattern *b,
                                      sparsed_message *message) {
    const sparsed_pattern_info *i = &a->info, *j = &b->info;
    const struct {
        const char *name;
        uint64_t a, b;
    } fields[] = {{"batch", i->batch, j->batch},       {"heads", i->heads, j->heads},
                  {"block_q", i->block_q, j->block_q}, {"block_k", i->block_k, j->block_k},
                  {"q_len", i->q_len, j->q_len},       {"kv_len", i->kv_len, j->kv_len},
                  {"q_start", i->q_start, j->q_start}};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
        if (fields[f].a != fields[f].b)
            return differ(fields[f].name, fields[f].a, fields[f].b, message);
    for (uint32_t batch = 0; batch < i->batch; batch++) {
        sparsed_status status = same_rows(batch, &a->extents[batch], &b->extents[batch], message);
        if (status != SPARSED_OK)
            return status;
    }
    return SPARSED_OK;
}
