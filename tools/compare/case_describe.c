/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/case_describe.h"

#include <stdio.h>

#include "compare/sample.h"

static const sparsed_pattern_range *ranges_of(const case_input *in, record *r) {
    uint32_t batch = in->problem.desc.batch;
    sparsed_pattern_range *ranges = record_room(r, batch, sizeof *ranges);
    for (uint32_t b = 0; ranges && b < batch; b++) {
        const spd_extent *e = &in->extents[b];
        ranges[b] = (sparsed_pattern_range){.struct_size = sizeof ranges[b],
                                            .key_start = e->key_start,
                                            .keys = e->keys,
                                            .query_start = e->query_start,
                                            .queries = e->queries,
                                            .query_position = e->query_position,
                                            .q_blocks = e->q_blocks,
                                            .k_blocks = e->k_blocks,
                                            .split = e->split};
    }
    return ranges;
}

static bool choose_sample(const case_input *input, record *r, record_case *c) {
    c->row_count = sample_row_count(input);
    c->query_block_count = sample_query_block_count(input);
    uint64_t *rows = record_room(r, c->row_count, sizeof *rows);
    uint64_t *query_blocks = record_room(r, c->query_block_count, sizeof *query_blocks);
    if (!rows || !query_blocks)
        return false;
    sample_rows(input, rows);
    sample_query_blocks(input, query_blocks);
    c->rows = rows;
    c->query_blocks = query_blocks;
    return true;
}

bool case_describe(const case_input *input, record *r, record_case *c) {
    const spd_problem *p = &input->problem;
    snprintf(c->name, sizeof c->name, "%s", input->name);
    snprintf(c->data, sizeof c->data, "%s", input->data);
    c->desc = p->desc;
    c->desc.flags = SPARSED_DESC_Q_START;
    c->desc.q = c->desc.k = c->desc.v = c->desc.out = (sparsed_strides){0, 0, 0};
    c->select = p->select;
    c->q_digest = input->q_digest;
    c->k_digest = input->k_digest;
    c->v_digest = input->v_digest;
    c->fixed_digest = input->fixed_digest;
    c->q_blocks = p->q_blocks;
    c->k_blocks = p->k_blocks;
    c->rankings = spd_mode_is_upstream(p->select.mode) ? 2 : 1;
    c->ranges = ranges_of(input, r);
    return c->ranges && choose_sample(input, r, c);
}
