/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Checksums and fingerprints. */
#include "hash.h"

#include <sparsed/pattern.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t spd_hash64(const void *data, uint64_t size_bytes) {
    return XXH3_64bits(data, (size_t)size_bytes);
}

uint64_t spd_hash64_filled(const void *data, uint64_t size_bytes, uint64_t zeros) {
    static const unsigned char nothing[64];
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, data, (size_t)size_bytes);
    XXH3_64bits_update(&state, nothing, (size_t)zeros);
    return XXH3_64bits_digest(&state);
}

sparsed_fingerprint sparsed_fingerprint_add(sparsed_fingerprint previous, const void *data,
                                            uint64_t size_bytes) {
    XXH128_hash_t piece = XXH3_128bits(data, (size_t)size_bytes);
    const uint64_t chain[5] = {previous.low, previous.high, piece.low64, piece.high64, size_bytes};
    XXH128_hash_t sum = XXH3_128bits(chain, sizeof chain);
    /* {0, 0} stands for "not given". */
    return (sparsed_fingerprint){sum.low64 | (sum.low64 == 0 && sum.high64 == 0), sum.high64};
}
