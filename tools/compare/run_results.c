/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include <stdlib.h>
#include <string.h>

#include "compare/errors.h"
#include "compare/run_state.h"
#include "room.h"

/* Copies the rows `which` of every head out of a packed tensor of all rows. */
static void *take_rows(run_state *s, const void *all, uint64_t heads, uint64_t rows_of_head,
                       uint64_t row_bytes, const uint64_t *which, uint64_t count) {
    const unsigned char *from = all;
    unsigned char *taken = record_room(s->record, heads * count, row_bytes);
    for (uint64_t i = 0; taken && i < heads * count; i++)
        memcpy(taken + i * row_bytes,
               from + (i / count * rows_of_head + which[i % count]) * row_bytes, row_bytes);
    return taken;
}

bool run_take_out(run_state *s, record_run *run) {
    const record_case *c = s->to;
    const sparsed_desc *d = &c->desc;
    uint64_t heads = case_input_heads(s->input);
    uint64_t row_bytes = s->out_bytes / heads / d->q_len;
    run->out = take_rows(s, s->out, heads, d->q_len, row_bytes, c->rows, c->row_count);
    run->lse = take_rows(s, s->lse, heads, d->q_len, sizeof *run->lse, c->rows, c->row_count);
    if (!run->out || !run->lse)
        return run_memory_fails(s);
    const uint64_t shape[4] = {d->batch, d->heads, c->row_count, d->head_dim};
    const uint64_t lse_shape[4] = {d->batch, d->heads, c->row_count, 1};
    errors_measure(run->out, d->out_dtype, s->want_out, shape, c->rows, true, &run->out_errors);
    errors_measure(run->lse, SPARSED_F32, s->want_lse, lse_shape, c->rows, false, &run->lse_errors);
    return true;
}

bool run_take_scores(run_state *s, record_run *run) {
    const record_case *c = s->to;
    uint64_t heads = c->rankings * case_input_heads(s->input);
    uint64_t row_bytes = c->k_blocks * sizeof *run->scores;
    uint8_t *pattern = record_room(s->record, s->pattern_bytes, 1);
    run->scores = take_rows(s, s->scores, heads, c->q_blocks, row_bytes, c->query_blocks,
                            c->query_block_count);
    if (!pattern || !run->scores)
        return run_memory_fails(s);
    memcpy(pattern, s->pattern, s->pattern_bytes);
    run->pattern = pattern;
    const uint64_t shape[4] = {c->rankings * (uint64_t)c->desc.batch, c->desc.heads,
                               c->query_block_count, c->k_blocks};
    errors_measure(run->scores, SPARSED_F32, s->want_scores, shape, c->query_blocks, false,
                   &run->scores_errors);
    return true;
}

/* The pattern that the host chooses from the device's scores; NULL: it could not. */
static sparsed_pattern *choose_anew(run_state *s) {
    sparsed_pattern *scored = NULL, *chosen = NULL;
    sparsed_message message;
    sparsed_status status =
        sparsed_pattern_with_scores(s->own, s->scores, SPARSED_F32, &scored, &message);
    if (status == SPARSED_OK)
        status = sparsed_pattern_rethreshold(scored, &s->to->select.ratio, 1, &chosen, &message);
    run_check_pattern(s, status, &message);
    sparsed_pattern_release(scored);
    return chosen;
}

bool run_check_choice(run_state *s) {
    uint8_t *mask = room_for(s->mask_bytes, 1);
    if (!mask)
        return run_memory_fails(s);
    sparsed_pattern *chosen = choose_anew(s);
    bool done = chosen && run_check(s, sparsed_pattern_to_mask(chosen, mask));
    for (uint64_t i = 0; done && i < s->mask_bytes; i++)
        s->to->choice_differs += mask[i] != s->mask[i];
    sparsed_pattern_release(chosen);
    free(mask);
    return done;
}
