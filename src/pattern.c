/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Host patterns: creation, reference count, masks, density. */
#include "pattern.h"

#include "alloc.h"
#include "error.h"
#include "select.h"
#include "size.h"

#include <string.h>

uint64_t spd_pattern_words(const sparsed_pattern_info *info) {
    return (uint64_t)info->batch * info->heads * info->q_blocks * spd_ceil_div(info->k_blocks, 64);
}

sparsed_status spd_pattern_create(const sparsed_pattern_info *info,
                                  const sparsed_allocator *allocator, sparsed_pattern **pattern,
                                  sparsed_message *message) {
    sparsed_pattern *p = spd_allocate(allocator, 1, sizeof *p);
    *pattern = NULL;
    if (!p)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern");
    atomic_init(&p->references, 1);
    p->allocator = *allocator;
    p->info = *info;
    p->info.struct_size = sizeof p->info;
    p->info.q_blocks = spd_ceil_div(info->q_len, info->block_q);
    p->info.k_blocks = spd_ceil_div(info->kv_len, info->block_k);
    p->row_words = spd_ceil_div(p->info.k_blocks, 64);
    p->rows = spd_allocate(allocator, info->batch, sizeof *p->rows);
    p->bits = spd_allocate(allocator, spd_pattern_words(&p->info), sizeof *p->bits);
    if (!p->rows || !p->bits) {
        unsigned long long bytes = spd_pattern_words(&p->info) * 8;
        sparsed_pattern_release(p);
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern of %llu bytes", bytes);
    }
    *pattern = p;
    return SPARSED_OK;
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
    spd_release(&allocator, pattern->rows);
    spd_release(&allocator, pattern->bits);
    spd_release(&allocator, pattern);
}

static uint64_t total_rows(const sparsed_pattern *p) {
    return (uint64_t)p->info.batch * p->info.heads * p->info.q_blocks;
}

void spd_pattern_count(sparsed_pattern *pattern) {
    uint64_t words = total_rows(pattern) * pattern->row_words, kept = 0;
    for (uint64_t i = 0; i < words; i++)
        for (uint64_t word = pattern->bits[i]; word; word &= word - 1)
            kept++;
    pattern->info.kept_blocks = kept;
}

/* The dimensions of a caller's info, checked as a plan would check them. */
static sparsed_status check_info(const sparsed_pattern_info *info, sparsed_message *message) {
    if (info->mode > SPARSED_MODE_JOINT)
        return spd_fail(message, SPARSED_E_INVALID,
                        "info.mode is %u: not a mode whose pattern is a mask", info->mode);
    if (info->kv_len == 0 || info->q_len == 0)
        return spd_fail(message, SPARSED_E_INVALID, "info.q_len is %llu and info.kv_len %llu",
                        (unsigned long long)info->q_len, (unsigned long long)info->kv_len);
    sparsed_desc desc = {.struct_size = sizeof desc,
                         .dtype = SPARSED_F32,
                         .batch = info->batch,
                         .heads = info->heads,
                         .kv_heads = info->heads,
                         .head_dim = 8,
                         .q_len = info->q_len,
                         .kv_len = info->kv_len};
    sparsed_select select = {.struct_size = sizeof select,
                             .mode = SPARSED_MODE_JOINT,
                             .block_q = info->block_q,
                             .block_k = info->block_k,
                             .ratio = 1.0};
    spd_problem problem;
    sparsed_message why = {""};
    sparsed_status status = spd_problem_create(&desc, &select, &problem, &why);
    return status == SPARSED_OK ? status : spd_fail(message, status, "info: %.480s", why.text);
}

