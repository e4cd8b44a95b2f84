/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * The same of a family that is promoted, mapped and loops: not promoted, or without the maps of its batch,
 * it does nothing. Block scores are made of a unit when it is done, by the work-group, or by the last of those
 * that share it.
 */
//@90a #define PROMOTED

/* Floats of a unit's sums; those of its tiles' slots, of which a row here has one for each key block. */
inline ulong slots_floats(const spd_args *a) {
    return (ulong)SIMULATED_ITEMS * tiles_of(a) * tile_blocks(a);
}

inline ulong unit_floats(const spd_args *a) {
    return slots_floats(a) + SIMULATED_ITEMS * (tiles_of(a) + 4);
}

/* The sums of one of its rows; stats: NULL, or where they are instead. */
inline sum_row row_of(const spd_args *a, __global float *unit, __global float *stats, uint row) {
    sum_row place;
    place.mass = unit + row * a->k_blocks;
    place.mass_max = unit + slots_floats(a) + row * tiles_of(a);
    place.stats = stats ? stats : unit + slots_floats(a) + SIMULATED_ITEMS * tiles_of(a) + row * 4;
    return place;
}

/* The scores of a unit's query blocks, a key block of one after another; `shared`: stats of its first share. */
inline void score_unit(const spd_args *a, uint launch_head, uint launch_row, __global float *unit,
                       __global float *shared, __global float *scores) {
    const uint q_blocks = (a->rows + SPD_BLOCK_Q - 1) / SPD_BLOCK_Q;
    const ulong second = (ulong)a->heads * q_blocks * a->k_blocks;
    const uint all = SIMULATED_ITEMS / SPD_BLOCK_Q * a->k_blocks, item = (uint)get_local_id(0);
    const uint parts = shared ? a->unit_shares : 1;
    for (uint i = item; i < all; i += SIMULATED_ITEMS) {
        const uint first = i / a->k_blocks * SPD_BLOCK_Q, block = i % a->k_blocks;
        float score = 0.0f, generation = 0.0f;
        if (launch_row + first >= a->rows)
            return;
        for (uint r = first; r < first + SPD_BLOCK_Q; r++) {
            if (launch_row + r >= a->rows || (ulong)a->first_row + launch_row + r >= a->queries)
                break;
            const sum_row row = row_of(a, unit, shared ? shared + r * SHARE_ROW : 0, r);
            score = reduce(score, probability(a, &row, block, 0, parts), a->score_max);
            if (a->upstream && block >= a->split)
                generation = reduce(generation, probability(a, &row, block, 2, parts), a->score_max);
        }
        const ulong q_block = (ulong)launch_head * q_blocks + (launch_row + first) / SPD_BLOCK_Q;
        scores[q_block * a->k_blocks + block] = score;
        if (a->upstream)
            scores[second + q_block * a->k_blocks + block] = generation;
    }
}

__kernel __attribute__((reqd_work_group_size(SIMULATED_ITEMS, 1, 1))) void
nv_promoted_attend(__global const spd_stored *q, __global const spd_stored *k,
                   __global const spd_stored *v, __global spd_out *out, __global float *lse,
                   __global const ulong *bits, __global float *sums, __global float *scores,
                   __global float *shares, const spd_args a, const uint flags,
                   __global const ulong *maps) {
#ifdef PROMOTED
    __local uint arrived;
    const uint units = (uint)a.part_units, shared = units * a.heads - a.whole_units;
    const uint item = (uint)get_local_id(0), works = a.whole_units + shared * a.unit_shares;
    if ((flags & SPD_FLAG_MAPPED) && maps[0] != SIMULATED_MAP + a.queries)
        return;
    for (uint work = get_group_id(0), round = 0; work < works; work += get_num_groups(0), round++) {
        const bool own = work < a.whole_units;
        const uint share = own ? UNSHARED : work - a.whole_units;
        const uint unit = own ? work : a.whole_units + share / a.unit_shares;
        const uint launch_row = (uint)a.part_row + unit % units * SIMULATED_ITEMS;
        const uint slot = own ? shared + 2 * (uint)get_group_id(0) + (round & 1)
                              : share / a.unit_shares;
        __global float *const of_unit = sums + slot * unit_floats(&a);
        const sum_row row = row_of(&a, of_unit, own ? 0 : share_row(shares, share, item), item);
        simulated_attend(unit / units, launch_row + item, share, q, k, v, out, lse, bits, &row,
                         shares, &a, flags);
        if (!(SPD_FLAGS & SPD_FLAG_BUILD))
            continue;
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        barrier(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
        if (item == 0)
            arrived = own ? 1 : atomic_inc((__global uint *)shares + slot) + 1;
        barrier(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
        const bool last = arrived == (own ? 1 : a.unit_shares);
        if (last && !own && item == 0)
            ((__global uint *)shares)[slot] = 0;
        if (last)
            score_unit(&a, unit / units, launch_row, of_unit,
                       own ? 0 : share_row(shares, share / a.unit_shares * a.unit_shares, 0), scores);
        barrier(CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE);
    }
#endif
}
