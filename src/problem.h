/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A validated problem: the caller's description and selection with every default filled in.
 * Made by sparsed_plan_create; spd_problem_of_run() gives the one of a single run.
 */
#ifndef SPD_PROBLEM_H
#define SPD_PROBLEM_H

#include "geometry.h"

#include <sparsed/sparsed.h>

#include <stdbool.h>

/* Strides that are all 0 stay so in a plan's problem and are packed for the lengths of each run. */
typedef struct spd_problem {
    sparsed_desc desc;     /* out_dtype, score_heads, scale, q_start filled in */
    sparsed_select select; /* score_scale filled in; all 0 without a selection */
    bool has_select;
    uint64_t q_blocks, k_blocks; /* ceil of the lengths by the block sizes; 0 without a selection */
    uint64_t row_words;          /* 64-bit words of one bit row over k_blocks */
} spd_problem;

sparsed_status spd_problem_create(const sparsed_desc *desc, const sparsed_select *select,
                                  spd_problem *problem, sparsed_message *message);

/* The problem of one run: lengths and ratio of io, packed strides made explicit; and its extents,
 * one per batch. Checks what io says of lengths, ranges and flags, not its pointers. */
sparsed_status spd_problem_of_run(const spd_problem *plan, const sparsed_io *io, spd_problem *run,
                                  spd_extent *extents, sparsed_message *message);

/* A plan's problem for q_len query rows (0 = all) with packed strides made explicit. */
sparsed_status spd_problem_pack(const spd_problem *plan, uint64_t q_len, spd_problem *run,
                                sparsed_message *message);

/* A build needs the whole generation region: gen_len valid rows in every batch that has any. */
sparsed_status spd_check_generation(const spd_problem *run, const spd_extent *extents,
                                    sparsed_message *message);

const char *spd_dtype_string(uint32_t dtype);

/* "paper", ...; 0 is "dense". */
const char *spd_mode_string(uint32_t mode);

/* A mode that ranks blocks by scores (the others are fixed), and one whose generation blocks are
 * ranked by a second softmax. */
static inline bool spd_mode_is_scored(uint32_t mode) {
    return mode >= SPARSED_MODE_PAPER && mode <= SPARSED_MODE_JOINT;
}
static inline bool spd_mode_is_upstream(uint32_t mode) {
    return mode == SPARSED_MODE_UPSTREAM_DREAM || mode == SPARSED_MODE_UPSTREAM_LLADA;
}

/* Copies a struct that begins with struct_size: missing tail bytes become 0; unknown ones must be
 * 0. */
sparsed_status spd_copy_struct(void *to, size_t to_bytes, const void *from, const char *name,
                               sparsed_message *message);

/* Copies a result out to a caller's struct of the size that its struct_size says. */
sparsed_status spd_copy_struct_out(void *to, const void *from, size_t from_bytes, const char *name,
                                   sparsed_message *message);

#endif
