/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_wgmma_attend: attention of 128 query rows of one head on Hopper's warpgroup products (sm_90a),
 * dense or over kept key blocks, with log-sum-exp, and in the same pass the exponential sums that
 * block scores are made of; or those alone. Lines that begin with the marker are PTX which the OpenCL
 * compiler does not take: the host promotes them (cl/promote.h).
 *
 * Shapes   q, k, v, out, lse, bits as of all attend kernels; mass, mass_max, stats: nv.clh.
 *          SPD_FLAGS says what is compiled in; flags LSE, SPARSE and FIXED are of the launch.
 * Launch   work-group 384 = a warpgroup that loads (half of it q and k, the other half v) and two that
 *          compute 64 rows each; global {384 * units, heads}.
 * Local    128 rows of q and NV_STAGES tiles of 128 keys of k and of v, 160 KiB at D = 128.
 * Barriers a pair for each stage of k and of v: full (64 items that load) and empty (the two warpgroups
 *          that compute); they take turns at the tensor cores by named barriers 1 and 2.
 * Numerics products of f16 or bf16 in float; exponentials are 2^(product * scale - reference), one
 *          rounding before the special function unit's exp2 of 2 ulp, whatever the size of the products
 *          (nv.clh); weights are rounded to the type of v for the second product, and summed before.
 *          Sums in a fixed order.
 */
#ifndef SPD_NV
#include "nv.clh"
#endif

#define NV_STAGES 2
#define GROUP 128 /* items of a warpgroup */
#define LOADERS 64
#define PART_BYTES (NV_ROWS * 128)
#define TILE_BYTES (NV_PARTS * PART_BYTES)
#define INFO_TILES (NV_STAGES + 2) /* what loaders say of a tile is read up to two tiles later */
/* Words of the maps. */
#define MAP_Q 0
#define MAP_K 16
#define MAP_V 32
#define O_REGISTERS (SPD_D / 2)

#define FIRST_Q 0
#define FIRST_K TILE_BYTES
#define FIRST_V (TILE_BYTES * (1 + NV_STAGES))
#define BARRIERS (TILE_BYTES * (1 + 2 * NV_STAGES))
#define FULL_Q BARRIERS
#define FULL_K (FULL_Q + 8)
#define EMPTY_K (FULL_K + 8 * NV_STAGES)
#define FULL_V (EMPTY_K + 8 * NV_STAGES)
#define EMPTY_V (FULL_V + 8 * NV_STAGES)
#define LOCAL_BYTES (EMPTY_V + 8 * NV_STAGES)

/* What the loaders say of a tile. */
#define TILE_LAST 1u
#define TILE_ENDS_GENERATION 2u
#define TILE_SLOTS 4u    /* some query blocks do not keep some slot's block */
#define TILE_ELEMENTS 8u /* some keys of the slots' blocks are not attended to */

typedef struct tile_info {
    uint what;
    uint kept[2]; /* nv_kept_bits */
    uint block[NV_SLOTS];
} tile_info;

/* ---- barriers -------------------------------------------------------------------------------- */

