/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The data sections of a pattern file: bits, ratios, scores. */
#include "pattern_decode.h"

#include "alloc.h"
#include "error.h"
#include "pattern_file.h"

#include <stdio.h>

/* One section: found right, or known to be, which only happens in a mapping. NULL if absent. */
static sparsed_status read_part(const spd_source *source, const sparsed_pattern_set *set,
                                const spd_set_entry *entry, int part, bool is_known,
                                const void **data, sparsed_message *message) {
    static const char *const names[SPD_PARTS] = {"bits", "ratios", "scores", "generation scores"};
    const spd_section *section = &entry->parts[part];
    const unsigned char *bytes = NULL;
    sparsed_status status = SPARSED_OK;
    char what[96];
    if (is_known) {
        bytes = section->size == 0 ? NULL : source->bytes + section->offset;
    } else {
        snprintf(what, sizeof what, "%s section of layer %u, step %u", names[part], entry->layer,
                 entry->step);
        status = spd_section_read(source, section, what, &set->allocator, &bytes, message);
    }
    *data = bytes;
    return status;
}

static sparsed_status read_parts(const spd_source *source, const sparsed_pattern_set *set,
                                 const spd_set_entry *entry, bool is_known, sparsed_pattern *p,
                                 sparsed_message *message) {
    const void *data[SPD_PARTS] = {NULL, NULL, NULL, NULL};
    sparsed_status status = SPARSED_OK;
    for (int part = 0; part < SPD_PARTS && status == SPARSED_OK; part++)
        status = read_part(source, set, entry, part, is_known, &data[part], message);
    p->bits = data[SPD_BITS];
    p->ratios = data[SPD_RATIOS];
    p->scores = data[SPD_SCORES];
    p->generation_scores = data[SPD_GENERATION_SCORES];
    return status;
}

/* Where no batch has a key there is no generation scores section, but the pattern has such scores,
 * all none of them, as one has that was built so. */
static sparsed_status stand_in(const spd_source *source, const sparsed_pattern_set *set,
                               sparsed_pattern *p, sparsed_message *message) {
    if (!p->scores || p->generation_scores || !spd_mode_is_upstream(p->info.mode))
        return SPARSED_OK;
    p->generation_scores = source->map ? p->scores : spd_allocate(&set->allocator, 0, 1);
    return p->generation_scores
               ? SPARSED_OK
               : spd_fail(message, SPARSED_E_NOMEM, "%s: no memory for a pattern", source->name);
}

/* What the sections say, against the table and each other. */
static sparsed_status check_content(const spd_source *source, const spd_set_entry *entry,
                                    sparsed_pattern *p, sparsed_message *message) {
    if (!spd_pattern_bits_fit(p))
        return spd_source_fail(source, message, SPARSED_E_FORMAT, entry->parts[SPD_BITS].offset,
                               "the bits of layer %u, step %u keep blocks past a batch's own",
                               entry->layer, entry->step);
    spd_pattern_count(p);
    if (p->info.kept_blocks != entry->kept_blocks)
        return spd_source_fail(
            source, message, SPARSED_E_FORMAT, entry->parts[SPD_BITS].offset,
            "the bits of layer %u, step %u keep %llu blocks; the table says %llu", entry->layer,
            entry->step, (unsigned long long)p->info.kept_blocks,
            (unsigned long long)entry->kept_blocks);
    for (uint32_t h = 0; p->ratios && h < p->info.heads; h++)
        if (!(p->ratios[h] > 0.0 && p->ratios[h] <= 1.0))
            return spd_source_fail(source, message, SPARSED_E_FORMAT,
                                   entry->parts[SPD_RATIOS].offset + 8 * (uint64_t)h,
                                   "the ratio of layer %u, step %u, head %u is %g, not in (0, 1]",
                                   entry->layer, entry->step, h, p->ratios[h]);
    return SPARSED_OK;
}

sparsed_status spd_decode_pattern(const spd_source *source, const sparsed_pattern_set *set,
                                  uint32_t index, sparsed_pattern **pattern,
                                  sparsed_message *message) {
    const spd_set_entry *entry = &set->entries[index];
    const bool is_known =
        set->verified && atomic_load_explicit(&set->verified[index], memory_order_acquire);
    const sparsed_pattern_info info =
        spd_set_pattern_info(set, entry, entry->parts[SPD_RATIOS].size != 0);
    sparsed_pattern *p = NULL;
    *pattern = NULL;
    sparsed_status status =
        spd_pattern_create_shared(&info, set->extents, false, &set->allocator, &p, message);
    if (status != SPARSED_OK)
        return status;
    p->map = spd_file_map_retain(source->map);
    status = read_parts(source, set, entry, is_known, p, message);
    if (status == SPARSED_OK)
        status = stand_in(source, set, p, message);
    if (status == SPARSED_OK && !is_known)
        status = check_content(source, entry, p, message);
    if (status != SPARSED_OK) {
        sparsed_pattern_release(p);
        return status;
    }
    if (set->verified)
        atomic_store_explicit(&set->verified[index], true, memory_order_release);
    *pattern = p;
    return SPARSED_OK;
}
