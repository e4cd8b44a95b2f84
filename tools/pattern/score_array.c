/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Block scores as one array; see score_array.h. */
#include "pattern/score_array.h"

#include <stdlib.h>

#include "../src/size.h"
#include "pattern/load.h"
#include "room.h"

uint32_t score_array_rankings(const sparsed_pattern_info *info) {
    return info->mode == SPARSED_MODE_UPSTREAM_DREAM || info->mode == SPARSED_MODE_UPSTREAM_LLADA
               ? 2
               : 1;
}

/* Reads every row of one ranking to [B,H,nq,nk]. */
static bool read_ranking(const sparsed_pattern *pattern, const sparsed_pattern_info *info,
                         uint32_t ranking, float *to, tool_error *error) {
    const sparsed_message none = {""};
    for (uint32_t batch = 0; batch < info->batch; batch++)
        for (uint32_t head = 0; head < info->heads; head++)
            for (uint64_t i = 0; i < info->q_blocks; i++, to += info->k_blocks)
                if (!pattern_check(sparsed_pattern_scores(pattern, ranking, batch, head, i, to),
                                   &none, error))
                    return false;
    return true;
}

float *score_array_read(const sparsed_pattern *pattern, tool_error *error) {
    sparsed_pattern_info info = {.struct_size = sizeof info};
    sparsed_pattern_describe(pattern, &info);
    uint64_t count = (uint64_t)info.batch * info.heads, all = 0;
    const uint32_t rankings = score_array_rankings(&info);
    bool fits = spd_mul(count, info.q_blocks, &count) && spd_mul(count, info.k_blocks, &count) &&
                spd_mul(count, rankings, &all);
    float *scores = fits ? room_for(all, sizeof *scores) : NULL;
    if (!scores) {
        tool_fail(error, "out of memory for the scores of %u x %u x %llu x %llu blocks", info.batch,
                  info.heads, (unsigned long long)info.q_blocks, (unsigned long long)info.k_blocks);
        return NULL;
    }
    for (uint32_t r = 0; r < rankings; r++)
        if (!read_ranking(pattern, &info, r, scores + r * count, error)) {
            free(scores);
            return NULL;
        }
    return scores;
}

sparsed_pattern *score_array_retype(const sparsed_pattern *pattern, uint32_t dtype,
                                    tool_error *error) {
    sparsed_pattern *result = NULL;
    sparsed_message message = {""};
    float *scores = dtype ? score_array_read(pattern, error) : NULL;
    if (dtype && !scores)
        return NULL;
    pattern_check(sparsed_pattern_with_scores(pattern, scores, dtype, &result, &message), &message,
                  error);
    free(scores);
    return result;
}
