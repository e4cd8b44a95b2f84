/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* What a pattern keeps: masks, rows, counts, density, and whether its bits lie where they may. */
#include "pattern.h"
#include "select.h"
#include "size.h"

#include <string.h>

static uint64_t count_words(const uint64_t *words, uint64_t n) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < n; i++)
        count += spd_popcount(words[i]);
    return count;
}

/* The bit rows of one batch's head. */
static const uint64_t *head_bits(const sparsed_pattern *p, uint64_t batch, uint64_t head) {
    return p->bits + (batch * p->info.heads + head) * p->info.q_blocks * p->row_words;
}

void spd_pattern_count(sparsed_pattern *pattern) {
    pattern->info.kept_blocks = count_words(pattern->bits, spd_pattern_words(&pattern->info));
}

/* Whether a row has no bit at k_blocks or beyond. */
static bool row_ends_at(const uint64_t *row, uint64_t row_words, uint64_t k_blocks) {
    uint64_t word = k_blocks / 64;
    if (k_blocks % 64 != 0 && row[word++] >> (k_blocks % 64) != 0)
        return false;
    for (; word < row_words; word++)
        if (row[word] != 0)
            return false;
    return true;
}

bool spd_pattern_bits_fit(const sparsed_pattern *pattern) {
    const sparsed_pattern_info *info = &pattern->info;
    for (uint32_t b = 0; b < info->batch; b++) {
        const spd_extent *e = &pattern->extents[b];
        for (uint32_t h = 0; h < info->heads; h++) {
            const uint64_t *bits = head_bits(pattern, b, h);
            for (uint64_t i = 0; i < info->q_blocks; i++)
                if (!row_ends_at(bits + i * pattern->row_words, pattern->row_words,
                                 i < e->q_blocks ? e->k_blocks : 0))
                    return false;
        }
    }
    return true;
}

sparsed_status sparsed_pattern_to_mask(const sparsed_pattern *pattern, uint8_t *mask) {
    if (!pattern || !mask)
        return SPARSED_E_INVALID;
    const uint64_t rows = spd_pattern_row_count(&pattern->info);
    for (uint64_t r = 0; r < rows; r++)
        for (uint64_t j = 0; j < pattern->info.k_blocks; j++)
            *mask++ = spd_bit_get(pattern->bits + r * pattern->row_words, j);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_row(const sparsed_pattern *pattern, uint32_t batch, uint32_t head,
                                   uint64_t q_block, uint32_t *blocks, uint64_t *count) {
    if (!pattern || batch >= pattern->info.batch || head >= pattern->info.heads ||
        q_block >= pattern->info.q_blocks)
        return SPARSED_E_INVALID;
    const uint64_t *row = head_bits(pattern, batch, head) + q_block * pattern->row_words;
    if (count)
        *count = count_words(row, pattern->row_words);
    for (uint64_t w = 0; w < pattern->row_words && blocks; w++)
        for (uint64_t word = row[w]; word != 0; word &= word - 1)
            *blocks++ = (uint32_t)(w * 64 + spd_popcount((word & (~word + 1)) - 1));
    return SPARSED_OK;
}

uint64_t sparsed_pattern_count(const sparsed_pattern *pattern, uint32_t head) {
    if (!pattern || (head != UINT32_MAX && head >= pattern->info.heads))
        return 0;
    if (head == UINT32_MAX)
        return pattern->info.kept_blocks;
    uint64_t count = 0;
    for (uint32_t b = 0; b < pattern->info.batch; b++)
        count +=
            count_words(head_bits(pattern, b, head), pattern->info.q_blocks * pattern->row_words);
    return count;
}

/* ---- density ------------------------------------------------------------------------------ */

/* Pairs of a fixed mode's exact window, one head's. */
static double fixed_pairs(const sparsed_pattern_info *info, const spd_extent *e) {
    double pairs = 0.0;
    uint64_t sinks = info->mode == SPARSED_MODE_STREAMING ? spd_min(info->sinks, e->keys) : 0;
    for (uint64_t r = 0; r < e->queries; r++) {
        uint64_t first, end;
        spd_window_of(e->query_position + r, info->window, e->keys, &first, &end);
        uint64_t outside = spd_min(sinks, first) + (sinks > end ? sinks - end : 0);
        pairs += (double)(end - first + outside);
    }
    return pairs;
}

/* Pairs of kept blocks, one head's: whole blocks but for the last key block and query block. */
static double block_pairs(const sparsed_pattern *p, const spd_extent *e, const uint64_t *bits) {
    const uint64_t bq = p->info.block_q, bk = p->info.block_k;
    const uint64_t missing = e->k_blocks * bk - e->keys; /* keys that the last block lacks */
    double pairs = 0.0;
    for (uint64_t i = 0; i < e->q_blocks && e->k_blocks > 0; i++) {
        const uint64_t *row = bits + i * p->row_words;
        uint64_t keys = count_words(row, p->row_words) * bk;
        if (spd_bit_get(row, e->k_blocks - 1))
            keys -= missing;
        pairs += (double)keys * (double)spd_min(bq, e->queries - i * bq);
    }
    return pairs;
}

double sparsed_pattern_density(const sparsed_pattern *pattern, uint32_t head) {
    if (!pattern || (head != UINT32_MAX && head >= pattern->info.heads))
        return 0.0;
    const sparsed_pattern_info *info = &pattern->info;
    const uint32_t first = head == UINT32_MAX ? 0 : head;
    const uint32_t end = head == UINT32_MAX ? info->heads : head + 1;
    double kept = 0.0, total = 0.0;
    for (uint32_t b = 0; b < info->batch; b++) {
        const spd_extent *e = &pattern->extents[b];
        if (spd_mode_is_fixed(info->mode))
            kept += fixed_pairs(info, e) * (double)(end - first);
        else
            for (uint32_t h = first; h < end; h++)
                kept += block_pairs(pattern, e, head_bits(pattern, b, h));
        total += (double)e->queries * (double)e->keys * (double)(end - first);
    }
    return total > 0.0 ? kept / total : 0.0;
}

double sparsed_pattern_ratio(const sparsed_pattern *pattern, uint32_t head) {
    if (!pattern || head >= pattern->info.heads)
        return 0.0;
    return pattern->ratios ? pattern->ratios[head] : pattern->info.ratio;
}
