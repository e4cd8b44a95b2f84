/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See walk.h. */
#include "walk.h"

#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

/* Larger patterns are not chosen anew: it costs a sort of each row. */
enum { RETHRESHOLD_SCORES = 4096 };

static sparsed_pattern_info describe(const sparsed_pattern *pattern) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    fuzz_require(sparsed_pattern_describe(pattern, &info) == SPARSED_OK, "a pattern has an info");
    return info;
}

static sparsed_pattern_range range_of(const sparsed_pattern *pattern, uint32_t batch) {
    sparsed_pattern_range range = {.struct_size = sizeof range};
    fuzz_require(sparsed_pattern_batch(pattern, batch, &range) == SPARSED_OK,
                 "a batch has a range");
    return range;
}

/* Kept blocks of a row; blocks has room for k_blocks. */
static uint64_t walk_row(const sparsed_pattern *pattern, uint32_t batch, uint32_t head,
                         uint64_t q_block, const sparsed_pattern_range *range, uint32_t *blocks) {
    uint64_t count = 0;
    fuzz_require(sparsed_pattern_row(pattern, batch, head, q_block, blocks, &count) == SPARSED_OK,
                 "a row can be read");
    fuzz_require(count <= range->k_blocks, "a row keeps no more blocks than there are");
    fuzz_require(count == 0 || q_block < range->q_blocks, "a row past the batch's own keeps none");
    for (uint64_t i = 0; i < count; i++)
        fuzz_require(blocks[i] < range->k_blocks && (i == 0 || blocks[i - 1] < blocks[i]),
                     "a row's blocks rise within the batch's own");
    return count;
}

static uint64_t walk_rows(const sparsed_pattern *pattern, const sparsed_pattern_info *info,
                          uint32_t head) {
    uint32_t *blocks = calloc(info->k_blocks, sizeof *blocks);
    uint64_t count = 0;
    fuzz_require(blocks != NULL, "memory is enough");
    for (uint32_t batch = 0; batch < info->batch; batch++) {
        const sparsed_pattern_range range = range_of(pattern, batch);
        for (uint64_t q = 0; q < info->q_blocks; q++)
            count += walk_row(pattern, batch, head, q, &range, blocks);
    }
    free(blocks);
    return count;
}

static void walk_scores(const sparsed_pattern *pattern, const sparsed_pattern_info *info) {
    const bool upstream =
        info->mode == SPARSED_MODE_UPSTREAM_DREAM || info->mode == SPARSED_MODE_UPSTREAM_LLADA;
    float *scores = calloc(info->k_blocks, sizeof *scores);
    fuzz_require(scores != NULL, "memory is enough");
    for (uint32_t ranking = 0; ranking < 2; ranking++) {
        const bool there = info->score_dtype != 0 && (ranking == 0 || upstream);
        for (uint32_t batch = 0; batch < info->batch; batch++)
            for (uint32_t head = 0; head < info->heads; head++)
                for (uint64_t q = 0; q < info->q_blocks; q++)
                    fuzz_require((sparsed_pattern_scores(pattern, ranking, batch, head, q,
                                                         scores) == SPARSED_OK) == there,
                                 "scores are there if the info says so");
    }
    free(scores);
}

/* With ratio 1 every row that has a query keeps all of its batch's blocks. */
static void walk_rethreshold(const sparsed_pattern *pattern, const sparsed_pattern_info *info) {
    const uint64_t scores = (uint64_t)info->batch * info->heads * info->q_blocks * info->k_blocks;
    if (info->score_dtype == 0 || scores > RETHRESHOLD_SCORES)
        return;
    const double ratios[2] = {1.0, 0.25};
    uint64_t all = 0, counts[2];
    for (uint32_t batch = 0; batch < info->batch; batch++) {
        const sparsed_pattern_range range = range_of(pattern, batch);
        all += range.q_blocks * range.k_blocks * info->heads;
    }
    for (int i = 0; i < 2; i++) {
        sparsed_pattern *result;
        fuzz_require(sparsed_pattern_rethreshold(pattern, &ratios[i], 1, &result, NULL) ==
                         SPARSED_OK,
                     "a pattern with scores can be chosen anew");
        counts[i] = sparsed_pattern_count(result, UINT32_MAX);
        sparsed_pattern_release(result);
    }
    fuzz_require(counts[0] == all, "ratio 1 keeps everything");
    fuzz_require(counts[1] <= all, "a smaller ratio keeps no more");
}

