/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/pattern_agreement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/pattern_findings.h"
#include "compare/pattern_rows.h"
#include "compare/verdict.h"
#include "pattern/threshold.h"
#include "room.h"

double pattern_agreement_jaccard(const pattern_agreement *p) {
    uint64_t either = p->both + p->only_a + p->only_b;
    return either > 0 ? (double)p->both / (double)either : 1.0;
}

void pattern_agreement_add(pattern_agreement *sum, const pattern_agreement *one) {
    sum->both += one->both;
    sum->only_a += one->only_a;
    sum->only_b += one->only_b;
    sum->ties += one->ties;
    sum->real += one->real;
    sum->undecided += one->undecided;
    sum->largest = fmax(sum->largest, one->largest);
}

bool pattern_same_row(const case_patterns *pair, uint64_t head, uint64_t q_block) {
    return memcmp(pattern_row(pair->a, head, q_block), pattern_row(pair->b, head, q_block),
                  pattern_row_bytes(pair->a)) == 0;
}

/* ---- distances from the threshold ---- */

/* A row's scores in one record, and its thresholds. */
typedef struct judged_row {
    row_choice choice;
    float *scores[RANKINGS]; /* what is not above 0 ranks as 0 */
    float threshold[RANKINGS];
} judged_row;

/* A row's stored scores in one ranking; NULL: the record has none of that query block. */
static const float *find_scores(const record_case *c, uint64_t ranking, uint64_t head,
                                uint64_t q_block) {
    const uint64_t heads = (uint64_t)c->desc.batch * c->desc.heads;
    for (uint64_t i = 0; i < c->query_block_count; i++)
        if (c->query_blocks[i] == q_block)
            return c->runs[RECORD_BUILD].scores +
                   ((ranking * heads + head) * c->query_block_count + i) * c->k_blocks;
    return NULL;
}

/* scratch: [3 * k_blocks]. false: the record has no scores of that query block. */
static bool judge_by(const record_case *c, uint64_t head, uint64_t q_block, float *scratch,
                     judged_row *row) {
    const sparsed_pattern_range *range = &c->ranges[head / c->desc.heads];
    row->choice = (row_choice){c->select.mode, c->select.ratio, range->k_blocks, range->split};
    for (uint64_t r = 0; r < RANKINGS; r++) {
        const float *stored = find_scores(c, c->rankings > 1 ? r : 0, head, q_block);
        row->scores[r] = scratch + r * c->k_blocks;
        if (!stored)
            return false;
        for (uint64_t j = 0; j < c->k_blocks; j++)
            row->scores[r][j] = stored[j] > 0.0f ? stored[j] : 0.0f;
        row->threshold[r] = row_choice_threshold(&row->choice, (int)r, row->scores[r],
                                                 scratch + RANKINGS * c->k_blocks);
    }
    return true;
}

static double distance_by(const judged_row *row, uint64_t block) {
    int ranking = row_choice_ranking(&row->choice, block);
    return score_distance((double)row->scores[ranking][block], (double)row->threshold[ranking]);
}

/* ---- rows ---- */

typedef struct measuring {
    const case_patterns *pair;
    double rounding; /* what scores are usually off by, of both records */
    uint8_t *states; /* [nq][nk] of a head */
    bool *explained; /* [nq]: rounding is why its blocks differ */
    float *scratch;  /* [6 * nk] */
} measuring;

static void count_state(pattern_agreement *sum, unsigned state) {
    const unsigned what = state % BLOCK_IN_A;
    sum->both += what == BLOCK_BOTH;
    sum->ties += what == BLOCK_TIE;
    sum->real += what == BLOCK_REAL;
    sum->undecided += what == BLOCK_UNDECIDED;
    sum->only_a += what > BLOCK_BOTH && state >= BLOCK_IN_A;
    sum->only_b += what > BLOCK_BOTH && state < BLOCK_IN_A;
}

static void measure_row(const measuring *m, uint64_t head, uint64_t q_block,
                        pattern_agreement *sum) {
    const record_case *a = m->pair->a, *b = m->pair->b;
    const bool same = pattern_same_row(m->pair, head, q_block);
    uint8_t *states = m->states + q_block * a->k_blocks;
    judged_row by_a, by_b;
    bool has_a = !same && judge_by(a, head, q_block, m->scratch, &by_a);
    bool has_b = !same && judge_by(b, head, q_block, m->scratch + 3 * a->k_blocks, &by_b);
    m->explained[q_block] = true;
    for (uint64_t j = 0; j < a->k_blocks; j++) {
        bool in_a = pattern_bit(pattern_row(a, head, q_block), j);
        bool in_b = pattern_bit(pattern_row(b, head, q_block), j);
        unsigned state = in_a && in_b ? BLOCK_BOTH : BLOCK_NEITHER;
        if (in_a != in_b) {
            double distance = fmin(has_a ? distance_by(&by_a, j) : INFINITY,
                                   has_b ? distance_by(&by_b, j) : INFINITY);
            bool decided = has_a || has_b;
            state = !decided                         ? BLOCK_UNDECIDED
                    : distance <= m->pair->tolerance ? BLOCK_TIE
                                                     : BLOCK_REAL;
            state += in_a ? BLOCK_IN_A : 0;
            m->explained[q_block] &= distance <= fmax(m->pair->tolerance, m->rounding);
            if (decided)
                sum->largest = fmax(sum->largest, distance);
        }
        states[j] = (uint8_t)state;
        count_state(sum, state);
    }
}

bool pattern_agreement_measure(const case_patterns *pair, pattern_agreement *all, findings *found,
                               uint8_t *states) {
    const record_case *a = pair->a;
    const uint64_t heads = (uint64_t)a->desc.batch * a->desc.heads;
    const uint64_t blocks = a->q_blocks * a->k_blocks; /* a reader has checked the product */
    const record_bound scores = verdict_pair_bound(&a->bounds.scores, &pair->b->bounds.scores);
    measuring m = {.pair = pair,
                   .rounding = scores.warn,
                   .explained = room_for(a->q_blocks, sizeof *m.explained),
                   .scratch = room_for(a->k_blocks, 6 * sizeof *m.scratch)};
    uint8_t *of_head = room_for(blocks, 1);
    *all = (pattern_agreement){0};
    for (uint64_t head = 0; head < heads && m.explained && m.scratch && of_head; head++) {
        pattern_agreement sum = {0};
        m.states = of_head;
        for (uint64_t i = 0; i < a->q_blocks; i++)
            measure_row(&m, head, i, &sum);
        pattern_agreement_add(all, &sum);
        if (sum.real + sum.undecided > 0)
            pattern_findings(pair, head, of_head, m.explained, found);
        if (states)
            memcpy(states + head * blocks, of_head, (size_t)blocks);
    }
    const bool done = m.explained && m.scratch && of_head;
    free(m.explained);
    free(m.scratch);
    free(of_head);
    return done;
}
