/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* See guarded_memory.h. */
#include "support/guarded_memory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Private pages of zeros, without the extension MAP_ANONYMOUS. */
static void *map_nothing(uint64_t size_bytes) {
    int zeros = open("/dev/zero", O_RDONLY);
    assert_true(zeros >= 0);
    void *mapping = mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE, zeros, 0);
    close(zeros);
    assert_true(mapping != MAP_FAILED);
    return mapping;
}

guarded_memory guarded_allocate(uint64_t size_bytes, bool at_end) {
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t inside = (size_bytes + page - 1) / page * page;
    guarded_memory g = {.mapping_bytes = inside + 2 * page};
    g.mapping = map_nothing(g.mapping_bytes);
    unsigned char *first = (unsigned char *)g.mapping + page;
    assert_int_equal(mprotect(first, inside, PROT_READ | PROT_WRITE), 0);
    g.memory = at_end ? first + (inside - size_bytes) : first;
    return g;
}

void guarded_free(guarded_memory *guarded) {
    if (guarded->mapping)
        munmap(guarded->mapping, guarded->mapping_bytes);
    guarded->mapping = NULL;
}
