/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
#include "groups.h"

#include "../src/alloc.h"
#include "../src/error.h"
#include "../src/size.h"

#include <string.h>

/* AMX reads dimensions 16 at a time: 8 that are not there of the last group, 32 keys each. */
enum { READ_BEHIND_BYTES = 8 * 64 };

sparsed_status spd_cpu_groups_create(spd_cpu_kernel *kernel, const spd_problem *problem,
                                     uint64_t *bytes, sparsed_message *message) {
    const sparsed_desc *d = &problem->desc;
    uint64_t group_bytes, head_bytes, all_bytes;
    if (!kernel->level->pairs)
        return SPARSED_OK;
    kernel->group_keys = problem->has_select && problem->select.block_k < 32 ? 16 : 32;
    kernel->group_pairs = (uint32_t)spd_max(kernel->group_keys / 2, kernel->level->group_pairs);
    kernel->head_groups = spd_ceil_div(d->kv_len, kernel->group_keys);
    group_bytes = spd_cpu_group_elements(kernel, d->head_dim) * sizeof(uint16_t);
    if (!spd_mul(kernel->head_groups, group_bytes, &head_bytes) ||
        !spd_mul(head_bytes, (uint64_t)d->batch * d->kv_heads, &all_bytes) ||
        !spd_add(all_bytes, READ_BEHIND_BYTES, &all_bytes))
        return spd_fail(message, SPARSED_E_NOMEM, "v in groups of %u keys has more than 2^64 bytes",
                        kernel->group_keys);
    kernel->v_groups = spd_allocate(&kernel->state->allocator, all_bytes, 1);
    if (!kernel->v_groups)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for v in groups: %llu bytes",
                        (unsigned long long)all_bytes);
    *bytes += all_bytes;
    return SPARSED_OK;
}

uint16_t *spd_cpu_groups_of(const spd_cpu_kernel *kernel, const sparsed_desc *desc, uint64_t batch,
                            uint64_t kv_head) {
    uint64_t head = batch * desc->kv_heads + kv_head;
    return kernel->v_groups +
           head * kernel->head_groups * spd_cpu_group_elements(kernel, desc->head_dim);
}

/* Rows of two keys as pairs; `second` may be missing. */
static void pair_up(const void *first, const void *second, uint32_t dim, uint32_t *pairs) {
    uint16_t a[256], b[256] = {0};
    memcpy(a, first, dim * sizeof *a);
    if (second)
        memcpy(b, second, dim * sizeof *b);
    for (uint32_t d = 0; d < dim; d++)
        pairs[d] = a[d] | (uint32_t)b[d] << 16;
}

void spd_cpu_make_groups(const spd_cpu_kernel *kernel, const spd_rows *v, uint64_t keys,
                         uint32_t dim, uint64_t first, uint64_t end, float *buffer,
                         uint16_t *groups) {
    uint32_t *pairs = (uint32_t *)(void *)buffer, count = kernel->group_pairs;
    for (uint64_t g = first; g < end; g++) {
        uint64_t key = g * kernel->group_keys;
        for (uint32_t i = 0; i < count; i++, key += 2)
            if (key < keys && 2 * i < kernel->group_keys)
                pair_up(spd_row_at(v, key), key + 1 < keys ? spd_row_at(v, key + 1) : NULL, dim,
                        pairs + (uint64_t)i * dim);
            else
                memset(pairs + (uint64_t)i * dim, 0, dim * sizeof *pairs);
        kernel->level->loops->transpose(pairs, (ptrdiff_t)(dim * sizeof *pairs), count, dim,
                                        groups + g * spd_cpu_group_elements(kernel, dim), count);
    }
}
