/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See counting_allocator.h. */
#include "support/counting_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *allocate(void *user, size_t size_bytes, size_t alignment_bytes) {
    counting_allocator *c = user;
    assert_true(size_bytes > 0);
    assert_true(alignment_bytes > 0 && (alignment_bytes & (alignment_bytes - 1)) == 0);
    if (size_bytes > c->largest_bytes)
        c->largest_bytes = size_bytes;
    if (c->calls++ == c->fail_at || size_bytes > c->limit_bytes)
        return NULL;
    size_t rounded = (size_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    void *memory = aligned_alloc(alignment_bytes, rounded);
    assert_non_null(memory);
    memset(memory, 0xa5, rounded);
    c->live++;
    return memory;
}

static void release(void *user, void *memory) {
    counting_allocator *c = user;
    assert_non_null(memory);
    assert_true(c->live > 0);
    c->live--;
    free(memory);
}

sparsed_allocator counting_allocator_use(counting_allocator *counter) {
    return (sparsed_allocator){allocate, release, counter};
}
