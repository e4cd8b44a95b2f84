/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * nv_mma_attend: attention of 128 query rows of one head on the matrix units of NVIDIA's GPUs of
 * compute capability 8.0 and later (mma.sync), dense or over kept key blocks, with log-sum-exp, and
 * in the same pass the exponential sums that block scores are made of. f16 and bf16; f32 by
 * splitting each operand in two of type tf32, of whose four products three are summed.
 *
 * Shapes   as generic_attend; sums of a build as nv.clh lays them out. SPD_D 64 or 128.
 * Launch   work-group 128 = 4 warps of 32 query rows; global {128 * units of NV_ROWS rows, heads}.
 * Local    Q, and steps of 64 keys, swizzled: with SPD_D 128 80 KiB (64 KiB for a build alone),
 *          with 64 half of that; and less than 1 KiB for the plan: two work-groups a multiprocessor on
 *          all but 8.6 and 8.9 (on 8.0 they may take 82944 bytes each). f32: with SPD_D 128 96 KiB,
 *          else as the others with 128.
 * Barriers two a step (one in a build alone), in uniform control flow; twice as many where local
 *          memory holds one step at a time.
 * Numerics products and sums in float; exponentials rounded to the type of v before they multiply
 *          it, summed before; operands in f32 count to 2^-20, and their values are summed 64 keys at a
 *          time. A row's reference is raised to its largest product only where an exponential would
 *          exceed 2^8, so that old sums are seldom scaled. Sums over each item's keys of a slot, then
 *          over slots in order, then over steps, last over the four items of a row. Key blocks are
 *          visited from `split` on, then from 0.
 */
#ifndef SPD_NV_MMA
#include "nv_mma.clh"
#endif

/* ---- products ---------------------------------------------------------------------------------- */

/* In arrays of products [i][n][c], i counts 16 rows of the warp, n 8 keys or elements; an item has, of
 * row g = lane / 4 of the 16, two neighbours (c 0, 1) from 2 * (lane % 4) on, and of row g + 8 (2, 3).
 * Row 2 * i + c / 2 of an item is its row g + 8 * that of the warp. */
#define ROWS_PER_ITEM 4

/* Arrays that only one side of a branch sets are held in registers all the time, so they are filled. */
NV_INLINE void fill_products(float (*s)[STEP / 8][4], uint chunk, float x) {
#pragma unroll
    for (uint i = 0; i < 2; i++)
#pragma unroll
        for (uint n = chunk * CHUNK / 8; n < (chunk + 1) * CHUNK / 8; n++)
#pragma unroll
            for (uint c = 0; c < 4; c++)
                s[i][n][c] = x;
}

NV_INLINE void fill_pairs(uint (*p)[STEP / MMA_KEYS][4], uint x) {
#pragma unroll
    for (uint i = 0; i < 2; i++)
#pragma unroll
        for (uint k = 0; k < STEP / MMA_KEYS; k++)
#pragma unroll
            for (uint c = 0; c < 4; c++)
                p[i][k][c] = x;
}

#if SPD_DTYPE == 1
/* What tf32 holds of x, and what it holds of the rest; `held`: TF32_BITS. */
NV_INLINE void split(uint x, uint held, uint *high, uint *low) {
    *high = x & held;
    *low = as_uint(as_float(x) - as_float(*high)) & held;
}
#endif

/* A left operand of `multiply`, in parts where there are some. */
typedef struct left_operand {
    uint high[4];
#if SPD_DTYPE == 1
    uint low[4];
#endif
} left_operand;

NV_INLINE left_operand left_operand_of(const uint *x, uint held) {
    left_operand a;
#pragma unroll
    for (uint i = 0; i < 4; i++) {
#if SPD_DTYPE == 1
        split(x[i], held, &a.high[i], &a.low[i]);
#else
        a.high[i] = x[i];
#endif
    }
    return a;
}

