/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Block scores of a pattern, and choosing anew from them. */
#include "alloc.h"
#include "error.h"
#include "half.h"
#include "pattern.h"
#include "select.h"
#include "size.h"

#include <string.h>

/* ---- one array ---------------------------------------------------------------------------- */

static void store_scores(void *to, uint32_t dtype, uint64_t first, const float *from,
                         uint64_t count) {
    if (dtype == SPARSED_F32) {
        memcpy((float *)to + first, from, count * sizeof *from);
        return;
    }
    uint16_t *half = (uint16_t *)to + first;
    for (uint64_t i = 0; i < count; i++)
        half[i] = spd_f16_from_float(from[i]);
}

static void load_scores(const void *from, uint32_t dtype, uint64_t first, float *to,
                        uint64_t count) {
    if (dtype == SPARSED_F32) {
        memcpy(to, (const float *)from + first, count * sizeof *to);
        return;
    }
    const uint16_t *half = (const uint16_t *)from + first;
    for (uint64_t i = 0; i < count; i++)
        to[i] = spd_float_from_f16(half[i]);
}

/* One row of the first ranking: [k_blocks]. */
static void load_row(const sparsed_pattern *p, uint64_t row, float *to) {
    load_scores(p->scores, p->info.score_dtype, row * p->info.k_blocks, to, p->info.k_blocks);
}

/* One row of the second ranking at its place among the key blocks; [k_blocks], 0 elsewhere. */
static void load_generation_row(const sparsed_pattern *p, uint32_t batch, uint64_t row, float *to) {
    const spd_extent *e = &p->extents[batch];
    memset(to, 0, p->info.k_blocks * sizeof *to);
    load_scores(p->generation_scores, p->info.score_dtype, row * p->generation_blocks,
                to + e->split, e->k_blocks - e->split);
}

/* ---- with and without scores -------------------------------------------------------------- */

static sparsed_status allocate_scores(sparsed_pattern *p, uint32_t dtype,
                                      sparsed_message *message) {
    const uint64_t rows = spd_pattern_row_count(&p->info), bytes = spd_score_bytes(dtype);
    const uint64_t count = rows * p->info.k_blocks;
    p->info.score_dtype = dtype;
    p->scores = spd_allocate(&p->allocator, count, bytes);
    if (spd_mode_is_upstream(p->info.mode))
        p->generation_scores = spd_allocate(&p->allocator, rows * p->generation_blocks, bytes);
    if (!p->scores || (spd_mode_is_upstream(p->info.mode) && !p->generation_scores))
        return spd_fail(message, SPARSED_E_NOMEM,
                        "no memory for the %llu block scores of a pattern",
                        (unsigned long long)count);
    return SPARSED_OK;
}

/* Copies the scores of each batch's own blocks; the others stay 0. */
static void fill_scores(sparsed_pattern *p, const float *scores) {
    const sparsed_pattern_info *info = &p->info;
    const uint64_t rows = spd_pattern_row_count(info), nk = info->k_blocks;
    for (uint64_t row = 0; row < rows; row++) {
        const spd_extent *e = &p->extents[row / info->q_blocks / info->heads];
        if (row % info->q_blocks >= e->q_blocks)
            continue;
        store_scores((void *)p->scores, info->score_dtype, row * nk, scores + row * nk,
                     e->k_blocks);
        if (p->generation_scores)
            store_scores((void *)p->generation_scores, info->score_dtype,
                         row * p->generation_blocks, scores + (rows + row) * nk + e->split,
                         e->k_blocks - e->split);
    }
}

