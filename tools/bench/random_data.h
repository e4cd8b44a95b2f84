/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Random data for benchmarks, the same for a seed.
 */
#ifndef TOOLS_BENCH_RANDOM_DATA_H
#define TOOLS_BENCH_RANDOM_DATA_H

#include <stddef.h>
#include <stdint.h>

/* 64 random bits (SplitMix64). */
uint64_t bench_random_bits(uint64_t *state);

/* Random numbers of the normal distribution, in the storage type (sparsed_dtype); NULL if out of
 * memory. */
void *bench_random(size_t count, uint32_t seed, uint32_t dtype);

#endif