/* sum0 += a[0] B, sum1 += a[1] B. */
NV_INLINE void multiply(float *sum0, float *sum1, const left_operand *a, uint b0, uint b1) {
#if SPD_DTYPE == 1
    uint high0, low0, high1, low1;
    split(b0, TF32_BITS, &high0, &low0);
    split(b1, TF32_BITS, &high1, &low1);
    multiply_tf32(sum0, a[0].low, high0, high1);
    multiply_tf32(sum1, a[1].low, high0, high1);
    multiply_tf32(sum0, a[0].high, low0, low1);
    multiply_tf32(sum1, a[1].high, low0, low1);
    multiply_tf32(sum0, a[0].high, high0, high1);
    multiply_tf32(sum1, a[1].high, high0, high1);
#else
    multiply_16(sum0, a[0].high, b0, b1);
    multiply_16(sum1, a[1].high, b0, b1);
#endif
}

/* Adds products of the warp's queries and a chunk of keys, 32 bytes of each row at a time. Addresses are
 * of the first ones; others differ in bits 5 and 6, then in the part. */
NV_INLINE void multiply_keys(float (*s)[STEP / 8][4], uint q_at, uint k_at, uint chunk) {
#pragma unroll
    for (uint k = 0; k < PARTS * 4; k++) {
        left_operand q[2];
#pragma unroll
        for (uint i = 0; i < 2; i++) {
            uint x[4];
            load_matrices(x, (q_at ^ k % 4 << 5) + k / 4 * Q_PART_BYTES + i * 16 * 128);
            q[i] = left_operand_of(x, TF32_BITS);
        }
#pragma unroll
        for (uint n = chunk * CHUNK / 8; n < (chunk + 1) * CHUNK / 8; n += 2) {
            uint keys[4];
            load_matrices(keys, (k_at ^ k % 4 << 5) + k / 4 * STEP_PART_BYTES + n * 8 * 128);
            multiply(s[0][n], s[1][n], q, keys[0], keys[1]);
            multiply(s[0][n + 1], s[1][n + 1], q, keys[2], keys[3]);
        }
    }
}

/* What multiply_values reads first, from the start of a step's values. */
NV_INLINE uint first_values(uint lane) {
#if SPD_DTYPE == 1
    const uint key = lane % 4 * 2, element = lane / 4;
    return key * 128 + ((element / 4 ^ key) << 4) + element % 4 * 4;
#else
    return lane % 16 * 128 + ((lane / 16 ^ lane % 8) << 4);
#endif
}

/* x, but the compiler does not know: what follows from it is not computed before a loop and kept. */
NV_INLINE uint hide(uint x) {
    __asm__ volatile("" : "+r"(x));
    return x;
}

#if SPD_DTYPE == 1
/* Adds exponentials times values of a chunk. The matrix units cut off what a sum has no bits for, always towards 0,
 * which would grow with the number of keys: here they sum no more than a chunk. Exponentials are split anew for
 * each CHUNK_SUMS, by bits from local memory: the compiler would keep all parts, and has no registers for them. */
