/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Which rows and query blocks of a case a record holds: all of a small case, else a sample that
 * every device takes alike.
 */
#ifndef TOOLS_COMPARE_SAMPLE_H
#define TOOLS_COMPARE_SAMPLE_H

#include "compare/case_input.h"

enum {
    SAMPLE_SMALL = 1 << 16, /* elements of out of a case that is held whole */
    SAMPLE_ROWS = 64,
    SAMPLE_QUERY_BLOCKS = 4
};

/* How many rows (query blocks) are held of q_len (nq). */
uint64_t sample_row_count(const case_input *input);
uint64_t sample_query_block_count(const case_input *input);

/* Their numbers, rising, the first and the last among them. */
void sample_rows(const case_input *input, uint64_t *rows);
void sample_query_blocks(const case_input *input, uint64_t *query_blocks);

#endif
