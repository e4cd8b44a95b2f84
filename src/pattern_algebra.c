/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Two patterns of one shape: union, intersection, Jaccard index. */
#include "error.h"
#include "pattern.h"

#include <string.h>

static sparsed_status check_pair(const sparsed_pattern *a, const sparsed_pattern *b,
                                 sparsed_message *message) {
    if (!a || !b)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", a ? "b" : "a");
    return spd_pattern_same_shape(a, b, message);
}

static uint32_t common32(uint32_t a, uint32_t b) {
    return a == b ? a : 0;
}

static uint64_t common64(uint64_t a, uint64_t b) {
    return a == b ? a : 0;
}

static bool same_ratios(const sparsed_pattern *a, const sparsed_pattern *b) {
    if (!a->ratios || !b->ratios)
        return a->ratios == b->ratios && a->info.ratio == b->info.ratio;
    return memcmp(a->ratios, b->ratios, a->info.heads * sizeof *a->ratios) == 0;
}

/* What both say of their origin, else 0. A mode that ranks has a ratio: without a common one it is
 * not known. */
static sparsed_pattern_info common_info(const sparsed_pattern *a, const sparsed_pattern *b) {
    const sparsed_pattern_info *i = &a->info, *j = &b->info;
    const bool one_ratio = same_ratios(a, b);
    sparsed_pattern_info info = *i;
    info.mode = one_ratio ? common32(i->mode, j->mode) : 0;
    info.ratio = one_ratio ? i->ratio : 0.0;
    info.flags = common32(i->flags, j->flags);
    info.score_reduce = common32(i->score_reduce, j->score_reduce);
    info.always_first = common32(i->always_first, j->always_first);
    info.step = common32(i->step, j->step);
    info.gen_len = common64(i->gen_len, j->gen_len);
    info.score_scale = i->score_scale == j->score_scale ? i->score_scale : 0.0;
    info.kv_heads = common32(i->kv_heads, j->kv_heads);
    info.head_dim = common32(i->head_dim, j->head_dim);
    info.score_heads = common32(i->score_heads, j->score_heads);
    info.dtype = common32(i->dtype, j->dtype);
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    info.score_dtype = 0;
    return info;
}

/* A pattern without kept blocks that says what both say. */
static sparsed_status begin(const sparsed_pattern *a, const sparsed_pattern *b,
                            sparsed_pattern **result, sparsed_message *message) {
    spd_message_clear(message);
    if (!result)
        return spd_fail(message, SPARSED_E_INVALID, "result is NULL");
    *result = NULL;
    sparsed_status status = check_pair(a, b, message);
    if (status != SPARSED_OK)
        return status;
    if (spd_mode_is_fixed(a->info.mode) || spd_mode_is_fixed(b->info.mode))
        return spd_fail(message, SPARSED_E_INVALID,
                        "the modes are %u and %u: the blocks of a fixed mode are no mask",
                        a->info.mode, b->info.mode);
    const sparsed_pattern_info info = common_info(a, b);
    status = spd_pattern_create(&info, a->extents, true, &a->allocator, result, message);
    if (status == SPARSED_OK && a->ratios && same_ratios(a, b))
        status = spd_pattern_set_ratios(*result, a->ratios, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(*result);
        *result = NULL;
    }
    return status;
}

sparsed_status sparsed_pattern_union(const sparsed_pattern *a, const sparsed_pattern *b,
                                     sparsed_pattern **result, sparsed_message *message) {
    sparsed_status status = begin(a, b, result, message);
    if (status != SPARSED_OK)
        return status;
    uint64_t *bits = spd_pattern_own_bits(*result);
    const uint64_t words = spd_pattern_words(&a->info);
    for (uint64_t i = 0; i < words; i++)
        bits[i] = a->bits[i] | b->bits[i];
    spd_pattern_count(*result);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_intersection(const sparsed_pattern *a, const sparsed_pattern *b,
                                            sparsed_pattern **result, sparsed_message *message) {
    sparsed_status status = begin(a, b, result, message);
    if (status != SPARSED_OK)
        return status;
    uint64_t *bits = spd_pattern_own_bits(*result);
    const uint64_t words = spd_pattern_words(&a->info);
    for (uint64_t i = 0; i < words; i++)
        bits[i] = a->bits[i] & b->bits[i];
    spd_pattern_count(*result);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_jaccard(const sparsed_pattern *a, const sparsed_pattern *b,
                                       uint32_t head, double *jaccard, sparsed_message *message) {
    spd_message_clear(message);
    if (!jaccard)
        return spd_fail(message, SPARSED_E_INVALID, "jaccard is NULL");
    *jaccard = 0.0;
    sparsed_status status = check_pair(a, b, message);
    if (status != SPARSED_OK)
        return status;
    const sparsed_pattern_info *info = &a->info;
    if (head != UINT32_MAX && head >= info->heads)
        return spd_fail(message, SPARSED_E_INVALID, "head is %u of %u", head, info->heads);
    const uint64_t head_words = info->q_blocks * a->row_words;
    uint64_t both = 0, either = 0;
    for (uint64_t i = 0; i < (uint64_t)info->batch * info->heads; i++) {
        if (head != UINT32_MAX && i % info->heads != head)
            continue;
        for (uint64_t w = i * head_words; w < (i + 1) * head_words; w++) {
            both += spd_popcount(a->bits[w] & b->bits[w]);
            either += spd_popcount(a->bits[w] | b->bits[w]);
        }
    }
    *jaccard = either > 0 ? (double)both / (double)either : 1.0;
    return SPARSED_OK;
}