NV_INLINE void multiply_values(float (*out)[SUMS][4], const uint (*p)[STEP / MMA_KEYS][4],
                               uint v_at, uint chunk, const volatile __local uint *tf32_bits) {
#pragma unroll
    for (uint first = 0; first < SPD_D / 8; first += CHUNK_SUMS) {
        const uint held = *tf32_bits;
        float sum[2][CHUNK_SUMS][4];
#pragma unroll
        for (uint n = 0; n < CHUNK_SUMS; n++)
#pragma unroll
            for (uint c = 0; c < 4; c++)
                sum[0][n][c] = sum[1][n][c] = 0.0f;
#pragma unroll
        for (uint k = chunk * CHUNK / MMA_KEYS; k < (chunk + 1) * CHUNK / MMA_KEYS; k++) {
            const left_operand x[2] = {left_operand_of(p[0][k], held), left_operand_of(p[1][k], held)};
#pragma unroll
            for (uint i = 0; i < CHUNK_SUMS; i++) {
                const uint n = first + i;
                const uint at = (v_at ^ n % 4 << 5) + n / 4 * STEP_PART_BYTES + k * 8 * 128;
                multiply(sum[0][i], sum[1][i], x, as_uint(load_word(at)),
                         as_uint(load_word((at ^ 16) + 128)));
            }
        }
#pragma unroll
        for (uint n = 0; n < CHUNK_SUMS; n++)
#pragma unroll
            for (uint c = 0; c < 4; c++) {
                out[0][first + n][c] += sum[0][n][c];
                out[1][first + n][c] += sum[1][n][c];
            }
    }
}
#else
/* Adds exponentials times values of a chunk. */
NV_INLINE void multiply_values(float (*out)[SUMS][4], const uint (*p)[STEP / MMA_KEYS][4],
                               uint v_at, uint chunk, const volatile __local uint *tf32_bits) {
#pragma unroll
    for (uint k = chunk * CHUNK / MMA_KEYS; k < (chunk + 1) * CHUNK / MMA_KEYS; k++) {
        const left_operand x[2] = {left_operand_of(p[0][k], TF32_BITS), left_operand_of(p[1][k], TF32_BITS)};
#pragma unroll
        for (uint n = 0; n < SPD_D / 8; n += 2) {
            uint values[4];
            load_matrices_transposed(values, (v_at ^ n / 2 % 4 << 5) + n / 8 * STEP_PART_BYTES +
                                                 k * 16 * 128);
            multiply(out[0][n], out[1][n], x, values[0], values[1]);
            multiply(out[0][n + 1], out[1][n + 1], x, values[2], values[3]);
        }
    }
}
#endif

/* ---- masks ------------------------------------------------------------------------------------- */

NV_INLINE ulong distance(ulong x, ulong y) {
    return x > y ? x - y : y - x;
}

/* Whether each of the warp's rows, from position `query` on, attends to all keys of the step. */
NV_INLINE bool attends_all(const spd_args *a, const __local key_step *s, ulong query) {
    bool all = true;
#pragma unroll
    for (uint slot = 0; slot < SLOTS; slot++) {
        const ulong key = (ulong)s->block[slot] * SPD_BLOCK_K + first_key(s);
        const bool near = distance(query + WARP_ROWS - 1, key) <= a->window &&
                          distance(query, key + SLOT_KEYS - 1) <= a->window;
        all &= near || key + SLOT_KEYS <= a->sinks;
    }
    return all;
}

/* Bits of the step's keys that are there and that query block i of the warp keeps. */
NV_INLINE ulong kept_keys(const spd_args *a, const __local key_step *s, uint kept, uint i) {
    ulong all = 0;
#pragma unroll 1
    for (uint slot = 0; slot < SLOTS; slot++) {
        const ulong key0 = (ulong)s->block[slot] * SPD_BLOCK_K + first_key(s);
        if (kept >> (slot * 8 + i) & 1)
            all |= nv_bits_below(key0, min(a->keys, key0 + SLOT_KEYS)) << slot * SLOT_KEYS;
    }
    return all;
}

/* Bits of the step's keys that are near the row at position `query`, or sinks. */
NV_INLINE ulong near_keys(const spd_args *a, const __local key_step *s, ulong query) {
    const ulong window = min(a->window, (ulong)1 << 62);
    ulong all = 0;
#pragma unroll 1
    for (uint slot = 0; slot < SLOTS; slot++) {
        const ulong key0 = (ulong)s->block[slot] * SPD_BLOCK_K + first_key(s);
        const ulong near =
            nv_bits_below(key0, query + window + 1) & ~nv_bits_below(key0, query - min(query, window));
        const ulong of_slot = nv_bits_below(0, SLOT_KEYS);
        all |= ((near | nv_bits_below(key0, a->sinks)) & of_slot) << slot * SLOT_KEYS;
    }
    return all;
}

/* Products of keys that a row does not attend to become -infinity. `query`: position of the item's first
 * row. */
