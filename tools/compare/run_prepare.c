/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/pattern_bytes.h"
#include "compare/run_state.h"
#include "compare/sample.h"
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

static bool describe_ranges(run_state *s) {
    const case_input *in = s->input;
    uint32_t batch = in->problem.desc.batch;
    sparsed_pattern_range *ranges = record_room(s->record, batch, sizeof *ranges);
    if (!ranges)
        return run_memory_fails(s);
    for (uint32_t b = 0; b < batch; b++) {
        const spd_extent *e = &in->extents[b];
        ranges[b] = (sparsed_pattern_range){.struct_size = sizeof ranges[b],
                                            .key_start = e->key_start,
                                            .keys = e->keys,
                                            .query_start = e->query_start,
                                            .queries = e->queries,
                                            .query_position = e->query_position,
                                            .q_blocks = e->q_blocks,
                                            .k_blocks = e->k_blocks,
                                            .split = e->split};
    }
    s->to->ranges = ranges;
    return true;
}

static bool choose_sample(run_state *s) {
    record_case *c = s->to;
    c->row_count = sample_row_count(s->input);
    c->query_block_count = sample_query_block_count(s->input);
    uint64_t *rows = record_room(s->record, c->row_count, sizeof *rows);
    uint64_t *query_blocks = record_room(s->record, c->query_block_count, sizeof *query_blocks);
    if (!rows || !query_blocks)
        return run_memory_fails(s);
    sample_rows(s->input, rows);
    sample_query_blocks(s->input, query_blocks);
    c->rows = rows;
    c->query_blocks = query_blocks;
    return true;
}

bool run_describe(run_state *s) {
    const case_input *in = s->input;
    const spd_problem *p = &in->problem;
    record_case *c = s->to;
    snprintf(c->name, sizeof c->name, "%s", in->name);
    snprintf(c->data, sizeof c->data, "%s", in->data);
    c->desc = p->desc;
    c->desc.flags = SPARSED_DESC_Q_START;
    c->desc.q = c->desc.k = c->desc.v = c->desc.out = (sparsed_strides){0, 0, 0};
    c->select = p->select;
    c->q_digest = in->q_digest;
    c->k_digest = in->k_digest;
    c->v_digest = in->v_digest;
    c->fixed_digest = in->fixed_digest;
    c->q_blocks = p->q_blocks;
    c->k_blocks = p->k_blocks;
    c->rankings = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    return describe_ranges(s) && choose_sample(s);
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
