/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * V for levels that multiply pairs: groups of 32 keys (16 where blocks are that small), each
 * transposed to [head_dim][group_pairs], from the first valid key on, zeros behind the last. Made
 * once a launch and read by all query blocks.
 */
#ifndef SPD_CPU_GROUPS_H
#define SPD_CPU_GROUPS_H

#include "kernel.h"

/* Allocates room for the plan's v, if the level needs it; adds its size to *bytes. */
sparsed_status spd_cpu_groups_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                     uint64_t *bytes, sparsed_message *message);

/* Elements of a group. */
static inline uint64_t spd_cpu_group_elements(const spd_cpu_kernel *kernel, uint32_t dim) {
    return 2 * (uint64_t)kernel->group_pairs * dim;
}

/* Where the groups of a key head begin. */
uint16_t *spd_cpu_groups_of(const spd_cpu_kernel *kernel, const sparsed_desc *desc, uint64_t batch,
                            uint64_t kv_head);

/* Makes the groups [first, end) of a key head, whose rows from the first valid key on are `v`. */
void spd_cpu_make_groups(const spd_cpu_kernel *kernel, const spd_rows *v, uint64_t keys,
                         uint32_t dim, uint64_t first, uint64_t end, float *buffer,
                         uint16_t *groups);

#endif