NV_INLINE void barrier_make(uint barrier, uint arrivals) {
    __asm__ volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

NV_INLINE void barrier_arrive(uint barrier) {
    __asm__ volatile("{.reg .b64 s; mbarrier.arrive.shared.b64 s, [%0];}" ::"r"(barrier) : "memory");
}

NV_INLINE void barrier_wait(uint barrier, uint phase) {
    uint done;
    do {
        __asm__ volatile("{.reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; "
                     "selp.u32 %0, 1, 0, p;}"
                     : "=r"(done)
                     : "r"(barrier), "r"(phase)
                     : "memory");
    } while (!done);
}

/* The warpgroups that compute take turns. */
NV_INLINE void turn_wait(uint group) {
    __asm__ volatile("bar.sync %0, 256;" ::"r"(1 + group) : "memory");
}

NV_INLINE void turn_pass(uint group) {
    __asm__ volatile("bar.arrive %0, 256;" ::"r"(2 - group) : "memory");
}

/* An arrival, and bytes that copies will bring. */
NV_INLINE void barrier_expect(uint barrier, uint bytes) {
    __asm__ volatile("{.reg .b64 s; mbarrier.arrive.expect_tx.shared.b64 s, [%0], %1;}" ::"r"(barrier),
                     "r"(bytes)
                     : "memory");
}

/* ---- warpgroup products ---------------------------------------------------------------------- */

#define LIST_8(c, x, i) \
    c((x)[i]), c((x)[i + 1]), c((x)[i + 2]), c((x)[i + 3]), c((x)[i + 4]), c((x)[i + 5]), \
    c((x)[i + 6]), c((x)[i + 7])
#define LIST_32(c, x, i) \
    LIST_8(c, x, i), LIST_8(c, x, i + 8), LIST_8(c, x, i + 16), LIST_8(c, x, i + 24)
#define OUT_64(x) LIST_32("+f", x, 0), LIST_32("+f", x, 32)
#define NEW_64(x) LIST_32("=f", x, 0), LIST_32("=f", x, 32)
#define OUT_32(x) LIST_32("+f", x, 0)
#define REGISTERS_64 \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, " \
    "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, " \
    "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}"
#define REGISTERS_32 \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, " \
    "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}"

/* Register arrays that a product is writing must not be touched before it is waited for. NEW: what they
 * held before plays no part. */
#define HOLD_64(x) __asm__ volatile("" : OUT_64(x)::"memory")
#define HOLD_32(x) __asm__ volatile("" : OUT_32(x)::"memory")

NV_INLINE void products_begin(void) {
    __asm__ volatile("//@90a wgmma.fence.sync.aligned;" ::: "memory");
}

NV_INLINE void products_commit(void) {
    __asm__ volatile("//@90a wgmma.commit_group.sync.aligned;" ::: "memory");
}

NV_INLINE void products_wait_all(void) {
    __asm__ volatile("//@90a wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

/* The same under another name, for the other side of a branch: compilers would join the two above it. */
NV_INLINE void products_wait_all_here(void) {
    __asm__ volatile("//@90a wgmma.wait_group.sync.aligned 0; // here" ::: "memory");
}

NV_INLINE void products_wait_all_but_last(void) {
    __asm__ volatile("//@90a wgmma.wait_group.sync.aligned 1;" ::: "memory");
}

/* Of a tile with swizzled rows of 128 bytes: `leading` and `stride` in units of 16 bytes. A descriptor plus
 * n is that of what lies 16 n bytes further. */
NV_INLINE ulong descriptor(uint address, ulong leading, ulong stride) {
    return (ulong)((address & 0x3ffff) >> 4) | leading << 16 | stride << 32 | (ulong)1 << 62;
}

/* Rows of 64 columns, groups of 8 rows one after another: q and k, 16 columns a step. */
NV_INLINE ulong rows_descriptor(uint address) {
    return descriptor(address, 1, 64);
}

/* The same read by columns: v, 16 keys a step; `leading` from 64 columns to the next. */
NV_INLINE ulong columns_descriptor(uint address) {
    return descriptor(address, PART_BYTES >> 4, 64);
}

/* s = q k^T: 64 rows by 128 keys. */
NV_INLINE void multiply_keys(float *s, ulong q, ulong k) {
    __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                     " " REGISTERS_64 ", %64, %65, 0, 1, 1, 0, 0;"
                     : NEW_64(s)
                     : "l"(q), "l"(k)
                     : "memory");
#pragma unroll
    for (uint step = 1; step < SPD_D / 16; step++) {
        const uint at = (step / 4 * PART_BYTES + step % 4 * 32) >> 4;
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_64 ", %64, %65, 1, 1, 1, 0, 0;"
                         : OUT_64(s)
                         : "l"(q + at), "l"(k + at)
                         : "memory");
    }
}

/* o += p v, weights p in registers: 64 rows by 128 keys by D columns. */
NV_INLINE void multiply_values(float *o, const uint *p, ulong v) {
#pragma unroll
    for (uint step = 0; step < NV_KEYS / 16; step++) {
        const uint at = step * 16 * 128 >> 4;
#if SPD_D == 128
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_64 ", {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
                         : OUT_64(o)
                         : "r"(p[4 * step]), "r"(p[4 * step + 1]), "r"(p[4 * step + 2]),
                           "r"(p[4 * step + 3]), "l"(v + at)
                         : "memory");
#else
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n64k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_32 ", {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
                         : OUT_32(o)
                         : "r"(p[4 * step]), "r"(p[4 * step + 1]), "r"(p[4 * step + 2]),
                           "r"(p[4 * step + 3]), "l"(v + at)
                         : "memory");
#endif
    }
}

