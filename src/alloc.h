/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Memory through a caller's allocator, or the C library's.
 */
#ifndef SPD_ALLOC_H
#define SPD_ALLOC_H

#include <sparsed/sparsed.h>

enum { SPD_ALIGNMENT_BYTES = 64 }; /* of every allocation: a cache line, a 512-bit vector */

/* The C library's allocator. */
sparsed_allocator spd_default_allocator(void);

/* count elements of size_bytes each, zeroed; NULL if the product overflows or memory is out. A
 * product of 0 gives a valid, unusable pointer. */
void *spd_allocate(const sparsed_allocator *allocator, uint64_t count, uint64_t size_bytes);
void spd_release(const sparsed_allocator *allocator, void *memory); /* NULL is ignored */

#endif
