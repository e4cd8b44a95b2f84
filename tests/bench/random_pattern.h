/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A pattern of random key blocks, of which every query block of every head keeps as many.
 */
#ifndef BENCH_RANDOM_PATTERN_H
#define BENCH_RANDOM_PATTERN_H

#include <sparsed/pattern.h>

/* Each keeps round(ratio * key blocks), at least one. NULL on failure, with the reason in message. Of
 * info what sparsed_pattern_from_bits needs; one batch. */
sparsed_pattern *random_pattern(const sparsed_pattern_info *info, double ratio,
                                sparsed_message *message);

#endif
