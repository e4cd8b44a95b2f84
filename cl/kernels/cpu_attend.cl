/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * cpu_attend: what generic_attend does, shaped for OpenCL runtimes on a processor: one item is one
 * unit of SPD_ROWS query rows, lanes are 16 keys of a tile (then 16 elements of the head dimension), the
 * tile of keys is gathered from kept blocks and transposed into private memory.
 *
 * Shapes   as generic_attend.
 * Launch   work-group 1; global {units of SPD_ROWS rows, heads}. SPD_ROWS divides block_q wherever
 *          blocks play a part; SPD_KEYS is a multiple of block_k.
 * Local    none; private: about (2 * SPD_ROWS + 2 * SPD_KEYS) * D + SPD_ROWS * SPD_KEYS floats, to stay
 *          in a core's second-level cache. Barriers none.
 * Numerics float throughout, fma; 2^x to 2e-8 before rounding, exactly 1 at 0; running maximum per row.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif
#ifndef SPD_D
#define SPD_D 128 /* head dimension, a multiple of 8 */
#endif
#ifndef SPD_ROWS
#define SPD_ROWS 128 /* a multiple of 4 */
#endif
#ifndef SPD_KEYS
#define SPD_KEYS 64 /* a multiple of 64 */
#endif

#define LANES 16
#define SEGMENTS (SPD_KEYS / LANES)
#define DIM ((SPD_D + LANES - 1) / LANES * LANES) /* padded with zeros */
#define TILE_ROWS 4                               /* of a register tile */
#define KEY_VECTORS 4
#if DIM % 64 == 0
#define OUT_VECTORS 4
#elif DIM % 48 == 0
#define OUT_VECTORS 3
#elif DIM % 32 == 0
#define OUT_VECTORS 2
#else
#define OUT_VECTORS 1
#endif

/* Elements d .. d + 15 of a row; past the head dimension 0. */
inline float16 load_row(__global const spd_stored *row, uint d) {
#if SPD_D % 16 != 0
    if (d + LANES > SPD_D)
        return (float16)(SPD_LOAD8(row, d), (float8)(0.0f));
#endif
    return SPD_LOAD16(row, d);
}

/* 2^x for x <= 0; 0 below -126.5. */
inline float16 exp2_below(float16 x) {
    const float16 bias = (float16)(0x1.8p23f);
    const float16 clamped = select(x, (float16)(-127.0f), x < (float16)(-127.0f));
    const float16 biased = clamped + bias;
    const float16 f = clamped - (biased - bias);
    float16 p = (float16)(0x1.41fbbcp-13f);
    p = fma(p, f, (float16)(0x1.5f3e52p-10f));
    p = fma(p, f, (float16)(0x1.3b2d4cp-7f));
    p = fma(p, f, (float16)(0x1.c6aee8p-5f));
    p = fma(p, f, (float16)(0x1.ebfbdcp-3f));
    p = fma(p, f, (float16)(0x1.62e430p-1f));
    p = fma(p, f, (float16)(1.0f));
    return p * as_float16((as_int16(biased) + 127) << 23);
}

