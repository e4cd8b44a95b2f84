/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * fixed_blocks: the bit rows of a fixed mode: every key block that a row of the query block attends to.
 *
 * Shapes   bits [..][query blocks][row_words], overwritten.
 * Launch   global {row_words, query blocks, heads}; an item is a word; any group size.
 * Local    none. Barriers none. Numerics integers only.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif

__kernel void fixed_blocks(__global ulong *bits, const spd_args a) {
    const ulong w = get_global_id(0), row0 = (ulong)a.first_row + get_global_id(1) * a.block_q;
    const uint head = a.first_head + get_global_id(2);
    if (w >= a.row_words || row0 >= a.queries)
        return;
    const ulong first = a.query_position + row0;
    const ulong last = a.query_position + min(row0 + a.block_q, a.queries) - 1;
    const ulong first_key = first > a.window ? first - a.window : 0;
    const ulong end_key = min(a.window < a.keys ? last + a.window + 1 : a.keys, a.keys);
    const ulong end = (end_key + a.block_k - 1) / a.block_k;
    const ulong sink_end = (min(a.sinks, a.keys) + a.block_k - 1) / a.block_k;
    ulong word = 0;
    for (uint i = 0; i < 64; i++) {
        const ulong j = w * 64 + i;
        if ((j >= first_key / a.block_k && j < end) || j < sink_end)
            word |= (ulong)1 << i;
    }
    bits[a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words + w] = word;
}
