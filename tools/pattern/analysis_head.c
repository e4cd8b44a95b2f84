/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* One layer's rows: what is kept in common, and which share of the scores. */
#include "pattern/analysis_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/budget.h"
#include "room.h"

/* The shares of a row's scores, in the order of the measures from ANALYSIS_OWN on. */
enum { SHARES = ANALYSIS_MEASURES - ANALYSIS_OWN };

typedef struct ranked_column {
    double sum;
    uint32_t column;
} ranked_column;

/* A row of each step, or of each head; k_blocks and words are a row's room. */
struct analysis_scratch {
    size_t k_blocks, words;
    uint64_t *bits;   /* [steps or heads][words] */
    uint32_t *blocks; /* [steps or heads][k_blocks] */
    uint64_t *counts; /* [steps or heads] kept in the row */
    double *kept;     /* [steps or heads] kept in all rows */
    double *common;   /* [heads][heads] */
    float *scores;    /* [steps][k_blocks] */
    double *columns;  /* [steps][k_blocks] sums of the scores over a batch's rows */
    uint32_t *order;  /* [steps][k_blocks] the columns, largest sum first */
    double *mass;     /* [steps] */
    double *share;    /* [steps][SHARES] */
    float *sorted;    /* [k_blocks] */
    ranked_column *ranked;
};

analysis_scratch *analysis_scratch_create(const analysis *a) {
    analysis_scratch *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    uint64_t steps = a->steps, heads = a->heads, rows = steps > heads ? steps : heads;
    uint64_t k_blocks = a->info.k_blocks, words = (k_blocks + 63) / 64;
    uint64_t scored = a->score_dtype ? steps : 0;
    x->k_blocks = (size_t)k_blocks;
    x->words = (size_t)words;
    x->bits = room_for(rows * words, sizeof *x->bits);
    x->blocks = room_for(rows * k_blocks, sizeof *x->blocks);
    x->counts = room_for(rows, sizeof *x->counts);
    x->kept = room_for(rows, sizeof *x->kept);
    x->common = room_for(heads * heads, sizeof *x->common);
    x->scores = room_for(scored * k_blocks, sizeof *x->scores);
    x->columns = room_for(scored * k_blocks, sizeof *x->columns);
    x->order = room_for(scored * k_blocks, sizeof *x->order);
    x->mass = room_for(steps, sizeof *x->mass);
    x->share = room_for(steps * SHARES, sizeof *x->share);
    x->sorted = room_for(k_blocks, sizeof *x->sorted);
    x->ranked = room_for(k_blocks, sizeof *x->ranked);
    if (x->bits && x->blocks && x->counts && x->kept && x->common && x->scores && x->columns &&
        x->order && x->mass && x->share && x->sorted && x->ranked)
        return x;
    analysis_scratch_destroy(x);
    return NULL;
}

void analysis_scratch_destroy(analysis_scratch *scratch) {
    if (!scratch)
        return;
    void *const owned[] = {scratch->bits,   scratch->blocks, scratch->counts,  scratch->kept,
                           scratch->common, scratch->scores, scratch->columns, scratch->order,
                           scratch->mass,   scratch->share,  scratch->sorted,  scratch->ranked};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(scratch);
}

static bool fail_status(sparsed_status status, tool_error *error) {
    return tool_fail(error, "a row could not be read: %s", sparsed_status_string(status));
}

static unsigned count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(word * 0x0101010101010101u >> 56);
}

static uint64_t count_common(const uint64_t *a, const uint64_t *b, size_t words) {
    uint64_t common = 0;
    for (size_t w = 0; w < words; w++)
        common += count_bits(a[w] & b[w]);
    return common;
}

/* Reads a row into place r of the scratch. */
static bool read_row(const sparsed_pattern *pattern, uint32_t batch, uint32_t head,
                     uint64_t q_block, size_t r, analysis_scratch *x, tool_error *error) {
    uint64_t *bits = x->bits + r * x->words;
    uint32_t *blocks = x->blocks + r * x->k_blocks;
    sparsed_status status =
        sparsed_pattern_row(pattern, batch, head, q_block, blocks, &x->counts[r]);
    if (status != SPARSED_OK)
        return fail_status(status, error);
    memset(bits, 0, x->words * sizeof *bits);
    for (uint64_t i = 0; i < x->counts[r]; i++)
        bits[blocks[i] / 64] |= UINT64_C(1) << blocks[i] % 64;
    x->kept[r] += (double)x->counts[r];
    return true;
}

static bool read_scores(const sparsed_pattern *pattern, uint32_t batch, uint32_t head,
                        uint64_t q_block, size_t r, analysis_scratch *x, tool_error *error) {
    float *scores = x->scores + r * x->k_blocks;
    sparsed_status status = sparsed_pattern_scores(pattern, 0, batch, head, q_block, scores);
    if (status != SPARSED_OK)
        return fail_status(status, error);
    for (size_t j = 0; j < x->k_blocks; j++)
        if (!(scores[j] > 0.0f) || !isfinite(scores[j]))
            scores[j] = 0.0f;
    return true;
}