NV_INLINE void mask_step(float (*s)[STEP / 8][4], const spd_args *a, uint flags,
                         const __local key_step *step, uint kept, ulong query, uint lane) {
    ulong of_block = kept_keys(a, step, kept, 0);
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++) {
        if (WARP_Q_BLOCKS > 1 && r == 2)
            of_block = kept_keys(a, step, kept, 1);
        ulong keys = of_block;
        if (flags & SPD_FLAG_FIXED)
            keys &= near_keys(a, step, query + 8 * r);
        keys >>= lane % 4 * 2;
#pragma unroll
        for (uint n = 0; n < STEP / 8; n++)
#pragma unroll
            for (uint c = 0; c < 2; c++)
                if ((keys >> (n * 8 + c) & 1) == 0)
                    s[r / 2][n][r % 2 * 2 + c] = -INFINITY;
    }
}

/* ---- softmax ----------------------------------------------------------------------------------- */

typedef struct row_state {
    float reference[ROWS_PER_ITEM];
    float sum[ROWS_PER_ITEM]; /* of the item's exponentials */
    float score_sum[ROWS_PER_ITEM]; /* of what scores are made of, if that is not the same */
    float held[SLOTS];        /* a build's sums of the tile's first step, of row lane % 4 */
} row_state;

/* Over the four items of a row. */
NV_INLINE float row_max(float x) {
    x = fmax(x, nv_shuffle_xor(x, 1));
    return fmax(x, nv_shuffle_xor(x, 2));
}

/* x of row lane % 4. */
NV_INLINE float own_row(const float *x, uint lane) {
    const float even = lane & 2 ? x[2] : x[0], odd = lane & 2 ? x[3] : x[1];
    return lane & 1 ? odd : even;
}

/* The sum over the four items of row lane % 4; nv_quad_sum's bits. */
NV_INLINE float own_row_sum(const float *x, uint lane) {
    const bool odd = lane & 1, high = lane & 2;
    const float low_pair = (odd ? x[1] : x[0]) + nv_shuffle_xor(odd ? x[0] : x[1], 1);
    const float high_pair = (odd ? x[3] : x[2]) + nv_shuffle_xor(odd ? x[2] : x[3], 1);
    return (high ? high_pair : low_pair) + nv_shuffle_xor(high ? low_pair : high_pair, 2);
}

/* Raises the references that are too far below, and scales what was summed under them. `top`: the
 * largest products of the item's keys. */
NV_INLINE void raise_references(row_state *rows, const float *top, float scale,
                                float (*out)[SUMS][4], uint lane) {
    float shrink[ROWS_PER_ITEM];
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++) {
        const float old = rows->reference[r], row_top = row_max(top[r]);
        if (fma(row_top, scale, -old) > LAG)
            rows->reference[r] = nv_reference(row_top, scale);
        shrink[r] = nv_exp2(old - rows->reference[r]);
        rows->sum[r] *= shrink[r];
        if (NV_SQUARES)
            rows->score_sum[r] *= shrink[r] * shrink[r];
#pragma unroll
        for (uint n = 0; n < SUMS; n++) {
            out[r / 2][n][r % 2 * 2] *= shrink[r];
            out[r / 2][n][r % 2 * 2 + 1] *= shrink[r];
        }
    }
    if (NV_BUILD) {
        const float own_shrink = own_row(shrink, lane);
#pragma unroll
        for (uint slot = 0; slot < SLOTS; slot++)
            rows->held[slot] *= NV_SQUARES ? own_shrink * own_shrink : own_shrink;
    }
}

/* Sees to it that the references serve the step's products too. */
NV_INLINE void follow_products(row_state *rows, float (*s)[STEP / 8][4], float scale,
                               float (*out)[SUMS][4], uint lane) {
    float top[ROWS_PER_ITEM] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
#pragma unroll
    for (uint n = 0; n < STEP / 8; n++)
#pragma unroll
        for (uint r = 0; r < ROWS_PER_ITEM; r++)
            top[r] = fmax(top[r], fmax(s[r / 2][n][r % 2 * 2], s[r / 2][n][r % 2 * 2 + 1]));
    bool raises = false;
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++)
        raises |= fma(top[r], scale, -rows->reference[r]) > LAG;
    if (nv_ballot(raises) != 0)
        raise_references(rows, top, scale, out, lane);
}

