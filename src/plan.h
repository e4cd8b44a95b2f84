/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a plan and of kept blocks.
 */
#ifndef SPD_PLAN_H
#define SPD_PLAN_H

#include "context.h"
#include "pattern.h"

struct sparsed_plan {
    sparsed_context *context;
    spd_problem problem;
    size_t row;             /* of the backend's registry */
    void *kernel;           /* the backend's, prepared */
    uint64_t scratch_bytes; /* held by kernel */
    spd_extent *extents;    /* [batch], of the run in flight */
};

struct sparsed_kept {
    sparsed_context *context;
    spd_problem problem; /* of the plan it was made for */
    void *bits;          /* backend memory for the plan's full lengths */
    uint64_t bits_bytes;
    bool filled;
    sparsed_pattern_info info; /* what it holds, when filled */
    spd_extent *extents;       /* [batch] */
    double *ratios;            /* [heads], if info says that heads have ratios of their own */
};

/* Checks a run and starts it: on host memory (async NULL), to be waited for, or as async says. */
sparsed_status spd_plan_enqueue(sparsed_plan *plan, sparsed_op op, const sparsed_io *io,
                                sparsed_kept *kept, const struct spd_async *async);

/* Bytes of all bit rows of a problem. */
uint64_t spd_kept_bytes(const spd_problem *problem);

/* Notes what a build with this run's problem and extents leaves in kept. */
void spd_kept_fill(sparsed_kept *kept, const spd_problem *run, const spd_extent *extents);

/* Whether kept can serve a sparse run with these extents: SPARSED_E_STATE or SPARSED_E_MISMATCH. */
sparsed_status spd_kept_check(const sparsed_kept *kept, const spd_problem *run,
                              const spd_extent *extents, sparsed_message *message);

#endif
