/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "alloc.h"

#include "size.h"

#include <stdlib.h>
#include <string.h>

static void *allocate_libc(void *user, size_t size_bytes, size_t alignment_bytes) {
    (void)user;
    size_t rounded = (size_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    return rounded < size_bytes ? NULL : aligned_alloc(alignment_bytes, rounded);
}

static void release_libc(void *user, void *memory) {
    (void)user;
    free(memory);
}

sparsed_allocator spd_default_allocator(void) {
    return (sparsed_allocator){allocate_libc, release_libc, NULL};
}

void *spd_allocate(const sparsed_allocator *allocator, uint64_t count, uint64_t size_bytes) {
    uint64_t total_bytes;
    if (!spd_mul(count, size_bytes, &total_bytes) || total_bytes > SIZE_MAX / 2)
        return NULL;
    total_bytes = spd_max(total_bytes, 1);
    void *memory = allocator->allocate(allocator->user, (size_t)total_bytes, SPD_ALIGNMENT_BYTES);
    if (memory)
        memset(memory, 0, (size_t)total_bytes);
    return memory;
}

void spd_release(const sparsed_allocator *allocator, void *memory) {
    if (memory)
        allocator->release(allocator->user, memory);
}
