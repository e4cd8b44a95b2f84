/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An attention problem with its data: run by the library and by the oracle, with results in one
 * form, so that tests compare them. Whatever goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_ATTENTION_CASE_H
#define TESTS_SUPPORT_ATTENTION_CASE_H

#include "src/problem.h"

#include <sparsed/pattern.h>

enum { CASE_MAX_BATCH = 4 };

typedef struct case_buffer {
    unsigned char *memory; /* malloc'd: offset_bytes, then the tensor */
    uint64_t size_bytes;
} case_buffer;

typedef struct attention_case {
    /* Set before case_prepare: */
    sparsed_desc desc;
    sparsed_select select; /* mode 0: no selection */
    bool has_valid;
    uint64_t valid_start[CASE_MAX_BATCH], valid_end[CASE_MAX_BATCH];
    uint64_t q_len, kv_len; /* of the run; 0 = desc's */
    double ratio;           /* of the run; 0 = the selection's */
    uint64_t offset_bytes;  /* of every buffer; odd = misaligned */
    bool fine; /* in f32 some values have more bits than tf32: kernels may split their operands */

    /* Set by case_prepare: */
    spd_problem problem; /* of the run */
    spd_extent extents[CASE_MAX_BATCH];
    float *q, *k, *v; /* the values, [batch][heads][rows][head_dim]; case_store after a change */
    case_buffer stored_q, stored_k, stored_v, out, lse, scores;
    sparsed_io io;
} attention_case;

/* What one run gives. out [B][H][Lq][D], lse [B][H][Lq]; scores, scores_generation and mask
 * [B][H][nq][nk]; NULL where the run gives none. */
typedef struct attention_result {
    double *out, *lse, *scores, *scores_generation;
    uint8_t *mask;
} attention_result;

/* A description with packed strides and f32; a selection. */
sparsed_desc case_desc(uint32_t batch, uint32_t heads, uint32_t kv_heads, uint32_t head_dim,
                       uint64_t len);
sparsed_select case_select(uint32_t mode, uint32_t block_q, uint32_t block_k, uint64_t gen_len,
                           double ratio);

/* The storage types that the kernel row under test takes, bits 1 << dtype, and its only head dimensions
 * (0, 0: all): a case of another type is prepared as bf16, which every row takes, one of another head
 * dimension with one of those. */
void case_take(uint32_t dtypes, const uint32_t head_dims[2]);

/* Checks the problem, allocates, and fills q, k and v with multiples of 1/16 in [-2, 2): exact in
 * every storage type, and so are their products' sums in float. */
void case_prepare(attention_case *c, uint64_t seed);
/* Rounds the values to the storage type and stores them; what lies between rows is NaN. */
void case_store(attention_case *c);
void case_free(attention_case *c);

/* Number of elements of the results. */
uint64_t case_out_count(const attention_case *c);
uint64_t case_lse_count(const attention_case *c);
uint64_t case_block_count(const attention_case *c);

/* The head_dim values of a row of q (of k, v): rows of this run. */
float *case_q_row(const attention_case *c, uint64_t batch, uint64_t head, uint64_t row);
float *case_kv_row(const attention_case *c, float *k_or_v, uint64_t batch, uint64_t kv_head,
                   uint64_t row);

/* A plan for the case; kept blocks under it. */
sparsed_plan *case_plan(const attention_case *c, sparsed_context *context);
sparsed_kept *case_kept(sparsed_plan *plan);

/* Runs an operation, and checks that nothing was written between the rows of out. */
attention_result case_run(attention_case *c, sparsed_plan *plan, sparsed_op op, sparsed_kept *kept);

/* The oracle's results; mask NULL = dense, with scores if the case has a mode that scores. Computed
 * once a process for the same problem, tensors and mask. */
attention_result case_oracle(const attention_case *c, const uint8_t *mask);

void result_free(attention_result *result);

#endif
