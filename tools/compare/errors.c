/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/errors.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "../src/half.h"
#include "../src/oracle.h"
#include "compare/values.h"

/* A stored value's place in the order of the type's values, so that neighbours differ by 1 and both
 * zeros are one. */
static int64_t order_of(uint32_t dtype, uint32_t bits) {
    uint32_t sign = dtype == SPARSED_F32 ? 0x80000000u : 0x8000u;
    int64_t size = (int64_t)(bits & (sign - 1));
    return bits & sign ? -size : size;
}

static uint32_t bits_of(uint32_t dtype, double value) {
    float single = (float)value;
    return dtype == SPARSED_F32   ? spd_float_bits(single)
           : dtype == SPARSED_F16 ? spd_f16_from_float(single)
                                  : spd_bf16_from_float(single);
}

/* The bin of a distance: 0, 1, 2, then up to 4, 8, 16 ... */
static int bin_of(uint64_t distance) {
    int bin = distance > 0;
    for (uint64_t end = 1; bin > 0 && bin < RECORD_ULP_BINS - 1 && distance > end; end *= 2)
        bin++;
    return bin;
}

/* The sums behind the relative error, and the worst element so far. */
typedef struct measuring {
    double difference, expected; /* sums of squares */
    double size;                 /* what an element's error is measured by */
    double worst;                /* error over size */
    uint64_t index;
} measuring;

static void measure_one(uint32_t dtype, uint64_t index, double got, double expected, measuring *s,
                        record_errors *e) {
    if (!isfinite(got) || !isfinite(expected)) {
        e->nonfinite += !value_same_kind(got, expected);
        return;
    }
    double difference = got - expected;
    s->difference += difference * difference;
    s->expected += expected * expected;
    int64_t steps =
        order_of(dtype, bits_of(dtype, got)) - order_of(dtype, bits_of(dtype, expected));
    e->ulps[bin_of((uint64_t)(steps < 0 ? -steps : steps))]++;
    e->max_abs = fmax(e->max_abs, fabs(difference));
    if (fabs(difference) / s->size > s->worst) {
        s->worst = fabs(difference) / s->size;
        s->index = index;
        e->got = got;
        e->expected = expected;
    }
}

/* The largest finite absolute value; DBL_MIN if it is less, so that one can divide by it. */
static double size_of(const double *expected, uint64_t count) {
    double largest = DBL_MIN;
    for (uint64_t i = 0; i < count; i++)
        if (isfinite(expected[i]))
            largest = fmax(largest, fabs(expected[i]));
    return largest;
}

void errors_measure(const void *got, uint32_t dtype, const double *expected,
                    const uint64_t shape[4], const uint64_t *rows, bool by_head,
                    record_errors *errors) {
    uint64_t of_head = shape[2] * shape[3], count = shape[0] * shape[1] * of_head;
    measuring s = {.size = 1.0};
    *errors = (record_errors){.count = count};
    for (uint64_t i = 0; i < count; i++) {
        if (by_head && i % of_head == 0)
            s.size = size_of(expected + i, of_head);
        measure_one(dtype, i, spd_oracle_load(got, dtype, i), expected[i], &s, errors);
    }
    errors->nmse = s.expected > 0.0 ? s.difference / s.expected : s.difference;
    errors->relative = sqrt(errors->nmse);
    if (count == 0)
        return;
    errors->worst[3] = s.index % shape[3];
    errors->worst[2] = rows[s.index / shape[3] % shape[2]];
    errors->worst[1] = s.index / shape[3] / shape[2] % shape[1];
    errors->worst[0] = s.index / shape[3] / shape[2] / shape[1];
}
