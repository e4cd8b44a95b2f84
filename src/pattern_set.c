/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* Sets of patterns: memory, reference count, and what they say of themselves. */
#include "pattern_set.h"

#include "alloc.h"
#include "error.h"
#include "pattern_decode.h"
#include "pattern_file.h"
#include "size.h"

#include <string.h>

/* ---- memory ------------------------------------------------------------------------------- */

sparsed_pattern_set *spd_set_new(const sparsed_allocator *allocator) {
    const sparsed_allocator libc = spd_default_allocator();
    if (!allocator)
        allocator = &libc;
    sparsed_pattern_set *set = spd_allocate(allocator, 1, sizeof *set);
    if (!set)
        return NULL;
    atomic_init(&set->references, 1);
    set->allocator = *allocator;
    set->info = (sparsed_pattern_set_info){.struct_size = sizeof set->info};
    set->shared = (sparsed_pattern_info){.struct_size = sizeof set->shared};
    if (spd_set_text(set, &set->info.schedule, "", 0) &&
        spd_set_text(set, &set->info.creator, "", 0) && spd_set_text(set, &set->info.tag, "", 0))
        return set;
    sparsed_pattern_set_release(set);
    return NULL;
}

bool spd_set_allocate_entries(sparsed_pattern_set *set, uint64_t count) {
    set->entries = spd_allocate(&set->allocator, count, sizeof *set->entries);
    if (!set->entries)
        return false;
    set->info.patterns = (uint32_t)count;
    return true;
}

bool spd_set_text(const sparsed_pattern_set *set, const char **to, const void *text,
                  uint64_t size_bytes) {
    char *copy = spd_allocate(&set->allocator, size_bytes + 1, 1);
    if (!copy)
        return false;
    memcpy(copy, text, (size_t)size_bytes);
    spd_release(&set->allocator, (void *)*to);
    *to = copy;
    return true;
}