NV_INLINE void hold_out(float *o) {
#if SPD_D == 128
    HOLD_64(o);
#else
    HOLD_32(o);
#endif
}

/* ---- loading --------------------------------------------------------------------------------- */

NV_INLINE uint what_of(const spd_args *a, uint flags, const nv_walk *w, const nv_tile *tile) {
    uint what = (tile->last ? TILE_LAST : 0) | (tile->ends_generation ? TILE_ENDS_GENERATION : 0);
    bool partial = (flags & SPD_FLAG_FIXED) != 0;
#pragma unroll
    for (uint i = 0; i < NV_SLOTS; i++)
        partial |= tile->block[i] != NV_EMPTY && nv_slot_keys(a, tile->block[i]) < SPD_BLOCK_K;
    if (!tile->full || (w->sparse && NV_Q_BLOCKS > 1))
        what |= TILE_SLOTS;
    return what | (partial ? TILE_ELEMENTS : 0);
}

/* The first item writes, and arrives at the barrier. */
NV_INLINE void tell(__local tile_info *info, const nv_tile *tile, uint what, const uint kept[2],
                    uint item, uint barrier) {
    if (item != 0)
        return;
    info->what = what;
    info->kept[0] = kept[0];
    info->kept[1] = kept[1];
#pragma unroll
    for (uint i = 0; i < NV_SLOTS; i++)
        info->block[i] = tile->block[i];
    barrier_arrive(barrier);
}

/* Arrives when the item's rows are there, for the tensor cores to read. */
NV_INLINE void loaded(uint barrier, bool aligned) {
    if (aligned) {
        nv_arrive_after_copies(barrier);
    } else {
        __asm__ volatile("fence.proxy.async.shared::cta;" ::: "memory");
        barrier_arrive(barrier);
    }
}

/* ---- loading by tensor maps ------------------------------------------------------------------- */

/* What host and nv_maps wrote is seen by the copy engine. */
NV_INLINE void map_acquire(__global const ulong *map) {
    __asm__ volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" ::"l"(map) : "memory");
}

/* A box of the map's rows from `row` on, all its columns, to a tile's rows at `to`; rows past the
 * tensor's end are 0. */
NV_INLINE void copy_box(uint to, __global const ulong *map, uint row, uint head, uint barrier) {
#pragma unroll
    for (uint part = 0; part < NV_PARTS; part++)
        __asm__ volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
                         "[%0], [%1, {%2, %3, %4}], [%5];" ::"r"(to + part * PART_BYTES),
                         "l"(map), "r"(part * 64), "r"(row), "r"(head), "r"(barrier)
                         : "memory");
}

/* A tile's blocks by one item; an empty slot is filled with zeros, from behind the last key. */
NV_INLINE void copy_boxes(uint to, __global const ulong *map, const nv_tile *tile,
                          const spd_args *a, uint kv_head, uint barrier) {
    barrier_expect(barrier, TILE_BYTES);
#pragma unroll
    for (uint i = 0; i < NV_SLOTS; i++) {
        const uint block = tile->block[i];
        copy_box(to + i * SPD_BLOCK_K * 128, map,
                 block == NV_EMPTY ? (uint)a->keys : block * SPD_BLOCK_K, kv_head, barrier);
    }
}

/* A tile's blocks by all items of a side. */
NV_INLINE void copy_rows(uint to, __global const ushort *rows, ulong row_stride, const nv_tile *tile,
                         const spd_args *a, bool aligned, uint item) {
#pragma unroll
    for (uint i = 0; i < NV_SLOTS; i++) {
        const uint there = nv_slot_keys(a, tile->block[i]);
        nv_load_rows(to + i * SPD_BLOCK_K * 128, PART_BYTES,
                     rows + (there ? tile->block[i] * (ulong)SPD_BLOCK_K * row_stride : 0),
                     row_stride, there, SPD_BLOCK_K, aligned, item);
    }
}

/* The unit's rows of q. */
NV_INLINE void load_q(const spd_args *a, __global const ushort *q, __global const ulong *maps,
                      bool mapped, uint local0, ulong row0, uint head, uint item) {
    const bool aligned = nv_aligned(q, a->q_row);
    if (!mapped) {
        nv_load_rows(local0 + FIRST_Q, PART_BYTES, q + row0 * a->q_row, a->q_row,
                     (uint)min((ulong)NV_ROWS, a->queries - row0), NV_ROWS, aligned, item);
        loaded(local0 + FULL_Q, aligned);
    } else if (item == 0) {
        map_acquire(maps + MAP_Q);
        barrier_expect(local0 + FULL_Q, TILE_BYTES);
        copy_box(local0 + FIRST_Q, maps + MAP_Q, (uint)row0, head, local0 + FULL_Q);
    }
}

