/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See compare.h. */
#include "support/compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

double relative_error(const double *actual, const double *expected, uint64_t count) {
    double difference = 0.0, norm = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        double d = actual[i] - expected[i];
        difference += d * d;
        norm += expected[i] * expected[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}

double lse_error(const double *actual, const double *expected, uint64_t count) {
    double worst = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        if (actual[i] == expected[i])
            continue;
        double error = fabs(actual[i] - expected[i]);
        if (!(error <= worst))
            worst = error;
        if (isnan(worst))
            return worst;
    }
    return worst;
}

double lse_rounding(const double *expected, uint64_t count) {
    double largest = 0.0;
    for (uint64_t i = 0; i < count; i++)
        if (isfinite(expected[i]))
            largest = fmax(largest, fabs(expected[i]));
    return 0x1p-24 * largest;
}

void assert_error_within(const char *what, double error, double bound) {
    if (!(error <= bound))
        fail_msg("%s: error %.3e, allowed are %.1e", what, error, bound);
}
