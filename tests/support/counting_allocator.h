/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An allocator that counts, and fails where it is told to. Its memory comes filled with garbage,
 * and is given back when everything allocated was released exactly once: live is then 0.
 */
#ifndef TESTS_SUPPORT_COUNTING_ALLOCATOR_H
#define TESTS_SUPPORT_COUNTING_ALLOCATOR_H

#include <sparsed/sparsed.h>

typedef struct counting_allocator {
    size_t calls;       /* allocations asked for */
    size_t live;        /* given and not released */
    size_t fail_at;     /* the call that fails, counted from 0; SIZE_MAX = none */
    size_t limit_bytes; /* a larger allocation fails */
    size_t largest_bytes;
} counting_allocator;

#define COUNTING_ALLOCATOR_INIT \
    { 0, 0, SIZE_MAX, SIZE_MAX, 0 }

/* counter must outlive all that is allocated through it. */
sparsed_allocator counting_allocator_use(counting_allocator *counter);

#endif
