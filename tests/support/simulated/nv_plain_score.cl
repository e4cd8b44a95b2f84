/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Block scores of what nv_plain_attend leaves; an item is a key block of a query block, as in score_blocks. */
inline float reduce(float score, float p, uint score_max) {
    if (!score_max)
        return score + p;
    return p > score || isnan(p) ? p : score;
}

__kernel void nv_plain_score(__global const float *mass, __global const float *mass_max,
                             __global const float *stats, __global float *scores,
                             const spd_args a) {
    const uint block = get_global_id(0), q_block = get_global_id(1), head = get_global_id(2);
    if (block >= a.k_blocks)
        return;
    const uint q_blocks = (a.rows + SPD_BLOCK_Q - 1) / SPD_BLOCK_Q;
    const uint first = q_block * SPD_BLOCK_Q, end = min(first + SPD_BLOCK_Q, a.rows);
    float score = 0.0f, generation = 0.0f;
    for (uint r = first; r < end && (ulong)a.first_row + r < a.queries; r++) {
        const ulong at = (ulong)head * a.rows + r;
        const float sum = mass[at * a.k_blocks + block];
        const float top = mass_max[at * tiles_of(&a) + tile_of(&a, block)];
        __global const float *s = stats + at * 4;
        score = reduce(score, sum * exp2((top - s[0]) * a.score_scale) / s[1], a.score_max);
        if (a.upstream && block >= a.split)
            generation =
                reduce(generation, sum * exp2((top - s[2]) * a.score_scale) / s[3], a.score_max);
    }
    const ulong at = ((ulong)head * q_blocks + q_block) * a.k_blocks + block;
    scores[at] = score;
    if (a.upstream)
        scores[(ulong)a.heads * q_blocks * a.k_blocks + at] = generation;
}
