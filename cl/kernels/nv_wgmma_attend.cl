/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_wgmma_attend: attention of 128 query rows of one head on Hopper's warpgroup products (sm_90a),
 * dense or over kept key blocks, with log-sum-exp, and in the same pass block scores; or those alone.
 * Lines that begin with the marker are PTX which the OpenCL compiler does not take: the host promotes them
 * (cl/promote.h).
 *
 * Shapes   q, k, v, out, lse, bits as of all attend kernels; shares: nv.clh, for nv_merge.
 *          Of a build: sums [units][tiles * NV_SLOTS + tiles + 4][NV_ROWS], mass (of the slots of one tile
 *          after another), mass_max and stats of nv.clh, of units that are shared, then of two for each
 *          work-group; scores [2][heads][query blocks][k_blocks]:
 *          the softmax over all keys, then (upstream modes) over the generation keys, 0 for prompt blocks.
 *          SPD_FLAGS says what is compiled in; flags LSE, SPARSE and FIXED are of the launch.
 * Launch   work-group 384 = a warpgroup that loads (half of it q and k, the other half v, in a build alone
 *          none) and in a build makes scores, and two that compute 64 rows each; global {384 * any number, 1}:
 *          groups take units in turn, so that one is loaded while the last one is finished.
 * Local    128 rows of q and STAGES tiles of 128 keys of k and of v: 224 KiB at D = 128.
 * Barriers a pair for q and for each stage of k and of v: full (LOADERS items, one where there are maps, and
 *          one that tells) and empty (the two warpgroups that compute); in a build a pair for the sums of every
 *          second unit: full (the warps that compute) and empty (those that score). But in a build alone,
 *          warpgroups take turns at the tensor cores by named barriers 1 and 2.
 * Numerics products of f16 or bf16 in float; exponentials are 2^(product * scale - reference), one
 *          rounding before the special function unit's exp2 of 2 ulp, whatever the size of the products
 *          (nv.clh); weights are rounded to the type of v for the second product, and summed before.
 *          Sums in a fixed order.
 */
#ifndef SPD_NV_WGMMA
#include "nv_wgmma.clh"
#endif

#define O_REGISTERS (SPD_D / 2)

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

/* The low word of a descriptor of a tile with swizzled rows of 128 bytes; `leading` in units of 16 bytes. A
 * word plus n is that of what lies 16 n bytes further. */
NV_INLINE uint descriptor(uint address, uint leading) {
    return (address & 0x3ffff) >> 4 | leading << 16;
}

/* Rows of 64 columns, groups of 8 rows one after another: q and k, 16 columns a step. */
NV_INLINE uint rows_descriptor(uint address) {
    return descriptor(address, 1);
}

/* The same read by columns: v, 16 keys a step; `leading` from 64 columns to the next. */
NV_INLINE uint columns_descriptor(uint address) {
    return descriptor(address, PART_BYTES >> 4);
}

/* The whole of it: from 8 rows to the next 1024 bytes; swizzled by 128 bytes. */
NV_INLINE ulong whole(uint low) {
    return (ulong)(64u | 1u << 30) << 32 | low;
}

/* s = q k^T: 64 rows by 128 keys. */
NV_INLINE void multiply_keys(float *s, uint q, uint k) {
    __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                     " " REGISTERS_64 ", %64, %65, 0, 1, 1, 0, 0;"
                     : NEW_64(s)
                     : "l"(whole(q)), "l"(whole(k))
                     : "memory");
#pragma unroll
    for (uint step = 1; step < SPD_D / 16; step++) {
        const uint at = (step / 4 * PART_BYTES + step % 4 * 32) >> 4;
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_64 ", %64, %65, 1, 1, 1, 0, 0;"
                         : OUT_64(s)
                         : "l"(whole(q + at)), "l"(whole(k + at))
                         : "memory");
    }
}

