/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Block scores of what nv_plain_attend leaves; an item is a key block of a query block, as in score_blocks. */
__kernel void nv_plain_score(__global float *mass, __global float *mass_max, __global float *stats,
                             __global float *scores, const spd_args a) {
    const uint block = get_global_id(0), q_block = get_global_id(1), head = get_global_id(2);
    if (block >= a.k_blocks)
        return;
    const uint q_blocks = (a.rows + SPD_BLOCK_Q - 1) / SPD_BLOCK_Q;
    const uint first = q_block * SPD_BLOCK_Q, end = min(first + SPD_BLOCK_Q, a.rows);
    float score = 0.0f, generation = 0.0f;
    for (uint r = first; r < end && (ulong)a.first_row + r < a.queries; r++) {
        const sum_row row = plain_row(&a, mass, mass_max, stats, head, r);
        score = reduce(score, probability(&a, &row, block, 0, 1), a.score_max);
        if (a.upstream && block >= a.split)
            generation = reduce(generation, probability(&a, &row, block, 2, 1), a.score_max);
    }
    const ulong at = ((ulong)head * q_blocks + q_block) * a.k_blocks + block;
    scores[at] = score;
    if (a.upstream)
        scores[(ulong)a.heads * q_blocks * a.k_blocks + at] = generation;
}
