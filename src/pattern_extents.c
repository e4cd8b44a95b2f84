/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Valid rows of batches: memory, reference count. */
#include "pattern_extents.h"

#include "alloc.h"
#include "size.h"

spd_extents *spd_extents_new(uint32_t batch, const sparsed_allocator *allocator) {
    spd_extents *extents =
        spd_allocate(allocator, 1, sizeof *extents + batch * (uint64_t)sizeof *extents->of);
    if (!extents)
        return NULL;
    atomic_init(&extents->references, 1);
    extents->allocator = *allocator;
    return extents;
}

void spd_extents_set(spd_extents *extents, uint32_t batch, const spd_extent *extent) {
    extents->of[batch] = *extent;
    extents->generation_blocks =
        spd_max(extents->generation_blocks, extent->k_blocks - extent->split);
}

spd_extents *spd_extents_retain(spd_extents *extents) {
    atomic_fetch_add_explicit(&extents->references, 1, memory_order_relaxed);
    return extents;
}

void spd_extents_release(spd_extents *extents) {
    if (!extents || atomic_fetch_sub_explicit(&extents->references, 1, memory_order_acq_rel) != 1)
        return;
    const sparsed_allocator allocator = extents->allocator;
    spd_release(&allocator, extents);
}
