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
 * allowed grows with the logits.
 *   lse           [count] of dense attention, as the oracle has them; those that are not finite do
 *                 not count
 *   score_factor  the ranking's scale / the attention's
 */
record_bounds bounds_of(uint32_t dtype, const double *lse, uint64_t count, double score_factor);

#endif
