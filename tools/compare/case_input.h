/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * One case's problem and data in host memory: of the suite, checked against the digest that the
 * suite knows before anything runs, or of a user's file.
 */
#ifndef TOOLS_COMPARE_CASE_INPUT_H
#define TOOLS_COMPARE_CASE_INPUT_H

#include "../src/problem.h"
#include "attend_input.h"
#include "compare/suite.h"

typedef struct case_input {
    char name[SUITE_NAME_BYTES];
    generator generator;
    const char *data;      /* the kind of data: a generator_kind_name, or "file" */
    spd_problem problem;   /* of the run; its desc and select are those in force */
    spd_extent *extents;   /* [batch] */
    const void *q, *k, *v; /* packed */
    uint64_t *start, *end; /* [batch] valid rows */
    uint8_t *fixed;        /* [B][H][nq][nk], 0 or 1: the generator's pattern */
    uint8_t *fixed_bytes;  /* the same as pattern_bytes.h has it */
    sparsed_fingerprint q_digest, k_digest, v_digest, fixed_digest;
    sparsed_fingerprint digest; /* of q, k, v and fixed_bytes, chained in this order */
    void *generated[3];
    attend_input file;
} case_input;

/* Makes a case of the suite, and checks its digest if the seed is SUITE_SEED. */
bool case_input_generate(const suite_case *c, uint64_t seed, case_input *input, tool_error *error);

/* Takes q, k, v and valid ranges of a safetensors file, as `sparsed attend` reads them.
 *   dtype      0: as the file stores them
 *   selection  the fixed pattern keeps about as large a share of the blocks as its ratio */
bool case_input_read(const char *path, uint32_t dtype, const sparsed_select *selection,
                     uint64_t seed, case_input *input, tool_error *error);

void case_input_free(case_input *input);

/* Heads of all batches; elements of out. */
uint64_t case_input_heads(const case_input *input);
uint64_t case_input_out_count(const case_input *input);

#endif
