/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * select_blocks: from block scores to the bit row of each query block (docs/algorithm.md, "Selection"):
 * the best of one ranking over all blocks or of two over prompt and generation blocks, and the blocks
 * that are always kept. Key = bits of the score if it is above 0, else 0; larger first, then the
 * lower index: a radix selection over the key's four bytes, then ties in the order of the blocks.
 *
 * Shapes   scores as score_blocks leaves them; bits [..][query blocks][row_words], overwritten.
 * Launch   one work-group per query block and head: global {group size * query blocks, heads}; any
 *          group size up to SPD_SELECT_ITEMS.
 * Local    SPD_SELECT_ITEMS + 274 words.
 * Barriers eighteen a ranking; in uniform control flow.
 * Numerics integers only.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif
#ifndef SPD_SELECT_ITEMS
#define SPD_SELECT_ITEMS 64
#endif

#define BINS 256 /* of a histogram over a byte */
#define PART 16  /* bins whose sum is passed over as a whole */

/* For functions so large that some compilers would call them, and then miss them: plain `inline` defines
 * nothing in C99, and PoCL 3.1 gets `static` functions with barriers wrong. */
#define INLINE __attribute__((always_inline)) inline

/* sparsed_select.flags */
#define DENSE_GENERATION_ROWS 1u
#define KEEP_DIAGONAL 2u
#define KEEP_GENERATION 4u

inline uint rank_key(float score) {
    return score > 0.0f ? as_uint(score) : 0u;
}

/* Finds the key of which those above are kept, and how many of its equals: found[0], found[1]. */
INLINE void rank_blocks(__global const float *scores, uint first, uint end, uint keep,
                        __local uint *histogram, __local uint *parts, __local uint *found) {
    if (get_local_id(0) == 0) {
        found[0] = 0;
        found[1] = keep;
    }
    for (int shift = 24; shift >= 0; shift -= 8) {
        const uint known = shift == 24 ? 0u : 0xffffffffu << (shift + 8);
        for (uint i = get_local_id(0); i < BINS; i += get_local_size(0))
            histogram[i] = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint j = first + get_local_id(0); j < end; j += get_local_size(0)) {
            const uint key = rank_key(scores[j]);
            if ((key & known) == found[0])
                atomic_inc(&histogram[key >> shift & 255u]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = get_local_id(0); i < BINS / PART; i += get_local_size(0)) {
            parts[i] = 0;
            for (uint bin = i * PART; bin < (i + 1) * PART; bin++)
                parts[i] += histogram[bin];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (get_local_id(0) == 0) {
            uint part = BINS / PART - 1, left = found[1];
            while (part > 0 && parts[part] < left)
                left -= parts[part--];
            uint bin = part * PART + PART - 1;
            while (bin > part * PART && histogram[bin] < left)
                left -= histogram[bin--];
            found[0] |= bin << shift;
            found[1] = left;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* Blocks of a word that rank above the threshold, and those that tie with it. */
inline ulong blocks_above(__global const float *scores, uint first, uint end, uint threshold,
                          uint word, ulong *tied) {
    ulong above = 0, equal = 0;
    for (uint j = max(first, word * 64); j < min(end, word * 64 + 64); j++) {
        const uint key = rank_key(scores[j]);
        above |= (ulong)(key > threshold) << (j - word * 64);
        equal |= (ulong)(key == threshold) << (j - word * 64);
    }
    *tied = equal;
    return above;
}

/* Ranks blocks first .. end-1 and sets the best `keep` of them that lie below limit, in words
 * first_word .. end_word-1, which are this item's. */
INLINE void keep_best(__global const float *scores, uint first, uint end, uint keep, uint limit,
                      uint first_word, uint end_word, __global ulong *row,
                      __local uint *histogram, __local uint *parts, __local uint *found,
                      __local uint *counts) {
    rank_blocks(scores, first, end, keep, histogram, parts, found);
    const uint threshold = found[0], ties = found[1];
    uint own = 0, rank = 0;
    ulong tied;
    for (uint w = first_word; w < end_word; w++) {
        blocks_above(scores, first, end, threshold, w, &tied);
        own += (uint)popcount(tied);
    }
    counts[get_local_id(0)] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < get_local_id(0) && first_word < end_word; i++) /* no word, no need */
        rank += counts[i];
    for (uint w = first_word; w < end_word; w++) {
        ulong kept = blocks_above(scores, first, end, threshold, w, &tied);
        for (; tied != 0 && rank < ties; rank++) {
            kept |= tied & (0 - tied);
            tied &= tied - 1;
        }
        if (limit < (w + 1) * 64)
            kept &= limit <= w * 64 ? 0 : ((ulong)1 << (limit - w * 64)) - 1;
        row[w] |= kept;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

/* Sets blocks first .. end-1 in the item's words. */
inline void keep_range(uint first, uint end, uint first_word, uint end_word,
                       __global ulong *row) {
    for (uint w = first_word; w < end_word; w++)
        for (uint j = max(first, w * 64); j < min(end, w * 64 + 64); j++)
            row[w] |= (ulong)1 << (j - w * 64);
}

__kernel void select_blocks(__global const float *scores, __global ulong *bits, const spd_args a) {
    __local uint histogram[BINS], parts[BINS / PART], found[2], counts[SPD_SELECT_ITEMS];
    const uint q_block = get_group_id(0), launch_head = get_group_id(1);
    const uint q_blocks = (a.rows + a.block_q - 1) / a.block_q;
    const ulong row0 = (ulong)a.first_row + q_block * a.block_q;
    scores += ((ulong)launch_head * q_blocks + q_block) * a.k_blocks;
    __global const float *generation = scores + (ulong)a.heads * q_blocks * a.k_blocks;
    __global ulong *row = bits + a.bits_offset + (a.first_head + launch_head) * a.bits_head +
                          row0 / a.block_q * a.row_words;
    const uint share = (a.row_words + get_local_size(0) - 1) / get_local_size(0);
    const uint first_word = min((uint)get_local_id(0) * share, a.row_words);
    const uint end_word = min(first_word + share, a.row_words);
    for (uint w = first_word; w < end_word; w++)
        row[w] = 0;

    /* Upstream ranks the prompt's blocks among all of them and drops those of the generation. */
    keep_best(scores, 0, a.rank_end, a.keep_prompt, a.upstream ? a.split : a.k_blocks, first_word,
              end_word, row, histogram, parts, found, counts);
    if (a.rank_generation)
        keep_best(a.upstream ? generation : scores, a.split, a.k_blocks, a.keep_generation,
                  a.k_blocks, first_word, end_word, row, histogram, parts, found, counts);

    const ulong first = a.query_position + row0;
    const ulong last = a.query_position + min(row0 + a.block_q, a.queries) - 1;
    if ((a.select_flags & DENSE_GENERATION_ROWS) && last >= a.generation_position)
        keep_range(0, a.k_blocks, first_word, end_word, row);
    if (a.select_flags & KEEP_DIAGONAL)
        keep_range((uint)(first / a.block_k), (uint)(last / a.block_k) + 1, first_word, end_word,
                   row);
    if (a.select_flags & KEEP_GENERATION)
        keep_range(a.split, a.k_blocks, first_word, end_word, row);
    keep_range(0, min(a.always_first, a.k_blocks), first_word, end_word, row);
}
