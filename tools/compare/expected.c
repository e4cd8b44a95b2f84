/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "compare/expected.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "../src/oracle.h"
#include "../src/select.h"
#include "../src/size.h"
#include "room.h"

/* One head of one batch, and a thread's scratch for a row of products. */
typedef struct head_place {
    uint32_t batch, head;
    double *products;
} head_place;

static head_place place_of(const case_input *in, uint64_t head, double *products) {
    uint32_t heads = in->problem.desc.heads;
    return (head_place){(uint32_t)(head / heads), (uint32_t)(head % heads),
                        products + (size_t)omp_get_thread_num() * in->problem.desc.kv_len};
}

/* Room for a row of products in each thread. */
static double *products_of_threads(const case_input *in) {
    uint64_t count;
    return spd_mul((uint64_t)omp_get_max_threads(), in->problem.desc.kv_len, &count)
               ? room_for(count, sizeof(double))
               : NULL;
}

/* The oracle on valid query rows first .. first+rows-1 alone, which lie in one query block: a problem
 * of so many rows, so that it clears no more than them. */
static void attend_part(const case_input *in, const head_place *at, uint64_t first, uint64_t rows,
                        const void *v, const uint64_t *bits, const spd_oracle_head *result) {
    spd_problem p = in->problem;
    spd_extent e = in->extents[at->batch];
    uint64_t element = p.desc.dtype == SPARSED_F32 ? sizeof(float) : sizeof(uint16_t);
    uint64_t row = e.query_start + first;
    const unsigned char *q = in->q;
    q += (at->batch * p.desc.q.batch + at->head * p.desc.q.head + row * p.desc.q.row) * element;
    p.desc.q.batch = p.desc.q.head = 0;
    p.desc.q_len = rows;
    p.q_blocks = 1;
    e.query_start = 0;
    e.query_position += first;
    e.queries = rows;
    spd_oracle_attend(&p, &e, at->batch, at->head, q, in->k, v, bits, at->products, result);
}

/* Kept blocks as rows of words; NULL: out of memory. */
static uint64_t *words_of(const case_input *in, const uint8_t *mask) {
    const spd_problem *p = &in->problem;
    uint64_t rows = case_input_heads(in) * p->q_blocks;
    uint64_t *words = room_for(rows * p->row_words, sizeof *words);
    for (uint64_t r = 0; words && r < rows; r++)
        for (uint64_t j = 0; j < p->k_blocks; j++)
            if (mask[r * p->k_blocks + j])
                spd_bit_set(words + r * p->row_words, j);
    return words;
}

static void expect_row(const case_input *in, const head_place *at, const uint64_t *words,
                       uint64_t row, double *out, double *lse) {
    const spd_problem *p = &in->problem;
    const spd_extent *e = &in->extents[at->batch];
    uint64_t head = (uint64_t)at->batch * p->desc.heads + at->head;
    if (row < e->query_start || row >= e->query_start + e->queries) {
        for (uint32_t i = 0; i < p->desc.head_dim; i++)
            out[i] = 0.0;
        *lse = -INFINITY;
        return;
    }
    uint64_t first = row - e->query_start;
    uint64_t bit_row = head * p->q_blocks + first / p->select.block_q;
    const spd_oracle_head result = {.out = out, .lse = lse};
    attend_part(in, at, first, 1, in->v, words ? words + bit_row * p->row_words : NULL, &result);
}

bool expected_rows(const case_input *input, const uint8_t *mask, const uint64_t *rows,
                   uint64_t count, double *out, double *lse, tool_error *error) {
    uint64_t dim = input->problem.desc.head_dim, all = case_input_heads(input) * count;
    double *products = products_of_threads(input);
    uint64_t *words = mask ? words_of(input, mask) : NULL;
    bool ready = products && (words || !mask);
    if (!ready)
        all = 0;
#pragma omp parallel for schedule(dynamic, 16)
    for (uint64_t i = 0; i < all; i++) {
        const head_place at = place_of(input, i / count, products);
        expect_row(input, &at, words, rows[i % count], out + i * dim, lse + i);
    }
    free(products);
    free(words);
    return ready ? true : tool_fail(error, "%s: out of memory for the oracle", input->name);
}

/* A query block of padding scores 0. */
static void expect_scores(const case_input *in, const head_place *at, uint64_t query_block,
                          double *all_keys, double *generation) {
    const spd_problem *p = &in->problem;
    const spd_extent *e = &in->extents[at->batch];
    uint64_t first = query_block * p->select.block_q;
    if (query_block >= e->q_blocks) {
        for (uint64_t j = 0; j < p->k_blocks; j++) {
            all_keys[j] = 0.0;
            if (generation)
                generation[j] = 0.0;
        }
        return;
    }
    const spd_oracle_head result = {.scores = all_keys, .scores_generation = generation};
    attend_part(in, at, first, spd_min(p->select.block_q, e->queries - first), NULL, NULL, &result);
}

bool expected_scores(const case_input *input, const uint64_t *query_blocks, uint64_t count,
                     double *scores, tool_error *error) {
    const spd_problem *p = &input->problem;
    uint64_t all = case_input_heads(input) * count;
    double *second = spd_mode_is_upstream(p->select.mode) ? scores + all * p->k_blocks : NULL;
    double *products = products_of_threads(input);
    if (!products)
        return tool_fail(error, "%s: out of memory for the oracle", input->name);
#pragma omp parallel for schedule(dynamic)
    for (uint64_t i = 0; i < all; i++) {
        const head_place at = place_of(input, i / count, products);
        expect_scores(input, &at, query_blocks[i % count], scores + i * p->k_blocks,
                      second ? second + i * p->k_blocks : NULL);
    }
    free(products);
    return true;
}