/* Exponentials of the products, as left operands (of tf32: of keys 0, 2, 4, 6, 1, 3, 5, 7), and their
 * sums; for a build also the sums of each slot, of row lane % 4. */
NV_INLINE void take_exponentials(uint (*p)[STEP / MMA_KEYS][4], row_state *rows, float *slot_sums,
                                 float (*s)[STEP / 8][4], uint kept, float scale, uint lane) {
    float step_sum[ROWS_PER_ITEM], plain_sum[ROWS_PER_ITEM] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (uint slot = 0; slot < SLOTS; slot++) {
        float sum[ROWS_PER_ITEM] = {0.0f, 0.0f, 0.0f, 0.0f};
        if (CHUNKS == 1 || keeps_chunk(kept, slot / CHUNK_SLOTS)) {
#pragma unroll
            for (uint n = slot * SLOT_KEYS / 8; n < (slot + 1) * SLOT_KEYS / 8; n++)
#pragma unroll
                for (uint r = 0; r < ROWS_PER_ITEM; r++) {
                    const float *x = &s[r / 2][n][r % 2 * 2];
                    const float x0 = nv_exp2(fma(x[0], scale, -rows->reference[r]));
                    const float x1 = nv_exp2(fma(x[1], scale, -rows->reference[r]));
                    sum[r] = sum[r] + nv_scored(x0) + nv_scored(x1);
                    if (NV_SQUARES)
                        plain_sum[r] += x0 + x1;
#if SPD_DTYPE == 1
                    p[r / 2][n][r % 2] = as_uint(x0);
                    p[r / 2][n][r % 2 + 2] = as_uint(x1);
#else
                    p[r / 2][n / 2][n % 2 * 2 + r % 2] = nv_pack(x0, x1);
#endif
                }
        }
#pragma unroll
        for (uint r = 0; r < ROWS_PER_ITEM; r++)
            step_sum[r] = slot == 0 ? sum[r] : step_sum[r] + sum[r];
        if (NV_BUILD)
            slot_sums[slot] = own_row_sum(sum, lane);
    }
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++) {
        rows->sum[r] += NV_SQUARES ? plain_sum[r] : step_sum[r];
        if (NV_SQUARES)
            rows->score_sum[r] += step_sum[r];
    }
}

/* ---- results ----------------------------------------------------------------------------------- */

NV_INLINE sum_rows find_sum_rows(__global float *mass, __global float *mass_max,
                                 __global float *stats, const spd_args *a, uint head, uint row) {
    sum_rows sums;
    sums.stride = nv_row_stride(a);
    sums.mass = mass + head * sums.stride * a->k_blocks + row;
    sums.mass_max = mass_max + head * sums.stride * nv_tiles(a) + row;
    sums.stats = stats + head * sums.stride * 4 + row;
    return sums;
}

/* Keeps a step's sums until the tile ends, then stores them. A build visits all blocks, so those of a
 * tile follow one another. `row`: of the unit, the item's row lane % 4. */
NV_INLINE void store_sums(const __local sum_rows *to, row_state *rows, float *slot_sums,
                          const __local key_step *s, uint row, uint lane) {
    const bool ends = (s->what & STEP_ENDS_TILE) != 0, second = (s->what & STEP_SECOND) != 0;
    const ulong stride = to->stride;
    __global float *mass = to->mass + s->block[0] * stride + row;
    if (SPD_BLOCK_K > STEP && second)
        slot_sums[0] += rows->held[0];
#pragma unroll
    for (uint i = 0; i < SLOTS; i++) {
        if (SPD_BLOCK_K <= STEP && second)
            mass[(long)(i * stride) - (long)(SLOTS * stride)] = rows->held[i];
        if (ends && s->block[i] != NV_EMPTY)
            mass[i * stride] = slot_sums[i];
        rows->held[i] = slot_sums[i];
    }
    if (ends)
        to->mass_max[(s->what >> STEP_TILE) * stride + row] = nv_score_reference(own_row(rows->reference, lane));
}

