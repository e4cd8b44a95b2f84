/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/faults.h"

#include <inttypes.h>
#include <stdio.h>

#include "compare/suite_record.h"

typedef struct telling {
    const record_case *c;
    fault_line *tell;
    void *context;
} telling;

static void describe_worst(const telling *t, const char *what, const record_errors *e, char *text,
                           size_t room) {
    const bool scores = what[0] == 's';
    snprintf(text, room,
             "largest at batch %" PRIu64 ", head %" PRIu64 ", %s %" PRIu64 ", %s %" PRIu64
             ": %.9g, expected %.9g",
             e->worst[0] % t->c->desc.batch, e->worst[1], scores ? "query block" : "row",
             e->worst[2], scores ? "key block" : "column", e->worst[3], e->got, e->expected);
}

/* One result of a run. value: the error that the bound is about. */
static void tell_errors(const telling *t, record_op op, const char *what, const record_errors *e,
                        verdict v, double value, const record_bound *bound) {
    char text[FAULT_BYTES], worst[FAULT_BYTES / 2];
    if (v == VERDICT_PASS)
        return;
    describe_worst(t, what, e, worst, sizeof worst);
    if (e->nonfinite > 0)
        snprintf(text, sizeof text,
                 "%s %s: %" PRIu64 " elements are not finite, or are where they should not be",
                 record_op_name(op), what, e->nonfinite);
    else
        snprintf(text, sizeof text, "%s %s: error %.3g, above %.3g, %s", record_op_name(op), what,
                 value, v == VERDICT_FAIL ? bound->fail : bound->warn, worst);
    t->tell(t->context, v, NULL, text);
}

/* An element of out that is wrong, though it may be lost in the norm. */
static void tell_out(const telling *t, record_op op) {
    const record_case *c = t->c;
    const record_errors *e = &c->runs[op].out_errors;
    const verdict v = verdict_of_out(c, op);
    const double error = verdict_element_error(c, op), allowed = verdict_element_allowed(c, op);
    char text[FAULT_BYTES], worst[FAULT_BYTES / 2];
    if (v != VERDICT_FAIL || e->nonfinite > 0 || error <= allowed) {
        tell_errors(t, op, "out", e, v, e->relative, &c->bounds.out);
        return;
    }
    describe_worst(t, "out", e, worst, sizeof worst);
    snprintf(text, sizeof text, "%s out: an element is off by %.3g, above %.3g, %s",
             record_op_name(op), error, allowed, worst);
    t->tell(t->context, v, NULL, text);
}

static void tell_run(const telling *t, record_op op) {
    const record_case *c = t->c;
    const record_run *run = &c->runs[op];
    char text[FAULT_BYTES];
    if (!run->repeatable) {
        snprintf(text, sizeof text, "%s: not the same in every run", record_op_name(op));
        t->tell(t->context, VERDICT_FAIL, NULL, text);
    }
    tell_out(t, op);
    tell_errors(t, op, "lse", &run->lse_errors, verdict_of_lse(c, op), run->lse_errors.max_abs,
                &c->bounds.lse);
    if (op == RECORD_BUILD)
        tell_errors(t, op, "scores", &run->scores_errors, verdict_of_scores(c),
                    run->scores_errors.relative, &c->bounds.scores);
}

/* "3", "3 to 5" */
static void describe_budget(uint64_t least, uint64_t most, char text[48]) {
    if (least == most)
        snprintf(text, 48, "%" PRIu64, most);
    else
        snprintf(text, 48, "%" PRIu64 " to %" PRIu64, least, most);
}

static void tell_misfit(const telling *t) {
    const record_misfit *m = &t->c->misfit;
    char text[FAULT_BYTES], prompt[48], generation[48];
    describe_budget(m->least[0], m->most[0], prompt);
    describe_budget(m->least[1], m->most[1], generation);
    snprintf(text, sizeof text,
             "build pattern: %" PRIu64 " query blocks keep what no scores can choose, first batch "
             "%" PRIu64 ", head %" PRIu64 ", query block %" PRIu64 ": %" PRIu64 " + %" PRIu64
             " key blocks (prompt + generation), should be %s + %s",
             t->c->misfit_rows, m->batch, m->head, m->q_block, m->kept[0], m->kept[1], prompt,
             generation);
    t->tell(t->context, VERDICT_FAIL, NULL, text);
}

