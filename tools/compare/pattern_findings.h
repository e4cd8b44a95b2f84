/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Names what no tie explains between two patterns of a head: swapped heads, a shifted block, kept
 * blocks. Query blocks without scores count if less than half of their blocks agree, and then only
 * with a name: what is merely different there cannot be told from ties. Where the rounding of scores
 * explains all that differs in a query block, however it looks, its form is chance.
 */
#ifndef TOOLS_COMPARE_PATTERN_FINDINGS_H
#define TOOLS_COMPARE_PATTERN_FINDINGS_H

#include "compare/pattern_agreement.h"

/* Of that head:
 *   states    [nq][nk] block_state
 *   rounding  [nq] whether the rounding of scores explains all that differs */
void pattern_findings(const case_patterns *pair, uint64_t head, const uint8_t *states,
                      const bool *rounding, findings *found);

#endif
