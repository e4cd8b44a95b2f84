/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Two patterns, head by head; see difference.h. */
#include "pattern/difference.h"

#include <math.h>
#include <stdlib.h>

/* The two rankings of a row; mode joint has the first only. */
enum { PROMPT, GENERATION, RANKINGS };

typedef struct comparing {
    const pattern_pair *pair;
    sparsed_pattern_info info; /* of the scored pattern, else of a */
    sparsed_pattern_range range;
    uint32_t *blocks_a, *blocks_b; /* [k_blocks]: a row of each */
    uint64_t count_a, count_b;
    /* Of the row at hand, read when its first differing block is met. */
    bool scores_read;
    float *scores[RANKINGS]; /* [k_blocks] */
    float *scratch;          /* [k_blocks] */
    float threshold[RANKINGS];
} comparing;

static bool is_upstream(const comparing *c) {
    return c->info.mode == SPARSED_MODE_UPSTREAM_DREAM ||
           c->info.mode == SPARSED_MODE_UPSTREAM_LLADA;
}

static int ranking_of(const comparing *c, uint64_t block) {
    return c->info.mode != SPARSED_MODE_JOINT && block >= c->range.split ? GENERATION : PROMPT;
}

/* The k-th largest of n values, 1 <= k <= n; puts them in another order. */
static float select_largest(float *values, uint64_t n, uint64_t k) {
    uint64_t low = 0, high = n;
    for (;;) {
        const float pivot = values[low + (high - low) / 2];
        uint64_t above = low, below = high; /* larger values end, smaller ones begin */
        for (uint64_t i = low; i < below;) {
            const float value = values[i];
            if (value > pivot) {
                values[i++] = values[above];
                values[above++] = value;
            } else if (value < pivot) {
                values[i] = values[--below];
                values[below] = value;
            } else {
                i++;
            }
        }
        if (k <= above)
            high = above;
        else if (k <= below)
            return pivot;
        else
            low = below;
    }
}

/* Blocks within the budget of a ranking over n > 0 blocks. */
static uint64_t budget(const comparing *c, uint64_t n) {
    double share = c->info.ratio * (double)n;
    uint64_t keep = is_upstream(c) ? (uint64_t)share + 1 : (uint64_t)ceil(share);
    return keep < n ? keep : n;
}

/* The lowest score of the kept blocks of a ranking; 0 if it keeps none. */
static float lowest_kept(const comparing *c, int ranking) {
    bool of_a = c->pair->scored == c->pair->a;
    const uint32_t *blocks = of_a ? c->blocks_a : c->blocks_b;
    uint64_t count = of_a ? c->count_a : c->count_b;
    float lowest = INFINITY;
    for (uint64_t i = 0; i < count; i++)
        if (ranking_of(c, blocks[i]) == ranking)
            lowest = fminf(lowest, c->scores[ranking][blocks[i]]);
    return isfinite(lowest) ? lowest : 0.0f;
}

static float threshold(comparing *c, int ranking) {
    bool all = ranking == PROMPT && (is_upstream(c) || c->info.mode == SPARSED_MODE_JOINT);
    uint64_t first = ranking == GENERATION ? c->range.split : 0;
    uint64_t end = ranking == GENERATION || all ? c->range.k_blocks : c->range.split;
    if (c->info.pattern_flags & SPARSED_PATTERN_HEAD_RATIOS)
        return lowest_kept(c, ranking);
    if (first >= end || budget(c, end - first) == 0)
        return 0.0f;
    for (uint64_t j = first; j < end; j++)
        c->scratch[j - first] = c->scores[ranking][j];
    return select_largest(c->scratch, end - first, budget(c, end - first));
}

static void read_scores(comparing *c, uint32_t batch, uint32_t head, uint64_t q_block) {
    for (uint32_t r = 0; r < RANKINGS; r++) {
        uint32_t ranking = is_upstream(c) ? r : 0;
        sparsed_pattern_scores(c->pair->scored, ranking, batch, head, q_block, c->scores[r]);
        for (uint64_t j = 0; j < c->info.k_blocks; j++)
            if (!(c->scores[r][j] > 0.0f))
                c->scores[r][j] = 0.0f;
    }
    for (int r = 0; r < RANKINGS; r++)
        c->threshold[r] = threshold(c, r);
    c->scores_read = true;
}

static double distance(double s, double t) {
    double larger = fmax(s, t);
    if (s == t)
        return 0.0;
    return isfinite(larger) ? fabs(s - t) / larger : 1.0;
}

static void judge(const comparing *c, uint32_t block, pattern_difference *d) {
    int ranking = ranking_of(c, block);
    double far = distance(c->scores[ranking][block], c->threshold[ranking]);
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
    c.scores[PROMPT] = scores;
    c.scores[GENERATION] = scores + n;
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