NV_INLINE void store_stats(const __local sum_rows *to, const row_state *rows, uint which, uint row,
                           uint lane) {
    __global float *stats = to->stats + which * to->stride + row;
    stats[0] = nv_score_reference(own_row(rows->reference, lane));
    stats[to->stride] = own_row_sum(NV_SQUARES ? rows->score_sum : rows->sum, lane);
}

/* Rows of the item: `row` of the unit and those after it. */
NV_INLINE void store_rows(const __local unit_plan *plan, const row_state *rows,
                          float (*sums)[SUMS][4], const spd_args *a, uint flags, uint row,
                          uint lane) {
    __global spd_out *to = plan->out + row * a->out_row + lane % 4 * 2;
    const ulong bytes = (ulong)plan->out | a->out_row * sizeof(spd_out);
    const bool packed = bytes % (2 * sizeof(spd_out)) == 0;
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++, to += 8 * a->out_row) {
        const float sum = nv_quad_sum(rows->sum[r]);
        const float inverse = sum != 0.0f ? 1.0f / sum : 0.0f;
        if (plan->row0 + row + 8 * r >= a->queries)
            continue;
#pragma unroll
        for (uint n = 0; n < SUMS; n++)
            nv_store_pair(to + n * 8, sums[r / 2][n][r % 2 * 2] * inverse,
                       sums[r / 2][n][r % 2 * 2 + 1] * inverse, packed);
        if ((flags & SPD_FLAG_LSE) && lane % 4 == 0)
            plan->lse[row + 8 * r] = nv_lse(rows->reference[r], sum);
    }
}

