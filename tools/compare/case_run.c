/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/case_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/size.h"
#include "clock.h"
#include "compare/bounds.h"
#include "compare/errors.h"
#include "compare/expected.h"
#include "compare/pattern_bytes.h"
#include "compare/sample.h"
#include "room.h"

/* Repeats whose times are told. */
enum { MOST_REPEATS = 16 };

/* What one case's runs hold. Whole tensors, as the device gave them last. */
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

static bool memory_fails(run_state *s) {
    s->no_memory = true;
    return false;
}

static bool call_fails(run_state *s, const char *text) {
    snprintf(s->to->failure, sizeof s->to->failure, "%.*s", RECORD_TEXT_BYTES - 1,
             text[0] ? text : "no reason was given");
    return false;
}

static bool check(run_state *s, sparsed_status status) {
    return status == SPARSED_OK || call_fails(s, sparsed_context_error(s->context));
}

static bool check_pattern(run_state *s, sparsed_status status, const sparsed_message *message) {
    return status == SPARSED_OK || call_fails(s, message->text);
}

static sparsed_fingerprint digest_of(const void *data, uint64_t size_bytes) {
    return sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, size_bytes);
}

/* ---- before the runs ---- */

static bool describe_ranges(run_state *s) {
    const case_input *in = s->input;
    uint32_t batch = in->problem.desc.batch;
    sparsed_pattern_range *ranges = record_room(s->record, batch, sizeof *ranges);
    if (!ranges)
        return memory_fails(s);
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
        return memory_fails(s);
    sample_rows(s->input, rows);
    sample_query_blocks(s->input, query_blocks);
    c->rows = rows;
    c->query_blocks = query_blocks;
    return true;
}

