/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * select_blocks: from block scores to the bit row of each query block (docs/algorithm.md, "Selection"):
 * the best of one ranking over all blocks or of two over prompt and generation blocks, and the blocks
 * that are always kept. Key = bits of the score if it is above 0, else 0; larger first, then the
 * lower index: a radix selection over the key's four bytes, as many as it takes, both rankings at a
 * time; then ties in the order of the blocks.
 *
 * Shapes   scores as score_blocks leaves them; bits [..][query blocks][row_words], overwritten.
 * Launch   one work-group per query block and head: global {group size * query blocks, heads}; any
 *          group size up to SPD_SELECT_ITEMS.
 * Local    SPD_SELECT_ITEMS + 580 words.
 * Barriers one, four a byte, and two for each ranking that is cut among ties; in uniform control flow.
 * Numerics integers only.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif
#ifndef SPD_SELECT_ITEMS
#define SPD_SELECT_ITEMS 64
#endif

#define RANKINGS 2
#define BINS 256 /* of a histogram over a byte */
#define PART 16  /* bins whose sum is passed over as a whole */
#define PARTS (BINS / PART)
/* Parts lie a word further apart than they are long, so that neighbouring items read different banks. */
#define PLACE(bin) ((bin) + (bin) / PART)
#define PLACES (BINS + PARTS)
#define PIECE 8 /* blocks: a byte of a bit row */

/* For functions so large that some compilers would call them, and then miss them: plain `inline` defines
 * nothing in C99, and PoCL 3.1 gets `static` functions with barriers wrong. */
#define INLINE __attribute__((always_inline)) inline

/* sparsed_select.flags */
#define DENSE_GENERATION_ROWS 1u
#define KEEP_DIAGONAL 2u
#define KEEP_GENERATION 4u

/* Of blocks first .. end - 1 the best `keep`, those of them that lie below limit. */
typedef struct ranking {
    __global const float *scores;
    uint first, end, keep, limit;
} ranking;

/* Where a ranking is cut: keys above `key` are kept, and the first `ties` blocks of those that equal it; if
 * ties is 0, all. Before its last byte is known `key` has zeros there, and `ties` counts keys that begin so. */
typedef struct cut {
    uint key, ties;
} cut;

/* A word of a bit row as it lies in memory. */
typedef union word_bytes {
    ulong word;
    uchar bytes[8];
} word_bytes;

inline uint rank_key(float score) {
    return score > 0.0f ? as_uint(score) : 0u;
}

inline cut begin_cut(const ranking *r) {
    cut c;
    c.key = r->keep > 0 ? 0 : 0xffffffffu; /* of no score */
    c.ties = r->keep < r->end - r->first ? r->keep : 0;
    return c;
}

/* Of the next byte, in keys that begin as c->key does. */
inline void count_keys(const ranking *r, const cut *c, int shift, __local uint *histogram) {
    const uint known = shift == 24 ? 0u : 0xffffffffu << (shift + 8);
    for (uint j = r->first + get_local_id(0); c->ties > 0 && j < r->end; j += get_local_size(0)) {
        const uint key = rank_key(r->scores[j]);
        if ((key & known) == c->key)
            atomic_inc(&histogram[PLACE(key >> shift & (BINS - 1))]);
    }
}

/* If the cut lies in this part, the next byte of it. All loads have fixed addresses, so that they overlap. (Not
 * INLINE: the simulator Oclgrind 21.10 then cuts elsewhere, alone of all.) */
inline void find_byte(const cut *c, uint part, int shift, __local const uint *histogram,
                      __local const uint *parts, __local cut *found) {
    uint before = 0, bin = PART - 1;
#pragma unroll
    for (uint i = 1; i < PARTS; i++)
        before += i > part ? parts[i] : 0;
    if (before >= c->ties || before + parts[part] < c->ties)
        return;
    uint sum = before;
#pragma unroll
    for (uint i = PART - 1; i > 0; i--) {
        sum += histogram[PLACE(part * PART) + i];
        before = sum < c->ties ? sum : before;
        bin = sum < c->ties ? i - 1 : bin;
    }
    bin += part * PART;
    found->key = c->key | bin << shift;
    found->ties = before + histogram[PLACE(bin)] == c->ties ? 0 : c->ties - before;
}

