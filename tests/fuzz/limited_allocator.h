/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * An allocator for which it is a finding to need more than a file of this size may cost.
 */
#ifndef TESTS_FUZZ_LIMITED_ALLOCATOR_H
#define TESTS_FUZZ_LIMITED_ALLOCATOR_H

#include <sparsed/sparsed.h>

typedef struct limited_allocator {
    uint64_t live_bytes, limit_bytes;
} limited_allocator;

/* limited must outlive all that is allocated through it. */
sparsed_allocator limited_allocator_use(limited_allocator *limited);

#endif
