/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Measures of one head's pattern, over all batches and query blocks:
 *   density         share of the valid query-key pairs that are kept (sparsed_pattern_density)
 *   diagonal share  share of the kept blocks that are at most one key block away from the key
 *                   blocks that the query block's own rows meet
 *   entropy         Shannon entropy of the kept blocks' distribution over the key blocks, divided
 *                   by the logarithm of the number of key blocks: 1 = spread evenly, 0 = one key
 *                   block. Of several batches the mean, each counted by the blocks that it keeps
 * Diagonal share and entropy are 0 where no block is kept, entropy also where there is one key
 * block.
 */
#ifndef TOOLS_PATTERN_STRUCTURE_H
#define TOOLS_PATTERN_STRUCTURE_H

#include <sparsed/pattern.h>

#include "error.h"

typedef struct pattern_structure {
    uint64_t kept_blocks;
    double density, diagonal_share, entropy;
} pattern_structure;

/* Measures every head of a pattern: heads [info.heads]; *layer receives the means of them, and the
 * sum of kept_blocks. */
bool pattern_structure_measure(const sparsed_pattern *pattern, pattern_structure *heads,
                               pattern_structure *layer, tool_error *error);

#endif
