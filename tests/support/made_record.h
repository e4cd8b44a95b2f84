/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Records for tests, made without a device: random results of the right form, with patterns that
 * their block scores choose. Two of one seed are equal, so that a test can plant one error in the
 * second. Whatever goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_MADE_RECORD_H
#define TESTS_SUPPORT_MADE_RECORD_H

#include "compare/record_file.h"

/* Of the first case; the second one is called "padded" and has valid rows 3 .. 61 in batch 1. */
enum {
    MADE_BATCH = 2,
    MADE_HEADS = 3,
    MADE_LENGTH = 70,
    MADE_DIM = 8,
    MADE_BLOCK = 16,
    MADE_BLOCKS = 5,
    MADE_CASES = 2
};
#define MADE_CASE "made" /* name of the first case */

/* Every row and query block stored. To be freed with record_free. */
record made_record(const char *label);

/* Keeps the scores of the first case's query blocks 0 and 4 alone. */
void made_record_sample_blocks(record *r);

/* The tensors of a run, to be changed in place. head counts over all batches. */
float *made_out(record *r, size_t index, record_op op, uint64_t head, uint64_t row);
float *made_lse(record *r, size_t index, record_op op, uint64_t head, uint64_t row);
float *made_scores(record *r, size_t index, uint64_t ranking, uint64_t head, uint64_t stored_block);
uint8_t *made_pattern_row(record *r, size_t index, uint64_t head, uint64_t q_block);

/* Swaps the bytes of two places. */
void made_swap(void *a, void *b, size_t size_bytes);

/* Sets all digests and counts to those of the tensors: what a device that had computed them would record. */
void made_record_digest(record *r);

#endif
