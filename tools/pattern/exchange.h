/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Patterns in other files: safetensors, in both ways, and JSON.
 *
 * A safetensors file holds, for each pattern, "step.S.layer.N.block_mask", U8 [B,H,nq,nk], 1 =
 * kept, and, if it holds scores, "step.S.layer.N.block_scores", F32 [B,H,nq,nk] ([2,B,H,nq,nk] in
 * the upstream modes). Its metadata: "format", EXCHANGE_FORMAT; what the patterns were built for by
 * the keys of built_for.h, where known; "step.S.layer.N.ratio", and ".scores", f16 or f32, in which
 * the scores were stored; "batch.B.rows", key_start keys query_start queries query_position, for a
 * batch that has rows which are not valid.
 */
#ifndef TOOLS_PATTERN_EXCHANGE_H
#define TOOLS_PATTERN_EXCHANGE_H

#include <sparsed/pattern.h>

#include "cli.h"

#define EXCHANGE_FORMAT "sparsed pattern 1"

/* What a mask of another program leaves open. */
typedef struct mask_options {
    uint64_t length, query_length, gen_length, block, block_q, block_k;
    bool length_given, query_length_given, gen_length_given, block_given, block_q_given,
        block_k_given;
} mask_options;

void exchange_add_mask_options(mask_options *mask, cli_options *options);

/* The first option that was given, "length", or NULL. */
const char *exchange_mask_option(const mask_options *mask);

/* Reads a safetensors file of the form above, or, with the mask options, one without that metadata:
 * tensors of those names, or one called "block_mask" (layer 0 of step 0); U8 or BOOL, of 4
 * dimensions or 3 (batch 1). NULL on failure. */
sparsed_pattern_set *exchange_read_tensors(const char *path, const mask_options *mask,
                                           tool_error *error);

/* Both write the file whole or not at all. JSON has the blocks as CSR, rows in the order
 * [batch][heads][q_blocks], and no scores. */
bool exchange_write_tensors(const sparsed_pattern_set *set, const char *path, tool_error *error);
bool exchange_write_json(const sparsed_pattern_set *set, const char *path, tool_error *error);

#endif
