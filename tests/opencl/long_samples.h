/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Sampled query rows and query blocks of a problem that is too large for the oracle as a whole, and
 * what the oracle says of them. Ends the program where memory is short.
 */
#ifndef TESTS_OPENCL_LONG_SAMPLES_H
#define TESTS_OPENCL_LONG_SAMPLES_H

#include <sparsed/sparsed.h>

/* Packed tensors in host memory; select.mode 0: dense alone. */
typedef struct long_problem {
    sparsed_desc desc;
    sparsed_select select;
    unsigned char *q, *k, *v;
} long_problem;

typedef struct sample {
    uint64_t head;  /* of batch * heads */
    uint64_t index; /* of the row, or of the query block */
} sample;

typedef struct row_samples {
    uint64_t count;
    sample *at;
    double *out, *lse; /* [count][head_dim], [count] */
} row_samples;

typedef struct block_samples {
    uint64_t count;
    sample *at;
    double *scores, *generation; /* [count][k_blocks]; generation: upstream modes */
    uint8_t *choices;            /* [count][k_blocks] of reference_choice */
} block_samples;

typedef struct sample_counts {
    uint64_t heads, rows, blocks; /* rows and query blocks of each head; 0: none */
} sample_counts;

/* Spread over all there are, the first and the last included. */
row_samples row_samples_new(const long_problem *problem, const sample_counts *counts);
block_samples block_samples_new(const long_problem *problem, const sample_counts *counts);
void row_samples_free(row_samples *samples);
void block_samples_free(block_samples *samples);

/* The oracle's results for the samples. bits: kept blocks of all heads, or NULL: dense. */
void expect_rows(const long_problem *problem, const uint64_t *bits, row_samples *samples);
void expect_blocks(const long_problem *problem, block_samples *samples);

/* Query blocks and key blocks of a head, and words of a row of bits; 0 without a selection. */
typedef struct block_shape {
    uint64_t q_blocks, k_blocks, row_words;
} block_shape;
block_shape block_shape_of(const long_problem *problem);

#endif