sparsed_pattern_set *sparsed_pattern_set_retain(sparsed_pattern_set *set) {
    if (set)
        atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void sparsed_pattern_set_release(sparsed_pattern_set *set) {
    if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    const sparsed_allocator allocator = set->allocator;
    for (uint32_t i = 0; i < set->info.patterns; i++)
        sparsed_pattern_release(set->entries[i].pattern);
    spd_release(&allocator, set->entries);
    spd_release(&allocator, set->verified);
    spd_extents_release(set->extents);
    spd_release(&allocator, (void *)set->info.schedule);
    spd_release(&allocator, (void *)set->info.creator);
    spd_release(&allocator, (void *)set->info.tag);
    spd_file_map_release(set->map);
    spd_release(&allocator, set);
}

/* ---- what may be said --------------------------------------------------------------------- */

/* Bytes of the UTF-8 character that begins at text, of which `left` bytes are there; 0 if it is
 * none, or a zero. */
static uint64_t character_bytes(const unsigned char *text, uint64_t left) {
    static const struct {
        unsigned char first, last;      /* of the first byte */
        unsigned char second_low, high; /* of the second one */
        uint64_t bytes;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (text[0] < forms[i].first || text[0] > forms[i].last)
            continue;
        if (left < forms[i].bytes)
            return 0;
        if (forms[i].bytes > 1 && (text[1] < forms[i].second_low || text[1] > forms[i].high))
            return 0;
        for (uint64_t b = 2; b < forms[i].bytes; b++)
            if ((text[b] & 0xc0) != 0x80)
                return 0;
        return forms[i].bytes;
    }
    return 0;
}

bool spd_text_fits(const void *text, uint64_t size_bytes) {
    const unsigned char *bytes = text;
    if (size_bytes > SPD_TEXT_LIMIT)
        return false;
    for (uint64_t at = 0, step; at < size_bytes; at += step) {
        step = character_bytes(bytes + at, size_bytes - at);
        if (step == 0)
            return false;
    }
    return true;
}

bool spd_ratio_fits(uint32_t mode, double ratio) {
    return (ratio > 0.0 && ratio <= 1.0) || (ratio == 0.0 && !spd_mode_is_scored(mode));
}

/* ---- reading ------------------------------------------------------------------------------ */

bool spd_set_is_complete(const sparsed_pattern_set *set) {
    const uint32_t layers = set->info.model_layers;
    uint32_t of_step = 0;
    for (uint32_t i = 0; i < set->info.patterns && layers != 0; i++) {
        of_step++;
        bool ends = i + 1 == set->info.patterns || set->entries[i + 1].step != set->entries[i].step;
        if (ends && of_step != layers)
            return false;
        of_step = ends ? 0 : of_step;
    }
    return true;
}

sparsed_pattern_info spd_set_pattern_info(const sparsed_pattern_set *set,
                                          const spd_set_entry *entry, bool head_ratios) {
    sparsed_pattern_info info = set->shared;
    info.step = entry->step;
    info.ratio = entry->ratio;
    info.kept_blocks = entry->kept_blocks;
    info.score_dtype = entry->score_dtype;
    info.pattern_flags = SPARSED_PATTERN_Q_START;
    if (head_ratios)
        info.pattern_flags |= SPARSED_PATTERN_HEAD_RATIOS;
    return info;
}

static bool has_head_ratios(const spd_set_entry *entry) {
    return entry->pattern ? entry->pattern->ratios != NULL : entry->parts[SPD_RATIOS].size != 0;
}

sparsed_status sparsed_pattern_set_describe(const sparsed_pattern_set *set,
                                            sparsed_pattern_set_info *info,
                                            sparsed_pattern_info *shared) {
    sparsed_status status = SPARSED_OK;
    if (!set)
        return SPARSED_E_INVALID;
    sparsed_pattern_set_info known = set->info;
    known.ratio = set->shared.ratio;
    if (info)
        status = spd_copy_struct_out(info, &known, sizeof known, "info", NULL);
    if (shared && status == SPARSED_OK) {
        const spd_set_entry *first = &set->entries[0];
        sparsed_pattern_info common = spd_set_pattern_info(set, first, has_head_ratios(first));
        common.step = common.score_dtype = 0;
        common.kept_blocks = 0;
        status = spd_copy_struct_out(shared, &common, sizeof common, "shared", NULL);
    }
    return status;
}

sparsed_status sparsed_pattern_set_entry(const sparsed_pattern_set *set, uint32_t index,
                                         sparsed_pattern_entry *entry) {
    if (!set || index >= set->info.patterns)
        return SPARSED_E_INVALID;
    const spd_set_entry *e = &set->entries[index];
    const sparsed_pattern_entry known = {.struct_size = sizeof known,
                                         .layer = e->layer,
                                         .step = e->step,
                                         .score_dtype = e->score_dtype,
                                         .kept_blocks = e->kept_blocks,
                                         .ratio = e->ratio};
    return spd_copy_struct_out(entry, &known, sizeof known, "entry", NULL);
}

sparsed_status sparsed_pattern_set_get(const sparsed_pattern_set *set, uint32_t index,
                                       sparsed_pattern **pattern, sparsed_message *message) {
    spd_message_clear(message);
    if (!pattern)
        return spd_fail(message, SPARSED_E_INVALID, "pattern is NULL");
    *pattern = NULL;
    if (!set)
        return spd_fail(message, SPARSED_E_INVALID, "set is NULL");
    if (index >= set->info.patterns)
        return spd_fail(message, SPARSED_E_INVALID, "index is %u; the set holds %u patterns", index,
                        set->info.patterns);
    if (set->map)
        return spd_decode_pattern(&set->map->source, set, index, pattern, message);
    *pattern = sparsed_pattern_retain(set->entries[index].pattern);
    return SPARSED_OK;
}

sparsed_status sparsed_pattern_set_find(const sparsed_pattern_set *set, uint32_t step,
                                        uint32_t layer, uint32_t *index, sparsed_message *message) {
    spd_message_clear(message);
    if (!set || !index)
        return spd_fail(message, SPARSED_E_INVALID, "%s is NULL", set ? "index" : "set");
    const spd_set_entry *entries = set->entries;
    uint32_t low = 0, high = set->info.patterns;
    const uint32_t first = entries[0].step, last = entries[high - 1].step;
    if (step == SPARSED_ANY_STEP && first != last)
        return spd_fail(message, SPARSED_E_MISMATCH,
                        "step: the set holds several, from %u to %u: one must be named", first,
                        last);
    if (step == SPARSED_ANY_STEP)
        step = first;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const spd_set_entry *e = &entries[middle];
        if (e->step < step || (e->step == step && e->layer < layer))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == set->info.patterns || entries[low].step != step || entries[low].layer != layer)
        return spd_fail(message, SPARSED_E_MISMATCH, "the set holds no layer %u of step %u", layer,
                        step);
    *index = low;
    return SPARSED_OK;
}
