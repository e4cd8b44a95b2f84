/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/run_case.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compare/all_scores.h"
#include "compare/bounds.h"
#include "compare/case_describe.h"
#include "compare/expected.h"
#include "compare/pattern_bytes.h"
#include "compare/run_state.h"

/* Repeats whose times are told. */
enum { MOST_REPEATS = 16 };

static sparsed_fingerprint digest_of(const void *data, uint64_t size_bytes) {
    return sparsed_fingerprint_add((sparsed_fingerprint){0, 0}, data, size_bytes);
}

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
    return run_check(s, status);
}

/* The own pattern as a build left it. */
static bool read_pattern(run_state *s) {
    sparsed_pattern_release(s->own);
    s->own = NULL;
    if (!run_check(s, sparsed_kept_get(s->own_kept, &s->own)) ||
        !run_check(s, sparsed_pattern_to_mask(s->own, s->mask)))
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

static bool same_digests(const record_run *a, const record_run *b) {
    return record_same_digest(a->out_digest, b->out_digest) &&
           record_same_digest(a->lse_digest, b->lse_digest) &&
           record_same_digest(a->scores_digest, b->scores_digest) &&
           record_same_digest(a->pattern_digest, b->pattern_digest);
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

static bool check_scores(run_state *s, tool_error *error) {
    return all_scores_check(s->input, s->scores, s->to, error) || run_memory_fails(s);
}

/* In the order of the operations: the second uses what is expected of the first, the third what the
 * second built. */
static bool run_op(run_state *s, record_op op, tool_error *error) {
    record_run *run = &s->to->runs[op];
    if (!call_and_digest(s, op, run, &run->seconds.first))
        return false;
    if (!expect(s, op, error))
        return run_memory_fails(s);
    bool build = op == RECORD_BUILD;
    return run_take_out(s, run) &&
           (!build || (run_take_scores(s, run) && run_check_choice(s) && check_scores(s, error))) &&
           repeat(s, op, run);
}

static void set_bounds(run_state *s) {
    record_case *c = s->to;
    uint64_t count = case_input_heads(s->input) * c->row_count;
    c->bounds = bounds_of(&c->desc, &c->select, s->want_lse, count);
}

static bool run_all(run_state *s, tool_error *error) {
    if (!case_describe(s->input, s->record, s->to))
        return run_memory_fails(s);
    if (!run_allocate(s))
        return false;
    set_bounds(s); /* of a case that does not run: with no logits */
    if (!run_prepare(s))
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

bool run_case(sparsed_context *context, const case_input *input, case_repeats repeats, record *r,
              record_case *to, tool_error *error) {
    run_state s = {.input = input, .repeats = repeats, .context = context, .record = r, .to = to};
    bool done = run_all(&s, error) || !s.no_memory;
    run_release(&s);
    return done ? true : tool_fail(error, "%s: out of memory", input->name);
}
