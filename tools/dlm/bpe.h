/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Byte-pair encoding of one piece of text: the merge of lowest rank first, the leftmost among
 * equals, until no pair of neighbours can be merged. O(n log n) in the length of the piece.
 */
#ifndef TOOLS_DLM_BPE_H
#define TOOLS_DLM_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dlm_merge {
    uint32_t left, right; /* the pair */
    uint32_t rank;        /* lower goes first */
    uint32_t result;
} dlm_merge;

typedef struct dlm_merges {
    dlm_merge *slots; /* hash table by pair; left UINT32_MAX: free */
    size_t slot_count;
} dlm_merges;

/* Room for n merges. false if out of memory. */
bool dlm_merges_init(dlm_merges *merges, size_t n);
void dlm_merges_free(dlm_merges *merges);

/* Adds a merge; a pair that is there already takes the new rank and result. */
void dlm_merges_put(dlm_merges *merges, dlm_merge merge);

/* Memory for the work on pieces, kept from one piece to the next. Begins as {0}. */
typedef struct dlm_bpe_work {
    uint32_t *previous, *next; /* neighbours among the tokens that are left */
    uint64_t *heap;            /* rank << 32 | position of the left token */
    size_t heap_size, capacity;
} dlm_bpe_work;

void dlm_bpe_work_free(dlm_bpe_work *work);

/* Merges ids[0 .. *count-1] in place; *count < 2^32 - 1. false if out of memory. */
bool dlm_bpe_merge(const dlm_merges *merges, dlm_bpe_work *work, uint32_t *ids, size_t *count);

#endif
