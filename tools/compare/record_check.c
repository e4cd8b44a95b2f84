/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/record_check.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "compare/bounds.h"
#include "compare/pattern_budget.h"
#include "compare/values.h"
#include "room.h"

/* The rule is over what the oracle expects, which differs from what is stored by rounding. */
static const double bound_slack = 1.01;

/* So does the norm of what is stored, and sums in another order. */
static const double error_slack = 1.01;

static record_bound narrower(const record_bound *a, const record_bound *rule) {
    return (record_bound){fmin(a->warn, bound_slack * rule->warn),
                          fmin(a->fail, bound_slack * rule->fail)};
}

static bool cap_bounds(record_case *c) {
    const uint64_t count = (uint64_t)c->desc.batch * c->desc.heads * c->row_count;
    double *lse = room_for(count, sizeof *lse);
    for (uint64_t i = 0; lse && i < count; i++)
        lse[i] = (double)c->runs[RECORD_DENSE].lse[i];
    if (!lse)
        return false;
    const record_bounds rule = bounds_of(&c->desc, &c->select, lse, count);
    record_bounds *b = &c->bounds;
    *b = (record_bounds){narrower(&b->out, &rule.out), narrower(&b->lse, &rule.lse),
                         narrower(&b->scores, &rule.scores),
                         fmin(b->out_absolute, rule.out_absolute)};
    free(lse);
    return true;
}

/* ---- errors ---- */

static uint64_t not_finite(const value_array *values) {
    const uint64_t count = values->rows * values->width;
    uint64_t found = 0;
    for (uint64_t head = 0; head < values->heads; head++)
        for (uint64_t i = 0; i < count; i++)
            found += isfinite(value_at(values, head, 0, i)) ? 0 : 1;
    return found;
}

static double norm_of(const value_array *values) {
    const uint64_t count = values->rows * values->width;
    double sum = 0.0;
    for (uint64_t head = 0; head < values->heads; head++)
        for (uint64_t i = 0; i < count; i++) {
            const double value = value_at(values, head, 0, i);
            sum += isfinite(value) ? value * value : 0.0;
        }
    return sqrt(sum);
}

/* No element is off by more than max_abs: `worst` is not, nor all of them, whose norm is `relative`
 * times that of the expected, which is at least norm / (1 + relative). */
static bool check_max_abs(const json_keys *keys, record_op op, const char *name,
                          const record_errors *e, const value_array *values) {
    const double worst = fabs(e->got - e->expected);
    const double rounding = 4.0 * DBL_EPSILON * fmax(fabs(e->got), fabs(e->expected));
    const double norm = e->relative / (1.0 + e->relative) * norm_of(values);
    if (!(worst <= error_slack * e->max_abs + rounding))
        return tool_fail(keys->error,
                         "%s: \"%sruns[%d].errors.%s.max_abs\" is %.9g, but \"worst\" is off by "
                         "%.9g",
                         keys->path, keys->prefix, (int)op, name, e->max_abs, worst);
    if (e->nonfinite == 0 && !(norm <= error_slack * e->max_abs * sqrt((double)e->count)))
        return tool_fail(keys->error,
                         "%s: \"%sruns[%d].errors.%s.max_abs\" is %.9g, less than \"relative\" "
                         "%.9g makes of the tensor",
                         keys->path, keys->prefix, (int)op, name, e->max_abs, e->relative);
    return true;
}

static bool check_errors(const json_keys *keys, record_op op, const char *name,
                         const record_errors *e, const value_array *values) {
    const uint64_t count = values->heads * values->rows * values->width;
    uint64_t numbers = 0;
    for (int i = 0; i < RECORD_ULP_BINS; i++)
        numbers += e->ulps[i]; /* each below 2^53 */
    const uint64_t odd = not_finite(values);
    if (e->count != count)
        return tool_fail(keys->error,
                         "%s: \"%sruns[%d].errors.%s.count\" is %" PRIu64
                         ", the tensor has %" PRIu64,
                         keys->path, keys->prefix, (int)op, name, e->count, count);
    if (numbers > count || count - numbers < odd || count - numbers < e->nonfinite)
        return tool_fail(
            keys->error,
            "%s: \"%sruns[%d].errors.%s\" counts %" PRIu64 " numbers and %" PRIu64
            " that are none, of %" PRIu64 " elements of which %" PRIu64 " are not finite",
            keys->path, keys->prefix, (int)op, name, numbers, e->nonfinite, count, odd);
    return check_max_abs(keys, op, name, e, values);
}

/* The place is one of the tensor's. */
static bool check_worst(const json_keys *keys, const record_case *c, record_op op) {
    const uint64_t *at = c->runs[op].out_errors.worst;
    return (at[0] < c->desc.batch && at[1] < c->desc.heads) ||
           tool_fail(keys->error,
                     "%s: \"%sruns[%d].errors.out.worst.at\" is head %" PRIu64 " of batch %" PRIu64
                     ", which is not there",
                     keys->path, keys->prefix, (int)op, at[1], at[0]);
}

static bool check_seconds(const json_keys *keys, const record_timing *t, record_op op) {
    return t->fastest <= t->median ||
           tool_fail(keys->error,
                     "%s: \"%sruns[%d].seconds.fastest\" is %.9g, more than the median %.9g",
                     keys->path, keys->prefix, (int)op, t->fastest, t->median);
}

static bool check_run(const json_keys *keys, const record_case *c, record_op op) {
    const record_run *run = &c->runs[op];
    const uint64_t heads = (uint64_t)c->desc.batch * c->desc.heads;
    const value_array out = {run->out, record_storage(c->desc.out_dtype), heads, c->row_count,
                             c->desc.head_dim};
    const value_array lse = {run->lse, SAFETENSORS_F32, heads, c->row_count, 1};
    const value_array scores = {run->scores, SAFETENSORS_F32, c->rankings * heads,
                                c->query_block_count, c->k_blocks};
    return check_seconds(keys, &run->seconds, op) && check_worst(keys, c, op) &&
           check_errors(keys, op, "out", &run->out_errors, &out) &&
           check_errors(keys, op, "lse", &run->lse_errors, &lse) &&
           (op != RECORD_BUILD || check_errors(keys, op, "scores", &run->scores_errors, &scores));
}

/* ---- the own pattern ---- */

static bool check_pattern(const json_keys *keys, record_case *c) {
    const uint64_t most = pattern_budget_most(c);
    c->own_is_fixed = c->kept_found < most &&
                      record_same_digest(c->runs[RECORD_BUILD].pattern_digest, c->fixed_digest);
    c->kept_differs = c->kept_found != c->kept_blocks;
    return c->fixed_kept_blocks <= most ||
           json_keys_fail(keys, "fixed_kept_blocks", "is more than there are");
}

bool record_check_case(const json_keys *keys, record_case *c) {
    for (int op = 0; op < RECORD_OPS; op++)
        if (!check_run(keys, c, (record_op)op))
            return false;
    if (!cap_bounds(c) || !pattern_budget_check(c))
        return tool_fail(keys->error, "out of memory for case %s", c->name);
    return check_pattern(keys, c);
}
