/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The table of a pattern file: what it says of each pattern, and where the data lie. */
#include "pattern_decode.h"

#include "error.h"
#include "little_endian.h"
#include "size.h"

#include <stdio.h>

static const char *const part_names[SPD_PARTS] = {"bits section", "ratios section",
                                                  "scores section", "generation scores section"};

/* Facts of all records, for the header's flags. */
typedef struct table_facts {
    bool scores, partial;
    uint64_t of_step; /* records of the step so far */
} table_facts;

/* Some of the layers that there can be. */
typedef struct layer_set {
    uint64_t words[SPD_MAX_LAYERS / 64];
} layer_set;

static bool layer_is_in(const layer_set *layers, uint32_t layer) {
    return (layers->words[layer / 64] >> layer % 64 & 1) != 0;
}

static void layer_add(layer_set *layers, uint32_t layer) {
    layers->words[layer / 64] |= (uint64_t)1 << layer % 64;
}

/* The sizes that the sections have under the set's shape: ratios if there are any; false if one is
 * larger than any file. */
static bool part_sizes(const sparsed_pattern_set *set, uint32_t score_dtype,
                       uint64_t sizes[SPD_PARTS]) {
    const sparsed_pattern_info *s = &set->shared;
    uint64_t rows, element = spd_score_bytes(score_dtype);
    uint64_t generation = spd_mode_is_upstream(s->mode) ? set->extents->generation_blocks : 0;
    sizes[SPD_RATIOS] = (uint64_t)s->heads * 8;
    return spd_mul((uint64_t)s->batch * s->heads, s->q_blocks, &rows) &&
           spd_mul(rows, spd_ceil_div(s->k_blocks, 64) * 8, &sizes[SPD_BITS]) &&
           spd_mul(rows, s->k_blocks * element, &sizes[SPD_SCORES]) &&
           spd_mul(rows, generation * element, &sizes[SPD_GENERATION_SCORES]);
}

static sparsed_status check_parts(const spd_source *source, const sparsed_pattern_set *set,
                                  uint64_t at, const unsigned char *record, uint64_t *next,
                                  sparsed_message *message) {
    uint64_t sizes[SPD_PARTS];
    char field[96];
    if (!part_sizes(set, spd_get_u32(record + SPD_RECORD_SCORE_TYPE), sizes))
        return spd_source_fail(source, message, SPARSED_E_FORMAT, at,
                               "a pattern of this shape has more than 2^64 bytes");
    for (int part = 0; part < SPD_PARTS; part++) {
        const uint64_t offset = SPD_RECORD_SECTIONS + (uint64_t)part * SPD_SECTION_BYTES;
        uint64_t size = spd_get_u64(record + offset + 8);
        spd_section section;
        snprintf(field, sizeof field, "the size of the %s of layer %llu", part_names[part],
                 (unsigned long long)spd_get_u64(record + SPD_RECORD_LAYER));
        sparsed_status status = SPARSED_OK;
        if (part != SPD_RATIOS || size != 0)
            status = spd_decode_range(source, field, at + offset + 8, size, sizes[part],
                                      sizes[part], message);
        if (status == SPARSED_OK) {
            snprintf(field, sizeof field, "the %s of layer %llu", part_names[part],
                     (unsigned long long)spd_get_u64(record + SPD_RECORD_LAYER));
            status = spd_decode_section(source, field, at + offset, record + offset, next, &section,
                                        message);
        }
        if (status != SPARSED_OK)
            return status;
    }
    return SPARSED_OK;
}

