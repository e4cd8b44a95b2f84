/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_maps: tensor maps of q, k and v: what Hopper's copy engine must know of a tensor to bring boxes of
 * it into local memory, swizzled, with zeros where it ends. A box is 64 columns of one head by NV_ROWS rows
 * of q, by SPD_BLOCK_K rows of k or v, or by NV_KEYS, for blocks that follow on one another. Promoted PTX.
 *
 * Shapes   tensors as of the attend kernels, their rows aligned to 16 bytes (v may be any buffer where
 *          there is no v); a.heads: all heads. maps [5][16] words, overwritten: q; k, v; and, where
 *          blocks are smaller, k, v by NV_KEYS. All that tensormap.replace does not set is 0.
 * Launch   one item.
 * Local    none. Barriers none. Numerics none.
 */
#ifndef SPD_NV
#include "nv.clh"
#endif

/* tensormap.replace's codes. */
#if SPD_DTYPE == 2
#define ELEMENT_TYPE "6"
#else
#define ELEMENT_TYPE "10"
#endif
#define SWIZZLE_128_BYTES "3"

#define SET_WORD(field, value) \
    __asm__ volatile("//@90a tensormap.replace.tile." field ".global.b1024.b32 [%0], %1;" ::"l"(map), \
                     "r"((uint)(value)) \
                     : "memory")
#define SET_NTH_WORD(field, n, value) \
    __asm__ volatile("//@90a tensormap.replace.tile." field ".global.b1024.b32 [%0], " n ", %1;" ::"l"(map), \
                     "r"((uint)(value)) \
                     : "memory")
#define SET_LONG(field, value) \
    __asm__ volatile("//@90a tensormap.replace.tile." field ".global.b1024.b64 [%0], %1;" ::"l"(map), \
                     "l"((ulong)(value)) \
                     : "memory")
#define SET_NTH_LONG(field, n, value) \
    __asm__ volatile("//@90a tensormap.replace.tile." field ".global.b1024.b64 [%0], " n ", %1;" ::"l"(map), \
                     "l"((ulong)(value)) \
                     : "memory")
#define SET_CODE(field, code) \
    __asm__ volatile("//@90a tensormap.replace.tile." field ".global.b1024.b32 [%0], " code ";" ::"l"(map) \
                     : "memory")

/* Columns, rows, heads; strides in elements. */
NV_INLINE void make_map(__global ulong *map, __global const ushort *first, ulong rows, uint heads,
                        ulong row_stride, ulong head_stride, uint box_rows) {
#pragma unroll
    for (uint i = 0; i < 16; i++)
        map[i] = 0;
    SET_LONG("global_address", first);
    SET_WORD("rank", 2); /* less one */
    SET_NTH_WORD("box_dim", "0", 64);
    SET_NTH_WORD("box_dim", "1", box_rows);
    SET_NTH_WORD("box_dim", "2", 1);
    SET_NTH_WORD("global_dim", "0", SPD_D);
    SET_NTH_WORD("global_dim", "1", rows);
    SET_NTH_WORD("global_dim", "2", heads);
    SET_NTH_LONG("global_stride", "0", row_stride * 2);
    SET_NTH_LONG("global_stride", "1", head_stride * 2);
    SET_NTH_WORD("element_stride", "0", 1);
    SET_NTH_WORD("element_stride", "1", 1);
    SET_NTH_WORD("element_stride", "2", 1);
    SET_CODE("elemtype", ELEMENT_TYPE);
    SET_CODE("interleave_layout", "0");
    SET_CODE("swizzle_mode", SWIZZLE_128_BYTES);
    SET_CODE("fill_mode", "0");
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
nv_maps(__global const ushort *q, __global const ushort *k, __global const ushort *v,
        __global ulong *maps, const spd_args a) {
    const uint kv_heads = a.heads / a.heads_per_kv;
    make_map(maps, q + a.q_offset, a.queries, a.heads, a.q_row, a.q_head, NV_ROWS);
    make_map(maps + 16, k + a.k_offset, a.keys, kv_heads, a.k_row, a.k_head, SPD_BLOCK_K);
    make_map(maps + 32, v + a.v_offset, a.keys, kv_heads, a.v_row, a.v_head, SPD_BLOCK_K);
    if (NV_SLOTS > 1) { /* else they are the same */
        make_map(maps + 48, k + a.k_offset, a.keys, kv_heads, a.k_row, a.k_head, NV_KEYS);
        make_map(maps + 64, v + a.v_offset, a.keys, kv_heads, a.v_row, a.v_head, NV_KEYS);
    }
    __asm__ volatile("fence.proxy.tensormap::generic.release.gpu;" ::: "memory");
}
