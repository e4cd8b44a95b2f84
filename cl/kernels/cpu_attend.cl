/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * cpu_attend: what generic_attend does, shaped for OpenCL runtimes on a processor: one item is one
 * unit of SPD_ROWS query rows, lanes are 16 query rows. Queries, products and results lie
 * transposed in private memory, so that keys and values are only broadcast: they are copied as they
 * lie, which also makes them floats.
 *
 * Shapes   as generic_attend.
 * Launch   work-group 1; global {units of SPD_ROWS rows, heads}. SPD_ROWS divides block_q wherever
 *          blocks play a part.
 * Local    none; private: about (2 * SPD_ROWS + 2 * SPD_KEYS) * D + SPD_KEYS * PANEL floats, to
 *          stay in a core's second-level cache; D * PANEL of them in the first. Barriers none.
 * Numerics float throughout, fma; the running maximum is of the products q.k, which are scaled as
 *          differences from it; 2^x to 2e-8 before rounding, exactly 1 at 0. Sums over the keys of
 *          a block in their order.
 */
#ifndef SPD_COMMON
#include "common.clh"
#endif
#ifndef SPD_D
#define SPD_D 128 /* head dimension, a multiple of 8 */
#endif
#ifndef SPD_ROWS
#define SPD_ROWS 128 /* 16, 32, 64 or 128 */
#endif
#ifndef SPD_KEYS
#define SPD_KEYS 64 /* of a tile; a multiple of 16 */
#endif

#define LANES 16
#define DIM ((SPD_D + LANES - 1) / LANES * LANES) /* padded with zeros */

/* A register tile is BROADCASTS x VECTORS vectors: 16 sums, of keys or elements by query rows. */
#if SPD_ROWS % 64 == 0 && SPD_D <= 128
#define VECTORS 4
#define BROADCASTS 4
#elif SPD_ROWS % 32 == 0
#define VECTORS 2
#define BROADCASTS 8
#else
#define VECTORS 1
#define BROADCASTS 8
#endif
#define PANEL (VECTORS * LANES)      /* query rows worked on at a time */
#define MAX_RUNS (SPD_KEYS / 16 + 2) /* blocks are 16 keys or more; two may be cut */

/* Keys of a tile that belong to one block. */
typedef struct tile_run {
    ulong key;
    uint block, first, end; /* in the tile */
    uint complete;          /* the block ends with this run */
} tile_run;

/* Of the query rows of a panel. */
typedef struct row_state {
    float16 top[VECTORS];       /* running maximum of the products */
    float16 sum[VECTORS];       /* of exponentials */
    float16 score_sum[VECTORS]; /* of the exponentials that scores are made of */
    float16 block_sum[VECTORS]; /* the share of a block that is not complete */
} row_state;

/* Elements d .. d + 15 of a row; past the head dimension 0. */
inline float16 load_row(__global const spd_stored *row, uint d) {
#if SPD_D % 16 != 0
    if (d + LANES > SPD_D)
        return (float16)(SPD_LOAD8(row, d), (float8)(0.0f));
#endif
    return SPD_LOAD16(row, d);
}

/* 16 x 16: exchanges halves of pairs of rows, then quarters, pairs and single elements. */
inline void transpose(__private float16 *t) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const float16 a = t[i], b = t[i + 8];
        t[i] = (float16)(a.lo, b.lo);
        t[i + 8] = (float16)(a.hi, b.hi);
    }
#pragma unroll
    for (int i = 0; i < 16; i++)
        if ((i & 4) == 0) {
            const float16 a = t[i], b = t[i + 4];
            t[i] = (float16)(a.s0123, b.s0123, a.s89ab, b.s89ab);
            t[i + 4] = (float16)(a.s4567, b.s4567, a.scdef, b.scdef);
        }
#pragma unroll
    for (int i = 0; i < 16; i++)
        if ((i & 2) == 0) {
            const float16 a = t[i], b = t[i + 2];
            t[i] = (float16)(a.s01, b.s01, a.s45, b.s45, a.s89, b.s89, a.scd, b.scd);
            t[i + 2] = (float16)(a.s23, b.s23, a.s67, b.s67, a.sab, b.sab, a.sef, b.sef);
        }
