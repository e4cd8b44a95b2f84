/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See kernel_check.h. */
#include "support/kernel_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/compare.h"

check_bounds check_bounds_of(uint32_t dtype) {
    switch (dtype) {
    case SPARSED_F16:
        return (check_bounds){5e-4, 1e-4, 1e-4};
    case SPARSED_BF16:
        return (check_bounds){4e-3, 1e-4, 1e-4};
    default:
        return (check_bounds){2e-6, 1e-5, 1e-5};
    }
}

reference_tie check_tie(void) {
    return (reference_tie){1e-3, 1e-20};
}

static void keep_largest(double *largest, double error) {
    if (error > *largest)
        *largest = error;
}

static void check_part(const attention_case *c, const char *what, const char *part, double error,
                       double bound, double *largest) {
    char text[256];
    const sparsed_select *s = &c->select;
    keep_largest(largest, error);
    if (error <= bound)
        return;
    snprintf(
        text, sizeof text,
        "%s, %s (dtype %u, rows %llu x %llu, D %u, mode %u, blocks %u x %u, G %llu, reduce %u)",
        what, part, c->desc.dtype, (unsigned long long)c->problem.desc.q_len,
        (unsigned long long)c->problem.desc.kv_len, c->desc.head_dim, s->mode, s->block_q,
        s->block_k, (unsigned long long)s->gen_len, s->score_reduce);
    assert_error_within(text, error, bound);
}

void check_result(const attention_case *c, const char *what, const attention_result *result,
                  const attention_result *oracle, check_bounds bounds, check_errors *errors) {
    if (result->out) {
        check_part(c, what, "out", relative_error(result->out, oracle->out, case_out_count(c)),
                   bounds.out, &errors->out);
        check_part(c, what, "lse", lse_error(result->lse, oracle->lse, case_lse_count(c)),
                   bounds.lse + lse_rounding(oracle->lse, case_lse_count(c)), &errors->lse);
    }
    if (result->scores)
        check_part(c, what, "scores",
                   relative_error(result->scores, oracle->scores, case_block_count(c)),
                   bounds.scores, &errors->scores);
    if (result->scores_generation)
        check_part(c, what, "generation scores",
                   relative_error(result->scores_generation, oracle->scores_generation,
                                  case_block_count(c)),
                   bounds.scores, &errors->scores);
}

static void check_dense(attention_case *c, sparsed_plan *plan, check_bounds bounds,
                        check_errors *errors) {
    attention_result oracle = case_oracle(c, NULL);
    attention_result dense = case_run(c, plan, SPARSED_DENSE, NULL);
    check_result(c, "dense", &dense, &oracle, bounds, errors);
    result_free(&dense);
    result_free(&oracle);
}

/* Builds in both ways into kept. */
static void check_builds(attention_case *c, sparsed_plan *plan, sparsed_kept *kept,
                         check_bounds bounds, check_errors *errors) {
    attention_result oracle = case_oracle(c, NULL);
    attention_result both = case_run(c, plan, SPARSED_DENSE_BUILD, kept);
    check_result(c, "dense + build", &both, &oracle, bounds, errors);
    if (oracle.scores) {
        uint8_t *choices = reference_select(c, &oracle, check_tie());
        errors->ties += assert_mask_matches(c, choices, both.mask);
        free(choices);
    }
    attention_result built = case_run(c, plan, SPARSED_BUILD, kept);
    check_result(c, "build", &built, &oracle, bounds, errors);
    assert_memory_equal(built.mask, both.mask, case_block_count(c));
    result_free(&built);
    result_free(&both);
    result_free(&oracle);
}

static void check_sparse(attention_case *c, sparsed_plan *plan, sparsed_kept *kept,
                         check_bounds bounds, check_errors *errors) {
    attention_result sparse = case_run(c, plan, SPARSED_SPARSE, kept);
    attention_result oracle = case_oracle(c, sparse.mask);
    check_result(c, "sparse", &sparse, &oracle, bounds, errors);
    result_free(&sparse);
    result_free(&oracle);
}

void check_case(attention_case *c, sparsed_context *context, check_bounds bounds,
                check_errors *errors) {
    sparsed_plan *plan = case_plan(c, context);
    errors->cases++;
    if (!c->select.mode) {
        check_dense(c, plan, bounds, errors);
    } else {
        sparsed_kept *kept = case_kept(plan);
        check_builds(c, plan, kept, bounds, errors);
        check_sparse(c, plan, kept, bounds, errors);
        sparsed_kept_destroy(kept);
    }
    sparsed_plan_destroy(plan);
}

void check_new_case(attention_case *c, sparsed_context *context, uint64_t seed,
                    check_errors *errors) {
    case_prepare(c, seed);
    check_case(c, context, check_bounds_of(c->desc.dtype), errors);
    case_free(c);
}

void print_errors(const char *what, const check_errors *errors) {
    print_message("%s: %u cases; largest errors: out %.1e, lse %.1e, scores %.1e; %.1f %% near "
                  "ties\n",
                  what, errors->cases, errors->out, errors->lse, errors->scores,
                  100.0 * errors->ties / (errors->cases ? errors->cases : 1));
}