/* A record's numbers. at: its place in the file. */
static sparsed_status check_numbers(const spd_source *source, const sparsed_pattern_set *set,
                                    uint64_t at, const unsigned char *record,
                                    sparsed_message *message) {
    const sparsed_pattern_info *s = &set->shared;
    uint64_t layers = set->info.model_layers ? set->info.model_layers : SPD_MAX_LAYERS;
    uint64_t blocks = UINT64_MAX, rows;
    if (spd_mul((uint64_t)s->batch * s->heads, s->q_blocks, &rows) &&
        !spd_mul(rows, s->k_blocks, &blocks))
        blocks = UINT64_MAX;
    uint32_t last_type = spd_mode_is_scored(s->mode) ? SPARSED_F16 : 0;
    double ratio = spd_get_f64(record + SPD_RECORD_RATIO);
    sparsed_status status =
        spd_decode_range(source, "layer", at + SPD_RECORD_LAYER,
                         spd_get_u64(record + SPD_RECORD_LAYER), 0, layers - 1, message);
    if (status == SPARSED_OK)
        status =
            spd_decode_range(source, "step", at + SPD_RECORD_STEP,
                             spd_get_u64(record + SPD_RECORD_STEP), 0, SPD_MAX_STEPS - 1, message);
    if (status == SPARSED_OK)
        status = spd_decode_range(source, "kept blocks", at + SPD_RECORD_KEPT,
                                  spd_get_u64(record + SPD_RECORD_KEPT), 0, blocks, message);
    if (status == SPARSED_OK && !spd_ratio_fits(s->mode, ratio))
        status = spd_source_fail(source, message, SPARSED_E_FORMAT, at + SPD_RECORD_RATIO,
                                 "ratio is %g, not in (0, 1]", ratio);
    if (status == SPARSED_OK)
        status =
            spd_decode_range(source, "type of the scores", at + SPD_RECORD_SCORE_TYPE,
                             spd_get_u32(record + SPD_RECORD_SCORE_TYPE), 0, last_type, message);
    if (status == SPARSED_OK)
        status = spd_decode_zeros(source, "the reserved part of a table record",
                                  at + SPD_RECORD_RESERVED_WORD, record + SPD_RECORD_RESERVED_WORD,
                                  4, message);
    if (status == SPARSED_OK)
        status = spd_decode_zeros(source, "the reserved part of a table record",
                                  at + SPD_RECORD_RESERVED, record + SPD_RECORD_RESERVED,
                                  SPD_RECORD_BYTES - SPD_RECORD_RESERVED, message);
    return status;
}

/* Records rise by step, then layer; a new step ends the count of the one before. */
static sparsed_status check_order(const spd_source *source, const sparsed_pattern_set *set,
                                  uint64_t at, const unsigned char *record, bool is_first,
                                  table_facts *facts, sparsed_message *message) {
    uint64_t layer = spd_get_u64(record + SPD_RECORD_LAYER);
    uint64_t step = spd_get_u64(record + SPD_RECORD_STEP);
    facts->scores = facts->scores || spd_get_u32(record + SPD_RECORD_SCORE_TYPE) != 0;
    if (!is_first) {
        uint64_t layer_before = spd_get_u64(record - SPD_RECORD_BYTES + SPD_RECORD_LAYER);
        uint64_t step_before = spd_get_u64(record - SPD_RECORD_BYTES + SPD_RECORD_STEP);
        if (step < step_before || (step == step_before && layer <= layer_before))
            return spd_source_fail(source, message, SPARSED_E_FORMAT, at,
                                   "step %llu, layer %llu follows step %llu, layer %llu: the table "
                                   "does not rise",
                                   (unsigned long long)step, (unsigned long long)layer,
                                   (unsigned long long)step_before,
                                   (unsigned long long)layer_before);
        if (step != step_before) {
            facts->partial = facts->partial || facts->of_step != set->info.model_layers;
            facts->of_step = 0;
        }
    }
    facts->of_step++;
    return SPARSED_OK;
}

static sparsed_status check_flags(const spd_source *source, const spd_file_header *header,
                                  const sparsed_pattern_set *set, table_facts *facts,
                                  sparsed_message *message) {
    bool partial = facts->partial || facts->of_step != set->info.model_layers;
    bool says_scores = (header->may_flags & SPD_MAY_SCORES) != 0;
    bool says_partial = (header->may_flags & SPD_MAY_PARTIAL) != 0;
    partial = partial && set->info.model_layers != 0;
    if (says_scores != facts->scores)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, SPD_HEADER_MAY_FLAGS,
                               "may flag `scores` is %d, but the table says %d", says_scores,
                               facts->scores);
    if (says_partial != partial)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, SPD_HEADER_MAY_FLAGS,
                               "may flag `partial` is %d, but the table says %d", says_partial,
                               partial);
    return SPARSED_OK;
}

