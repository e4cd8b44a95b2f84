/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * What a self-test has run, and the judgement on it: padding, kept blocks, and numbers against the
 * oracle.
 */
#ifndef SPD_SELF_TEST_COMPARE_H
#define SPD_SELF_TEST_COMPARE_H

#include "context.h"

/* Batch SHORT: as many queries as keys, a whole block and a partial one, padded on both sides.
 * Batch LONG: a few queries at the end of more than 64 key blocks, or of fewer if they
 * are large. */
enum {
    SPD_TEST_SHORT,
    SPD_TEST_LONG,
    SPD_TEST_BATCHES,
    SPD_TEST_HEADS = 2, /* of queries, on one of keys */
};

/* Query heads of all batches. */
static inline uint64_t spd_test_heads(void) {
    return (uint64_t)SPD_TEST_BATCHES * SPD_TEST_HEADS;
}

/* Everything one self-test holds. Host arrays; kept is the backend's. */
typedef struct spd_test_run {
    sparsed_context *context;
    spd_problem problem;
    spd_extent extents[SPD_TEST_BATCHES];
    uint64_t block_q; /* also without a selection */
    void *q, *k, *v, *out;
    float *lse, *scores;
    uint64_t *bits, *want_bits, *keys; /* one row each of the last two */
    double *want_out, *want_lse, *want_scores, *want_generation, *row_scores;
    void *kernel, *kept;
    double error; /* the largest so far */
    sparsed_message *message;
} spd_test_run;

/* Judges results of op: SPARSED_DENSE, SPARSED_DENSE_BUILD (bits are what it kept) or
 * SPARSED_SPARSE (over bits). SPARSED_E_SELF_TEST: the message says what is wrong. */
sparsed_status spd_self_test_compare(spd_test_run *t, sparsed_op op);

#endif