#pragma unroll
    for (int i = 0; i < 16; i += 2) {
        const float16 a = t[i], b = t[i + 1];
        t[i] = (float16)(a.s0, b.s0, a.s2, b.s2, a.s4, b.s4, a.s6, b.s6, a.s8, b.s8, a.sa, b.sa,
                         a.sc, b.sc, a.se, b.se);
        t[i + 1] = (float16)(a.s1, b.s1, a.s3, b.s3, a.s5, b.s5, a.s7, b.s7, a.s9, b.s9, a.sb, b.sb,
                             a.sd, b.sd, a.sf, b.sf);
    }
}

/* Query rows to [panels][DIM][VECTORS]; missing rows are 0. */
inline void load_queries(__private float16 *to, __global const spd_stored *q, ulong stride,
                         uint rows) {
    for (uint r0 = 0; r0 < SPD_ROWS; r0 += LANES)
        for (uint d = 0; d < DIM; d += LANES) {
            __private float16 *column = to + (r0 / PANEL * DIM + d) * VECTORS + r0 % PANEL / LANES;
            float16 t[LANES];
#pragma unroll
            for (uint i = 0; i < LANES; i++)
                t[i] = r0 + i < rows ? load_row(q + (r0 + i) * stride, d) : (float16)(0.0f);
            transpose(t);
#pragma unroll
            for (uint i = 0; i < LANES; i++)
                column[i * VECTORS] = t[i];
        }
}

inline void start(__private row_state *row, __private float16 *acc) {
    for (uint p = 0; p < SPD_ROWS / PANEL; p++)
        for (uint j = 0; j < VECTORS; j++) {
            row[p].top[j] = (float16)(SPD_LOWEST);
            row[p].sum[j] = row[p].score_sum[j] = row[p].block_sum[j] = (float16)(0.0f);
        }
    for (uint i = 0; i < SPD_ROWS * DIM / LANES; i++)
        acc[i] = (float16)(0.0f);
}

/* The keys of the next tile, block by block from *n, *offset on; prompt and generation blocks do
 * not share one. */
inline uint gather(const spd_args *a, __global const ulong *bits, bool sparse,
                   __private tile_run *run, uint *n, uint *offset) {
    uint runs = 0, count = 0;
    while (*n < a->k_blocks && count < SPD_KEYS) {
        const uint block =
            *n + a->split < a->k_blocks ? *n + a->split : *n + a->split - a->k_blocks;
        if (runs > 0 && *n == a->k_blocks - a->split && *offset == 0)
            break;
        if (sparse && (bits[block / 64] >> (block % 64) & 1) == 0) {
            (*n)++;
            continue;
        }
        const ulong key = (ulong)block * a->block_k + *offset;
        const uint left = (uint)min((ulong)(a->block_k - *offset), a->keys - key);
        const uint take = min(left, SPD_KEYS - count);
        run[runs++] = (tile_run){key, block, count, count + take, take == left};
        count += take;
        *offset = take == left ? 0 : *offset + take;
        *n += take == left;
    }
    return runs;
}

/* Key rows of a tile to [SPD_KEYS][DIM], those that pad the last register tile 0, value rows to
 * [DIM / LANES][SPD_KEYS][LANES]. */
inline void copy_tile(__private float16 *k_tile, __private float16 *v_tile,
                      __global const spd_stored *k, __global const spd_stored *v, const spd_args *a,
                      __private const tile_run *run, uint runs, bool attend) {
    for (uint n = 0; n < runs; n++)
        for (uint i = run[n].first; i < run[n].end; i++) {
            const ulong key = run[n].key + (i - run[n].first);
            for (uint d = 0; d < DIM; d += LANES)
                k_tile[(i * DIM + d) / LANES] = load_row(k + key * a->k_row, d);
            if (attend)
                for (uint d = 0; d < DIM; d += LANES)
                    v_tile[d / LANES * SPD_KEYS + i] = load_row(v + key * a->v_row, d);
        }
    const uint count = run[runs - 1].end;
    for (uint i = count; i % BROADCASTS != 0; i++)
        for (uint d = 0; d < DIM / LANES; d++)
            k_tile[i * (DIM / LANES) + d] = (float16)(0.0f);
}