/* The items of the first warpgroup: tiles of k, or of v, one after another. */
NV_INLINE void load(const spd_args *a, uint flags, __global const ushort *q,
                    __global const ushort *rows, ulong row_stride, __global const ulong *maps,
                    bool keys_side, nv_walk w, uint local0, __local tile_info *infos, ulong row0,
                    uint head, uint item) {
    const uint tiles = local0 + (keys_side ? FIRST_K : FIRST_V);
    const uint full = local0 + (keys_side ? FULL_K : FULL_V);
    const uint empty = local0 + (keys_side ? EMPTY_K : EMPTY_V);
    const bool mapped = (flags & SPD_FLAG_MAPPED) != 0;
    const bool aligned = nv_aligned(rows, row_stride);
    __global const ulong *map = maps + (keys_side ? MAP_K : MAP_V);
    if (mapped && item >= 32) /* one item copies */
        return;
    if (mapped && item == 0)
        map_acquire(map);
    if (keys_side)
        load_q(a, q, maps, mapped, local0, row0, head, item);
    nv_tile tile;
    uint n = 0;
    do {
        nv_next_tile(&w, &tile);
        const uint what = what_of(a, flags, &w, &tile);
        uint kept[2] = {0, 0};
        if (keys_side && (what & TILE_SLOTS))
            nv_kept_bits(&w, &tile, item, kept);
        const uint stage = n % NV_STAGES, to = tiles + stage * TILE_BYTES;
        const uint barrier = full + 8 * stage;
        barrier_wait(empty + 8 * stage, (n / NV_STAGES & 1) ^ 1);
        nv_sync_warp(); /* one that came late could find the barrier two phases on */
        if (keys_side)
            tell(&infos[n % INFO_TILES], &tile, what, kept, item, barrier);
        if (!mapped) {
            copy_rows(to, rows, row_stride, &tile, a, aligned, item);
            loaded(barrier, aligned);
        } else if (item == 0) {
            copy_boxes(to, map, &tile, a, head / a->heads_per_kv, barrier);
        }
        n++;
    } while (!tile.last);
}

/* ---- the softmax of a tile -------------------------------------------------------------------- */

/* An item holds two rows of its warpgroup's 64, 8 apart, and of each group of 8 keys the two at
 * 2 * (lane % 4): s[4 i + 2 r + e] is row r, key 8 i + 2 * (lane % 4) + e. */
typedef struct row_state {
    float top[2], reference[2], sum[2];
    float slot_sum[2][NV_SLOTS]; /* of the last tile */
} row_state;

NV_INLINE void mask_slots(float *s, __local const tile_info *info, uint q_block) {
#pragma unroll
    for (uint slot = 0; slot < NV_SLOTS; slot++) {
        if (info->kept[slot / 4] >> (8 * (slot % 4) + q_block) & 1)
            continue;
#pragma unroll
        for (uint i = 0; i < SPD_BLOCK_K / 2; i++)
            s[slot * (SPD_BLOCK_K / 2) + i] = -INFINITY;
    }
}

/* Bit i: a row attends to key start + i, of those before `end`. */
NV_INLINE ulong attended(const spd_args *a, uint flags, ulong query, ulong start, ulong end) {
    const ulong there = nv_bits_below(start, min(end, a->keys));
    if (NV_BUILD || !(flags & SPD_FLAG_FIXED))
        return there;
    const ulong first = query - min(query, a->window), last = query + min(a->window, a->keys);
    return there & ((nv_bits_below(start, last + 1) & ~nv_bits_below(start, first)) |
                    nv_bits_below(start, a->sinks));
}

