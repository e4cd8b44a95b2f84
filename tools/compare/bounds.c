/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/bounds.h"

#include <math.h>

#define FLOAT_STEP 0x1p-23 /* the largest relative distance of two floats that are neighbours */

enum {
    WARN_STEPS = 4, /* of the largest logit */
    FAIL_STEPS = 32,
    SUM_STEPS = 4,     /* a sum's growth in units of a logit */
    SHORT_KEYS = 2048, /* whose sums the plain bounds cover */
    FEW_UNITS = 32,    /* logits of which one key seldom takes all */
};

/* With logits of a few units: rounding of the output to its type, and of float sums. A result within
 * `fail` is one that the library's own self-test of a kernel takes. */
static const record_bounds plain[] = {
    [SPARSED_F32] = {{2e-6, 1e-5}, {2e-6, 1e-4}, {5e-6, 1e-4}, 0x1p-126},
    [SPARSED_F16] = {{5e-4, 2e-3}, {2e-6, 1e-4}, {5e-6, 1e-4}, 0x1p-24},
    [SPARSED_BF16] = {{4e-3, 1.6e-2}, {2e-6, 1e-4}, {5e-6, 1e-4}, 0x1p-126},
};

static record_bound widen(record_bound bound, double step) {
    return (record_bound){bound.warn + WARN_STEPS * step, bound.fail + FAIL_STEPS * step};
}

/* What rounding of the largest logit may do to outputs and scores, in units of it. It moves a weight p
 * by p (1 - p) of itself: by nothing where one key takes all, and the rows in which two keys compete
 * become as rare as the logits grow. So a norm over rows grows with the root. */
static double competing(double largest) {
    return largest <= FEW_UNITS ? largest : sqrt(FEW_UNITS * largest);
}

record_bounds bounds_of(const sparsed_desc *desc, const sparsed_select *select, const double *lse,
                        uint64_t count) {
    record_bounds bounds = plain[desc->dtype];
    double largest = 0.0, score_factor = fmax(1.0, select->score_scale / desc->scale);
    double growth = fmax(1.0, sqrt((double)desc->kv_len / SHORT_KEYS)) - 1.0;
    for (uint64_t i = 0; i < count; i++)
        if (isfinite(lse[i]))
            largest = fmax(largest, fabs(lse[i]));
    bounds.out = widen(bounds.out, FLOAT_STEP * (competing(largest) + SUM_STEPS * growth));
    bounds.lse = widen(bounds.lse, FLOAT_STEP * (largest + SUM_STEPS * growth));
    bounds.scores =
        widen(bounds.scores, FLOAT_STEP * (competing(largest * score_factor) + SUM_STEPS * growth));
    return bounds;
}
