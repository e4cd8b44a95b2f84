/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a pipeline: a schedule over one kept per layer.
 */
#ifndef SPD_PIPELINE_H
#define SPD_PIPELINE_H

#include "plan.h"

#include <sparsed/pattern.h>

struct sparsed_pipeline {
    sparsed_context *context;
    sparsed_plan *plan; /* shared by the layers */
    uint32_t layers, steps;
    uint32_t flags;                  /* of the schedule */
    sparsed_schedule_entry *entries; /* [steps] as they run */
    sparsed_kept **kept;             /* [layers]; NULL entries without a selection */
    uint32_t *next_step;             /* [layers]: the lowest step that may come */
};

#endif