static void walk_with_itself(const sparsed_pattern *pattern, const sparsed_pattern_info *info) {
    double jaccard = 0.0;
    fuzz_require(sparsed_pattern_jaccard(pattern, pattern, UINT32_MAX, &jaccard, NULL) ==
                         SPARSED_OK &&
                     jaccard == 1.0,
                 "a pattern is like itself");
    const bool fixed = info->mode == SPARSED_MODE_WINDOW || info->mode == SPARSED_MODE_STREAMING;
    sparsed_pattern *both;
    sparsed_status status = sparsed_pattern_intersection(pattern, pattern, &both, NULL);
    fuzz_require((status == SPARSED_OK) == !fixed, "patterns but fixed ones intersect");
    if (status == SPARSED_OK)
        fuzz_require(sparsed_pattern_count(both, UINT32_MAX) == info->kept_blocks,
                     "a pattern's intersection with itself is itself");
    sparsed_pattern_release(both);
}

static void walk_pattern(const sparsed_pattern *pattern, const sparsed_pattern_entry *entry) {
    const sparsed_pattern_info info = describe(pattern);
    fuzz_require(info.step == entry->step && info.kept_blocks == entry->kept_blocks &&
                     info.score_dtype == entry->score_dtype && info.ratio == entry->ratio,
                 "a pattern is what its entry says");
    uint64_t kept = 0;
    for (uint32_t head = 0; head < info.heads; head++) {
        const uint64_t count = walk_rows(pattern, &info, head);
        fuzz_require(count == sparsed_pattern_count(pattern, head), "a head's count is its rows'");
        const double density = sparsed_pattern_density(pattern, head);
        fuzz_require(density >= 0.0 && density <= 1.0, "a head's density is a share");
        kept += count;
    }
    fuzz_require(kept == info.kept_blocks, "the kept blocks are the rows'");
    walk_scores(pattern, &info);
    walk_rethreshold(pattern, &info);
    walk_with_itself(pattern, &info);
}

static sparsed_status walk_entry(const sparsed_pattern_set *set, uint32_t index,
                                 sparsed_message *message) {
    sparsed_pattern_entry entry = {.struct_size = sizeof entry};
    uint32_t found = UINT32_MAX;
    fuzz_require(sparsed_pattern_set_entry(set, index, &entry) == SPARSED_OK,
                 "each pattern has an entry");
    fuzz_require(sparsed_pattern_set_find(set, entry.step, entry.layer, &found, NULL) ==
                         SPARSED_OK &&
                     found == index,
                 "each entry is found");
    sparsed_pattern *pattern;
    sparsed_status status = sparsed_pattern_set_get(set, index, &pattern, message);
    if (status == SPARSED_OK)
        walk_pattern(pattern, &entry);
    else
        fuzz_require(pattern == NULL, "no pattern where getting it failed");
    sparsed_pattern_release(pattern);
    return status;
}

sparsed_status walk_set(const sparsed_pattern_set *set, sparsed_message *message) {
    sparsed_pattern_set_info info = {.struct_size = sizeof info};
    sparsed_pattern_info shared = {.struct_size = sizeof shared};
    fuzz_require(sparsed_pattern_set_describe(set, &info, &shared) == SPARSED_OK,
                 "a set has an info");
    fuzz_require(strlen(info.schedule) <= 4095 && strlen(info.creator) <= 4095 &&
                     strlen(info.tag) <= 4095,
                 "texts end");
    sparsed_status status = SPARSED_OK;
    for (uint32_t i = 0; i < info.patterns && status == SPARSED_OK; i++)
        status = walk_entry(set, i, message);
    return status;
}
