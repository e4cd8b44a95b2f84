/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/sample.h"

#include "../src/size.h"

static uint64_t count_of(const case_input *input, uint64_t all, uint64_t most) {
    return case_input_out_count(input) <= SAMPLE_SMALL ? all : spd_min(all, most);
}

uint64_t sample_row_count(const case_input *input) {
    return count_of(input, input->problem.desc.q_len, SAMPLE_ROWS);
}

uint64_t sample_query_block_count(const case_input *input) {
    return count_of(input, input->problem.q_blocks, SAMPLE_QUERY_BLOCKS);
}

/* One of each of `count` equal parts of 0 .. all-1, at random: an even step would meet the same row
 * of each block. */
static void choose(const generator *g, uint64_t all, uint64_t count, uint64_t *chosen) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t first = all * i / count, end = all * (i + 1) / count;
        chosen[i] = i == 0           ? 0
                    : i == count - 1 ? all - 1
                                     : first + generator_choice(g, i, end - first);
    }
}

void sample_rows(const case_input *input, uint64_t *rows) {
    choose(&input->generator, input->problem.desc.q_len, sample_row_count(input), rows);
}

void sample_query_blocks(const case_input *input, uint64_t *query_blocks) {
    choose(&input->generator, input->problem.q_blocks, sample_query_block_count(input),
           query_blocks);
}
