/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Measures of the heads of a pattern; see structure.h. */
#include "pattern/structure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a head is counted with. */
typedef struct counting {
    const sparsed_pattern *pattern;
    sparsed_pattern_info info;
    sparsed_pattern_range range; /* of the batch at hand */
    uint32_t *blocks;            /* [k_blocks]: one row */
    uint64_t *columns;           /* [k_blocks]: how many rows keep each key block */
    uint64_t kept, diagonal;     /* of the batch at hand */
} counting;

/* The key blocks near the diagonal of a query block: first .. last. */
static void near_diagonal(const counting *c, uint64_t q_block, uint64_t *first, uint64_t *last) {
    uint64_t begin = q_block * c->info.block_q, end = begin + c->info.block_q;
    if (end > c->range.queries)
        end = c->range.queries;
    uint64_t from = (c->range.query_position + begin) / c->info.block_k;
    *first = from > 0 ? from - 1 : 0;
    *last = (c->range.query_position + end - 1) / c->info.block_k + 1;
}

static void count_row(counting *c, uint32_t batch, uint32_t head, uint64_t q_block) {
    uint64_t count = 0, first, last;
    near_diagonal(c, q_block, &first, &last);
    sparsed_pattern_row(c->pattern, batch, head, q_block, c->blocks, &count);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t block = c->blocks[i];
        c->columns[block]++;
        c->diagonal += block >= first && block <= last;
    }
    c->kept += count;
}

/* Entropy of the batch at hand, 0 to 1. */
static double entropy(const counting *c) {
    double sum = 0.0;
    if (c->kept == 0 || c->range.k_blocks < 2)
        return 0.0;
    for (uint64_t j = 0; j < c->range.k_blocks; j++) {
        double share = (double)c->columns[j] / (double)c->kept;
        if (share > 0.0)
            sum -= share * log(share);
    }
    return fmin(sum / log((double)c->range.k_blocks), 1.0);
}

static pattern_structure measure_head(counting *c, uint32_t head) {
    pattern_structure s = {.density = sparsed_pattern_density(c->pattern, head)};
    double diagonal = 0.0, spread = 0.0;
    for (uint32_t batch = 0; batch < c->info.batch; batch++) {
        c->range.struct_size = sizeof c->range;
        sparsed_pattern_batch(c->pattern, batch, &c->range);
        c->kept = c->diagonal = 0;
        memset(c->columns, 0, (size_t)c->info.k_blocks * sizeof *c->columns);
        for (uint64_t i = 0; i < c->range.q_blocks; i++)
            count_row(c, batch, head, i);
        s.kept_blocks += c->kept;
        diagonal += (double)c->diagonal;
        spread += (double)c->kept * entropy(c);
    }
    if (s.kept_blocks > 0) {
        s.diagonal_share = diagonal / (double)s.kept_blocks;
        s.entropy = spread / (double)s.kept_blocks;
    }
    return s;
}

bool pattern_structure_measure(const sparsed_pattern *pattern, pattern_structure *heads,
                               pattern_structure *layer, tool_error *error) {
    counting c = {.pattern = pattern, .info.struct_size = sizeof c.info};
    sparsed_pattern_describe(pattern, &c.info);
    size_t blocks = (size_t)c.info.k_blocks;
    bool done = false;
    c.blocks = calloc(blocks, sizeof *c.blocks);
    c.columns = calloc(blocks, sizeof *c.columns);
    *layer = (pattern_structure){0};
    if (!c.blocks || !c.columns) {
        tool_fail(error, "out of memory for %zu key blocks", blocks);
        goto done;
    }
    for (uint32_t head = 0; head < c.info.heads; head++) {
        const pattern_structure s = heads[head] = measure_head(&c, head);
        layer->kept_blocks += s.kept_blocks;
        layer->density += s.density / c.info.heads;
        layer->diagonal_share += s.diagonal_share / c.info.heads;
        layer->entropy += s.entropy / c.info.heads;
    }
    done = true;
done:
    free(c.blocks);
    free(c.columns);
    return done;
}
