/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * Byte-pair encoding; see bpe.h. The tokens are a linked list over the positions of the piece, the
 * possible merges a binary heap. A merge leaves outdated entries in the heap; they are known by
 * their rank, which the pair at that position no longer has.
 */
#include "bpe.h"

#include <stdlib.h>

#define NONE UINT32_MAX

bool dlm_merges_init(dlm_merges *merges, size_t n) {
    *merges = (dlm_merges){.slot_count = 16};
    while (merges->slot_count / 2 < n) {
        merges->slot_count *= 2;
    }
    merges->slots = malloc(merges->slot_count * sizeof *merges->slots);
    if (!merges->slots) {
        return false;
    }
    for (size_t i = 0; i < merges->slot_count; i++) {
        merges->slots[i].left = NONE;
    }
    return true;
}

void dlm_merges_free(dlm_merges *merges) {
    free(merges->slots);
    *merges = (dlm_merges){0};
}

/* The slot of the pair, or the free one where it would go. */
static dlm_merge *find_slot(const dlm_merges *merges, uint32_t left, uint32_t right) {
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    size_t mask = merges->slot_count - 1;
    size_t slot = (size_t)(hash >> 32) & mask;
    while (merges->slots[slot].left != NONE &&
           (merges->slots[slot].left != left || merges->slots[slot].right != right)) {
        slot = (slot + 1) & mask;
    }
    return &merges->slots[slot];
}

void dlm_merges_put(dlm_merges *merges, dlm_merge merge) {
    *find_slot(merges, merge.left, merge.right) = merge;
}

void dlm_bpe_work_free(dlm_bpe_work *work) {
    free(work->previous);
    free(work->next);
    free(work->heap);
    *work = (dlm_bpe_work){0};
}

/* Each of the n - 1 first pairs is in the heap once, and each merge makes at most two new ones. */
static bool reserve(dlm_bpe_work *work, size_t n) {
    if (n <= work->capacity) {
        return true;
    }
    n = n < 2 * work->capacity ? 2 * work->capacity : n;
    dlm_bpe_work_free(work);
    if (n > SIZE_MAX / (3 * sizeof *work->heap)) {
        return false;
    }
    work->previous = malloc(n * sizeof *work->previous);
    work->next = malloc(n * sizeof *work->next);
    work->heap = malloc(3 * n * sizeof *work->heap);
    if (!work->previous || !work->next || !work->heap) {
        dlm_bpe_work_free(work);
        return false;
    }
    work->capacity = n;
    return true;
}

static void heap_push(dlm_bpe_work *work, uint64_t entry) {
    size_t at = work->heap_size++;
    while (at > 0 && work->heap[(at - 1) / 2] > entry) {
        work->heap[at] = work->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    work->heap[at] = entry;
}

static uint64_t heap_pop(dlm_bpe_work *work) {
    uint64_t top = work->heap[0];
    uint64_t last = work->heap[--work->heap_size];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= work->heap_size) {
            break;
        }
        if (child + 1 < work->heap_size && work->heap[child + 1] < work->heap[child]) {
            child++;
        }
        if (work->heap[child] >= last) {
            break;
        }
        work->heap[at] = work->heap[child];
        at = child;
    }
    work->heap[at] = last;
    return top;
}

/* The merge of the token at a position with the next one; NULL if there is none. */
static const dlm_merge *merge_at(const dlm_merges *merges, const dlm_bpe_work *work,
                                 const uint32_t *ids, uint32_t position) {
    if (ids[position] == NONE || work->next[position] == NONE) {
        return NULL;
    }
    const dlm_merge *merge = find_slot(merges, ids[position], ids[work->next[position]]);
    return merge->left == NONE ? NULL : merge;
}

static void push_merge(const dlm_merges *merges, dlm_bpe_work *work, const uint32_t *ids,
                       uint32_t position) {
    const dlm_merge *merge = merge_at(merges, work, ids, position);
    if (merge) {
        heap_push(work, (uint64_t)merge->rank << 32 | position);
    }
}

static void merge_all(const dlm_merges *merges, dlm_bpe_work *work, uint32_t *ids) {
    while (work->heap_size > 0) {
        uint64_t entry = heap_pop(work);
        uint32_t position = (uint32_t)entry;
        const dlm_merge *merge = merge_at(merges, work, ids, position);
        if (!merge || merge->rank != (uint32_t)(entry >> 32)) {
            continue;
        }
        uint32_t gone = work->next[position];
        ids[position] = merge->result;
        ids[gone] = NONE;
        work->next[position] = work->next[gone];
        if (work->next[gone] != NONE) {
            work->previous[work->next[gone]] = position;
        }
        push_merge(merges, work, ids, position);
        if (work->previous[position] != NONE) {
            push_merge(merges, work, ids, work->previous[position]);
        }
    }
}

bool dlm_bpe_merge(const dlm_merges *merges, dlm_bpe_work *work, uint32_t *ids, size_t *count) {
    size_t n = *count;
    if (n < 2) {
        return true;
    }
    if (!reserve(work, n)) {
        return false;
    }
    work->heap_size = 0;
    for (size_t i = 0; i < n; i++) {
        work->previous[i] = i == 0 ? NONE : (uint32_t)(i - 1);
        work->next[i] = i + 1 == n ? NONE : (uint32_t)(i + 1);
    }
    for (size_t i = 0; i + 1 < n; i++) {
        push_merge(merges, work, ids, (uint32_t)i);
    }
    merge_all(merges, work, ids);
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] != NONE) {
            ids[left++] = ids[i];
        }
    }
    *count = left;
    return true;
}
