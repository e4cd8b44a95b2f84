/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What one case's runs hold, shared by the files that prepare, run and judge it. Functions that return
 * false leave in the state why.
 */
#ifndef TOOLS_COMPARE_RUN_STATE_H
#define TOOLS_COMPARE_RUN_STATE_H

#include "compare/case_input.h"
#include "compare/record_file.h"
#include "compare/run_case.h"

/* Whole tensors, as the device gave them last. */
typedef struct run_state {
    const case_input *input;
    case_repeats repeats;
    sparsed_context *context;
    sparsed_plan *plan;
    sparsed_kept *own_kept, *fixed_kept;
    sparsed_pattern *own, *fixed;
    void *out;
    float *lse, *scores;
    uint8_t *mask, *pattern; /* of the own pattern, the second as bytes of bits */
    uint64_t out_bytes, lse_bytes, scores_bytes, mask_bytes, pattern_bytes;
    double *want_out, *want_lse, *want_scores; /* of the stored rows */
    record *record;
    record_case *to;
    bool no_memory; /* why a function failed; else it is the case's `failure` */
} run_state;

/* Out of memory; returns false. */
bool run_memory_fails(run_state *s);

/* Whether a call on the context, or one that takes a message, succeeded. */
bool run_check(run_state *s, sparsed_status status);
bool run_check_pattern(run_state *s, sparsed_status status, const sparsed_message *message);

/* ---- run_prepare.c ---- */

bool run_allocate(run_state *s);
/* The plan, and the fixed pattern in the device's memory. */
bool run_prepare(run_state *s);
void run_release(run_state *s);

/* ---- run_results.c: after a call, with the expected rows and scores in place ---- */

/* The stored rows of out and lse, and their errors. */
bool run_take_out(run_state *s, record_run *run);
/* The stored block scores with their errors, and the own pattern. */
bool run_take_scores(run_state *s, record_run *run);
/* Counts the blocks that the host would choose otherwise from the device's own scores. */
bool run_check_choice(run_state *s);

#endif
