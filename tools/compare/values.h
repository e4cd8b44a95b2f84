/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The values of one tensor in two records, side by side: how far they are apart, and where they are
 * further apart than allowed.
 */
#ifndef TOOLS_COMPARE_VALUES_H
#define TOOLS_COMPARE_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "safetensors.h"

/* [heads][rows][width], as a record stores it. */
typedef struct value_array {
    const void *data; /* any alignment */
    safetensors_dtype dtype;
    uint64_t heads; /* of all batches */
    uint64_t rows, width;
} value_array;

/* One element. */
double value_at(const value_array *values, uint64_t head, uint64_t row, uint64_t element);

/* The largest finite absolute value of a head. */
double value_largest(const value_array *values, uint64_t head);

/* What two values may differ by: relative * the head's largest value + absolute. */
typedef struct value_bound {
    double relative, absolute;
} value_bound;

/* Which elements stand for a comparison: rows[head * array.rows + row] is true; NULL: all. */
typedef struct value_pair {
    value_array a, b; /* of one shape */
    const bool *rows;
    value_bound bound;
} value_pair;

/* The largest difference that is allowed in a head: relative to the smaller of the two largest
 * finite values, so that one wrong value does not widen its own bound. */
double value_allowed(const value_pair *pair, uint64_t head_a, uint64_t head_b);

/* Whether two values are finite, or not, in the same way. */
bool value_same_kind(double a, double b);

/* Whether two values agree: within `allowed`, or equal where they are not finite. */
bool value_agrees(double a, double b, double allowed);

typedef struct value_difference {
    uint64_t elements;           /* compared */
    uint64_t unequal;            /* of them: not the same value */
    uint64_t beyond;             /* ... further apart than allowed, or finite in one alone */
    uint64_t odd;                /* ... finite in one alone, or not finite in different ways */
    double largest;              /* absolute difference of finite values ... */
    uint64_t head, row, element; /* ... and where it is */
    double relative; /* Frobenius norm of the difference over that of a, finite values (over 1 if
                          that is 0) */
} value_difference;

value_difference value_compare(const value_pair *pair);

#endif
