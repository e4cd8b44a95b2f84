/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The valid rows of all batches, immutable and shared by reference count: a file has them once, and
 * so has what is loaded from it, however many patterns that is.
 */
#ifndef SPD_PATTERN_EXTENTS_H
#define SPD_PATTERN_EXTENTS_H

#include "geometry.h"

#include <sparsed/sparsed.h>

#include <stdatomic.h>

typedef struct spd_extents {
    atomic_uint references;
    sparsed_allocator allocator;
    uint64_t generation_blocks; /* the largest k_blocks - split */
    spd_extent of[];            /* [batch]; budgets are 0: each pattern has its own ratios */
} spd_extents;

/* Extents with one reference, all 0, to be filled in by spd_extents_set. NULL: no memory. */
spd_extents *spd_extents_new(uint32_t batch, const sparsed_allocator *allocator);

/* Takes a batch's derived extent in. */
void spd_extents_set(spd_extents *extents, uint32_t batch, const spd_extent *extent);

spd_extents *spd_extents_retain(spd_extents *extents);
void spd_extents_release(spd_extents *extents); /* NULL is ignored. Thread-safe */

#endif
