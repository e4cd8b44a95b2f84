/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/pattern_bytes.h"
#include "compare/run_state.h"
#include "room.h"

bool run_memory_fails(run_state *s) {
    s->no_memory = true;
    return false;
}

static bool call_fails(run_state *s, const char *text) {
    snprintf(s->to->failure, sizeof s->to->failure, "%.*s", RECORD_TEXT_BYTES - 1,
             text[0] ? text : "no reason was given");
    return false;
}

bool run_check(run_state *s, sparsed_status status) {
    return status == SPARSED_OK || call_fails(s, sparsed_context_error(s->context));
}

bool run_check_pattern(run_state *s, sparsed_status status, const sparsed_message *message) {
    return status == SPARSED_OK || call_fails(s, message->text);
}

bool run_allocate(run_state *s) {
    const record_case *c = s->to;
    uint64_t heads = case_input_heads(s->input), rows = heads * c->row_count;
    uint64_t pattern_rows = heads * c->q_blocks;
    size_t element = c->desc.out_dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
    s->out_bytes = case_input_out_count(s->input) * element;
    s->lse_bytes = heads * c->desc.q_len * sizeof *s->lse;
    s->mask_bytes = pattern_rows * c->k_blocks;
    s->scores_bytes = c->rankings * s->mask_bytes * sizeof *s->scores;
    s->pattern_bytes = pattern_rows * pattern_bytes_of_row(c->k_blocks);
    s->out = room_for(s->out_bytes, 1);
    s->lse = room_for(s->lse_bytes, 1);
    s->scores = room_for(s->scores_bytes, 1);
    s->mask = room_for(s->mask_bytes, 1);
    s->pattern = room_for(s->pattern_bytes, 1);
    s->want_out = room_for(rows * c->desc.head_dim, sizeof(double));
    s->want_lse = room_for(rows, sizeof(double));
    s->want_scores =
        room_for(c->rankings * heads * c->query_block_count * c->k_blocks, sizeof(double));
    return (s->out && s->lse && s->scores && s->mask && s->pattern && s->want_out && s->want_lse &&
            s->want_scores) ||
           run_memory_fails(s);
}

bool run_prepare(run_state *s) {
    const record_case *c = s->to;
    sparsed_plan_info info = {.struct_size = sizeof info};
    const sparsed_pattern_info shape = {.struct_size = sizeof shape,
                                        .batch = c->desc.batch,
                                        .heads = c->desc.heads,
                                        .block_q = c->select.block_q,
                                        .block_k = c->select.block_k,
                                        .q_len = c->desc.q_len,
                                        .kv_len = c->desc.kv_len,
                                        .q_start = c->desc.q_start,
                                        .pattern_flags = SPARSED_PATTERN_Q_START};
    sparsed_message message;
    if (!run_check(s, sparsed_plan_create(s->context, &c->desc, &c->select, &s->plan)) ||
        !run_check(s, sparsed_plan_describe(s->plan, &info)) ||
        !run_check(s, sparsed_kept_create(s->plan, &s->own_kept)) ||
        !run_check(s, sparsed_kept_create(s->plan, &s->fixed_kept)))
        return false;
    snprintf(s->to->kernel, sizeof s->to->kernel, "%s", info.kernel);
    sparsed_status status =
        sparsed_pattern_from_mask(&shape, s->input->fixed, NULL, &s->fixed, &message);
    return run_check_pattern(s, status, &message) &&
           run_check(s, sparsed_kept_set(s->fixed_kept, s->fixed));
}

void run_release(run_state *s) {
    sparsed_pattern_release(s->own);
    sparsed_pattern_release(s->fixed);
    sparsed_kept_destroy(s->own_kept);
    sparsed_kept_destroy(s->fixed_kept);
    sparsed_plan_destroy(s->plan);
    void *memory[] = {s->out,     s->lse,      s->scores,   s->mask,
                      s->pattern, s->want_out, s->want_lse, s->want_scores};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        free(memory[i]);
}
