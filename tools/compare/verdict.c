/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/verdict.h"

#include <math.h>

const char *verdict_name(verdict v) {
    static const char *const names[] = {"pass", "warn", "fail"};
    return names[v];
}

verdict verdict_worse(verdict a, verdict b) {
    return a > b ? a : b;
}

verdict verdict_of(double value, const record_bound *bound) {
    if (!(value <= bound->fail))
        return VERDICT_FAIL;
    return value <= bound->warn ? VERDICT_PASS : VERDICT_WARN;
}

record_bound verdict_pair_bound(const record_bound *a, const record_bound *b) {
    return (record_bound){a->warn + b->warn, a->fail + b->fail};
}

double verdict_element_error(const record_case *c, record_op op) {
    const record_errors *e = &c->runs[op].out_errors;
    return fabs(e->got - e->expected);
}

double verdict_element_allowed(const record_case *c, record_op op) {
    const record_errors *e = &c->runs[op].out_errors;
    const value_array out = {c->runs[op].out, record_storage(c->desc.out_dtype),
                             (uint64_t)c->desc.batch * c->desc.heads, c->row_count,
                             c->desc.head_dim};
    const uint64_t head = e->worst[0] * c->desc.heads + e->worst[1];
    return c->bounds.out.fail * value_largest(&out, head) + c->bounds.out_absolute;
}

verdict verdict_of_out(const record_case *c, record_op op) {
    const record_errors *e = &c->runs[op].out_errors;
    if (e->nonfinite > 0)
        return VERDICT_FAIL;
    if (e->max_abs <= c->bounds.out_absolute)
        return VERDICT_PASS;
    if (!(verdict_element_error(c, op) <= verdict_element_allowed(c, op)))
        return VERDICT_FAIL;
    return verdict_of(e->relative, &c->bounds.out);
}

verdict verdict_of_lse(const record_case *c, record_op op) {
    const record_errors *e = &c->runs[op].lse_errors;
    return e->nonfinite > 0 ? VERDICT_FAIL : verdict_of(e->max_abs, &c->bounds.lse);
}

verdict verdict_of_scores(const record_case *c) {
    const record_errors *e = &c->runs[RECORD_BUILD].scores_errors;
    return e->nonfinite > 0 ? VERDICT_FAIL : verdict_of(e->relative, &c->bounds.scores);
}

verdict verdict_of_run(const record_case *c, record_op op) {
    verdict v = verdict_worse(verdict_of_out(c, op), verdict_of_lse(c, op));
    if (op == RECORD_BUILD)
        v = verdict_worse(v, verdict_of_scores(c));
    return c->runs[op].repeatable ? v : VERDICT_FAIL;
}

verdict verdict_of_case(const record_case *c) {
    if (c->failure[0] || c->choice_differs > 0 || c->scores_differ > 0 || c->misfit_rows > 0 ||
        c->kept_differs || c->own_is_fixed)
        return VERDICT_FAIL;
    verdict v = VERDICT_PASS;
    for (int op = 0; op < RECORD_OPS; op++)
        v = verdict_worse(v, verdict_of_run(c, (record_op)op));
    return v;
}

verdict verdict_of_pattern(const pattern_agreement *p) {
    const uint64_t kept = p->both + p->only_a + p->only_b;
    if (p->real > 0)
        return p->largest >= VERDICT_REAL_DISTANCE ? VERDICT_FAIL : VERDICT_WARN;
    return (double)p->undecided > VERDICT_UNDECIDED_SHARE * (double)kept ? VERDICT_WARN
                                                                         : VERDICT_PASS;
}
