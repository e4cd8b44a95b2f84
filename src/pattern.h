/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a host pattern: bit rows as the devices hold them, and what they were built for.
 */
#ifndef SPD_PATTERN_H
#define SPD_PATTERN_H

#include "problem.h"

#include <sparsed/pattern.h>

#include <stdatomic.h>

/* The valid rows of one batch, as far as a density needs them. */
typedef struct spd_pattern_rows {
    uint64_t queries, query_position, keys;
} spd_pattern_rows;

struct sparsed_pattern {
    atomic_uint references;
    sparsed_allocator allocator;
    sparsed_pattern_info info;
    uint64_t row_words;
    spd_pattern_rows *rows; /* [batch] */
    uint64_t *bits;         /* [batch][heads][q_blocks][row_words] */
};

/* A pattern with all bits 0 and one reference; info's derived fields are filled in, rows are not.
 */
sparsed_status spd_pattern_create(const sparsed_pattern_info *info,
                                  const sparsed_allocator *allocator, sparsed_pattern **pattern,
                                  sparsed_message *message);

/* Counts info.kept_blocks once the bits are final. */
void spd_pattern_count(sparsed_pattern *pattern);

/* 64-bit words of all bit rows. */
uint64_t spd_pattern_words(const sparsed_pattern_info *info);

#endif
