/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/errors.h"

#include <math.h>
#include <string.h>

#include "../src/half.h"
#include "../src/oracle.h"

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

/* The sums behind the relative error. */
typedef struct sums {
    double difference, expected;
} sums;

static void measure_one(uint32_t dtype, uint64_t index, double got, double expected, sums *s,
                        record_errors *e, uint64_t *worst) {
    if (!isfinite(got) || !isfinite(expected)) {
        bool same = isnan(got) ? isnan(expected) != 0 : got == expected;
        e->nonfinite += !same;
        return;
    }
    double difference = got - expected;
    s->difference += difference * difference;
    s->expected += expected * expected;
    int64_t steps =
        order_of(dtype, bits_of(dtype, got)) - order_of(dtype, bits_of(dtype, expected));
    e->ulps[bin_of((uint64_t)(steps < 0 ? -steps : steps))]++;
    if (fabs(difference) > e->max_abs) {
        e->max_abs = fabs(difference);
        e->got = got;
        e->expected = expected;
        *worst = index;
    }
}

void errors_measure(const void *got, uint32_t dtype, const double *expected,
                    const uint64_t shape[4], const uint64_t *rows, record_errors *errors) {
    uint64_t count = shape[0] * shape[1] * shape[2] * shape[3], worst = 0;
    sums s = {0.0, 0.0};
    *errors = (record_errors){.count = count};
    for (uint64_t i = 0; i < count; i++)
        measure_one(dtype, i, spd_oracle_load(got, dtype, i), expected[i], &s, errors, &worst);
    errors->nmse = s.expected > 0.0 ? s.difference / s.expected : s.difference;
    errors->relative = sqrt(errors->nmse);
    if (count == 0)
        return;
    errors->worst[3] = worst % shape[3];
    errors->worst[2] = rows[worst / shape[3] % shape[2]];
    errors->worst[1] = worst / shape[3] / shape[2] % shape[1];
    errors->worst[0] = worst / shape[3] / shape[2] / shape[1];
}