inline float largest(float16 v) {
    const float8 a = select(v.lo, v.hi, v.hi > v.lo);
    const float4 b = select(a.lo, a.hi, a.hi > a.lo);
    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

inline float total(float16 v) {
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;
    return (b.x + b.y) + (b.z + b.w);
}

/* All ones in the lanes of keys that the query attends to; `valid` keys of the segment exist. */
inline int16 attended(const spd_args *a, uint flags, ulong query, ulong key, uint valid) {
    const int16 lane = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    int16 seen = lane < (int16)((int)valid);
    if (flags & SPD_FLAG_FIXED) {
        const long16 at = (long)key + convert_long16(lane);
        const long first = query > a->window ? (long)(query - a->window) : 0;
        const long last = (long)min(query + a->window, a->keys);
        seen &= convert_int16((at >= (long16)(first) && at <= (long16)(last)) ||
                              at < (long16)((long)min(a->sinks, a->keys)));
    }
    return seen;
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
cpu_attend(__global const spd_stored *q, __global const spd_stored *k,
           __global const spd_stored *v, __global spd_out *out, __global float *lse,
           __global const ulong *bits, __global float *mass, __global float *mass_max,
           __global float *stats, const spd_args a, const uint flags) {
    float16 q_rows[SPD_ROWS * DIM / LANES], acc[SPD_ROWS * DIM / LANES];
    float16 k_tile[DIM * SEGMENTS];            /* transposed: [DIM][SPD_KEYS] */
    float16 v_tile[SPD_KEYS * DIM / LANES];    /* [SPD_KEYS][DIM] */
    float16 s_tile[SPD_ROWS * SEGMENTS];       /* [SPD_ROWS][SPD_KEYS] */
    float top[SPD_ROWS], sum[SPD_ROWS], score_sum[SPD_ROWS];
    ulong segment_key[SEGMENTS];
    uint segment_block[SEGMENTS];
    const uint launch_head = get_global_id(1), head = a.first_head + launch_head;
    const uint launch_row = get_global_id(0) * SPD_ROWS;
    const ulong row0 = (ulong)a.first_row + launch_row;
    const uint rows = (uint)min((ulong)SPD_ROWS, a.queries - row0);
    const uint kv_head = head / a.heads_per_kv;
    const bool attend = (flags & SPD_FLAG_ATTEND) != 0, build = (flags & SPD_FLAG_BUILD) != 0;
    const bool sparse = (flags & SPD_FLAG_SPARSE) != 0, second = (flags & SPD_FLAG_SECOND) != 0;
    const uint block_segments = a.block_k / LANES;
    q += a.q_offset + head * a.q_head + row0 * a.q_row;
    k += a.k_offset + kv_head * a.k_head;
    v += a.v_offset + kv_head * a.v_head;
    bits += a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words;

    for (uint r = 0; r < SPD_ROWS; r++) {
        top[r] = SPD_LOWEST;
        sum[r] = 0.0f;
        score_sum[r] = 0.0f;
        for (uint d = 0; d < DIM / LANES; d++) {
            acc[r * (DIM / LANES) + d] = (float16)(0.0f);
            q_rows[r * (DIM / LANES) + d] =
                r < rows ? load_row(q + r * a.q_row, d * LANES) * a.scale : (float16)(0.0f);
        }
    }
    for (uint i = 0; i < DIM * SEGMENTS; i++)
        k_tile[i] = (float16)(0.0f);

    for (uint n = 0; n < a.k_blocks;) {
        /* Gathers a tile of whole blocks; prompt and generation blocks do not share one. */
        uint segments = 0;
        for (; n < a.k_blocks && segments + block_segments <= SEGMENTS; n++) {
            const uint block = n + a.split < a.k_blocks ? n + a.split : n + a.split - a.k_blocks;
            if (block == 0 && segments > 0)
                break;
            if (sparse && (bits[block / 64] >> (block % 64) & 1) == 0)
                continue;
            for (uint i = 0; i < block_segments; i++) {
                const ulong key = (ulong)block * a.block_k + i * LANES;
                if (key >= a.keys)
                    break;
                segment_key[segments] = key;
                segment_block[segments++] = block;
            }
        }
        for (uint g = 0; g < segments; g++)
            for (uint j = 0; j < LANES; j++) {
                const ulong key = segment_key[g] + j;
                __private float *column = (__private float *)k_tile + g * LANES + j;
                for (uint d = 0; d < DIM; d += LANES) {
                    const bool there = key < a.keys;
                    const float16 x =
                        there ? load_row(k + key * a.k_row, d) : (float16)(0.0f);
                    if (attend)
                        v_tile[((g * LANES + j) * DIM + d) / LANES] =
                            there ? load_row(v + key * a.v_row, d) : (float16)(0.0f);
                    __private float *to = column + d * SPD_KEYS;
                    to[0 * SPD_KEYS] = x.s0;
                    to[1 * SPD_KEYS] = x.s1;
                    to[2 * SPD_KEYS] = x.s2;
                    to[3 * SPD_KEYS] = x.s3;
                    to[4 * SPD_KEYS] = x.s4;
                    to[5 * SPD_KEYS] = x.s5;
                    to[6 * SPD_KEYS] = x.s6;
                    to[7 * SPD_KEYS] = x.s7;
                    to[8 * SPD_KEYS] = x.s8;
                    to[9 * SPD_KEYS] = x.s9;
                    to[10 * SPD_KEYS] = x.sa;
                    to[11 * SPD_KEYS] = x.sb;
                    to[12 * SPD_KEYS] = x.sc;
                    to[13 * SPD_KEYS] = x.sd;
                    to[14 * SPD_KEYS] = x.se;
                    to[15 * SPD_KEYS] = x.sf;
                }
            }

        for (uint r0 = 0; r0 < rows; r0 += TILE_ROWS) {
            __private const float *query = (__private const float *)q_rows + r0 * DIM;
            for (uint g = 0; g < segments; g += KEY_VECTORS) {
                float16 c[TILE_ROWS][KEY_VECTORS];
#pragma unroll
                for (int i = 0; i < TILE_ROWS; i++)
#pragma unroll
                    for (int j = 0; j < KEY_VECTORS; j++)
                        c[i][j] = (float16)(0.0f);
                for (uint d = 0; d < DIM; d++) {
                    float16 key[KEY_VECTORS];
#pragma unroll
                    for (int j = 0; j < KEY_VECTORS; j++)
                        key[j] = k_tile[d * SEGMENTS + g + j];
#pragma unroll
                    for (int i = 0; i < TILE_ROWS; i++) {
                        const float16 x = (float16)(query[i * DIM + d]);
#pragma unroll
                        for (int j = 0; j < KEY_VECTORS; j++)
                            c[i][j] = fma(x, key[j], c[i][j]);
                    }
                }
#pragma unroll
                for (int i = 0; i < TILE_ROWS; i++)
#pragma unroll
                    for (int j = 0; j < KEY_VECTORS; j++)
                        s_tile[(r0 + i) * SEGMENTS + g + j] = c[i][j];
            }

            for (uint r = r0; r < min(r0 + TILE_ROWS, rows); r++) {
                __private float16 *s = s_tile + r * SEGMENTS;
                const ulong query_at = a.query_position + row0 + r;
                float16 higher = (float16)(top[r]);
                for (uint g = 0; g < segments; g++) {
                    const uint valid = (uint)min((ulong)LANES, a.keys - segment_key[g]);
                    if (valid < LANES || (flags & SPD_FLAG_FIXED))
                        s[g] = select((float16)(-INFINITY), s[g],
                                      attended(&a, flags, query_at, segment_key[g], valid));
                    higher = select(higher, s[g], s[g] > higher);
                }
                const float old = top[r], now = largest(higher);
                const float shrink = old == now ? 1.0f : exp2(old - now);
                const float score_shrink =
                    second && old != now ? exp2((old - now) * a.score_ratio) : shrink;
                float16 rest = (float16)(0.0f), block_rest = (float16)(0.0f);
                top[r] = now;
                score_sum[r] *= score_shrink;
                for (uint g = 0; g < segments; g++) {
                    const float16 p = exp2_below(s[g] - now);
                    const float16 score_p =
                        second ? exp2_below((s[g] - now) * a.score_ratio) : p;
                    s[g] = p;
                    rest += p;
                    block_rest += score_p;
                    if (build && (g + 1 == segments || segment_block[g + 1] != segment_block[g])) {
                        const ulong at =
                            ((ulong)launch_head * a.rows + launch_row + r) * a.k_blocks +
                            segment_block[g];
                        const float e = total(block_rest);
                        mass[at] = e;
                        mass_max[at] = now;
                        score_sum[r] += e;
                        block_rest = (float16)(0.0f);
                    }
                }
                sum[r] = sum[r] * shrink + total(rest);
                if (shrink != 1.0f)
                    for (uint d = 0; d < DIM / LANES; d++)
                        acc[r * (DIM / LANES) + d] *= shrink;
            }

            if (!attend)
                continue;
            __private const float *p = (__private const float *)s_tile + r0 * SPD_KEYS;
            for (uint d = 0; d < DIM / LANES; d += OUT_VECTORS) {
                float16 c[TILE_ROWS][OUT_VECTORS];
#pragma unroll
                for (int i = 0; i < TILE_ROWS; i++)
#pragma unroll
                    for (int j = 0; j < OUT_VECTORS; j++)
                        c[i][j] = acc[(r0 + i) * (DIM / LANES) + d + j];
                for (uint key = 0; key < segments * LANES; key++) {
                    float16 value[OUT_VECTORS];
#pragma unroll
                    for (int j = 0; j < OUT_VECTORS; j++)
                        value[j] = v_tile[key * (DIM / LANES) + d + j];
#pragma unroll
                    for (int i = 0; i < TILE_ROWS; i++) {
                        const float16 x = (float16)(p[i * SPD_KEYS + key]);
#pragma unroll
                        for (int j = 0; j < OUT_VECTORS; j++)
                            c[i][j] = fma(x, value[j], c[i][j]);
                    }
                }
#pragma unroll
                for (int i = 0; i < TILE_ROWS; i++)
#pragma unroll
                    for (int j = 0; j < OUT_VECTORS; j++)
                        acc[(r0 + i) * (DIM / LANES) + d + j] = c[i][j];
            }
        }
        if (build && n == a.k_blocks - a.split)
            for (uint r = 0; r < rows; r++) {
                __global float *to = stats + ((ulong)launch_head * a.rows + launch_row + r) * 4;
                to[2] = top[r];
                to[3] = score_sum[r];
            }
    }

    for (uint r = 0; r < rows; r++) {
        if (build) {
            __global float *to = stats + ((ulong)launch_head * a.rows + launch_row + r) * 4;
            to[0] = top[r];
            to[1] = score_sum[r];
        }
        if (!attend)
            continue;
        const float inverse = sum[r] != 0.0f ? 1.0f / sum[r] : 0.0f;
        __private const float *from = (__private const float *)acc + r * DIM;
        for (uint d = 0; d < SPD_D; d++)
            SPD_STORE(out, a.out_offset + head * a.out_head + (row0 + r) * a.out_row + d,
                      from[d] * inverse);
        if (flags & SPD_FLAG_LSE)
            lse[a.lse_offset + head * a.lse_head + row0 + r] =
                sum[r] != 0.0f ? (top[r] + log2(sum[r])) * SPD_LN2 : -INFINITY;
    }
}
