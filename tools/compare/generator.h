/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The suite's data: integers from a counter (SplitMix64's mixing), times powers of two, exact in the
 * storage type; no function of libm, so that every machine makes the same bytes. Each element
 * follows from the seed, the stream and its own position alone. What a kind does is part of the
 * suite's version.
 */
#ifndef TOOLS_COMPARE_GENERATOR_H
#define TOOLS_COMPARE_GENERATOR_H

#include <sparsed/sparsed.h>

/* "Near normal": a sum of four uniform integers, of deviation 1.155, within 4. f32 has 17 bits and a
 * sign of it, so that a kernel that multiplies fewer shows, f16 10, bf16 7. Kinds that try the softmax
 * have 7 in any type: products and their sums are exact in float. */
typedef enum generator_kind {
    GENERATOR_NORMAL,    /* near normal q, k, v */
    GENERATOR_CLUSTERS,  /* rows in groups of 32, each near one of 8 centres */
    GENERATOR_LARGE,     /* logits of deviation 340 */
    GENERATOR_TINY,      /* logits of deviation 0.0013 */
    GENERATOR_TIES,      /* keys repeat every 16 rows: all whole blocks of a row score the same */
    GENERATOR_NEAR_TIES, /* the same rows, in each 16 another order: sums differ by rounding alone */
    GENERATOR_DOMINANT,  /* one key of each head takes the whole softmax */
    GENERATOR_EQUAL,     /* all elements of q and k are 1 */
    GENERATOR_DENORMALS, /* all of v, and each second column of q and k */
    GENERATOR_PADDED,    /* normal; the caller's ranges leave rows out, which are NaN */
    GENERATOR_KINDS
} generator_kind;

const char *generator_kind_name(generator_kind kind);

typedef enum generator_tensor { GENERATOR_Q, GENERATOR_K, GENERATOR_V } generator_tensor;

typedef struct generator {
    uint64_t seed, stream; /* a stream for each case */
    generator_kind kind;
    uint32_t dtype;
} generator;

/* Fills a packed tensor [heads][rows][dim], heads of all batches one after the other; rows is the
 * number of keys for k and v alike. */
void generator_fill(const generator *g, generator_tensor tensor, uint64_t heads, uint64_t rows,
                    uint32_t dim, void *data);

/* Makes rows first .. end-1 of one head NaN. */
void generator_poison(uint32_t dtype, uint64_t head, uint64_t rows, uint32_t dim, uint64_t first,
                      uint64_t end, void *data);

/* One head's fixed pattern: mask[q_blocks][row_stride] bytes, 1 = kept, of which q_blocks x k_blocks
 * are written; each block by a chance of sixteenths / 16, and block i % k_blocks of row i. */
void generator_pattern(const generator *g, uint64_t head, uint64_t q_blocks, uint64_t k_blocks,
                       uint64_t row_stride, uint32_t sixteenths, uint8_t *mask);

/* A number below `below`, one for each index: for choices beside the data. */
uint64_t generator_choice(const generator *g, uint64_t index, uint64_t below);

#endif
