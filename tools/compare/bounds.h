/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a result may be off by from the double oracle.
 */
#ifndef TOOLS_COMPARE_BOUNDS_H
#define TOOLS_COMPARE_BOUNDS_H

#include "compare/record_file.h"

/*
 * The bounds of a case. A float's rounding of a logit enters each weight as its absolute error: what is
 * allowed grows with the logits; and with the root of the keys, as rounding of so long sums does.
 *   lse  [count] of dense attention, as the oracle has them; those that are not finite do not count
 */
record_bounds bounds_of(const sparsed_desc *desc, const sparsed_select *select, const double *lse,
                        uint64_t count);

#endif
