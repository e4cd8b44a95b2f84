/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Small host patterns for tests. Whatever goes wrong in here fails the test that runs.
 */
#ifndef TESTS_SUPPORT_PATTERN_CASE_H
#define TESTS_SUPPORT_PATTERN_CASE_H

#include "support/counting_allocator.h"

#include <sparsed/pattern.h>

/* Of small_info: more key blocks than one word holds, and partial words. */
enum {
    SMALL_BATCH = 2,
    SMALL_HEADS = 3,
    SMALL_Q_BLOCKS = 3,
    SMALL_K_BLOCKS = 75,
    SMALL_ROWS = SMALL_BATCH * SMALL_HEADS * SMALL_Q_BLOCKS,
    SMALL_MASK = SMALL_ROWS * SMALL_K_BLOCKS
};

/* 70 query rows in blocks of 32, 1200 key rows in blocks of 16; nothing else is said. */
sparsed_pattern_info small_info(void);

/* Sets a third of the bytes, to anything but 0. */
void random_mask(uint8_t *mask, uint64_t count, uint64_t seed);

/* A pattern from a mask; from a random mask of small_info. */
sparsed_pattern *mask_pattern(const sparsed_pattern_info *info, const uint8_t *mask);
sparsed_pattern *small_pattern(uint64_t seed);

sparsed_pattern_info describe(const sparsed_pattern *pattern);

/* Fails unless the two keep the same blocks. */
void assert_same_blocks(const sparsed_pattern *a, const sparsed_pattern *b);

/* Makes a pattern until it works, each time with one more allocation before the one that fails:
 * each failure says SPARSED_E_NOMEM, gives NULL and keeps nothing. */
typedef sparsed_status (*pattern_maker)(void *argument, sparsed_pattern **pattern,
                                        sparsed_message *message);
void assert_survives_failed_allocations(counting_allocator *counter, pattern_maker make,
                                        void *argument);

#endif
