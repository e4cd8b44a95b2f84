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

__kernel void fixed_blocks(__global ulong *bits, const spd_args a) {
    const ulong w = get_global_id(0), row0 = (ulong)a.first_row + get_global_id(1) * a.block_q;
    const uint head = a.first_head + get_global_id(2);
    if (w >= a.row_words || row0 >= a.queries)
        return;
    const long keys = (long)a.keys, window = (long)min(a.window, a.keys);
    const long sinks = (long)min(a.sinks, a.keys);
    const long first = (long)(a.query_position + row0);
    const long last = (long)(a.query_position + min(row0 + a.block_q, a.queries)) - 1;
    ulong word = 0;
    for (uint i = 0; i < 64; i++) {
        const long start = (long)((w * 64 + i) * a.block_k), end = start + a.block_k;
        if ((start < keys && end > first - window && start <= last + window) || start < sinks)
            word |= (ulong)1 << i;
    }
    bits[a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words + w] = word;
}
