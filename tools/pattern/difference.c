/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Two patterns, head by head; see difference.h. */
#include "pattern/difference.h"

#include <math.h>
#include <stdlib.h>

#include "pattern/threshold.h"

typedef struct comparing {
    const pattern_pair *pair;
    sparsed_pattern_info info; /* of the scored pattern, else of a */
    sparsed_pattern_range range;
    row_choice choice;             /* in this batch */
    uint32_t *blocks_a, *blocks_b; /* [k_blocks]: a row of each */
    uint64_t count_a, count_b;
    /* Of the row at hand, read when its first differing block is met. */
    bool scores_read;
    float *scores[RANKINGS]; /* [k_blocks] */
    float *scratch;          /* [k_blocks] */
    float threshold[RANKINGS];
} comparing;

/* The lowest score of the kept blocks of a ranking; 0 if it keeps none. */
static float lowest_kept(const comparing *c, int ranking) {
    bool of_a = c->pair->scored == c->pair->a;
    const uint32_t *blocks = of_a ? c->blocks_a : c->blocks_b;
    uint64_t count = of_a ? c->count_a : c->count_b;
    float lowest = INFINITY;
    for (uint64_t i = 0; i < count; i++)
        if (row_choice_ranking(&c->choice, blocks[i]) == ranking)
            lowest = fminf(lowest, c->scores[ranking][blocks[i]]);
    return isfinite(lowest) ? lowest : 0.0f;
}

static float threshold(comparing *c, int ranking) {
    return c->info.pattern_flags & SPARSED_PATTERN_HEAD_RATIOS
               ? lowest_kept(c, ranking)
               : row_choice_threshold(&c->choice, ranking, c->scores[ranking], c->scratch);
}

static void read_scores(comparing *c, uint32_t batch, uint32_t head, uint64_t q_block) {
    for (uint32_t r = 0; r < RANKINGS; r++) {
        uint32_t ranking = row_choice_is_upstream(&c->choice) ? r : 0;
        sparsed_pattern_scores(c->pair->scored, ranking, batch, head, q_block, c->scores[r]);
        for (uint64_t j = 0; j < c->info.k_blocks; j++)
            if (!(c->scores[r][j] > 0.0f))
                c->scores[r][j] = 0.0f;
    }
    for (int r = 0; r < RANKINGS; r++)
        c->threshold[r] = threshold(c, r);
    c->scores_read = true;
}

static void judge(const comparing *c, uint32_t block, pattern_difference *d) {
    int ranking = row_choice_ranking(&c->choice, block);
    double far = score_distance(c->scores[ranking][block], c->threshold[ranking]);
    if (far <= c->pair->tolerance)
        d->ties++;
    else
        d->real++;
    d->largest = fmax(d->largest, far);
}

static void compare_row(comparing *c, uint32_t batch, uint32_t head, uint64_t q_block,
                        pattern_difference *d) {
    uint64_t i = 0, j = 0;
    sparsed_pattern_row(c->pair->a, batch, head, q_block, c->blocks_a, &c->count_a);
    sparsed_pattern_row(c->pair->b, batch, head, q_block, c->blocks_b, &c->count_b);
    c->scores_read = false;
    while (i < c->count_a || j < c->count_b) {
        uint32_t of_a = i < c->count_a ? c->blocks_a[i] : UINT32_MAX;
        uint32_t of_b = j < c->count_b ? c->blocks_b[j] : UINT32_MAX;
        uint32_t block = of_a < of_b ? of_a : of_b;
        i += of_a == block;
        j += of_b == block;
        d->both += of_a == of_b;
        d->only_a += of_a < of_b;
        d->only_b += of_b < of_a;
        if (of_a == of_b || !c->pair->scored)
            continue;
        if (!c->scores_read)
            read_scores(c, batch, head, q_block);
        judge(c, block, d);
    }
}

static void compare_head(comparing *c, uint32_t head, pattern_difference *d) {
    *d = (pattern_difference){0};
    for (uint32_t batch = 0; batch < c->info.batch; batch++) {
        c->range.struct_size = sizeof c->range;
        sparsed_pattern_batch(c->pair->scored ? c->pair->scored : c->pair->a, batch, &c->range);
        c->choice = (row_choice){c->info.mode, c->info.ratio, c->range.k_blocks, c->range.split};
        for (uint64_t i = 0; i < c->range.q_blocks; i++)
            compare_row(c, batch, head, i, d);
    }
}

bool pattern_difference_measure(const pattern_pair *pair, pattern_difference *heads,
                                pattern_difference *all, tool_error *error) {
    comparing c = {.pair = pair, .info.struct_size = sizeof c.info};
    sparsed_pattern_describe(pair->scored ? pair->scored : pair->a, &c.info);
    size_t n = (size_t)c.info.k_blocks;
    *all = (pattern_difference){0};
    uint32_t *blocks = calloc(n, 2 * sizeof *blocks);
    float *scores = calloc(n, 3 * sizeof *scores);
    bool done = blocks && scores;
    if (!done) {
        tool_fail(error, "out of memory for %zu key blocks", n);
        goto done;
    }
    c.blocks_a = blocks;
    c.blocks_b = blocks + n;
    c.scores[RANKING_PROMPT] = scores;
    c.scores[RANKING_GENERATION] = scores + n;
    c.scratch = scores + 2 * n;
    for (uint32_t head = 0; head < c.info.heads; head++) {
        compare_head(&c, head, &heads[head]);
        pattern_difference_add(all, &heads[head]);
    }
done:
    free(blocks);
    free(scores);
    return done;
}

void pattern_difference_add(pattern_difference *sum, const pattern_difference *one) {
    sum->both += one->both;
    sum->only_a += one->only_a;
    sum->only_b += one->only_b;
    sum->ties += one->ties;
    sum->real += one->real;
    sum->largest = fmax(sum->largest, one->largest);
}

double pattern_difference_jaccard(const pattern_difference *d) {
    uint64_t either = d->both + d->only_a + d->only_b;
    return either > 0 ? (double)d->both / (double)either : 1.0;
}
