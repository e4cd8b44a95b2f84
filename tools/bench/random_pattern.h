/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A pattern of random key blocks, of which every query block of every head keeps as many.
 */
#ifndef TOOLS_BENCH_RANDOM_PATTERN_H
#define TOOLS_BENCH_RANDOM_PATTERN_H

#include <sparsed/pattern.h>

#include <stdint.h>

/* Each keeps round(ratio * key blocks), at least one.
 *   info         what sparsed_pattern_from_bits needs, one batch
 *   shared_rows  query blocks of the same so many rows keep the same key blocks; 0: each its own
 * NULL on failure, with the reason in message. */
sparsed_pattern *random_pattern(const sparsed_pattern_info *info, double ratio,
                                uint64_t shared_rows, sparsed_message *message);

#endif
