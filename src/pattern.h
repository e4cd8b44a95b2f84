/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Inside of a host pattern: bit rows as the devices hold them, and what they were built for.
 */
#ifndef SPD_PATTERN_H
#define SPD_PATTERN_H

#include "pattern_extents.h"
#include "problem.h"

#include <sparsed/pattern.h>

#include <stdatomic.h>

struct spd_file_map; /* pattern_file.h */

struct sparsed_pattern {
    atomic_uint references;
    sparsed_allocator allocator;
    sparsed_pattern_info info;
    uint64_t row_words;
    uint64_t generation_blocks;  /* columns of generation_scores: the largest k_blocks - split */
    spd_extents *shared_extents; /* perhaps with other patterns and a set; retained */
    const spd_extent *extents;   /* [batch], in the former */
    struct spd_file_map *map;    /* holds what follows; NULL = owned arrays */
    const uint64_t *bits;        /* [batch][heads][q_blocks][row_words] */
    const double *ratios;        /* [heads], or NULL: info.ratio for all */
    const void *scores; /* [batch][heads][q_blocks][k_blocks] of info.score_dtype, or NULL */
    const void *generation_scores; /* [batch][heads][q_blocks][generation_blocks], upstream modes */
    sparsed_pattern *lender; /* whose the two score arrays are, retained; NULL = as the rest */
};

static inline uint32_t spd_popcount(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (uint32_t)(word * 0x0101010101010101u >> 56);
}

/* A mode whose blocks stand for an exact window. */
static inline bool spd_mode_is_fixed(uint32_t mode) {
    return mode == SPARSED_MODE_WINDOW || mode == SPARSED_MODE_STREAMING;
}

/* Sizes of a pattern's arrays, from info (q_blocks, k_blocks filled in). */
uint64_t spd_pattern_row_count(const sparsed_pattern_info *info); /* batch * heads * q_blocks */
uint64_t spd_pattern_words(const sparsed_pattern_info *info);     /* 64-bit words of all bit rows */

/* Bytes of one score: 4, 2, or 0 without a type. */
uint64_t spd_score_bytes(uint32_t score_dtype);

/* Fills in info's derived fields (q_blocks, k_blocks, q_start and its flag) and checks its
 * dimensions and options as a plan would check them, besides what only a pattern has: mode 0 (not
 * known; ratio may be 0 there and in the fixed modes), step, score_scale finite and not negative,
 * window and sinks 0 unless the mode uses them. The text calls it `info`. All sizes of arrays of
 * such a pattern, both score arrays in f32 included, fit in 64 bits. */
sparsed_status spd_pattern_check_info(sparsed_pattern_info *info, sparsed_message *message);

/* Fills in an extent's derived fields (q_blocks, k_blocks, split, generation_position; budgets are
 * 0) from key_start, keys, query_start, queries, query_position. */
void spd_pattern_derive_extent(const sparsed_pattern_info *info, spd_extent *extent);

/*
 * A pattern with one reference, of an info that holds what spd_pattern_check_info asks for; extents
 * [batch] are copied and derived (NULL: all rows are valid). with_bits: it owns bits, all 0, to be
 * written through spd_pattern_own_bits; without, bits is NULL and the caller's to set, as ratios
 * and scores are: memory of the pattern's allocator, or of a mapping, with map then (retained).
 */
sparsed_status spd_pattern_create(const sparsed_pattern_info *info, const spd_extent *extents,
                                  bool with_bits, const sparsed_allocator *allocator,
                                  sparsed_pattern **pattern, sparsed_message *message);

/* The same with extents that others have too: of this info's shape and gen_len; retained. */
sparsed_status spd_pattern_create_shared(const sparsed_pattern_info *info, spd_extents *extents,
                                         bool with_bits, const sparsed_allocator *allocator,
                                         sparsed_pattern **pattern, sparsed_message *message);

/* The bits of a pattern that is being made. */
uint64_t *spd_pattern_own_bits(sparsed_pattern *pattern);

/* Gives the heads of a pattern that is being made ratios of their own, [heads], copied; the caller
 * sees to info.ratio, their mean. */
sparsed_status spd_pattern_set_ratios(sparsed_pattern *pattern, const double *ratios,
                                      sparsed_message *message);

/* Counts info.kept_blocks once the bits are final. */
void spd_pattern_count(sparsed_pattern *pattern);

/* Bits lie in each batch's own blocks only: false if one does not. */
bool spd_pattern_bits_fit(const sparsed_pattern *pattern);

/* A pattern of the same bits, ratios and info, with memory of its own but for the extents, and
 * without scores. */
sparsed_status spd_pattern_copy(const sparsed_pattern *from, sparsed_pattern **pattern,
                                sparsed_message *message);

/* Whether two patterns have one shape: batch, heads, block sizes, lengths, q_start, valid rows (not
 * gen_len). SPARSED_E_MISMATCH names the first field that differs, and both values. */
sparsed_status spd_pattern_same_shape(const sparsed_pattern *a, const sparsed_pattern *b,
                                      sparsed_message *message);

#endif
