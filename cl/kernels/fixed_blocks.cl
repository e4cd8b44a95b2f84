/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * fixed_blocks: the bit rows of a fixed mode: every key block that a row of the query block attends to.
 *
 * Shapes   bits [..][query blocks][row_words], overwritten.
 * Launch   global {row_words rounded up, query blocks, heads}; an item is a word; any group size.
 * Local    none. Barriers none. Numerics integers only.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

/* The word's bits of all blocks from `first` on. */
inline ulong bits_from(ulong first, ulong word) {
    const ulong start = word * 64;
    return first <= start ? ~(ulong)0 : first - start < 64 ? ~(ulong)0 << (first - start) : 0;
}

__kernel void fixed_blocks(__global ulong *bits, const spd_args a) {
    const ulong w = get_global_id(0), row0 = (ulong)a.first_row + get_global_id(1) * a.block_q;
    const uint head = a.first_head + get_global_id(2);
    if (w >= a.row_words || row0 >= a.queries)
        return;
    const ulong window = min(a.window, a.keys), sinks = min(a.sinks, a.keys);
    const ulong first = a.query_position + row0;
    const ulong end = a.query_position + min(row0 + a.block_q, a.queries);
    const ulong first_key = (ulong)max((long)first - (long)window, (long)0);
    const ulong end_key = min(end + window, a.keys);
    bits[a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words + w] =
        (bits_from(first_key / a.block_k, w) &
         ~bits_from((end_key + a.block_k - 1) / a.block_k, w)) |
        ~bits_from((sinks + a.block_k - 1) / a.block_k, w);
}