/* All of the record's case that is known without running it. */
static bool describe(run_state *s) {
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

static bool allocate(run_state *s) {
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
           memory_fails(s);
}

/* The plan, and the fixed pattern in the device's memory. */
static bool prepare(run_state *s) {
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
    if (!check(s, sparsed_plan_create(s->context, &c->desc, &c->select, &s->plan)) ||
        !check(s, sparsed_plan_describe(s->plan, &info)) ||
        !check(s, sparsed_kept_create(s->plan, &s->own_kept)) ||
        !check(s, sparsed_kept_create(s->plan, &s->fixed_kept)))
        return false;
    snprintf(s->to->kernel, sizeof s->to->kernel, "%s", info.kernel);
    sparsed_status status =
        sparsed_pattern_from_mask(&shape, s->input->fixed, NULL, &s->fixed, &message);
    return check_pattern(s, status, &message) &&
           check(s, sparsed_kept_set(s->fixed_kept, s->fixed));
}

/* ---- one operation ---- */

/* Calls the operation once. What it does not write stays NaN. */
static bool call(run_state *s, record_op op, double *seconds) {
    static const sparsed_op ops[RECORD_OPS] = {[RECORD_DENSE] = SPARSED_DENSE,
                                               [RECORD_BUILD] = SPARSED_DENSE_BUILD,
                                               [RECORD_SPARSE_OWN] = SPARSED_SPARSE,
                                               [RECORD_SPARSE_FIXED] = SPARSED_SPARSE};
    const case_input *in = s->input;
    /* The library only reads q, k and v. */
    const sparsed_io io = {.struct_size = sizeof io,
                           .q.mem = (void *)in->q,
                           .k.mem = (void *)in->k,
                           .v.mem = (void *)in->v,
                           .out.mem = s->out,
                           .lse.mem = s->lse,
                           .scores.mem = op == RECORD_BUILD ? s->scores : NULL,
                           .valid_start = in->start,
                           .valid_end = in->end};
    sparsed_kept *kept = op == RECORD_SPARSE_FIXED ? s->fixed_kept : s->own_kept;
    memset(s->out, 0xff, s->out_bytes);
    memset(s->lse, 0xff, s->lse_bytes);
    double start = clock_seconds();
    sparsed_status status =
        sparsed_plan_run(s->plan, ops[op], &io, op == RECORD_DENSE ? NULL : kept);
    *seconds = clock_seconds() - start;
    return check(s, status);
}

/* The own pattern as a build left it. */
static bool read_pattern(run_state *s) {
    sparsed_pattern_release(s->own);
    s->own = NULL;
    if (!check(s, sparsed_kept_get(s->own_kept, &s->own)) ||
        !check(s, sparsed_pattern_to_mask(s->own, s->mask)))
        return false;
    pattern_bytes_pack(s->mask, case_input_heads(s->input) * s->to->q_blocks, s->to->k_blocks,
                       s->pattern);
    return true;
}

/* Calls it, and takes the digests of all that it gave. */
static bool call_and_digest(run_state *s, record_op op, record_run *run, double *seconds) {
    if (op == RECORD_BUILD)
        memset(s->scores, 0xff, s->scores_bytes);
    if (!call(s, op, seconds) || (op == RECORD_BUILD && !read_pattern(s)))
        return false;
    run->out_digest = digest_of(s->out, s->out_bytes);
    run->lse_digest = digest_of(s->lse, s->lse_bytes);
    if (op == RECORD_BUILD) {
        run->scores_digest = digest_of(s->scores, s->scores_bytes);
        run->pattern_digest = digest_of(s->pattern, s->pattern_bytes);
    }
    return true;
}

static bool same(sparsed_fingerprint a, sparsed_fingerprint b) {
    return a.low == b.low && a.high == b.high;
}

static bool same_digests(const record_run *a, const record_run *b) {
    return same(a->out_digest, b->out_digest) && same(a->lse_digest, b->lse_digest) &&
           same(a->scores_digest, b->scores_digest) && same(a->pattern_digest, b->pattern_digest);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Repeats the operation for its times, and to see whether it gives the same again. */
static bool repeat(run_state *s, record_op op, record_run *run) {
    double seconds[MOST_REPEATS], total = 0.0;
    uint32_t n = 0;
    run->repeatable = true;
    do {
        record_run again = {.repeatable = true};
        if (!call_and_digest(s, op, &again, &seconds[n]))
            return false;
        total += seconds[n++];
        run->repeatable = run->repeatable && same_digests(run, &again);
    } while (n < s->repeats.most && n < MOST_REPEATS && total < s->repeats.seconds);
    qsort(seconds, n, sizeof *seconds, by_size);
    run->seconds.median = seconds[n / 2];
    run->seconds.fastest = seconds[0];
    run->seconds.repeats = n;
    return true;
}

/* ---- what the record holds of it ---- */

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

static bool take_out(run_state *s, record_run *run) {
    const record_case *c = s->to;
    const sparsed_desc *d = &c->desc;
    uint64_t heads = case_input_heads(s->input);
    uint64_t row_bytes = s->out_bytes / heads / d->q_len;
    run->out = take_rows(s, s->out, heads, d->q_len, row_bytes, c->rows, c->row_count);
    run->lse = take_rows(s, s->lse, heads, d->q_len, sizeof *run->lse, c->rows, c->row_count);
    if (!run->out || !run->lse)
        return memory_fails(s);
    const uint64_t shape[4] = {d->batch, d->heads, c->row_count, d->head_dim};
    const uint64_t lse_shape[4] = {d->batch, d->heads, c->row_count, 1};
    errors_measure(run->out, d->out_dtype, s->want_out, shape, c->rows, &run->out_errors);
    errors_measure(run->lse, SPARSED_F32, s->want_lse, lse_shape, c->rows, &run->lse_errors);
    return true;
}

static bool take_scores(run_state *s, record_run *run) {
    const record_case *c = s->to;
    uint64_t heads = c->rankings * case_input_heads(s->input);
    uint64_t row_bytes = c->k_blocks * sizeof *run->scores;
    uint8_t *pattern = record_room(s->record, s->pattern_bytes, 1);
    run->scores = take_rows(s, s->scores, heads, c->q_blocks, row_bytes, c->query_blocks,
                            c->query_block_count);
    if (!pattern || !run->scores)
        return memory_fails(s);
    memcpy(pattern, s->pattern, s->pattern_bytes);
    run->pattern = pattern;
    const uint64_t shape[4] = {c->rankings * (uint64_t)c->desc.batch, c->desc.heads,
                               c->query_block_count, c->k_blocks};
    errors_measure(run->scores, SPARSED_F32, s->want_scores, shape, c->query_blocks,
                   &run->scores_errors);
    return true;
}

/* How many blocks the host would choose otherwise from the device's own scores. */
static bool check_choice(run_state *s) {
    sparsed_pattern *scored = NULL, *chosen = NULL;
    sparsed_message message;
    uint8_t *mask = room_for(s->mask_bytes, 1);
    sparsed_status status =
        sparsed_pattern_with_scores(s->own, s->scores, SPARSED_F32, &scored, &message);
    if (status == SPARSED_OK)
        status = sparsed_pattern_rethreshold(scored, &s->to->select.ratio, 1, &chosen, &message);
    bool done = mask ? check_pattern(s, status, &message) : memory_fails(s);
    if (done)
        done = check(s, sparsed_pattern_to_mask(chosen, mask));
    for (uint64_t i = 0; done && i < s->mask_bytes; i++)
        s->to->choice_differs += mask[i] != s->mask[i];
    sparsed_pattern_release(scored);
    sparsed_pattern_release(chosen);
    free(mask);
    return done;
}

static bool expect(run_state *s, record_op op, tool_error *error) {
    const record_case *c = s->to;
    const uint8_t *mask = op == RECORD_SPARSE_OWN     ? s->mask
                          : op == RECORD_SPARSE_FIXED ? s->input->fixed
                                                      : NULL;
    if (op == RECORD_BUILD) /* its out is the dense one's */
        return expected_scores(s->input, c->query_blocks, c->query_block_count, s->want_scores,
                               error);
    return expected_rows(s->input, mask, c->rows, c->row_count, s->want_out, s->want_lse, error);
}

/* In the order of the operations: the second uses what is expected of the first, the third what the
 * second built. */
static bool run_op(run_state *s, record_op op, tool_error *error) {
    record_run *run = &s->to->runs[op];
    if (!call_and_digest(s, op, run, &run->seconds.first))
        return false;
    if (!expect(s, op, error))
        return memory_fails(s);
    bool build = op == RECORD_BUILD;
    return take_out(s, run) && (!build || (take_scores(s, run) && check_choice(s))) &&
           repeat(s, op, run);
}

static void set_bounds(run_state *s) {
    record_case *c = s->to;
    uint64_t count = case_input_heads(s->input) * c->row_count;
    c->bounds = bounds_of(c->desc.dtype, s->want_lse, count, c->select.score_scale / c->desc.scale);
}

static bool run_all(run_state *s, tool_error *error) {
    if (!describe(s) || !allocate(s))
        return false;
    set_bounds(s); /* of a case that does not run: with no logits */
    if (!prepare(s))
        return false;
    for (int op = 0; op < RECORD_OPS; op++) {
        if (!run_op(s, (record_op)op, error))
            return false;
        if (op == RECORD_DENSE)
            set_bounds(s);
    }
    s->to->kept_blocks = sparsed_pattern_count(s->own, UINT32_MAX);
    s->to->fixed_kept_blocks = sparsed_pattern_count(s->fixed, UINT32_MAX);
    return true;
}

static void release(run_state *s) {
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

bool case_run(sparsed_context *context, const case_input *input, case_repeats repeats, record *r,
              record_case *to, tool_error *error) {
    run_state s = {.input = input, .repeats = repeats, .context = context, .record = r, .to = to};
    bool done = run_all(&s, error) || !s.no_memory;
    release(&s);
    return done ? true : tool_fail(error, "%s: out of memory", input->name);
}
