/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Holds every operation of one kernel row, on one case, to the oracle. */
#ifndef TESTS_SUPPORT_KERNEL_CHECK_H
#define TESTS_SUPPORT_KERNEL_CHECK_H

#include "support/attention_case.h"
#include "support/reference_selection.h"

/* The largest errors seen, for a summary; start from zeros. */
typedef struct check_errors {
    double out, lse, scores;
    double ties; /* share of blocks that a rounding error may swap, summed over the cases */
    unsigned cases;
} check_errors;

typedef struct check_bounds {
    double out, lse, scores;
} check_bounds;

/* The bounds of tests/golden for a storage type. */
check_bounds check_bounds_of(uint32_t dtype);

/* The ties of tests/golden: 1e-3 of the k-th score; a score below 1e-20 counts as 0. */
reference_tie check_tie(void);

/* Compares what a run gave with the oracle's. */
void check_result(const attention_case *c, const char *what, const attention_result *result,
                  const attention_result *oracle, check_bounds bounds, check_errors *errors);

/*
 * Without a selection: the dense run. With one: dense + build, its pattern against the reference
 * selection, a build alone, and a sparse run over the pattern. The case is prepared; it is not
 * freed.
 */
void check_case(attention_case *c, sparsed_context *context, check_bounds bounds,
                check_errors *errors);

/* Prepares, checks with the bounds of its storage type, and frees. */
void check_new_case(attention_case *c, sparsed_context *context, uint64_t seed,
                    check_errors *errors);

void print_errors(const char *what, const check_errors *errors);

#endif
