/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of the CPU backend: what a plan prepares, one thread's scratch, and a unit of work.
 */
#ifndef SPD_CPU_KERNEL_H
#define SPD_CPU_KERNEL_H

#include "../src/backend.h"
#include "level.h"
#include "storage.h"

enum { SPD_SLACK_LOG2 = 8 }; /* of weights above 1 */

typedef struct spd_cpu_state {
    sparsed_allocator allocator;
    uint32_t threads;
} spd_cpu_state;

/* One thread's scratch. rows: of the largest unit, the level's unit_rows at most, rounded up to
 * SPD_LANES. */
typedef struct spd_cpu_scratch {
    uint32_t *q_t;          /* a strip of rows after the other, each as level.h says */
    float *o_t;             /* the same: [head_dim][its rows] */
    float *s_t;             /* [tile_keys][SPD_STRIP_ROWS] of the strip at hand */
    uint32_t *p_t;          /* its weights; s_t where a level multiplies floats ... */
    float *sums;            /* [SPD_TILE_RUNS][SPD_STRIP_ROWS] ... and their sums */
    float *k_tile, *v_tile; /* [tile_keys][head_dim], widened; floats alone */
    float *rows;            /* [SPD_STRIP_ROWS][head_dim] rows of q or out */
    float *top, *old_top;   /* [rows] running maximum of raw products, or a little less; before */
    float *tile_top;        /* [rows] with those of the tile */
    float *sum, *score_sum; /* [rows] running sums of exponentials, at the two scales */
    float *factor;          /* [rows] */
    uint32_t *blocks;       /* key blocks in the order of the visit */
    /* Build passes only: */
    float *mass;                       /* [k_blocks][rows] a block's sum of exponentials ... */
    float *mass_top;                   /* [tiles][rows] ... under this maximum */
    uint32_t *tile_of;                 /* [k_blocks] tile in which a block was visited */
    float *scores, *scores_generation; /* [k_blocks] */
    uint64_t *keys;                    /* [k_blocks] */
} spd_cpu_scratch;

typedef struct spd_cpu_kernel {
    const spd_cpu_state *state;
    const spd_level *level;
    spd_cpu_scratch *scratch;         /* [threads] */
    void *memory;                     /* of all scratch */
    uint16_t *v_groups;               /* pairs: v of a launch in groups (groups.h); else NULL */
    uint64_t head_groups;             /* of a key head */
    uint32_t group_keys, group_pairs; /* of spd_tile */
    float *parts;                     /* parts.h; NULL where no run of the plan splits its keys */
    uint64_t part_floats;             /* of one part */
} spd_cpu_kernel;

/* Rows of one query block (or, where blocks play no part, of a head) and how their keys are
 * visited. */
typedef struct spd_unit {
    const spd_cpu_kernel *kernel;
    const spd_launch *launch;
    const spd_extent *extent;
    spd_cpu_scratch *scratch;
    uint64_t batch, head;
    uint64_t first_row;    /* the valid query row where it begins */
    uint64_t q_block;      /* the query block it lies in; 0 without a selection */
    uint32_t rows, stride; /* its rows; rounded up to SPD_LANES */
    uint32_t block_keys;   /* keys of an entry of scratch->blocks */
    float scale_log2, score_scale_log2;
    float slack; /* how far a raw product may lie above the running maximum */
    bool builds, attends;
    bool one_scale;           /* builds and attends with the same exponentials */
    bool masked;              /* a fixed mode: some keys of a block do not count */
    spd_rows k, v;            /* from the first valid key on */
    const uint16_t *v_groups; /* pairs: of its key head */
    uint32_t part, parts;     /* which share of its keys is visited */
} spd_unit;

/* Allocates the scratch of all threads, and what they share, for the plan's problem; *bytes says
 * how much. */
sparsed_status spd_cpu_scratch_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                      uint64_t *bytes, sparsed_message *message);
void spd_cpu_scratch_destroy(spd_cpu_kernel *kernel);

/* Rows of the strip that begins at row `first` of the unit. */
static inline uint32_t spd_strip_rows(const spd_unit *unit, uint32_t first) {
    uint32_t left = unit->stride - first;
    return left < SPD_STRIP_ROWS ? left : SPD_STRIP_ROWS;
}

/* Elements of a query row in q_t. */
static inline uint32_t spd_q_elements(const spd_level *level, uint32_t dim) {
    uint32_t steps = (dim / 2 + SPD_PAIRS_STEP - 1) / SPD_PAIRS_STEP;
    return level->pairs ? steps * SPD_PAIRS_STEP : dim;
}

/* Where a buffer's elements begin. */
static inline void *spd_at(const sparsed_buffer *buffer) {
    return (char *)buffer->mem + buffer->offset_bytes;
}

/* Loads the unit's query rows and clears its running results. */
void spd_start_unit(const spd_unit *unit);

/* Divides by the sums and stores the output rows and their log-sum-exps. */
void spd_store_unit(const spd_unit *unit);

/* Runs one operation on all threads. */
void spd_cpu_attend(const spd_cpu_kernel *kernel, const spd_launch *launch);

/* Adds `count` key blocks, a tile's keys at most, to the unit's running softmax, output and,
 * in a build, masses. tile numbers the tiles of a unit. */
void spd_visit_tile(const spd_unit *unit, const uint32_t *blocks, uint32_t count, uint32_t tile);

/* Scores of blocks first .. end-1 from their masses: each row divided by score_sum under the
 * running maximum as both stand now, then reduced over the rows. */
void spd_reduce_scores(const spd_unit *unit, uint64_t first, uint64_t end, float *scores);

/* Ranks the finished scores into the unit's kept row, and copies them out if asked for. */
void spd_finish_scores(const spd_unit *unit);

#endif
