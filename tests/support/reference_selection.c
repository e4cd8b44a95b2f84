/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See reference_selection.h. */
#include "support/reference_selection.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct ranked {
    double score;
    uint64_t index;
} ranked;

static int compare_ranked(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static bool ties(double a, double b, reference_tie tie) {
    return fabs(a - b) < tie.relative * fmax(a, b) || (a < tie.absolute && b < tie.absolute);
}

void reference_rank(const double *scores, uint64_t first, uint64_t end, uint64_t keep,
                    uint64_t limit, reference_tie tie, uint8_t *choices) {
    uint64_t n = end - first;
    ranked *order = calloc(n + 1, sizeof *order);
    assert_non_null(order);
    for (uint64_t i = 0; i < n; i++) /* NaN ranks last */
        order[i] = (ranked){scores[first + i] > 0.0 ? scores[first + i] : 0.0, first + i};
    qsort(order, n, sizeof *order, compare_ranked);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t j = order[i].index;
        bool either = false;
        if (keep < n && keep > 0)
            either = i < keep ? ties(order[i].score, order[keep].score, tie)
                              : ties(order[i].score, order[keep - 1].score, tie);
        if (j >= limit)
            continue;
        if (either && choices[j] != REFERENCE_KEPT)
            choices[j] = REFERENCE_EITHER;
        else if (!either && i < keep)
            choices[j] = REFERENCE_KEPT;
    }
    free(order);
}

static uint64_t paper_count(double share) {
    return (uint64_t)ceil(share);
}

static uint64_t upstream_count(uint64_t n, double ratio) {
    uint64_t keep = (uint64_t)((double)n * ratio) + 1;
    return keep < n ? keep : n;
}

/* One row by its mode's rule; positions are counted from the first valid key. */
static void rank_row(const attention_case *c, const spd_extent *e, const double *all,
                     const double *generation, reference_tie tie, uint8_t *choices) {
    const sparsed_select *s = &c->problem.select;
    uint64_t nk = e->k_blocks, split = e->split;
    if (s->mode == SPARSED_MODE_PAPER) {
        reference_rank(all, 0, split, paper_count(s->ratio * (double)split), nk, tie, choices);
        reference_rank(all, split, nk, paper_count(s->ratio * (double)(nk - split)), nk, tie,
                       choices);
    } else if (s->mode == SPARSED_MODE_JOINT) {
        reference_rank(all, 0, nk, paper_count(s->ratio * (double)nk), nk, tie, choices);
    } else {
        reference_rank(all, 0, nk, upstream_count(nk, s->ratio), split, tie, choices);
        reference_rank(generation, split, nk, upstream_count(nk - split, s->ratio), nk, tie,
                       choices);
    }
}

static void add_options(const attention_case *c, const spd_extent *e, uint64_t q_block,
                        uint8_t *choices) {
    const sparsed_select *s = &c->problem.select;
    for (uint64_t r = q_block * s->block_q; r < (q_block + 1) * s->block_q && r < e->queries; r++) {
        uint64_t position = e->query_position + r;
        if (s->flags & SPARSED_SELECT_KEEP_DIAGONAL)
            choices[position / s->block_k] = REFERENCE_KEPT;
        for (uint64_t j = 0; j < e->k_blocks && position >= e->keys - s->gen_len; j++)
            if (s->flags & SPARSED_SELECT_DENSE_GENERATION_ROWS)
                choices[j] = REFERENCE_KEPT;
    }
    for (uint64_t j = 0; j < e->k_blocks; j++)
        if (j < s->always_first || ((s->flags & SPARSED_SELECT_KEEP_GENERATION) && j >= e->split))
            choices[j] = REFERENCE_KEPT;
}

uint8_t *reference_select(const attention_case *c, const attention_result *oracle,
                          reference_tie tie) {
    uint64_t nq = c->problem.q_blocks, nk = c->problem.k_blocks;
    uint8_t *choices = calloc(case_block_count(c) + 1, 1);
    assert_non_null(choices);
    for (uint64_t head = 0; head < (uint64_t)c->desc.batch * c->desc.heads; head++) {
        const spd_extent *e = &c->extents[head / c->desc.heads];
        for (uint64_t i = 0; i * c->select.block_q < e->queries; i++) {
            uint64_t row = (head * nq + i) * nk;
            rank_row(c, e, oracle->scores + row,
                     oracle->scores_generation ? oracle->scores_generation + row : NULL, tie,
                     choices + row);
            add_options(c, e, i, choices + row);
        }
    }
    return choices;
}

double assert_mask_matches(const attention_case *c, const uint8_t *choices, const uint8_t *mask) {
    uint64_t count = case_block_count(c), either = 0;
    uint64_t nq = c->problem.q_blocks, nk = c->problem.k_blocks;
    for (uint64_t i = 0; i < count; i++) {
        either += choices[i] == REFERENCE_EITHER;
        if (choices[i] != REFERENCE_EITHER && choices[i] != mask[i])
            fail_msg("batch and head %llu, query block %llu, key block %llu is %s",
                     (unsigned long long)(i / (nq * nk)), (unsigned long long)(i / nk % nq),
                     (unsigned long long)(i % nk), mask[i] ? "kept" : "dropped");
    }
    return count > 0 ? (double)either / (double)count : 0.0;
}