static void tell_scores(const telling *t) {
    const record_case *c = t->c;
    char text[FAULT_BYTES];
    snprintf(text, sizeof text,
             "build scores: of all query blocks' rows of scores %" PRIu64
             " %s, first batch %" PRIu64 ", head %" PRIu64 ", query block %" PRIu64,
             c->scores_differ,
             c->scores_check == RECORD_SCORES_SUMS ? "do not add up to their query rows"
                                                   : "are not what the oracle expects",
             c->scores_differ_at[0] % c->desc.batch, c->scores_differ_at[1],
             c->scores_differ_at[2]);
    t->tell(t->context, VERDICT_FAIL, NULL, text);
}

void faults_of_record(const record *r, fault_line *tell, void *context) {
    char text[FAULT_BYTES];
    size_t all, missing = suite_missing(r, &all);
    if (!suite_is_known(r)) {
        snprintf(text, sizeof text,
                 "suite '%s', version %" PRIu32 ", is not known here: nothing says what its cases "
                 "should be",
                 r->suite, r->suite_version);
        tell(context, VERDICT_WARN, NULL, text);
    }
    if (missing == 0)
        return;
    snprintf(text, sizeof text, "holds %zu of %zu cases%s", all - missing, all,
             r->self_check ? " of the self-check" : " of the suite");
    tell(context, VERDICT_WARN, NULL, text);
}

void faults_of_case(const record_case *c, fault_line *tell, void *context) {
    const telling t = {c, tell, context};
    char text[FAULT_BYTES];
    if (c->failure[0]) {
        snprintf(text, sizeof text, "did not run: %s", c->failure);
        tell(context, VERDICT_FAIL, NULL, text);
        return;
    }
    if (c->choice_differs > 0) {
        snprintf(text, sizeof text,
                 "%s pattern: %" PRIu64 " key blocks are not what its own scores choose",
                 record_op_name(RECORD_BUILD), c->choice_differs);
        tell(context, VERDICT_FAIL, NULL, text);
    }
    if (c->scores_differ > 0)
        tell_scores(&t);
    if (c->misfit_rows > 0)
        tell_misfit(&t);
    if (c->kept_differs) {
        snprintf(text, sizeof text,
                 "build pattern: %" PRIu64 " key blocks are kept, kept_blocks is %" PRIu64,
                 c->kept_found, c->kept_blocks);
        tell(context, VERDICT_FAIL, NULL, text);
    }
    if (c->own_is_fixed)
        tell(context, VERDICT_FAIL, NULL,
             "build pattern: it is the fixed one, not the device's own");
    for (int op = 0; op < RECORD_OPS; op++)
        tell_run(&t, (record_op)op);
}

/* ---- of two records ---- */

void faults_of_pair(const case_pair *pair, char letter_a, char letter_b, fault_line *tell,
                    void *context) {
    char text[FAULT_BYTES];
    for (size_t i = 0; i < pair->found.count; i++) {
        const finding *f = &pair->found.list[i];
        finding_describe(f, letter_a, letter_b, text);
        tell(context, case_pair_finding_verdict(pair, f), f, text);
    }
    if (pair->found.more > 0) {
        snprintf(text, sizeof text, "and %zu more such places", pair->found.more);
        tell(context, pair->all, NULL, text);
    }
    if (pair->pattern_verdict == VERDICT_WARN && pair->pattern.real == 0) {
        snprintf(text, sizeof text,
                 "build pattern: %" PRIu64
                 " key blocks differ that cannot be decided from the files",
                 pair->pattern.undecided);
        tell(context, VERDICT_WARN, NULL, text);
    }
}