NV_INLINE void mask_elements(float *s, __local const tile_info *info, const spd_args *a, uint flags,
                             ulong query, uint lane) {
#pragma unroll
    for (uint column = 0; column < NV_KEYS; column += 16) /* key blocks hold at least 16 keys */
#pragma unroll
        for (uint r = 0; r < 2; r++) {
            const uint block = info->block[column / SPD_BLOCK_K];
            const ulong start = (ulong)block * SPD_BLOCK_K + column % SPD_BLOCK_K;
            const ulong end = block == NV_EMPTY ? 0 : start + 16;
            const uint bits = (uint)attended(a, flags, query + 8 * r, start, end) >> (lane % 4 * 2);
#pragma unroll
            for (uint i = 0; i < 16; i += 8)
#pragma unroll
                for (uint e = 0; e < 2; e++)
                    if (!(bits >> (i + e) & 1))
                        s[(column + i) / 2 + 2 * r + e] = -INFINITY;
        }
}

/* ---- sums of a build --------------------------------------------------------------------------- */

/* Where a launch's sums of one row lie. */
typedef struct row_place {
    __global float *mass, *mass_max, *stats;
    ulong rows; /* from key block to key block, from tile to tile, from one of stats to the next */
} row_place;

/* Of four values an item has in each lane of a quad, lane q gets the sum of value q. */
NV_INLINE float quad_sum_of_four(const float *x, uint lane) {
    const bool high = lane & 2, odd = lane & 1;
    const float a = (high ? x[2] : x[0]) + nv_shuffle_xor(high ? x[0] : x[2], 2);
    const float b = (high ? x[3] : x[1]) + nv_shuffle_xor(high ? x[1] : x[3], 2);
    return (odd ? b : a) + nv_shuffle_xor(odd ? a : b, 1);
}

/* Of two values, even lanes get the sum of the first, odd ones that of the second. */
NV_INLINE float quad_sum_of_two(const float *x, uint lane) {
    const bool odd = lane & 1;
    const float a = (odd ? x[1] : x[0]) + nv_shuffle_xor(odd ? x[0] : x[1], 1);
    return a + nv_shuffle_xor(a, 2);
}

/* Of an item's sums of the slots, lane q of a quad gets the quad's sum of slot first + q; where there
 * are fewer than four slots, of slot q % NV_SLOTS. */
NV_INLINE float quad_sum_of_slots(const float *slot_sum, uint first, uint lane) {
#if NV_SLOTS == 1
    return nv_quad_sum(slot_sum[first]);
#elif NV_SLOTS == 2
    return quad_sum_of_two(slot_sum + first, lane);
#else
    return quad_sum_of_four(slot_sum + first, lane);
#endif
}

/* The sums of the tile's slots, row r of the item; its maximum by the first lane of a quad. */
NV_INLINE void keep_sums(const row_place *place, uint r, const float *slot_sum, float reference,
                         __local const tile_info *info, uint tile, uint lane) {
    const ulong row = r * 8;
    const uint q = lane % 4;
#pragma unroll
    for (uint first = 0; first < NV_SLOTS; first += 4) {
        const float sum = quad_sum_of_slots(slot_sum, first, lane);
        const uint block = q < NV_SLOTS ? info->block[first + q] : NV_EMPTY;
        if (block != NV_EMPTY)
            place->mass[block * place->rows + row] = sum;
    }
    if (q == 0)
        place->mass_max[tile * place->rows + row] = reference;
}

NV_INLINE void keep_stats(const row_place *place, const row_state *rows, uint which, uint lane) {
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float sum = nv_quad_sum(rows->sum[r]);
        if (lane % 4 == 0) {
            place->stats[which * place->rows + r * 8] = rows->reference[r];
            place->stats[(which + 1) * place->rows + r * 8] = sum;
        }
    }
}

/* Raises the rows' references to the tile's maxima; `shrink` is for what was summed under the old ones.
 * Both rows at a time, and two chains a row: the next instruction seldom waits. */
NV_INLINE void raise_references(const float *s, row_state *rows, float scale, float shrink[2]) {
    float even[2] = {rows->top[0], rows->top[1]}, odd[2] = {rows->top[0], rows->top[1]};
#pragma unroll
    for (uint i = 0; i < NV_KEYS / 2; i += 8)
#pragma unroll
        for (uint r = 0; r < 2; r++) {
            even[r] = fmax(even[r], fmax(s[i + 2 * r], s[i + 2 * r + 1]));
            odd[r] = fmax(odd[r], fmax(s[i + 4 + 2 * r], s[i + 4 + 2 * r + 1]));
        }
#pragma unroll
    for (uint r = 0; r < 2; r++)
        even[r] = fmax(even[r], odd[r]);
#pragma unroll
    for (uint mask = 1; mask < 4; mask *= 2)
#pragma unroll
        for (uint r = 0; r < 2; r++)
            even[r] = fmax(even[r], nv_shuffle_xor(even[r], mask));
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float reference = nv_reference(even[r], scale);
        shrink[r] = nv_exp2(rows->reference[r] - reference);
        rows->top[r] = even[r];
        rows->reference[r] = reference;
    }
}

