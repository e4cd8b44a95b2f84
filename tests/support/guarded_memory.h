/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Memory between two pages that cannot be touched: an access outside ends the test
 * that makes it. */
#ifndef TESTS_SUPPORT_GUARDED_MEMORY_H
#define TESTS_SUPPORT_GUARDED_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct guarded_memory {
    unsigned char *memory; /* size_bytes of them */
    void *mapping;
    uint64_t mapping_bytes;
} guarded_memory;

/* With at_end the last byte lies before the page behind, whatever that does to the alignment; else
 * the first byte lies behind the page before. */
guarded_memory guarded_allocate(uint64_t size_bytes, bool at_end);
void guarded_free(guarded_memory *guarded);

#endif
