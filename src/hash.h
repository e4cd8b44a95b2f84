/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * XXH3, by the xxHash library (its header alone, so that nothing more is linked).
 */
#ifndef SPD_HASH_H
#define SPD_HASH_H

#include <stdint.h>

/* XXH3-64 with seed 0. */
uint64_t spd_hash64(const void *data, uint64_t size_bytes);

/* The same as if `zeros` zero bytes followed, at most 63. */
uint64_t spd_hash64_filled(const void *data, uint64_t size_bytes, uint64_t zeros);

#endif
