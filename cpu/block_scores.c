/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The end of a build pass over one query block: masses to scores, scores to kept bits. */
#include "../src/select.h"
#include "kernel.h"

#include <math.h>
#include <string.h>

/* In lanes, so that no row waits for the one before it. A NaN stays, to rank last. */
static float sum_rows(const float *mass, const float *weight, uint32_t rows) {
    float lane[SPD_LANES] = {0.0f}, sum = 0.0f;
    uint32_t r = 0;
    for (; r + SPD_LANES <= rows; r += SPD_LANES)
        for (uint32_t i = 0; i < SPD_LANES; i++)
            lane[i] += mass[r + i] * weight[r + i];
    for (; r < rows; r++)
        lane[r % SPD_LANES] += mass[r] * weight[r];
    for (uint32_t i = 0; i < SPD_LANES; i++)
        sum += lane[i];
    return sum;
}

static float max_rows(const float *mass, const float *weight, uint32_t rows) {
    float most = 0.0f;
    for (uint32_t r = 0; r < rows; r++) {
        float share = mass[r] * weight[r];
        most = share > most || isnan(share) ? share : most;
    }
    return most;
}

void spd_reduce_scores(const spd_unit *unit, uint64_t first, uint64_t end, float *scores) {
    spd_cpu_scratch *scratch = unit->scratch;
    float (*reduce)(const float *, const float *, uint32_t) =
        unit->launch->problem->select.score_reduce == SPARSED_REDUCE_SUM ? sum_rows : max_rows;
    uint32_t tile = UINT32_MAX;
    for (uint64_t j = first; j < end; j++) {
        if (scratch->tile_of[j] != tile) {
            tile = scratch->tile_of[j];
            unit->kernel->level->loops->factors(scratch->mass_top + (uint64_t)tile * unit->stride,
                                                scratch->top, unit->stride, unit->score_scale_log2,
                                                scratch->factor);
            for (uint32_t r = 0; r < unit->rows; r++)
                scratch->factor[r] /= scratch->score_sum[r];
        }
        scores[j] = reduce(scratch->mass + j * unit->stride, scratch->factor, unit->rows);
    }
}

void spd_finish_scores(const spd_unit *unit) {
    const spd_launch *l = unit->launch;
    const spd_cpu_scratch *scratch = unit->scratch;
    const spd_problem *p = l->problem;
    uint64_t row = (unit->batch * p->desc.heads + unit->head) * p->q_blocks + unit->q_block;
    spd_select_row(p, unit->extent, unit->q_block, scratch->scores, scratch->scores_generation,
                   scratch->keys, (uint64_t *)l->kept + row * p->row_words);
    if (!l->scores.mem)
        return;
    const spd_extent *e = unit->extent;
    char *out = (char *)l->scores.mem + l->scores.offset_bytes;
    memcpy(out + row * p->k_blocks * sizeof(float), scratch->scores, e->k_blocks * sizeof(float));
    if (!spd_mode_is_upstream(p->select.mode))
        return;
    uint64_t second = (uint64_t)p->desc.batch * p->desc.heads * p->q_blocks + row;
    memcpy(out + (second * p->k_blocks + e->split) * sizeof(float),
           scratch->scores_generation + e->split, (e->k_blocks - e->split) * sizeof(float));
}
