/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What one case's runs hold, shared by the files that prepare, run and judge it. Functions that return
 * false leave in the state why.
 */
#ifndef TOOLS_COMPARE_CASE_STATE_H
#define TOOLS_COMPARE_CASE_STATE_H

#include "compare/case_input.h"
#include "compare/case_run.h"
#include "compare/record_file.h"

/* Whole tensors, as the device gave them last. */
typedef struct case_state {
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
} case_state;

/* Out of memory; returns false. */
bool case_memory_fails(case_state *s);

/* Whether a call on the context, or one that takes a message, succeeded. */
bool case_check(case_state *s, sparsed_status status);
bool case_check_pattern(case_state *s, sparsed_status status, const sparsed_message *message);

/* ---- case_prepare.c ---- */

/* All of the record's case that is known without running it. */
bool case_describe(case_state *s);
bool case_allocate(case_state *s);
/* The plan, and the fixed pattern in the device's memory. */
bool case_prepare(case_state *s);
void case_release(case_state *s);

/* ---- case_results.c: after a call, with the expected rows and scores in place ---- */

/* The stored rows of out and lse, and their errors. */
bool case_take_out(case_state *s, record_run *run);
/* The stored block scores with their errors, and the own pattern. */
bool case_take_scores(case_state *s, record_run *run);
/* Counts the blocks that the host would choose otherwise from the device's own scores. */
bool case_check_choice(case_state *s);

#endif
