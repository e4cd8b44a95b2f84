/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What the double oracle makes of a case, row by row, of the rows and query blocks that a record
 * holds. Shared among the threads of OpenMP.
 */
#ifndef TOOLS_COMPARE_EXPECTED_H
#define TOOLS_COMPARE_EXPECTED_H

#include "compare/case_input.h"

/*
 * Attention of `count` query rows of each head.
 *   mask      [B][H][nq][nk] kept blocks, NULL = dense
 *   out, lse  [B][H][count][D], [B][H][count]
 */
bool expected_rows(const case_input *input, const uint8_t *mask, const uint64_t *rows,
                   uint64_t count, double *out, double *lse, tool_error *error);

/* Block scores of `count` query blocks of each head: scores [rankings][B][H][count][nk], of which
 * the second ranking exists in the upstream modes alone. */
bool expected_scores(const case_input *input, const uint64_t *query_blocks, uint64_t count,
                     double *scores, tool_error *error);

#endif