/* s [count][VECTORS] = keys x queries of a panel. */
inline void products(__private float16 *s, __private const float16 *k_tile,
                     __private const float16 *queries, uint count) {
    for (uint key = 0; key < count; key += BROADCASTS) {
        __private const float *from = (__private const float *)k_tile + key * DIM;
        float16 c[BROADCASTS][VECTORS];
#pragma unroll
        for (int i = 0; i < BROADCASTS; i++)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                c[i][j] = (float16)(0.0f);
        for (uint d = 0; d < SPD_D; d++)
#pragma unroll
            for (int i = 0; i < BROADCASTS; i++) {
                const float16 x = (float16)(from[i * DIM + d]);
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    c[i][j] = fma(x, queries[d * VECTORS + j], c[i][j]);
            }
#pragma unroll
        for (int i = 0; i < BROADCASTS; i++)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                s[(key + i) * VECTORS + j] = c[i][j];
    }
}

/* acc [SPD_D][VECTORS] += values x exponentials. */
inline void add_values(__private float16 *acc, __private const float16 *v_tile,
                       __private const float16 *p, uint count) {
    for (uint d = 0; d < SPD_D; d += BROADCASTS) {
        __private const float *from =
            (__private const float *)(v_tile + d / LANES * SPD_KEYS) + d % LANES;
        float16 c[BROADCASTS][VECTORS];
#pragma unroll
        for (int i = 0; i < BROADCASTS; i++)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                c[i][j] = acc[(d + i) * VECTORS + j];
        for (uint key = 0; key < count; key++)
#pragma unroll
            for (int i = 0; i < BROADCASTS; i++) {
                const float16 x = (float16)(from[key * LANES + i]);
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    c[i][j] = fma(x, p[key * VECTORS + j], c[i][j]);
            }
#pragma unroll
        for (int i = 0; i < BROADCASTS; i++)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                acc[(d + i) * VECTORS + j] = c[i][j];
    }
}