/* Checks all records, and that their sections end with the file. */
static sparsed_status check_table(const spd_source *source, const spd_file_header *header,
                                  const unsigned char *bytes, const sparsed_pattern_set *set,
                                  sparsed_message *message) {
    table_facts facts = {false, false, 0};
    uint64_t next = header->data_offset;
    for (uint64_t i = 0; i < header->patterns; i++) {
        const unsigned char *record = bytes + i * SPD_RECORD_BYTES;
        uint64_t at = header->table.offset + i * SPD_RECORD_BYTES;
        sparsed_status status = check_numbers(source, set, at, record, message);
        if (status == SPARSED_OK)
            status = check_order(source, set, at, record, i == 0, &facts, message);
        if (status == SPARSED_OK)
            status = check_parts(source, set, at, record, &next, message);
        if (status != SPARSED_OK)
            return status;
    }
    if (next != source->size)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, next,
                               "the last section ends here, but the file has %llu bytes",
                               (unsigned long long)source->size);
    return check_flags(source, header, set, &facts, message);
}

static spd_set_entry take_entry(const unsigned char *record) {
    spd_set_entry entry = {.layer = (uint32_t)spd_get_u64(record + SPD_RECORD_LAYER),
                           .step = (uint32_t)spd_get_u64(record + SPD_RECORD_STEP),
                           .score_dtype = spd_get_u32(record + SPD_RECORD_SCORE_TYPE),
                           .kept_blocks = spd_get_u64(record + SPD_RECORD_KEPT),
                           .ratio = spd_get_f64(record + SPD_RECORD_RATIO)};
    for (size_t part = 0; part < SPD_PARTS; part++) {
        const unsigned char *p = record + SPD_RECORD_SECTIONS + part * SPD_SECTION_BYTES;
        entry.parts[part] = (spd_section){spd_get_u64(p), spd_get_u64(p + 8), spd_get_u64(p + 16)};
    }
    return entry;
}

static sparsed_status check_wanted(const spd_source *source, const layer_set *there,
                                   const uint32_t *layers, uint32_t layer_count,
                                   sparsed_message *message) {
    for (uint32_t i = 0; i < layer_count; i++)
        if (!layer_is_in(there, layers[i]))
            return spd_fail(message, SPARSED_E_MISMATCH, "%s: holds no layer %u", source->name,
                            layers[i]);
    return SPARSED_OK;
}

sparsed_status spd_decode_table(const spd_source *source, const spd_file_header *header,
                                const unsigned char *bytes, const uint32_t *layers,
                                uint32_t layer_count, sparsed_pattern_set *set,
                                sparsed_message *message) {
    layer_set wanted = {{0}}, there = {{0}};
    uint64_t count = 0;
    sparsed_status status = check_table(source, header, bytes, set, message);
    if (status != SPARSED_OK)
        return status;
    for (uint32_t i = 0; i < layer_count; i++)
        layer_add(&wanted, layers[i]);
    for (uint64_t i = 0; i < header->patterns; i++) {
        uint32_t layer = (uint32_t)spd_get_u64(bytes + i * SPD_RECORD_BYTES + SPD_RECORD_LAYER);
        layer_add(&there, layer);
        count += layer_count == 0 || layer_is_in(&wanted, layer);
    }
    status = check_wanted(source, &there, layers, layer_count, message);
    if (status != SPARSED_OK)
        return status;
    if (!spd_set_allocate_entries(set, count))
        return spd_source_fail(source, message, SPARSED_E_NOMEM, header->table.offset,
                               "no memory for an index of %llu patterns",
                               (unsigned long long)count);
    for (uint64_t i = 0, into = 0; i < header->patterns; i++) {
        spd_set_entry entry = take_entry(bytes + i * SPD_RECORD_BYTES);
        if (layer_count == 0 || layer_is_in(&wanted, entry.layer))
            set->entries[into++] = entry;
    }
    return SPARSED_OK;
}
