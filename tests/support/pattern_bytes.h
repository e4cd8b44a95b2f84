/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Pattern sets for tests, and their files as bytes that a test changes and seals again. Whatever
 * goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_PATTERN_BYTES_H
#define TESTS_SUPPORT_PATTERN_BYTES_H

#include <sparsed/pattern.h>

#include "src/geometry.h"

/* rich_set: two batches, one of them padded, three heads, and three patterns: layers 0 and 2 of
 * step 3, layer 0 of step 5. The first has f32 scores and ratios of its heads, the second f16
 * scores, the third neither; all info records are there. */
enum { RICH_BATCH = 2, RICH_HEADS = 3, RICH_PATTERNS = 3 };

sparsed_pattern_info rich_info(void);
/* The valid rows of rich_set. */
void rich_rows(spd_extent rows[RICH_BATCH]);
/* A pattern of that info and those rows (NULL: all are valid), of about every third block. */
sparsed_pattern *rows_pattern(const sparsed_pattern_info *info, const spd_extent *rows);
/* The patterns, to be released, and their layers. */
void rich_patterns(sparsed_pattern *patterns[RICH_PATTERNS], uint32_t layers[RICH_PATTERNS]);
sparsed_pattern_set_info rich_set_info(void);
sparsed_pattern_set *rich_set(const sparsed_allocator *allocator);

/* One pattern of one head, as little as a file can hold. */
sparsed_pattern_set *plain_set(void);

/* A file in memory, aligned for a set that is mapped there. */
typedef struct pattern_bytes {
    unsigned char *bytes;
    uint64_t size;
} pattern_bytes;

pattern_bytes pattern_bytes_of(const sparsed_pattern_set *set);
pattern_bytes pattern_bytes_copy(const pattern_bytes *file);
void pattern_bytes_free(pattern_bytes *file);

/* Makes every checksum right again, of all sections that lie in the file. */
void pattern_bytes_seal(pattern_bytes *file);

/* Inserts `count` zeros (or removes -count bytes) at an offset; the header's file size follows. */
void pattern_bytes_insert(pattern_bytes *file, uint64_t offset, int64_t count);

/* Where the payload of an info record lies; where a table record lies. */
uint64_t pattern_bytes_info(const pattern_bytes *file, uint32_t tag);
uint64_t pattern_bytes_record(const pattern_bytes *file, uint32_t index);

/* Fails unless the two sets say the same of themselves and hold the same patterns. */
void assert_same_sets(const sparsed_pattern_set *a, const sparsed_pattern_set *b);

#endif