/* Scores to exponentials, as pairs of the type of v in p, and their sums. */
NV_INLINE void soften(const float *s, uint *p, row_state *rows, float scale, const float shrink[2]) {
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        float sum = 0.0f;
#pragma unroll
        for (uint slot = 0; slot < NV_SLOTS; slot++) {
            rows->slot_sum[r][slot] = 0.0f;
#pragma unroll
            for (uint i = slot * SPD_BLOCK_K / 8; i < (slot + 1) * SPD_BLOCK_K / 8; i++) {
                const float x = nv_exp2(fma(s[4 * i + 2 * r], scale, -rows->reference[r]));
                const float y = nv_exp2(fma(s[4 * i + 2 * r + 1], scale, -rows->reference[r]));
                rows->slot_sum[r][slot] += x + y;
                p[2 * i + r] = nv_pack(x, y);
            }
            sum += rows->slot_sum[r][slot];
        }
        rows->sum[r] = rows->sum[r] * shrink[r] + sum;
    }
}

/* ---- computing --------------------------------------------------------------------------------- */

/* What an item that computes knows besides its registers. */
typedef struct unit {
    uint local0;
    __local const tile_info *infos;
    bool mapped;
    ulong q, k, v; /* descriptors: the warpgroup's rows of q, the first tiles of k and v */
    uint group;   /* 0 or 1 */
    uint item;    /* in the warpgroup */
    uint lane;
    uint q_block; /* of the unit, the warp's */
    ulong query;  /* position of the item's first row */
    float scale;
    row_place place;
} unit;

/* Of a tile's products, those that count. */
NV_INLINE void mask(const unit *u, const spd_args *a, uint flags, uint n, uint what, float *s) {
    __local const tile_info *info = &u->infos[n % INFO_TILES];
    if (what & TILE_SLOTS)
        mask_slots(s, info, u->q_block);
    if (what & TILE_ELEMENTS)
        mask_elements(s, info, a, flags, u->query, u->lane);
}

/* What a build keeps of tile n: while products run, not before them. */
NV_INLINE void keep_tile(const unit *u, uint n, uint what, const row_state *rows) {
    if (!NV_BUILD)
        return;
#pragma unroll
    for (uint r = 0; r < 2; r++)
        keep_sums(&u->place, r, rows->slot_sum[r], rows->reference[r], &u->infos[n % INFO_TILES], n,
                  u->lane);
    if (what & TILE_ENDS_GENERATION)
        keep_stats(&u->place, rows, 2, u->lane);
}

/* The descriptor of tile n. */
NV_INLINE ulong tile_at(ulong first, uint n) {
    return first + n % NV_STAGES * (TILE_BYTES >> 4);
}

/* Copies of rows are no writes of the tensor cores' proxy, as those by maps are: the fence shows them to
 * it. */