/* Drops the products of keys outside the window and the sinks of queries from `query` on. */
inline void mask(__private float16 *s, const spd_args *a, ulong query,
                 __private const tile_run *run, uint runs) {
    const long16 lane = (long16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const long window = (long)min(a->window, (ulong)LONG_MAX);
    for (uint n = 0; n < runs; n++)
        for (uint i = run[n].first; i < run[n].end; i++) {
            const ulong key = run[n].key + (i - run[n].first);
            const long distance = (long)query - (long)key;
            if (key < a->sinks || (distance >= -window && distance + PANEL - 1 <= window))
                continue;
            for (uint j = 0; j < VECTORS; j++) {
                const long16 at = lane + (distance + j * LANES);
                const int16 seen = convert_int16(at >= (long16)(-window) && at <= (long16)(window));
                s[i * VECTORS + j] = select((float16)(-INFINITY), s[i * VECTORS + j], seen);
            }
        }
}

/* Lanes 0 .. count - 1 of v to a column. */
inline void store_column(__global float *to, ulong stride, float16 v, uint count) {
    float element[LANES];
    vstore16(v, 0, element);
    for (uint i = 0; i < count; i++)
        to[i * stride] = element[i];
}

/* Raises the running maxima to those of the tile; what was summed under the old ones follows. */
inline void raise_top(__private row_state *row, __private float16 *acc, __private const float16 *s,
                      const spd_args *a, uint count, bool second) {
    float16 now[VECTORS];
#pragma unroll
    for (int j = 0; j < VECTORS; j++)
        now[j] = row->top[j];
    for (uint key = 0; key < count; key++)
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            now[j] = select(now[j], s[key * VECTORS + j], s[key * VECTORS + j] > now[j]);
    for (int j = 0; j < VECTORS; j++) {
        if (!any(row->top[j] != now[j]))
            continue;
        const float16 step = row->top[j] - now[j];
        const float16 shrink = spd_exp2_below(step * a->scale);
        const float16 score_shrink = second ? spd_exp2_below(step * a->score_scale) : shrink;
        row->top[j] = now[j];
        row->sum[j] *= shrink;
        row->score_sum[j] *= score_shrink;
        row->block_sum[j] *= score_shrink;
        for (uint d = 0; d < SPD_D; d++)
            acc[d * VECTORS + j] *= shrink;
    }
}

/* Products to exponentials under the running maxima, summed; for a build by block too, of `rows`
 * rows from mass[0] on. */
inline void exponentials(__private row_state *row, __private float16 *s, const spd_args *a,
                         __private const tile_run *run, uint runs, bool second, bool build,
                         __global float *mass, __global float *mass_max, uint rows) {
    for (uint n = 0; n < runs; n++) {
        float16 sum[VECTORS], score[VECTORS];
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            sum[j] = score[j] = (float16)(0.0f);
        for (uint key = run[n].first; key < run[n].end; key++)
#pragma unroll
            for (int j = 0; j < VECTORS; j++) {
                const float16 below = s[key * VECTORS + j] - row->top[j];
                const float16 p = spd_exp2_below(below * a->scale);
                sum[j] += p;
                s[key * VECTORS + j] = p;
                if (second)
                    score[j] += spd_exp2_below(below * a->score_scale);
            }
        for (int j = 0; j < VECTORS; j++) {
            row->sum[j] += sum[j];
            if (!build)
                continue;
            row->block_sum[j] += second ? score[j] : sum[j];
            if (!run[n].complete)
                continue;
            const uint lanes = rows > (uint)j * LANES ? min(rows - j * LANES, (uint)LANES) : 0;
            const ulong at = (ulong)j * LANES * a->k_blocks + run[n].block;
            store_column(mass + at, a->k_blocks, row->block_sum[j], lanes);
            store_column(mass_max + at, a->k_blocks, row->top[j], lanes);
            row->score_sum[j] += row->block_sum[j];
            row->block_sum[j] = (float16)(0.0f);
        }
    }
}

/* Maximum and sum of each of `rows` rows to stats[0], [1] of the row. */
inline void store_stats(__global float *stats, __private const row_state *row, uint rows) {
    for (uint p = 0; p * PANEL < rows; p++)
        for (uint j = 0; j < VECTORS; j++) {
            const uint r0 = p * PANEL + j * LANES;
            const uint lanes = rows > r0 ? min(rows - r0, (uint)LANES) : 0;
            store_column(stats + r0 * 4, 4, row[p].top[j], lanes);
            store_column(stats + r0 * 4 + 1, 4, row[p].score_sum[j], lanes);
        }
}

inline void store8(__global spd_out *to, float8 x) {
#if SPD_OUT_DTYPE == 1
    vstore8(x, 0, to);
#elif SPD_OUT_DTYPE == 2
    vstore_half8_rte(x, 0, to);
#else
    const uint8 bits = as_uint8(x), quiet = (bits >> 16) | 0x40u;
    const uint8 rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    vstore8(convert_ushort8(select(rounded, quiet, (bits & 0x7fffffffu) > 0x7f800000u)), 0, to);
#endif
}

/* acc / sum, row by row. */
inline void store_rows(__global spd_out *out, ulong stride, __private const float16 *acc,
                       __private const row_state *row, uint rows) {
    for (uint r0 = 0; r0 < rows; r0 += LANES) {
        const uint j = r0 % PANEL / LANES, lanes = min(rows - r0, (uint)LANES);
        const float16 sum = row[r0 / PANEL].sum[j];
        const float16 inverse = select((float16)(1.0f) / sum, (float16)(0.0f), sum == 0.0f);
        for (uint d = 0; d < DIM; d += LANES) {
            __private const float16 *column = acc + (r0 / PANEL * DIM + d) * VECTORS + j;
            float16 t[LANES];
#pragma unroll
            for (uint i = 0; i < LANES; i++)
                t[i] = column[i * VECTORS] * inverse;
            transpose(t);
            for (uint i = 0; i < lanes; i++) {
                __global spd_out *to = out + (r0 + i) * stride + d;
                store8(to, t[i].lo);
                if (d + 8 < SPD_D)
                    store8(to + 8, t[i].hi);
            }
        }
    }
}

inline void store_lse(__global float *lse, const spd_args *a, __private const row_state *row,
                      uint rows) {
    for (uint r = 0; r < rows; r++) {
        __private const row_state *panel = row + r / PANEL;
        lse[r] = spd_lse(a, ((__private const float *)panel->top)[r % PANEL],
                         ((__private const float *)panel->sum)[r % PANEL]);
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
cpu_attend(__global const spd_stored *q, __global const spd_stored *k,
           __global const spd_stored *v, __global spd_out *out, __global float *lse,
           __global const ulong *bits, __global float *mass, __global float *mass_max,
           __global float *stats, const spd_args a, const uint flags) {
    float16 queries[SPD_ROWS * DIM / LANES], acc[SPD_ROWS * DIM / LANES];
    float16 k_tile[SPD_KEYS * DIM / LANES], v_tile[SPD_KEYS * DIM / LANES];
    float16 s[SPD_KEYS * VECTORS];
    row_state row[SPD_ROWS / PANEL];
    tile_run run[MAX_RUNS];
    const uint launch_head = get_global_id(1), head = a.first_head + launch_head;
    const uint launch_row = (uint)a.part_row + get_global_id(0) * SPD_ROWS;
    const ulong row0 = (ulong)a.first_row + launch_row;
    const uint rows = (uint)min((ulong)SPD_ROWS, a.queries - row0);
    const uint kv_head = head / a.heads_per_kv;
    const ulong scratch_row = (ulong)launch_head * a.rows + launch_row;
    const bool attend = (flags & SPD_FLAG_ATTEND) != 0, build = (flags & SPD_FLAG_BUILD) != 0;
    const bool sparse = (flags & SPD_FLAG_SPARSE) != 0, second = (flags & SPD_FLAG_SECOND) != 0;
    k += a.k_offset + kv_head * a.k_head;
    v += a.v_offset + kv_head * a.v_head;
    bits += a.bits_offset + head * a.bits_head + row0 / a.block_q * a.row_words;

    load_queries(queries, q + a.q_offset + head * a.q_head + row0 * a.q_row, a.q_row, rows);
    start(row, acc);

    for (uint n = 0, offset = 0; n < a.k_blocks;) {
        const uint runs = gather(&a, bits, sparse, run, &n, &offset);
        if (runs == 0)
            break;
        const uint count = run[runs - 1].end;
        copy_tile(k_tile, v_tile, k, v, &a, run, runs, attend);
        for (uint p = 0; p * PANEL < rows; p++) {
            const ulong at = (scratch_row + p * PANEL) * a.k_blocks;
            __private float16 *panel_acc = acc + p * DIM * VECTORS;
            products(s, k_tile, queries + p * DIM * VECTORS, count);
            if (flags & SPD_FLAG_FIXED)
                mask(s, &a, a.query_position + row0 + p * PANEL, run, runs);
            raise_top(&row[p], panel_acc, s, &a, count, second);
            exponentials(&row[p], s, &a, run, runs, second, build, mass + at, mass_max + at,
                         rows - p * PANEL);
            if (attend)
                add_values(panel_acc, v_tile, s, count);
        }
        if (build && n == a.k_blocks - a.split && offset == 0)
            store_stats(stats + scratch_row * 4 + 2, row, rows);
    }

    if (build)
        store_stats(stats + scratch_row * 4, row, rows);
    if (attend)
        store_rows(out + a.out_offset + head * a.out_head + row0 * a.out_row, a.out_row, acc, row,
                   rows);
    if (attend && (flags & SPD_FLAG_LSE))
        store_lse(lse + a.lse_offset + head * a.lse_head + row0, &a, row, rows);
}