/* ---- the kernel -------------------------------------------------------------------------------- */

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void nv_mma_attend(
    __global const ushort *q, __global const ushort *k, __global const ushort *v,
    __global spd_out *out, __global float *lse, __global const ulong *bits, __global float *mass,
    __global float *mass_max, __global float *stats, const spd_args a, const uint flags) {
    __local uchar tiles[Q_BYTES + BUFFERS * STEP_BYTES] __attribute__((aligned(1024)));
    __local unit_plan plan;
    const uint item = get_local_id(0), lane = item % 32, warp = item / 32;
    const float scale = nv_scale(&a);
    if (warp == 0) {
        const uint launch_head = get_group_id(1), head = a.first_head + launch_head;
        const uint launch_row = (uint)a.part_row + get_group_id(0) * NV_ROWS;
        const ulong row0 = (ulong)a.first_row + launch_row;
        plan.row0 = row0;
        plan.query = a.query_position + row0;
        const uint kv_head = head / a.heads_per_kv;
        plan.keys = row_source_of(k, a.k_offset + kv_head * a.k_head, a.k_row);
        plan.values = row_source_of(v, a.v_offset + kv_head * a.v_head, a.v_row);
        plan.out = out + a.out_offset + head * a.out_head + row0 * a.out_row;
        plan.lse = lse + a.lse_offset + head * a.lse_head + row0;
        plan.sums = find_sum_rows(mass, mass_max, stats, &a, launch_head, launch_row);
        plan.walk = nv_walk_start(&a, bits, head, row0, (flags & SPD_FLAG_SPARSE) != 0);
        plan.planned = plan.tiles = 0;
        plan.tf32_bits = TF32_BITS;
        plan.complete = false;
        nv_sync_warp();
        plan_until(&plan, 1, &a, lane);
    }

    /* what multiply_keys reads first: 16 rows, twice; 8 rows, twice, then 8 more */
    const uint q_tile = nv_address(tiles), row_of_8 = lane % 8;
    const uint q_at = q_tile + (warp * WARP_ROWS + lane % 16) * 128 + ((lane / 16 ^ row_of_8) << 4);
    const uint k_at = (lane / 16 * 8 + row_of_8) * 128 + ((lane / 8 % 2 ^ row_of_8) << 4);
    const uint v_at = first_values(lane);
    /* keys of this step, values of this step, keys of the next */
    uint buffer = q_tile + Q_BYTES, values = buffer + (BUFFERS > 1 ? STEP_BYTES : 0);
    uint next_buffer = buffer + (BUFFERS - 1) * STEP_BYTES;
    load_queries(q_tile, q, &a, item);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (BUFFERS > 1)
        load_step(buffer, &plan.keys, plan.steps, &a, item);
    commit_copies();
    if (NV_ATTEND && BUFFERS > 1) {
        load_step(values, &plan.values, plan.steps, &a, item);
        commit_copies();
    }

    row_state rows;
    float sums[2][SUMS][4];
#pragma unroll
    for (uint r = 0; r < ROWS_PER_ITEM; r++) {
        rows.reference[r] = SPD_LOWEST;
        rows.sum[r] = rows.score_sum[r] = 0.0f;
#pragma unroll
        for (uint n = 0; n < SUMS; n++)
            sums[r / 2][n][r % 2 * 2] = sums[r / 2][n][r % 2 * 2 + 1] = 0.0f;
    }
#pragma unroll
    for (uint slot = 0; slot < SLOTS; slot++)
        rows.held[slot] = 0.0f;
    const uint sum_row = warp * WARP_ROWS + lane % 4 * 8 + lane / 4;

    bool last = false;
    for (uint number = 0; !last; number++) {
        const __local key_step *step = plan.steps + number % STEPS;
        const __local key_step *next = plan.steps + (number + 1) % STEPS;
        pass_copies(next_buffer, &plan.keys, step, next, &a, item);
        if (warp == number % 4)
            plan_until(&plan, number + 2, &a, lane);

        uint p[2][STEP / MMA_KEYS][4];
        fill_pairs(p, 0);
        const uint kept = kept_by_warp(step->kept, warp);
        if (kept != 0) {
            float s[2][STEP / 8][4], slot_sums[SLOTS];
#pragma unroll
            for (uint chunk = 0; chunk < CHUNKS; chunk++) {
                const bool keeps = CHUNKS == 1 || keeps_chunk(kept, chunk);
                fill_products(s, chunk, keeps ? 0.0f : -INFINITY);
                if (keeps)
                    multiply_keys(s, hide(q_at), hide(buffer + k_at), chunk);
            }
            const ulong query = plan.query + warp * WARP_ROWS;
            if ((step->what & STEP_WHOLE) == 0 ||
                (CHUNK_SLOTS * WARP_Q_BLOCKS > 1 && kept != ALL_KEPT) ||
                ((flags & SPD_FLAG_FIXED) && !attends_all(&a, step, query)))
                mask_step(s, &a, flags, step, kept, query + lane / 4, lane);
            follow_products(&rows, s, scale, sums, lane);
            take_exponentials(p, &rows, slot_sums, s, kept, scale, lane);
            if (NV_BUILD)
                store_sums(&plan.sums, &rows, slot_sums, step, sum_row, lane);
        }
        if (NV_BUILD && (step->what & STEP_ENDS_GENERATION))
            store_stats(&plan.sums, &rows, 2, sum_row, lane);

        if (NV_ATTEND) {
            pass_copies(buffer, &plan.values, step, next, &a, item);
#pragma unroll
            for (uint chunk = 0; chunk < CHUNKS; chunk++)
                if (keeps_chunk(kept, chunk))
                    multiply_values(sums, p, hide(values + v_at), chunk, &plan.tf32_bits);
        }
        last = (step->what & STEP_LAST) != 0;
        const uint free = NV_ATTEND ? values : buffer;
        values = buffer;
        buffer = next_buffer;
        next_buffer = free;
    }
    if (NV_BUILD)
        store_stats(&plan.sums, &rows, 0, sum_row, lane);
    if (NV_ATTEND)
        store_rows(&plan, &rows, sums, &a, flags, warp * WARP_ROWS + lane / 4, lane);
}