NV_INLINE void wait_full(const unit *u, uint full, uint n) {
    barrier_wait(u->local0 + full + 8 * (n % NV_STAGES), n / NV_STAGES & 1);
    if (!u->mapped)
        __asm__ volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

NV_INLINE void give_back(const unit *u, uint empty, uint n) {
    if (u->item == 0)
        barrier_arrive(u->local0 + empty + 8 * (n % NV_STAGES));
}

/* Waits for the products with values, and shrinks what was summed, which is seldom needed. The branch keeps
 * the wait behind the maxima that it asks about: ptxas would wait first. */
NV_INLINE void finish_values(float *o, const float shrink[2]) {
    if (nv_ballot(shrink[0] != 1.0f || shrink[1] != 1.0f)) {
        products_wait_all_here();
        hold_out(o);
#pragma unroll
        for (uint i = 0; i < O_REGISTERS; i++)
            o[i] *= shrink[i / 2 % 2];
    } else {
        products_wait_all();
        hold_out(o);
    }
}

/* The products of one tile's keys are issued before those of the values of the tile before: they run
 * beside its softmax. Exponentials, which take longest, come when the latter are done, so that all
 * else that is to be done runs beside them. */
NV_INLINE void attend_tiles(const unit *u, const spd_args *a, uint flags, float *o, row_state *rows) {
    float s[64], shrink[2];
    uint p[NV_KEYS / 4];
    wait_full(u, FULL_K, 0);
    uint what = u->infos[0].what;
    turn_wait(u->group);
    products_begin();
    multiply_keys(s, u->q, tile_at(u->k, 0));
    products_commit();
    turn_pass(u->group);
    products_wait_all();
    HOLD_64(s);
    give_back(u, EMPTY_K, 0);
    mask(u, a, flags, 0, what, s);
    raise_references(s, rows, u->scale, shrink);
    soften(s, p, rows, u->scale, shrink);
    uint n = 1;
    for (; !(what & TILE_LAST); n++) {
        const uint before = what;
        wait_full(u, FULL_K, n);
        what = u->infos[n % INFO_TILES].what;
        turn_wait(u->group);
        products_begin();
        multiply_keys(s, u->q, tile_at(u->k, n));
        products_commit();
        wait_full(u, FULL_V, n - 1);
        multiply_values(o, p, tile_at(u->v, n - 1));
        products_commit();
        turn_pass(u->group);
        keep_tile(u, n - 1, before, rows);
        products_wait_all_but_last();
        HOLD_64(s);
        give_back(u, EMPTY_K, n);
        mask(u, a, flags, n, what, s);
        raise_references(s, rows, u->scale, shrink);
        finish_values(o, shrink);
        give_back(u, EMPTY_V, n - 1);
        soften(s, p, rows, u->scale, shrink);
    }
    wait_full(u, FULL_V, n - 1);
    products_begin();
    multiply_values(o, p, tile_at(u->v, n - 1));
    products_commit();
    keep_tile(u, n - 1, what, rows);
    products_wait_all();
    hold_out(o);
}

/* A build alone: no values. */
NV_INLINE void score_tiles(const unit *u, const spd_args *a, uint flags, row_state *rows) {
    float s[64], shrink[2];
    uint p[NV_KEYS / 4], n = 0, what = 0;
    for (; !(what & TILE_LAST); n++) {
        const uint before = what;
        wait_full(u, FULL_K, n);
        what = u->infos[n % INFO_TILES].what;
        turn_wait(u->group);
        products_begin();
        multiply_keys(s, u->q, tile_at(u->k, n));
        products_commit();
        turn_pass(u->group);
        if (n > 0)
            keep_tile(u, n - 1, before, rows);
        products_wait_all();
        HOLD_64(s);
        give_back(u, EMPTY_K, n);
        mask(u, a, flags, n, what, s);
        raise_references(s, rows, u->scale, shrink);
        soften(s, p, rows, u->scale, shrink);
    }
    keep_tile(u, n - 1, what, rows);
}

NV_INLINE void write_rows(const unit *u, const spd_args *a, uint flags, __global spd_out *out,
                       __global float *lse, uint head, ulong row, const float *o,
                       const row_state *rows) {
    const ulong bytes =
        (ulong)out | (a->out_offset | a->out_head | a->out_row) * sizeof(spd_out);
    const bool packed = bytes % (2 * sizeof(spd_out)) == 0;
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float sum = nv_quad_sum(rows->sum[r]);
        const float inverse = sum != 0.0f ? nv_reciprocal(sum) : 0.0f;
        const ulong own = row + r * 8;
        const ulong at = a->out_offset + head * a->out_head + own * a->out_row + u->lane % 4 * 2;
        if (own >= a->queries)
            continue;
#pragma unroll
        for (uint i = 0; i < SPD_D / 8; i++)
            nv_store_pair(out + at + 8 * i, o[4 * i + 2 * r] * inverse,
                          o[4 * i + 2 * r + 1] * inverse, packed);
        if ((flags & SPD_FLAG_LSE) && u->lane % 4 == 0)
            lse[a->lse_offset + head * a->lse_head + own] = nv_lse(rows->reference[r], sum);
    }
}

/* Copies by maps are one item's. One item on the keys' side tells of the tile, too. */
NV_INLINE void make_barriers(uint local0, bool mapped) {
    const uint loaders = mapped ? 1 : LOADERS;
    barrier_make(local0 + FULL_Q, loaders);
    for (uint i = 0; i < NV_STAGES; i++) {
        barrier_make(local0 + FULL_K + 8 * i, loaders + 1);
        barrier_make(local0 + EMPTY_K + 8 * i, 2);
        barrier_make(local0 + FULL_V + 8 * i, loaders);
        barrier_make(local0 + EMPTY_V + 8 * i, 2);
    }
    __asm__ volatile("fence.proxy.async;" ::: "memory");
}

