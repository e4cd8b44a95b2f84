/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a pipeline: a schedule over one kept per layer.
 */
#ifndef SPD_PIPELINE_H
#define SPD_PIPELINE_H

#include "crossover.h"

#include <sparsed/pattern.h>

struct sparsed_pipeline {
    sparsed_context *context;
    sparsed_plan *plan; /* shared by the layers */
    uint32_t layers, steps;
    uint32_t flags;                  /* of the schedule */
    sparsed_schedule_entry *entries; /* [steps] as they run */
    bool chosen;                     /* auto: choice says what */
    sparsed_crossover_choice choice;
    sparsed_kept **kept; /* [layers]; NULL entries without a selection, and where auto stays dense
                            and nothing builds */
    uint32_t *next_step; /* [layers]: the lowest step that may come */
};

/* sparsed_pipeline_attend, or with async the same without waiting. */
sparsed_status spd_pipeline_enqueue(sparsed_pipeline *pipeline, uint32_t step, uint32_t layer,
                                    const sparsed_io *io, const struct spd_async *async);

/* Fails for a pipeline without kept blocks: says why it has none. */
sparsed_status spd_pipeline_no_patterns(const sparsed_pipeline *pipeline);

#endif