static sparsed_status check_scores(const sparsed_pattern *p, uint32_t dtype,
                                   sparsed_message *message) {
    if (!spd_mode_is_scored(p->info.mode))
        return spd_fail(message, SPARSED_E_INVALID,
                        "the pattern's mode is %u, which ranks no blocks by scores", p->info.mode);
    if (dtype != SPARSED_F32 && dtype != SPARSED_F16)
        return spd_fail(message, SPARSED_E_INVALID, "dtype is %u, neither f32 nor f16", dtype);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_with_scores(const sparsed_pattern *pattern, const float *scores,
                                           uint32_t dtype, sparsed_pattern **result,
                                           sparsed_message *message) {
    sparsed_pattern *p = NULL;
    spd_message_clear(message);
    if (!result)
        return spd_fail(message, SPARSED_E_INVALID, "result is NULL");
    *result = NULL;
    if (!pattern)
        return spd_fail(message, SPARSED_E_INVALID, "pattern is NULL");
    sparsed_status status = scores ? check_scores(pattern, dtype, message) : SPARSED_OK;
    if (status == SPARSED_OK)
        status = spd_pattern_copy(pattern, &p, message);
    if (status == SPARSED_OK && scores)
        status = allocate_scores(p, dtype, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(p);
        return status;
    }
    if (scores)
        fill_scores(p, scores);
    *result = p;
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_scores(const sparsed_pattern *pattern, uint32_t ranking,
                                      uint32_t batch, uint32_t head, uint64_t q_block,
                                      float *scores) {
    if (!pattern || !scores || ranking > 1 || batch >= pattern->info.batch ||
        head >= pattern->info.heads || q_block >= pattern->info.q_blocks)
        return SPARSED_E_INVALID;
    if (!pattern->scores || (ranking == 1 && !pattern->generation_scores))
        return SPARSED_E_STATE;
    const uint64_t row =
        ((uint64_t)batch * pattern->info.heads + head) * pattern->info.q_blocks + q_block;
    if (ranking == 0)
        load_row(pattern, row, scores);
    else
        load_generation_row(pattern, batch, row, scores);
    return SPARSED_OK;
}

/* ---- other ratios ------------------------------------------------------------------------- */

static sparsed_status check_ratios(const sparsed_pattern *p, const double *ratios, uint32_t count,
                                   sparsed_message *message) {
    if (!ratios)
        return spd_fail(message, SPARSED_E_INVALID, "ratios is NULL");
    if (count != 1 && count != p->info.heads)
        return spd_fail(message, SPARSED_E_INVALID, "count is %u, neither 1 nor the heads, %u",
                        count, p->info.heads);
    for (uint32_t i = 0; i < count; i++)
        if (!(ratios[i] > 0.0 && ratios[i] <= 1.0))
            return spd_fail(message, SPARSED_E_INVALID, "ratios[%u] is %g, not in (0, 1]", i,
                            ratios[i]);
    if (!p->scores)
        return spd_fail(message, SPARSED_E_STATE,
                        "the pattern holds no block scores to choose anew from");
    return SPARSED_OK;
}

/* Whether heads differ in their ratio; their mean, or the one ratio of all. */
static bool find_ratio(const double *ratios, uint32_t count, double *ratio) {
    bool differ = false;
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        differ = differ || ratios[i] != ratios[0];
        sum += ratios[i];
    }
    *ratio = differ ? sum / count : ratios[0];
    return differ;
}

/* What spd_select_row reads of a problem. */
static spd_problem selection_of(const sparsed_pattern *p) {
    const sparsed_pattern_info *info = &p->info;
    return (spd_problem){.select = {.flags = info->flags,
                                    .mode = info->mode,
                                    .block_q = info->block_q,
                                    .block_k = info->block_k,
                                    .always_first = info->always_first},
                         .row_words = p->row_words};
}

/* Scratch of a selection: one row of both rankings, and the sort keys. */
typedef struct row_scratch {
    float *scores, *generation; /* [k_blocks] */
    uint64_t *keys;             /* [k_blocks] */
} row_scratch;

/* Chooses the rows of one batch's head with a ratio. */
static void select_head(const sparsed_pattern *from, uint32_t batch, uint32_t head, double ratio,
                        const row_scratch *scratch, sparsed_pattern *to) {
    const spd_problem problem = selection_of(from);
    spd_extent e = from->extents[batch];
    const uint64_t first = ((uint64_t)batch * from->info.heads + head) * from->info.q_blocks;
    spd_budgets(from->info.mode, ratio, e.k_blocks, e.split, &e.keep_prompt, &e.keep_generation);
    for (uint64_t i = 0; i < e.q_blocks; i++) {
        load_row(from, first + i, scratch->scores);
        if (from->generation_scores)
            load_generation_row(from, batch, first + i, scratch->generation);
        spd_select_row(&problem, &e, i, scratch->scores, scratch->generation, scratch->keys,
                       spd_pattern_own_bits(to) + (first + i) * to->row_words);
    }
}

/* The pattern's scores belong to it, or to the one that it has them from. */
static void lend_scores(const sparsed_pattern *from, sparsed_pattern *to) {
    sparsed_pattern *owner = from->lender ? from->lender : (sparsed_pattern *)from;
    to->lender = sparsed_pattern_retain(owner);
    to->scores = from->scores;
    to->generation_scores = from->generation_scores;
}

/* A pattern without kept blocks, with the ratios and the scores. */
static sparsed_status begin(const sparsed_pattern *from, const double *ratios, uint32_t count,
                            sparsed_pattern **result, sparsed_message *message) {
    sparsed_pattern_info info = from->info;
    const bool per_head = find_ratio(ratios, count, &info.ratio);
    info.pattern_flags &= ~(uint32_t)SPARSED_PATTERN_HEAD_RATIOS;
    sparsed_status status = spd_pattern_create_shared(&info, from->shared_extents, true,
                                                      &from->allocator, result, message);
    if (status == SPARSED_OK && per_head)
        status = spd_pattern_set_ratios(*result, ratios, message);
    if (status == SPARSED_OK)
        lend_scores(from, *result);
    return status;
}

sparsed_status sparsed_pattern_rethreshold(const sparsed_pattern *pattern, const double *ratios,
                                           uint32_t count, sparsed_pattern **result,
                                           sparsed_message *message) {
    row_scratch scratch = {0};
    sparsed_pattern *p = NULL;
    spd_message_clear(message);
    if (!result)
        return spd_fail(message, SPARSED_E_INVALID, "result is NULL");
    *result = NULL;
    if (!pattern)
        return spd_fail(message, SPARSED_E_INVALID, "pattern is NULL");
    sparsed_status status = check_ratios(pattern, ratios, count, message);
    if (status != SPARSED_OK)
        return status;
    const sparsed_pattern_info *info = &pattern->info;
    const sparsed_allocator *allocator = &pattern->allocator;
    scratch.scores = spd_allocate(allocator, info->k_blocks, sizeof *scratch.scores);
    scratch.generation = spd_allocate(allocator, info->k_blocks, sizeof *scratch.generation);
    scratch.keys = spd_allocate(allocator, info->k_blocks, sizeof *scratch.keys);
    if (!scratch.scores || !scratch.generation || !scratch.keys)
        status = spd_fail(message, SPARSED_E_NOMEM, "no memory for a pattern's rows");
    if (status == SPARSED_OK)
        status = begin(pattern, ratios, count, &p, message);
    if (status == SPARSED_OK) {
        for (uint32_t b = 0; b < info->batch; b++)
            for (uint32_t h = 0; h < info->heads; h++)
                select_head(pattern, b, h, count == 1 ? ratios[0] : ratios[h], &scratch, p);
        spd_pattern_count(p);
        *result = p;
        p = NULL;
    }
    sparsed_pattern_release(p);
    spd_release(allocator, scratch.scores);
    spd_release(allocator, scratch.generation);
    spd_release(allocator, scratch.keys);
    return status;
}
