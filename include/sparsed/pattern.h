/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * pattern.h: patterns as host objects.
 *
 * A pattern says, for one layer, which key blocks each query block of each head keeps. It is
 * immutable, reference-counted with atomic operations, and independent of any device or context.
 * Rules of sparsed.h hold here; names as there.
 */
#ifndef SPARSED_PATTERN_H
#define SPARSED_PATTERN_H

#include <sparsed/sparsed.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sparsed_pattern_info {
    uint32_t struct_size;
    uint32_t batch, heads;
    uint32_t block_q, block_k;                        /* rows: 16, 32, 64 or 128 */
    uint32_t mode, flags, score_reduce, always_first; /* of the sparsed_select it was built with;
                                                         mode 0 = not known (a caller's mask) */
    uint32_t reserved;
    uint64_t q_len, kv_len; /* rows it was built for */
    uint64_t gen_len;
    uint64_t window, sinks; /* fixed modes */
    double ratio, score_scale;
    uint64_t q_blocks,
        k_blocks;         /* ceil(q_len / block_q), ceil(kv_len / block_k); ignored on input */
    uint64_t kept_blocks; /* over all rows; ignored on input */
} sparsed_pattern_info;

/*
 * Makes a pattern from a mask of bytes.
 *   info      struct_size, batch, heads, block_q, block_k, q_len, kv_len are needed; the fields
 * that tell what it was built with are copied; fixed modes are not accepted mask
 * [batch][heads][q_blocks][k_blocks]; 0 = dropped, anything else = kept allocator NULL = the C
 * library's; copied pattern   receives the handle, NULL on failure; sparsed_pattern_release it
 *   message   may be NULL
 * SPARSED_OK; SPARSED_E_INVALID; SPARSED_E_NOMEM. Thread-safe.
 */
SPARSED_API sparsed_status sparsed_pattern_from_mask(const sparsed_pattern_info *info,
                                                     const uint8_t *mask,
                                                     const sparsed_allocator *allocator,
                                                     sparsed_pattern **pattern,
                                                     sparsed_message *message);

/* Adds a reference; returns the same pattern. Thread-safe. */
SPARSED_API sparsed_pattern *sparsed_pattern_retain(sparsed_pattern *pattern);
/* Drops a reference; the last one frees it. NULL is ignored. Thread-safe. */
SPARSED_API void sparsed_pattern_release(sparsed_pattern *pattern);

/* Describes a pattern. SPARSED_E_INVALID: NULL argument, wrong struct_size. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_describe(const sparsed_pattern *pattern,
                                                    sparsed_pattern_info *info);

/* Writes the mask as bytes 0 and 1, [batch][heads][q_blocks][k_blocks]. Thread-safe. */
SPARSED_API sparsed_status sparsed_pattern_to_mask(const sparsed_pattern *pattern, uint8_t *mask);

/*
 * Share of valid query-key pairs that are kept, element by element (a partial block counts what it
 * has; a fixed mode counts its exact window), over the whole pattern or one head of all batches.
 *   head  a query head, or UINT32_MAX for all
 * 0 if there are no pairs, or head is out of range. Thread-safe.
 */
SPARSED_API double sparsed_pattern_density(const sparsed_pattern *pattern, uint32_t head);

#ifdef __cplusplus
}
#endif
#endif /* SPARSED_PATTERN_H */