/* Byte by byte, until all keys that begin so are kept. */
INLINE void cut_rankings(const ranking *rankings, __local uint *histogram, __local uint *parts,
                         __local cut *found) {
    if (get_local_id(0) == 0) {
        found[0] = begin_cut(&rankings[0]);
        found[1] = begin_cut(&rankings[1]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int shift = 24; shift >= 0; shift -= 8) {
        const cut so_far[RANKINGS] = {found[0], found[1]};
        if (so_far[0].ties == 0 && so_far[1].ties == 0)
            break;
        for (uint i = get_local_id(0); i < RANKINGS * PLACES; i += get_local_size(0))
            histogram[i] = 0;
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (uint r = 0; r < RANKINGS; r++)
            count_keys(&rankings[r], &so_far[r], shift, histogram + r * PLACES);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = get_local_id(0); i < RANKINGS * PARTS; i += get_local_size(0)) {
            uint sum = 0;
#pragma unroll
            for (uint bin = 0; bin < PART; bin++)
                sum += histogram[i * (PART + 1) + bin]; /* rankings lie alike */
            parts[i] = sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = get_local_id(0); i < RANKINGS * PARTS; i += get_local_size(0)) {
            const uint r = i / PARTS;
            const cut c = r == 0 ? so_far[0] : so_far[1]; /* arrays in registers take no index */
            find_byte(&c, i % PARTS, shift, histogram + r * PLACES, parts + r * PARTS, &found[r]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

/* Of the PIECE blocks from `block` on those that rank above the cut, and those that tie with it. */
INLINE uint blocks_above(const ranking *r, const cut *c, uint block, uint *tied) {
    uint above = 0, equal = 0;
    for (uint i = 0; i < PIECE; i++) {
        const bool ranked = block + i >= r->first && block + i < r->end;
        const uint key = ranked ? rank_key(r->scores[block + i]) : 0;
        const bool ties = c->ties > 0 && key == c->key;
        above |= (uint)(ranked && key >= c->key && !ties) << i;
        equal |= (uint)(ranked && ties) << i;
    }
    *tied = equal;
    return above;
}

/* How many blocks tie with the cut in the pieces of the items before this one, each of which has its next
 * `share` pieces. */
INLINE uint count_ties(const ranking *r, const cut *c, uint first_piece, uint end_piece,
                       __local uint *counts) {
    uint own = 0, before = 0, tied;
    for (uint piece = first_piece; piece < end_piece; piece++) {
        blocks_above(r, c, piece * PIECE, &tied);
        own += popcount(tied);
    }
    counts[get_local_id(0)] = own;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint i = 0; i < get_local_id(0) && first_piece < end_piece; i++) /* no piece, no need */
        before += counts[i];
    barrier(CLK_LOCAL_MEM_FENCE);
    return before;
}

/* The bits of blocks first .. end - 1 in a piece. */
inline uint range_bits(uint first, uint end, uint block) {
    const uint from = min(max(first, block) - block, (uint)PIECE);
    const uint to = min(max(end, block) - block, (uint)PIECE);
    return ((1u << to) - 1u) & ~((1u << from) - 1u);
}

/* The bits that a ranking keeps in a piece; *rank: of its first block that ties with the cut. */
INLINE uint kept_bits(const ranking *r, const cut *c, uint block, uint *rank) {
    uint tied, kept = blocks_above(r, c, block, &tied);
    for (; tied != 0 && *rank < c->ties; ++*rank) {
        kept |= tied & (0 - tied);
        tied &= tied - 1;
    }
    return kept & range_bits(0, r->limit, block);
}

/* The bits that are kept whatever the scores. */
inline uint always_bits(const spd_args *a, ulong row0, uint block) {
    const ulong first = a->query_position + row0;
    const ulong last = a->query_position + min(row0 + a->block_q, a->queries) - 1;
    uint bits = range_bits(0, min(a->always_first, a->k_blocks), block);
    if ((a->select_flags & DENSE_GENERATION_ROWS) && last >= a->generation_position)
        bits |= range_bits(0, a->k_blocks, block);
    if (a->select_flags & KEEP_DIAGONAL)
        bits |= range_bits((uint)(first / a->block_k), (uint)(last / a->block_k) + 1, block);
    if (a->select_flags & KEEP_GENERATION)
        bits |= range_bits(a->split, a->k_blocks, block);
    return bits;
}

__kernel void select_blocks(__global const float *scores, __global ulong *bits, const spd_args a) {
    __local uint histogram[RANKINGS * PLACES], parts[RANKINGS * PARTS], counts[SPD_SELECT_ITEMS];
    __local cut found[RANKINGS];
    const uint q_block = get_group_id(0), launch_head = get_group_id(1);
    const uint q_blocks = (a.rows + a.block_q - 1) / a.block_q;
    const ulong row0 = (ulong)a.first_row + q_block * a.block_q;
    scores += ((ulong)launch_head * q_blocks + q_block) * a.k_blocks;
    __global uchar *row =
        (__global uchar *)(bits + a.bits_offset + (a.first_head + launch_head) * a.bits_head +
                           row0 / a.block_q * a.row_words);
    const uint pieces = a.row_words * (64 / PIECE);
    const uint share = (pieces + get_local_size(0) - 1) / get_local_size(0);
    const uint first_piece = min((uint)get_local_id(0) * share, pieces);
    const uint end_piece = min(first_piece + share, pieces);
    /* The byte of a word that has its lowest bits. (A vector of 8 bytes is too much for Mesa's rusticl.) */
    const word_bytes one = {1};
    const uint lowest = one.bytes[0] == 1 ? 0 : 7;

    /* Upstream ranks the prompt's blocks among all of them and drops those of the generation. */
    const ranking rankings[RANKINGS] = {
        {scores, 0, a.rank_end, a.keep_prompt, a.upstream ? a.split : a.k_blocks},
        {scores + (a.upstream ? (ulong)a.heads * q_blocks * a.k_blocks : 0), a.split, a.k_blocks,
         a.rank_generation ? a.keep_generation : 0, a.k_blocks}};
    cut_rankings(rankings, histogram, parts, found);
    const cut cuts[RANKINGS] = {found[0], found[1]};
    uint ranks[RANKINGS] = {0, 0};
#pragma unroll
    for (uint r = 0; r < RANKINGS; r++)
        if (cuts[r].ties > 0)
            ranks[r] = count_ties(&rankings[r], &cuts[r], first_piece, end_piece, counts);
    for (uint piece = first_piece; piece < end_piece; piece++) {
        uint kept = always_bits(&a, row0, piece * PIECE);
#pragma unroll
        for (uint r = 0; r < RANKINGS; r++)
            kept |= kept_bits(&rankings[r], &cuts[r], piece * PIECE, &ranks[r]);
        row[piece ^ lowest] = (uchar)kept;
    }
}
