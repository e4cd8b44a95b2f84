/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The arguments of every kernel launch, laid out as spd_args in cl/kernels/common.clh, which explains
 * the fields: 64-bit words first, then 32-bit ones, no gaps.
 */
#ifndef SPD_CL_LAUNCH_ARGS_H
#define SPD_CL_LAUNCH_ARGS_H

#include <stdint.h>

typedef struct spd_cl_args {
    uint64_t q_offset, k_offset, v_offset, out_offset, lse_offset;
    uint64_t q_head, q_row, k_head, k_row, v_head, v_row, out_head, out_row, lse_head;
    uint64_t queries, keys;
    uint64_t query_position;
    uint64_t generation_position;
    uint64_t window, sinks;
    uint64_t bits_offset, bits_head;
    uint64_t clear_rows, clear_start, clear_offset, clear_lse_offset;
    uint64_t part_row, part_units;
    uint32_t heads_per_kv;
    uint32_t block_q, block_k, k_blocks, row_words;
    uint32_t split;
    uint32_t first_head, heads;
    uint32_t first_row, rows;
    uint32_t keep_prompt, keep_generation;
    uint32_t rank_end;
    uint32_t rank_generation;
    uint32_t upstream;
    uint32_t score_max;
    uint32_t select_flags, always_first;
    uint32_t whole_units, unit_shares;
    float scale, score_scale;
    float lse_scale, lse_scale_low;
} spd_cl_args;

_Static_assert(sizeof(spd_cl_args) == 28 * 8 + 24 * 4, "spd_cl_args has gaps");

/* Keys of a tile of the specialised families, and counters of shared units: NV_KEYS and NV_COUNTERS of
 * nv.clh; counters that a unit takes, SCORERS of nv_wgmma.clh at most. */
enum { SPD_CL_TILE_KEYS = 128, SPD_CL_COUNTERS = 768, SPD_CL_UNIT_COUNTERS = 3 };

/* SPD_FLAG_* of common.clh. */
enum {
    SPD_CL_ATTEND = 1,
    SPD_CL_LSE = 2,
    SPD_CL_BUILD = 4,
    SPD_CL_SPARSE = 8,
    SPD_CL_FIXED = 16,
    SPD_CL_SECOND = 32,
    SPD_CL_MAPPED = 64
};

/* A scale of products q.k, times log2(e), as the kernels take it. */
static inline float spd_cl_scale(double scale) {
    return (float)(scale * 1.4426950408889634);
}

#endif