/* The blocks that rows have in common, all pairs of `count` rows, added to sums [count][count]; the
 * upper half. */
static void add_common(const analysis_scratch *x, size_t count, double *sums) {
    for (size_t r = 0; r < count; r++)
        for (size_t s = r + 1; s < count; s++)
            sums[r * count + s] +=
                (double)count_common(x->bits + r * x->words, x->bits + s * x->words, x->words);
}

/* What each step's row keeps of each step's scores. */
static void add_retained(const analysis_scratch *x, size_t steps, double *retained) {
    for (size_t s = 0; s < steps; s++) {
        const uint32_t *blocks = x->blocks + s * x->k_blocks;
        for (size_t t = 0; t < steps; t++)
            retained[s * steps + t] +=
                budget_ordered(x->scores + t * x->k_blocks, blocks, (size_t)x->counts[s]);
    }
}

/* The middle of a query block's valid rows, in keys. */
static budget_place place_of(const sparsed_pattern_info *info, const sparsed_pattern_range *range,
                             uint64_t q_block) {
    uint64_t first = q_block * info->block_q, rows = range->queries - first;
    if (rows > info->block_q)
        rows = info->block_q;
    return (budget_place){(double)(range->query_position + first) + (double)rows / 2.0,
                          info->block_k};
}

/* What as many blocks catch of a step's own row; all but the columns, which are not yet known. */
static void add_shares(const analysis *a, const sparsed_pattern_range *range, uint64_t q_block,
                       analysis_scratch *x) {
    budget_place place = place_of(&a->info, range, q_block);
    size_t k_blocks = (size_t)range->k_blocks;
    size_t sinks = (ANALYSIS_SINK_TOKENS + (size_t)a->info.block_k - 1) / a->info.block_k;
    for (size_t t = 0; t < a->steps; t++) {
        const float *scores = x->scores + t * x->k_blocks;
        double *columns = x->columns + t * x->k_blocks, *share = x->share + t * SHARES;
        size_t keep = (size_t)x->counts[t];
        for (size_t j = 0; j < k_blocks; j++) {
            columns[j] += (double)scores[j];
            x->mass[t] += (double)scores[j];
        }
        memcpy(x->sorted, scores, k_blocks * sizeof *scores);
        share[ANALYSIS_BEST - ANALYSIS_OWN] += budget_best(x->sorted, k_blocks, keep);
        share[ANALYSIS_WINDOW - ANALYSIS_OWN] +=
            budget_nearest(scores, k_blocks, keep, sinks, place);
        share[ANALYSIS_DIAGONAL_SHARE - ANALYSIS_OWN] +=
            budget_nearest(scores, k_blocks, keep, 0, place);
    }
}