__kernel __attribute__((reqd_work_group_size(3 * GROUP, 1, 1))) void
nv_wgmma_attend(__global const spd_stored *q, __global const spd_stored *k,
                __global const spd_stored *v, __global spd_out *out, __global float *lse,
                __global const ulong *bits, __global float *mass, __global float *mass_max,
                __global float *stats, const spd_args a, const uint flags,
                __global const ulong *maps) {
    __local uchar local_memory[LOCAL_BYTES] __attribute__((aligned(1024)));
    __local tile_info infos[INFO_TILES];
    const uint local0 = nv_address(local_memory);
    const uint group = get_local_id(0) / GROUP, item = get_local_id(0) % GROUP;
    const uint launch_head = get_group_id(1), head = a.first_head + launch_head;
    const uint launch_row = (uint)a.part_row + get_group_id(0) * NV_ROWS;
    const ulong row0 = (ulong)a.first_row + launch_row;
    if (get_local_id(0) == 0)
        make_barriers(local0, (flags & SPD_FLAG_MAPPED) != 0);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (group == 0) {
        __asm__ volatile("//@90a setmaxnreg.dec.sync.aligned.u32 72;");
        const bool keys_side = item < LOADERS;
        const uint kv_head = head / a.heads_per_kv;
        __global const ushort *q_rows = (__global const ushort *)q + a.q_offset + head * a.q_head;
        __global const ushort *k_rows = (__global const ushort *)k + a.k_offset + kv_head * a.k_head;
        __global const ushort *v_rows = (__global const ushort *)v + a.v_offset + kv_head * a.v_head;
        if (keys_side || NV_ATTEND)
            load(&a, flags, q_rows, keys_side ? k_rows : v_rows, keys_side ? a.k_row : a.v_row, maps,
                 keys_side,
                 nv_walk_start(&a, bits, head, row0, (flags & SPD_FLAG_SPARSE) != 0), local0, infos,
                 row0, head, item % LOADERS);
        return;
    }
    __asm__ volatile("//@90a setmaxnreg.inc.sync.aligned.u32 216;");
    unit u;
    u.local0 = local0;
    u.infos = infos;
    u.group = group - 1;
    u.item = item;
    u.lane = item % 32;
    const uint own_row = u.group * 64 + item / 32 * 16 + u.lane / 4;
    u.mapped = (flags & SPD_FLAG_MAPPED) != 0;
    u.q = rows_descriptor(local0 + FIRST_Q + u.group * 64 * 128);
    u.k = rows_descriptor(local0 + FIRST_K);
    u.v = columns_descriptor(local0 + FIRST_V);
    u.q_block = own_row / SPD_BLOCK_Q;
    u.query = a.query_position + row0 + own_row;
    u.scale = NV_ATTEND ? a.scale : a.score_scale;
    const ulong stride = nv_row_stride(&a);
    const uint tiles = nv_tiles(&a);
    u.place.rows = stride;
    u.place.mass = mass + launch_head * a.k_blocks * stride + launch_row + own_row;
    u.place.mass_max = mass_max + launch_head * tiles * stride + launch_row + own_row;
    u.place.stats = stats + launch_head * 4 * stride + launch_row + own_row;
    row_state rows;
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        rows.top[r] = rows.reference[r] = SPD_LOWEST;
        rows.sum[r] = 0.0f;
    }
    barrier_wait(local0 + FULL_Q, 0); /* the fence is that of the first tile of keys */
    if (u.group == 1) /* the first turn is the other's */
        turn_pass(u.group);
    if (NV_ATTEND) {
        float o[O_REGISTERS];
#pragma unroll
        for (uint i = 0; i < O_REGISTERS; i++)
            o[i] = 0.0f;
        attend_tiles(&u, &a, flags, o, &rows);
        write_rows(&u, &a, flags, out, lse, head, row0 + own_row, o, &rows);
    } else {
        score_tiles(&u, &a, flags, &rows);
    }
    if (NV_BUILD)
        keep_stats(&u.place, &rows, 0, u.lane);
}
