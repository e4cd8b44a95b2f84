/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Names what is beyond the bound between the values of two records: a NaN, an element, a row, a
 * query block, one that holds other rows, a head, one that holds another's.
 */
#ifndef TOOLS_COMPARE_VALUE_FINDINGS_H
#define TOOLS_COMPARE_VALUE_FINDINGS_H

#include "compare/finding.h"
#include "compare/values.h"

/* What the heads and rows of the arrays are. */
typedef struct value_places {
    const char *run;
    finding_part part;
    uint64_t batches, heads;  /* the arrays have a multiple of batches * heads, the rankings */
    const uint64_t *rows;     /* [array.rows] rising: rows of the sequence, or query blocks */
    const uint64_t *q_blocks; /* [batches * array.rows]: the query block of each row, or
                                 FINDING_PADDING; the rows of one are side by side */
} value_places;

void value_findings(const value_pair *pair, const value_places *places, findings *found);

/* ... or what they are off by together where no element is beyond it: `error`, above the bound, and
 * the element that is furthest apart. */
void value_finding_overall(const value_pair *pair, const value_places *places,
                           const value_difference *difference, double error,
                           const record_bound *bound, findings *found);

#endif
