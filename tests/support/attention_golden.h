/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Reference attention problems (tests/golden): a file's tensors and options as an attention_case.
 * Whatever is missing or malformed fails the test that runs; an absent file skips it.
 */
#ifndef TESTS_SUPPORT_ATTENTION_GOLDEN_H
#define TESTS_SUPPORT_ATTENTION_GOLDEN_H

#include "safetensors.h"
#include "support/attention_case.h"

/* Opens GOLDEN_DIR/name. */
safetensors_file *attention_golden_open(const char *name);

/* A tensor of `count` elements of F32, F16, BF16, U8 or I64 as doubles; malloc'd. */
double *attention_golden_values(const safetensors_file *file, const char *name, uint64_t count);
bool attention_golden_has(const safetensors_file *file, const char *name);

/* A number of the metadata; what is given where there is none. */
double attention_golden_number(const safetensors_file *file, const char *key, double otherwise);

/* A mask [batch][heads][nq][nk] of 0 and 1; malloc'd. */
uint8_t *attention_golden_mask(const safetensors_file *file, const attention_case *c);

/* The case of a file of attend_small, with q, k and v stored as dtype; prepared. */
void attention_golden_small(const safetensors_file *file, uint32_t dtype, uint32_t out_dtype,
                            attention_case *c);

/* Replaces the values of a prepared case by the file's q, k and v. */
void attention_golden_load(const safetensors_file *file, attention_case *c);

#endif