static int by_sum(const void *a, const void *b) {
    const ranked_column *x = a, *y = b;
    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static void rank_columns(const analysis *a, size_t k_blocks, analysis_scratch *x) {
    for (size_t t = 0; t < a->steps; t++) {
        for (size_t j = 0; j < k_blocks; j++)
            x->ranked[j] = (ranked_column){x->columns[t * x->k_blocks + j], (uint32_t)j};
        qsort(x->ranked, k_blocks, sizeof *x->ranked, by_sum);
        for (size_t j = 0; j < k_blocks; j++)
            x->order[t * x->k_blocks + j] = x->ranked[j].column;
    }
}

/* The columns' share, once the sums of all rows of a batch are known. */
static bool add_columns(const analysis *a, sparsed_pattern *const *patterns, uint32_t batch,
                        uint32_t head, const sparsed_pattern_range *range, analysis_scratch *x,
                        tool_error *error) {
    rank_columns(a, (size_t)range->k_blocks, x);
    for (uint64_t i = 0; i < range->q_blocks; i++)
        for (size_t t = 0; t < a->steps; t++) {
            sparsed_status status =
                sparsed_pattern_row(patterns[t], batch, head, i, NULL, &x->counts[t]);
            if (status != SPARSED_OK)
                return fail_status(status, error);
            if (!read_scores(patterns[t], batch, head, i, t, x, error))
                return false;
            x->share[t * SHARES + ANALYSIS_COLUMN_SHARE - ANALYSIS_OWN] += budget_ordered(
                x->scores + t * x->k_blocks, x->order + t * x->k_blocks, (size_t)x->counts[t]);
        }
    return true;
}

/* One batch of a head: all rows, added up. */
static bool add_batch(const analysis *a, sparsed_pattern *const *patterns, uint32_t batch,
                      uint32_t number, const sparsed_pattern_range *range, analysis_scratch *x,
                      analysis_head *head, tool_error *error) {
    if (head->retained)
        memset(x->columns, 0, a->steps * x->k_blocks * sizeof *x->columns);
    for (uint64_t i = 0; i < range->q_blocks; i++) {
        for (size_t s = 0; s < a->steps; s++)
            if (!read_row(patterns[s], batch, number, i, s, x, error) ||
                (head->retained && !read_scores(patterns[s], batch, number, i, s, x, error)))
                return false;
        add_common(x, a->steps, head->jaccard);
        if (head->retained) {
            add_retained(x, a->steps, head->retained);
            add_shares(a, range, i, x);
        }
    }
    return !head->retained || add_columns(a, patterns, batch, number, range, x, error);
}

/* Sums of common blocks, upper half, into Jaccard indices. */
static void finish_jaccard(double *sums, const double *kept, size_t count) {
    for (size_t r = 0; r < count; r++) {
        sums[r * count + r] = 1.0;
        for (size_t s = r + 1; s < count; s++) {
            double either = kept[r] + kept[s] - sums[r * count + s];
            double jaccard = either > 0.0 ? sums[r * count + s] / either : 1.0;
            sums[r * count + s] = sums[s * count + r] = jaccard;
        }
    }
}

static double share_of(double part, double whole) {
    return whole > 0.0 ? part / whole : 1.0;
}

static void finish_shares(const analysis *a, const analysis_scratch *x, analysis_head *head) {
    size_t n = a->steps;
    for (size_t s = 0; s < n; s++)
        for (size_t t = 0; t < n; t++)
            head->retained[s * n + t] = share_of(head->retained[s * n + t], x->mass[t]);
    for (size_t m = ANALYSIS_OWN; m < ANALYSIS_MEASURES; m++) {
        double sum = 0.0;
        for (size_t t = 0; t < n; t++)
            sum += m == ANALYSIS_OWN
                       ? head->retained[t * n + t]
                       : share_of(x->share[t * SHARES + m - ANALYSIS_OWN], x->mass[t]);
        head->value[m] = sum / (double)n;
    }
}

bool analysis_measure_head(const analysis *a, sparsed_pattern *const *patterns, uint32_t number,
                           analysis_scratch *scratch, analysis_head *head, tool_error *error) {
    analysis_scratch *x = scratch;
    double density = 0.0;
    memset(x->kept, 0, a->steps * sizeof *x->kept);
    memset(x->mass, 0, a->steps * sizeof *x->mass);
    memset(x->share, 0, a->steps * SHARES * sizeof *x->share);
    for (uint32_t b = 0; b < a->info.batch; b++) {
        sparsed_pattern_range range = {.struct_size = sizeof range};
        sparsed_status status = sparsed_pattern_batch(patterns[0], b, &range);
        if (status != SPARSED_OK)
            return fail_status(status, error);
        if (!add_batch(a, patterns, b, number, &range, x, head, error))
            return false;
    }
    for (size_t s = 0; s < a->steps; s++)
        density += sparsed_pattern_density(patterns[s], number);
    head->value[ANALYSIS_DENSITY] = density / (double)a->steps;
    finish_jaccard(head->jaccard, x->kept, a->steps);
    if (head->retained)
        finish_shares(a, x, head);
    return true;
}

/* The heads of one step: Jaccard of each pair, in scratch->common. */
static bool compare_heads(const analysis *a, const sparsed_pattern *pattern, analysis_scratch *x,
                          tool_error *error) {
    memset(x->kept, 0, a->heads * sizeof *x->kept);
    memset(x->common, 0, a->heads * a->heads * sizeof *x->common);
    for (uint32_t b = 0; b < a->info.batch; b++) {
        sparsed_pattern_range range = {.struct_size = sizeof range};
        sparsed_status status = sparsed_pattern_batch(pattern, b, &range);
        if (status != SPARSED_OK)
            return fail_status(status, error);
        for (uint64_t i = 0; i < range.q_blocks; i++) {
            for (uint32_t h = 0; h < a->heads; h++)
                if (!read_row(pattern, b, h, i, h, x, error))
                    return false;
            add_common(x, a->heads, x->common);
        }
    }
    finish_jaccard(x->common, x->kept, a->heads);
    return true;
}

bool analysis_measure_heads(const analysis *a, sparsed_pattern *const *patterns,
                            analysis_scratch *scratch, analysis_layer *layer, tool_error *error) {
    for (size_t s = 0; s < a->steps; s++) {
        if (!compare_heads(a, patterns[s], scratch, error))
            return false;
        for (size_t i = 0; i < a->heads * a->heads; i++)
            layer->head_jaccard[i] += scratch->common[i] / (double)a->steps;
    }
    return true;
}