sparsed_status sparsed_pattern_from_mask(const sparsed_pattern_info *info, const uint8_t *mask,
                                         const sparsed_allocator *allocator,
                                         sparsed_pattern **pattern, sparsed_message *message) {
    sparsed_pattern_info known;
    spd_message_clear(message);
    if (!pattern)
        return spd_fail(message, SPARSED_E_INVALID, "pattern is NULL");
    *pattern = NULL;
    if (!mask)
        return spd_fail(message, SPARSED_E_INVALID, "mask is NULL");
    if (allocator && (!allocator->allocate || !allocator->release))
        return spd_fail(message, SPARSED_E_INVALID, "allocator has a NULL function");
    sparsed_status status = spd_copy_struct(&known, sizeof known, info, "info", message);
    if (status == SPARSED_OK)
        status = check_info(&known, message);
    if (status != SPARSED_OK)
        return status;
    sparsed_allocator libc = spd_default_allocator();
    sparsed_pattern *p = NULL;
    status = spd_pattern_create(&known, allocator ? allocator : &libc, &p, message);
    if (!p)
        return status;
    for (uint64_t r = 0; r < total_rows(p); r++)
        for (uint64_t j = 0; j < p->info.k_blocks; j++)
            if (mask[r * p->info.k_blocks + j])
                spd_bit_set(p->bits + r * p->row_words, j);
    for (uint32_t b = 0; b < known.batch; b++)
        p->rows[b] = (spd_pattern_rows){known.q_len, known.kv_len - known.q_len, known.kv_len};
    spd_pattern_count(p);
    *pattern = p;
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_describe(const sparsed_pattern *pattern,
                                        sparsed_pattern_info *info) {
    if (!pattern)
        return SPARSED_E_INVALID;
    return spd_copy_struct_out(info, &pattern->info, sizeof pattern->info, "info", NULL);
}

sparsed_status sparsed_pattern_to_mask(const sparsed_pattern *pattern, uint8_t *mask) {
    if (!pattern || !mask)
        return SPARSED_E_INVALID;
    for (uint64_t r = 0; r < total_rows(pattern); r++)
        for (uint64_t j = 0; j < pattern->info.k_blocks; j++)
            *mask++ = spd_bit_get(pattern->bits + r * pattern->row_words, j);
    return SPARSED_OK;
}

/* Pairs that one batch's head keeps: exact window, or kept blocks times their valid rows and keys.
 */
static double fixed_pairs(const sparsed_pattern *p, const spd_pattern_rows *rows) {
    double pairs = 0.0;
    uint64_t sinks =
        p->info.mode == SPARSED_MODE_STREAMING ? spd_min(p->info.sinks, rows->keys) : 0;
    for (uint64_t r = 0; r < rows->queries; r++) {
        uint64_t first, end;
        spd_window_of(rows->query_position + r, p->info.window, rows->keys, &first, &end);
        uint64_t outside = spd_min(sinks, first) + (sinks > end ? sinks - end : 0);
        pairs += (double)(end - first + outside);
    }
    return pairs;
}

static double block_pairs(const sparsed_pattern *p, const spd_pattern_rows *rows,
                          const uint64_t *bits) {
    double pairs = 0.0;
    uint64_t bq = p->info.block_q, bk = p->info.block_k;
    for (uint64_t i = 0; i * bq < rows->queries; i++) {
        uint64_t keys = 0;
        for (uint64_t j = 0; j * bk < rows->keys; j++)
            if (spd_bit_get(bits + i * p->row_words, j))
                keys += spd_min(bk, rows->keys - j * bk);
        pairs += (double)keys * (double)spd_min(bq, rows->queries - i * bq);
    }
    return pairs;
}

double sparsed_pattern_density(const sparsed_pattern *pattern, uint32_t head) {
    if (!pattern || (head != UINT32_MAX && head >= pattern->info.heads))
        return 0.0;
    const sparsed_pattern_info *info = &pattern->info;
    double kept = 0.0, total = 0.0;
    for (uint32_t b = 0; b < info->batch; b++) {
        const spd_pattern_rows *rows = &pattern->rows[b];
        for (uint32_t h = 0; h < info->heads; h++) {
            if (head != UINT32_MAX && head != h)
                continue;
            const uint64_t *bits = pattern->bits + ((uint64_t)b * info->heads + h) *
                                                       info->q_blocks * pattern->row_words;
            kept += spd_mode_is_scored(info->mode) || info->mode == 0
                        ? block_pairs(pattern, rows, bits)
                        : fixed_pairs(pattern, rows);
            total += (double)rows->queries * (double)rows->keys;
        }
    }
    return total > 0.0 ? kept / total : 0.0;
}
