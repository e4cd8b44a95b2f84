/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Errors of results against the oracle. A NaN anywhere makes an error NaN, which no bound admits.
 */
#ifndef TESTS_SUPPORT_COMPARE_H
#define TESTS_SUPPORT_COMPARE_H

#include <stdint.h>

/* Frobenius norm of the difference over the norm of the expected (over 1 if that is 0). */
double relative_error(const double *actual, const double *expected, uint64_t count);

/* The largest absolute difference of log-sum-exps; infinite where only one of two is -inf. */
double lse_error(const double *actual, const double *expected, uint64_t count);

/* What storing a log-sum-exp of this size as a float may add to its error. */
double lse_rounding(const double *expected, uint64_t count);

/* Fails the test unless error <= bound; names what it is. */
void assert_error_within(const char *what, double error, double bound);

#endif
