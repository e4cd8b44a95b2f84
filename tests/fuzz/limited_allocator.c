/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See limited_allocator.h. */
#include "limited_allocator.h"

#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

/* Before each block: room for its size that keeps its alignment. */
enum { HEAD_BYTES = 64 };

static void *allocate(void *user, size_t size_bytes, size_t alignment_bytes) {
    limited_allocator *limited = user;
    fuzz_require(alignment_bytes <= HEAD_BYTES, "no alignment above a cache line");
    fuzz_require(size_bytes <= limited->limit_bytes &&
                     limited->live_bytes <= limited->limit_bytes - size_bytes,
                 "memory stays in proportion to the file");
    /* Of the exact size, so that the address sanitizer sees the first byte past the end. */
    void *block;
    if (posix_memalign(&block, HEAD_BYTES, HEAD_BYTES + size_bytes) != 0)
        return NULL;
    char *memory = (char *)block + HEAD_BYTES;
    memcpy(block, &size_bytes, sizeof size_bytes);
    memset(memory, 0xa5, size_bytes);
    limited->live_bytes += size_bytes;
    return memory;
}

static void release(void *user, void *memory) {
    limited_allocator *limited = user;
    char *block = (char *)memory - HEAD_BYTES;
    size_t size_bytes;
    memcpy(&size_bytes, block, sizeof size_bytes);
    limited->live_bytes -= size_bytes;
    free(block);
}

sparsed_allocator limited_allocator_use(limited_allocator *limited) {
    return (sparsed_allocator){allocate, release, limited};
}
