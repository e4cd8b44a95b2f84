/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The suite that every device runs: a table of problems and kinds of data. Any change of a case, or
 * of what the generator makes of it, is a new version: records of two versions are not comparable.
 */
#ifndef TOOLS_COMPARE_SUITE_H
#define TOOLS_COMPARE_SUITE_H

#include <sparsed/pattern.h>

#include <stdbool.h>

#include "compare/generator.h"

#define SUITE_NAME "standard"
#define SUITE_INPUT "input" /* what a record of a user's own problem has in its place */

enum { SUITE_VERSION = 1, SUITE_SEED = 1 };

/* What a GPU compiles kernels for, and how blocks are ranked. */
typedef struct suite_shape {
    uint32_t dtype, head_dim, block_q, block_k, mode, score_reduce;
} suite_shape;

typedef struct suite_case {
    const suite_shape *shape;
    generator_kind kind;
    uint32_t stream; /* of the generator */
    uint32_t batch, heads, kv_heads;
    uint64_t q_len, kv_len, gen_len;
    uint32_t sixteenths; /* of the blocks that the fixed pattern keeps; the ratio of a build */
    bool quick;          /* belongs to the self-check too */
    sparsed_fingerprint digest; /* of the inputs from the seed SUITE_SEED: case_input.h */
} suite_case;

size_t suite_count(void);
const suite_case *suite_at(size_t index);

/* Unique; tells type, head dimension, blocks, data and lengths. */
enum { SUITE_NAME_BYTES = 64 };
void suite_name(const suite_case *c, char name[SUITE_NAME_BYTES]);

/* The case as the library takes it. */
sparsed_desc suite_desc(const suite_case *c);
sparsed_select suite_select(const suite_case *c);

/* Valid rows of a batch: all, but in padded data of batches behind the first, which begin at row
 * SUITE_PADDED_START and end with their third fifth. */
enum { SUITE_PADDED_START = 13 };
void suite_range(const suite_case *c, uint32_t batch, uint64_t *start, uint64_t *end);

#endif