/* o += p v, weights p in registers: 64 rows by 128 keys by D columns. */
NV_INLINE void multiply_values(float *o, const uint *p, uint v) {
#pragma unroll
    for (uint step = 0; step < NV_KEYS / 16; step++) {
        const uint at = step * 16 * 128 >> 4;
#if SPD_D == 128
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n128k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_64 ", {%64, %65, %66, %67}, %68, 1, 1, 1, 1;"
                         : OUT_64(o)
                         : "r"(p[4 * step]), "r"(p[4 * step + 1]), "r"(p[4 * step + 2]),
                           "r"(p[4 * step + 3]), "l"(whole(v + at))
                         : "memory");
#else
        __asm__ volatile("//@90a wgmma.mma_async.sync.aligned.m64n64k16.f32." NV_TYPE "." NV_TYPE
                         " " REGISTERS_32 ", {%32, %33, %34, %35}, %36, 1, 1, 1, 1;"
                         : OUT_32(o)
                         : "r"(p[4 * step]), "r"(p[4 * step + 1]), "r"(p[4 * step + 2]),
                           "r"(p[4 * step + 3]), "l"(whole(v + at))
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

/* ---- an item's place ---------------------------------------------------------------------------- */

/* The item's number, asked for where it is needed: what follows from it would stay in registers. */
NV_INLINE uint own_item(void) {
    uint item;
    __asm__ volatile("mov.u32 %0, %%tid.x;" : "=r"(item));
    return item - GROUP;
}

/* Its first row in the unit: 64 rows a warpgroup, 16 a warp. */
NV_INLINE uint own_row(uint item) {
    return item / 32 * 16 + item % 32 / 4;
}

/* ---- the softmax of a tile -------------------------------------------------------------------- */

/* An item holds two rows of its warpgroup's 64, 8 apart, and of each group of 8 keys the two at
 * 2 * (lane % 4): s[4 i + 2 r + e] is row r, key 8 i + 2 * (lane % 4) + e. */
typedef struct row_state {
    float reference[2], sum[2];
    float score_sum[2];          /* of what scores are made of, if that is not the same */
    float slot_sum[2][NV_SLOTS]; /* the same, of the last tile */
} row_state;

NV_INLINE void mask_slots(float *s, __local const tile_info *info, uint q_block) {
#pragma unroll
    for (uint slot = 0; slot < NV_SLOTS; slot++) {
        if (NV_Q_BLOCKS == 1 ? info->block[slot] != NV_EMPTY
                             : info->kept[slot / 4] >> (8 * (slot % 4) + q_block) & 1)
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
                             ulong query) {
    const uint lane = own_item() % 32;
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

/* Where an item has the sums of its first row of a unit, those of the other row 8 further: lane q of a quad
 * those of slots q, q + 4 and so on of the first tile that the work-group visits (where there is one slot, lanes
 * 0 and 1 a row each), NV_SLOTS * tile_step floats before those of the next one; maxima tile_step before. */
typedef struct row_place {
    __global float *mass, *mass_max, *stats;
    uint tile_step;
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
#if NV_SLOTS == 8
    return slot_sum[first]; /* already */
#elif NV_SLOTS == 2
    return quad_sum_of_two(slot_sum + first, lane);
#else
    return quad_sum_of_four(slot_sum + first, lane);
#endif
}

/* The sums of the tile's slots, and the references; each lane of a quad stores some. Of one slot lanes 0 and 1
 * have a row's sum each, 2 and 3 its reference, and `mass` is the lane's own place. */
NV_INLINE void keep_sums(const row_place *place, const row_state *rows, uint tile, uint item) {
    const uint q = item % 4;
    const float reference = nv_score_reference(q % 2 ? rows->reference[1] : rows->reference[0]);
    const ulong at = (ulong)tile * place->tile_step;
#if NV_SLOTS == 1
    const float both[2] = {rows->slot_sum[0][0], rows->slot_sum[1][0]};
    const float sum = quad_sum_of_two(both, item);
    place->mass[at] = q < 2 ? sum : reference;
#else
#pragma unroll
    for (uint first = 0; first < NV_SLOTS; first += 4) {
        __global float *to = place->mass + at * NV_SLOTS + first * NV_ROWS;
        to[0] = quad_sum_of_slots(rows->slot_sum[0], first, item);
        to[8] = quad_sum_of_slots(rows->slot_sum[1], first, item);
    }
    place->mass_max[at] = reference;
#endif
}

NV_INLINE void keep_stats(const row_place *place, const row_state *rows, uint which) {
    const uint lane = own_item() % 32;
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float sum = nv_quad_sum(NV_SQUARES ? rows->score_sum[r] : rows->sum[r]);
        if (lane % 4 == 0) {
            place->stats[which * NV_ROWS + r * 8] = nv_score_reference(rows->reference[r]);
            place->stats[(which + 1) * NV_ROWS + r * 8] = sum;
        }
    }
}

/* Raises the rows' references to the tile's maxima; `shrink` is for what was summed under the old ones.
 * Both rows at a time, and two chains a row: the next instruction seldom waits. */
NV_INLINE void raise_references(const float *s, row_state *rows, float scale, float shrink[2]) {
    float even[2] = {SPD_LOWEST, SPD_LOWEST}, odd[2] = {SPD_LOWEST, SPD_LOWEST};
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
        const float reference = fmax(rows->reference[r], nv_reference(even[r], scale));
        shrink[r] = nv_exp2(rows->reference[r] - reference);
        rows->reference[r] = reference;
    }
}

/* Scores to exponentials, as pairs of the type of v in p, and their sums. */
NV_INLINE void soften(const float *s, uint *p, row_state *rows, float scale, const float shrink[2]) {
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        float sum = 0.0f, score_sum = 0.0f;
#pragma unroll
        for (uint slot = 0; slot < NV_SLOTS; slot++) {
            rows->slot_sum[r][slot] = 0.0f;
#pragma unroll
            for (uint i = slot * SPD_BLOCK_K / 8; i < (slot + 1) * SPD_BLOCK_K / 8; i++) {
                const float x = nv_exp2(fma(s[4 * i + 2 * r], scale, -rows->reference[r]));
                const float y = nv_exp2(fma(s[4 * i + 2 * r + 1], scale, -rows->reference[r]));
                rows->slot_sum[r][slot] += nv_scored(x) + nv_scored(y);
                if (NV_SQUARES)
                    sum += x + y;
                p[2 * i + r] = nv_pack(x, y);
            }
            score_sum += rows->slot_sum[r][slot];
        }
        rows->sum[r] = rows->sum[r] * shrink[r] + (NV_SQUARES ? sum : score_sum);
        if (NV_SQUARES)
            rows->score_sum[r] = rows->score_sum[r] * (shrink[r] * shrink[r]) + score_sum;
        if (NV_BUILD && NV_SLOTS == 8) /* so many would not stay in registers */
#pragma unroll
            for (uint slot = 0; slot < NV_SLOTS; slot += 4)
                rows->slot_sum[r][slot] = quad_sum_of_four(rows->slot_sum[r] + slot, own_item() % 32);
    }
}

/* ---- computing --------------------------------------------------------------------------------- */

/* What an item that computes knows besides its registers. */
typedef struct unit {
    uint local0;
    __local const tile_info *infos;
    __local const unit_place *places;
    bool mapped;
    uint q, k, v; /* descriptors: the warpgroup's rows of q, the first tiles of k and v */
    uint item;    /* of the two warpgroups */
    float scale;
    __global spd_out *out;
    __global float *lse, *sums, *shares;
    /* Of the unit at hand: */
    __local const unit_place *place;
    uint first_tile; /* counted over all units */
    row_place row; /* of a build's sums */
} unit;

/* Of a tile's products, those that count. */
NV_INLINE void mask(const unit *u, const spd_args *a, uint flags, uint n, uint what, float *s) {
    __local const tile_info *info = &u->infos[n % INFO_TILES];
    if (what & TILE_SLOTS)
        mask_slots(s, info, own_row(own_item()) / SPD_BLOCK_Q);
    if (!(what & TILE_ELEMENTS))
        return;
    const unit_place place = *u->place;
    mask_elements(s, info, a, flags, a->query_position + row_of(a, &place) + own_row(own_item()));
}

/* What a build keeps of tile n: while products run, not before them. */
NV_INLINE void keep_tile(const unit *u, uint n, uint what, const row_state *rows) {
    if (!NV_BUILD)
        return;
    keep_sums(&u->row, rows, n - u->first_tile, u->item);
    if (what & TILE_ENDS_GENERATION)
        keep_stats(&u->row, rows, 2);
}

/* The descriptor of tile n. */
NV_INLINE uint tile_at(uint first, uint n) {
    return first + n % STAGES * (TILE_BYTES >> 4);
}

/* Copies of rows are no writes of the tensor cores' proxy, as those by maps are: the fence shows them to
 * it. */
NV_INLINE void wait_full(const unit *u, uint full, uint n) {
    barrier_wait(u->local0 + full + 8 * (n % STAGES), n / STAGES & 1);
    if (!u->mapped)
        __asm__ volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* By one item: the products of a warpgroup's warps end together. */
NV_INLINE void give_back(const unit *u, uint empty, uint n) {
    if (u->item % GROUP == 0)
        barrier_arrive(u->local0 + empty + 8 * (n % STAGES));
}

/* Tile n of k, and q with the unit's last one. */
NV_INLINE void give_back_keys(const unit *u, uint n, uint what) {
    give_back(u, EMPTY_K, n);
    if ((what & TILE_LAST) && u->item % GROUP == 0)
        barrier_arrive(u->local0 + EMPTY_Q);
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

/* What the work-group has of a unit that others share, for nv_merge. */
NV_INLINE void write_share(__global float *shares, uint share, const float *o,
                           const row_state *rows) {
    const uint item = own_item(), lane = item % 32, row = own_row(item);
    shares += (ulong)share * NV_SHARE;
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float sum = nv_quad_sum(rows->sum[r]);
        __global float2 *to = (__global float2 *)(shares + (row + r * 8) * SPD_D) + lane % 4;
#pragma unroll
        for (uint i = 0; i < SPD_D / 8; i++)
            to[4 * i] = (float2)(o[4 * i + 2 * r], o[4 * i + 2 * r + 1]);
        if (lane % 4 == 0) {
            shares[NV_SHARE_VALUES + row + r * 8] = rows->reference[r];
            shares[NV_SHARE_VALUES + NV_ROWS + row + r * 8] = sum;
        }
    }
}

/* Of a 4 x 4 matrix with its columns in the lanes of a quad, the lane's row. */
NV_INLINE uint4 quad_transpose(uint4 x, uint lane) {
    const bool odd = lane & 1, high = lane & 2;
    const uint a = nv_shuffle_bits_xor(odd ? x.s0 : x.s1, 1);
    const uint b = nv_shuffle_bits_xor(odd ? x.s2 : x.s3, 1);
    const uint4 y = odd ? (uint4)(a, x.s1, b, x.s3) : (uint4)(x.s0, a, x.s2, b);
    const uint c = nv_shuffle_bits_xor(high ? y.s0 : y.s2, 2);
    const uint d = nv_shuffle_bits_xor(high ? y.s1 : y.s3, 2);
    return high ? (uint4)(c, d, y.s2, y.s3) : (uint4)(y.s0, y.s1, c, d);
}

#if SPD_OUT_DTYPE != 1
/* A row's results as they are stored, 16 bytes at a time: of 32 columns a lane of the quad has 8. By whole
 * warps; `is`: whether there is such a row. */
NV_INLINE void store_row_wide(__global spd_out *row, bool is, const float *o, uint r, float inverse) {
    const uint lane = own_item() % 32;
#pragma unroll
    for (uint i = 0; i < SPD_D / 8; i += 4) {
        uint x[4];
#pragma unroll
        for (uint j = 0; j < 4; j++)
            x[j] = nv_pack_out(o[4 * (i + j) + 2 * r] * inverse, o[4 * (i + j) + 2 * r + 1] * inverse);
        const uint4 wide = quad_transpose((uint4)(x[0], x[1], x[2], x[3]), lane);
        if (is)
            *(__global uint4 *)(row + 8 * (i + lane % 4)) = wide;
    }
}
#endif

/* The same from any address, two at a time. */
NV_INLINE void store_row(__global spd_out *row, bool packed, const float *o, uint r, float inverse) {
#pragma unroll
    for (uint i = 0; i < SPD_D / 8; i++)
        nv_store_pair(row + 8 * i + own_item() % 4 * 2, o[4 * i + 2 * r] * inverse,
                      o[4 * i + 2 * r + 1] * inverse, packed);
}

NV_INLINE void write_rows(const unit *u, const spd_args *a, uint flags, const float *o,
                          const row_state *rows) {
    const unit_place place = *u->place;
    const uint head = head_of(a, &place), item = own_item();
    const ulong first = row_of(a, &place) + own_row(item);
    const ulong bytes = (ulong)u->out | (a->out_offset | a->out_head | a->out_row) * sizeof(spd_out);
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        const float sum = nv_quad_sum(rows->sum[r]);
        const float inverse = sum != 0.0f ? nv_reciprocal(sum) : 0.0f;
        const ulong own = first + r * 8;
        __global spd_out *row = u->out + a->out_offset + head * a->out_head + own * a->out_row;
#if SPD_OUT_DTYPE != 1
        if (bytes % 16 == 0)
            store_row_wide(row, own < a->queries, o, r, inverse);
        else
#endif
            if (own < a->queries)
            store_row(row, bytes % (2 * sizeof(spd_out)) == 0, o, r, inverse);
        if (own < a->queries && (flags & SPD_FLAG_LSE) && item % 4 == 0)
            u->lse[a->lse_offset + head * a->lse_head + own] = nv_lse(rows->reference[r], sum);
    }
}

/* For the unit at hand. */
NV_INLINE row_place place_sums(const unit *u, const spd_args *a, uint round) {
    const unit_place unit = *u->place;
    const bool own = unit.share == UNSHARED;
    const uint item = own_item(), row = own_row(item), q = item % 4;
    const uint first = own ? 0 : unit.share % a->unit_shares; /* of the tiles visited */
    __global float *sums = u->sums + sums_at(a, &unit, round) + row;
    row_place place;
    place.mass = sums + (first * NV_SLOTS + q % NV_SLOTS) * NV_ROWS;
    place.mass_max = sums + (ulong)(max_row(a) + first) * NV_ROWS + q % 2 * 8;
    if (NV_SLOTS == 1)
        place.mass = q < 2 ? place.mass + q * 8 : place.mass_max;
    place.stats = own ? sums + (ulong)stats_row(a) * NV_ROWS
                      : u->shares + share_stats_at(unit.share) + row;
    place.tile_step = own ? NV_ROWS : a->unit_shares * NV_ROWS;
    return place;
}

NV_INLINE row_state begin_rows(void) {
    row_state rows;
#pragma unroll
    for (uint r = 0; r < 2; r++) {
        rows.reference[r] = SPD_LOWEST;
        rows.sum[r] = rows.score_sum[r] = 0.0f;
    }
    return rows;
}

/* The unit whose rows of q come in this round, and whose first tile is n. A share may have no key block of the
 * generation. */
NV_INLINE void begin_unit(unit *u, const spd_args *a, uint round, uint n, const row_state *rows) {
    u->place = &u->places[round & 1];
    u->first_tile = n;
    if (!NV_BUILD)
        return;
    u->row = place_sums(u, a, round);
    barrier_wait(u->local0 + EMPTY_SUMS + 8 * (round & 1), (round / 2 & 1) ^ 1);
    if (u->place->share != UNSHARED)
        keep_stats(&u->row, rows, 2);
}

/* Hands the unit's sums to those that score. */
NV_INLINE void end_sums(const unit *u, uint round, const row_state *rows) {
    keep_stats(&u->row, rows, 0);
    nv_sync_warp();
    if (own_item() % WARP == 0)
        barrier_arrive(u->local0 + FULL_SUMS + 8 * (round & 1));
}

/* The results of a unit whose tiles are done. */
NV_INLINE void write_unit(const unit *u, const spd_args *a, uint flags, const float *o,
                        const row_state *rows) {
    if (u->place->share != UNSHARED)
        write_share(u->shares + NV_COUNTERS, u->place->share, o, rows);
    else
        write_rows(u, a, flags, o, rows);
}

/* Products of tile n's keys, first of a unit or not. */
NV_INLINE uint begin_keys(const unit *u, float *s, uint n) {
    wait_full(u, FULL_K, n);
    const uint what = u->infos[n % INFO_TILES].what;
    products_begin();
    multiply_keys(s, u->q, tile_at(u->k, n));
    products_commit();
    return what;
}

/* The products of one tile's keys are issued before those of the values of the tile before: they run
 * beside its softmax. Exponentials, which take longest, come when the latter are done, so that all
 * else that is to be done runs beside them. */
NV_INLINE uint attend_tiles(const unit *u, const spd_args *a, uint flags, float *o,
                            row_state *rows) {
    float s[64], shrink[2];
    uint p[NV_KEYS / 4];
    uint n = u->first_tile;
    turn_wait(u->item / GROUP);
    uint what = begin_keys(u, s, n);
    turn_pass(u->item / GROUP);
    products_wait_all();
    HOLD_64(s);
    give_back_keys(u, n, what);
    mask(u, a, flags, n, what, s);
    raise_references(s, rows, u->scale, shrink);
    soften(s, p, rows, u->scale, shrink);
    for (n++; !(what & TILE_LAST); n++) {
        const uint before = what;
        wait_full(u, FULL_K, n);
        what = u->infos[n % INFO_TILES].what;
        turn_wait(u->item / GROUP);
        products_begin();
        multiply_keys(s, u->q, tile_at(u->k, n));
        products_commit();
        wait_full(u, FULL_V, n - 1);
        multiply_values(o, p, tile_at(u->v, n - 1));
        products_commit();
        turn_pass(u->item / GROUP);
        products_wait_all_but_last();
        HOLD_64(s);
        give_back_keys(u, n, what);
        keep_tile(u, n - 1, before, rows);
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
    give_back(u, EMPTY_V, n - 1);
    return n;
}

NV_INLINE void attend_units(unit *u, const spd_args *a, uint flags) {
    uint n = 0;
    bool last = false;
    for (uint round = 0; !last; round++) {
        row_state rows = begin_rows();
        float o[O_REGISTERS];
#pragma unroll
        for (uint i = 0; i < O_REGISTERS; i++)
            o[i] = 0.0f;
        barrier_wait(u->local0 + FULL_Q, round & 1);
        begin_unit(u, a, round, n, &rows);
        n = attend_tiles(u, a, flags, o, &rows);
        if (NV_BUILD)
            end_sums(u, round, &rows);
        write_unit(u, a, flags, o, &rows);
        last = u->place->last;
    }
}

/* The sums of tile n's products. */
NV_INLINE void sum_tile(const unit *u, const spd_args *a, uint flags, uint n, uint what, float *s,
                        row_state *rows) {
    float shrink[2];
    uint p[NV_KEYS / 4];
    mask(u, a, flags, n, what, s);
    raise_references(s, rows, u->scale, shrink);
    soften(s, p, rows, u->scale, shrink);
    keep_tile(u, n, what, rows);
}

NV_INLINE void end_keys(const unit *u, float *s, uint n, uint what) {
    products_wait_all();
    HOLD_64(s);
    give_back_keys(u, n, what);
}

/* A build alone: no values. The products of one tile run beside the softmax of the one before. */
NV_INLINE uint sum_tiles(const unit *u, const spd_args *a, uint flags, row_state *rows) {
    float s[64], next[64];
    uint n = u->first_tile, what = begin_keys(u, s, n);
    end_keys(u, s, n, what);
    while (!(what & TILE_LAST)) {
        const uint before = what;
        what = begin_keys(u, next, n + 1);
        sum_tile(u, a, flags, n++, before, s, rows);
        end_keys(u, next, n, what);
#pragma unroll
        for (uint i = 0; i < 64; i++)
            s[i] = next[i];
    }
    sum_tile(u, a, flags, n++, what, s, rows);
    return n;
}

NV_INLINE void sum_units(unit *u, const spd_args *a, uint flags) {
    uint n = 0;
    bool last = false;
    for (uint round = 0; !last; round++) {
        row_state rows = begin_rows();
        barrier_wait(u->local0 + FULL_Q, round & 1);
        begin_unit(u, a, round, n, &rows);
        n = sum_tiles(u, a, flags, &rows);
        end_sums(u, round, &rows);
        last = u->place->last;
    }
}

/* What the items of the other warpgroups do, `group` being 0 or 1. */
NV_INLINE unit begin_compute(const spd_args *a, uint flags, uint local0,
                             __local const tile_info *infos, uint group) {
    unit u;
    u.local0 = local0;
    u.infos = infos;
    u.mapped = (flags & SPD_FLAG_MAPPED) != 0;
    u.q = rows_descriptor(local0 + FIRST_Q + group * 64 * 128);
    u.k = rows_descriptor(local0 + FIRST_K);
    u.v = columns_descriptor(local0 + FIRST_V);
    u.item = get_local_id(0) - GROUP;
    u.scale = nv_scale(a);
    return u;
}

__kernel __attribute__((reqd_work_group_size(3 * GROUP, 1, 1))) void
nv_wgmma_attend(__global const spd_stored *q, __global const spd_stored *k,
                __global const spd_stored *v, __global spd_out *out, __global float *lse,
                __global const ulong *bits, __global float *sums, __global float *scores,
                __global float *shares, const spd_args a, const uint flags,
                __global const ulong *maps) {
    __local uchar local_memory[LOCAL_BYTES] __attribute__((aligned(1024)));
    __local tile_info infos[INFO_TILES];
    __local unit_place places[2];
    const uint local0 = nv_address(local_memory);
    const uint group = get_local_id(0) / GROUP, item = get_local_id(0) % GROUP;
    const bool mapped = (flags & SPD_FLAG_MAPPED) != 0;
    if (get_local_id(0) == 0)
        make_barriers(local0, mapped);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (group == 0) {
        __asm__ volatile("//@90a setmaxnreg.dec.sync.aligned.u32 88;");
        const bool keys_side = item < SIDE;
        loader l;
        l.local0 = local0;
        l.item = item % SIDE;
        l.keys_side = keys_side;
        l.mapped = mapped;
        l.sparse = (flags & SPD_FLAG_SPARSE) != 0;
        l.q = (__global const ushort *)q;
        l.k = (__global const ushort *)k;
        l.v = (__global const ushort *)v;
        l.bits = bits;
        l.maps = maps;
        l.infos = infos;
        l.places = places;
        l.sums = sums;
        l.scores = scores;
        l.shares = shares;
        l.scorer = item / WARP - (NV_ATTEND && !keys_side ? 2 : 1);
        if (NV_BUILD && (l.item >= LOADERS || (!keys_side && !NV_ATTEND)))
            score_units(&l, &a);
        else
            load(&l, &a, flags);
        return;
    }
    __asm__ volatile("//@90a setmaxnreg.inc.sync.aligned.u32 208;");
    unit u = begin_compute(&a, flags, local0, infos, group - 1);
    u.places = places;
    u.out = out;
    u.lse = lse;
    u.sums = sums;
    u.shares = shares;
    if (NV_ATTEND && group == 2) /* the first turn is the other's */
        turn_pass(1);
    if (NV_ATTEND)
        attend_units(&u, &a, flags);
    else
        sum_units(&u, &a, flags);
}
