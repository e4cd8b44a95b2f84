/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/values.h"

#include <math.h>
#include <string.h>

#include "../src/half.h"

static double load(const value_array *values, uint64_t index) {
    const unsigned char *at =
        (const unsigned char *)values->data + index * safetensors_dtype_bytes(values->dtype);
    uint16_t half;
    float single;
    if (values->dtype == SAFETENSORS_F32) {
        memcpy(&single, at, sizeof single);
        return (double)single;
    }
    memcpy(&half, at, sizeof half);
    return (double)(values->dtype == SAFETENSORS_F16 ? spd_float_from_f16(half)
                                                     : spd_float_from_bf16(half));
}

double value_at(const value_array *values, uint64_t head, uint64_t row, uint64_t element) {
    return load(values, (head * values->rows + row) * values->width + element);
}

double value_largest(const value_array *values, uint64_t head) {
    const uint64_t count = values->rows * values->width;
    double largest = 0.0;
    for (uint64_t i = 0; i < count; i++) {
        double value = fabs(load(values, head * count + i));
        if (isfinite(value))
            largest = fmax(largest, value);
    }
    return largest;
}

double value_allowed(const value_pair *pair, uint64_t head_a, uint64_t head_b) {
    double of_a = value_largest(&pair->a, head_a), of_b = value_largest(&pair->b, head_b);
    return pair->bound.relative * fmin(of_a, of_b) + pair->bound.absolute;
}

bool value_same_kind(double a, double b) {
    if (isfinite(a) || isfinite(b))
        return isfinite(a) && isfinite(b);
    return isnan(a) ? isnan(b) : a == b;
}

bool value_agrees(double a, double b, double allowed) {
    return value_same_kind(a, b) && (!isfinite(a) || fabs(a - b) <= allowed);
}

typedef struct sums {
    double difference, norm;
} sums;

/* Whether it is the one that is furthest apart so far. */
static bool add_element(value_difference *d, sums *s, double a, double b, double allowed) {
    const double before = d->largest;
    d->elements++;
    if (!value_same_kind(a, b)) {
        d->unequal++, d->beyond++, d->odd++;
        return false;
    }
    if (!isfinite(a))
        return false;
    d->unequal += a != b;
    d->beyond += fabs(a - b) > allowed;
    d->largest = fmax(d->largest, fabs(a - b));
    s->difference += (a - b) * (a - b);
    s->norm += a * a;
    return d->largest > before;
}

value_difference value_compare(const value_pair *pair) {
    const value_array *a = &pair->a;
    value_difference d = {0};
    sums s = {0.0, 0.0};
    for (uint64_t head = 0; head < a->heads; head++) {
        const double allowed = value_allowed(pair, head, head);
        for (uint64_t row = 0; row < a->rows; row++) {
            if (pair->rows && !pair->rows[head * a->rows + row])
                continue;
            for (uint64_t i = 0; i < a->width; i++)
                if (add_element(&d, &s, value_at(a, head, row, i), value_at(&pair->b, head, row, i),
                                allowed))
                    d.head = head, d.row = row, d.element = i;
        }
    }
    d.relative = s.norm > 0.0 ? sqrt(s.difference / s.norm) : sqrt(s.difference);
    return d;
}
