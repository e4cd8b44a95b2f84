/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Names what no tie explains between two patterns of a head: swapped heads, a shifted block, kept
 * blocks. Query blocks without scores count if less than half of their blocks agree, and then only
 * with a name: what is merely different there cannot be told from ties.
 */
#ifndef TOOLS_COMPARE_PATTERN_FINDINGS_H
#define TOOLS_COMPARE_PATTERN_FINDINGS_H

#include "compare/pattern_agreement.h"

/* states: [nq][nk] of that head, block_state. */
void pattern_findings(const case_patterns *pair, uint64_t head, const uint8_t *states,
                      findings *found);

#endif
