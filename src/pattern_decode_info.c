/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The info section of a pattern file: tagged records. */
#include "pattern_decode.h"

#include "little_endian.h"
#include "size.h"

#include <math.h>

/* The section, and the record that is being read. */
typedef struct info_reader {
    const spd_source *source;
    const spd_file_header *header;
    sparsed_pattern_set *set;
    sparsed_message *message;
    const unsigned char *bytes; /* the payload */
    uint64_t offset, size;      /* its place in the file; its bytes */
    const char *name;           /* the record's */
} info_reader;

static sparsed_status check(const info_reader *r, const char *field, uint64_t at, uint64_t value,
                            uint64_t low, uint64_t high) {
    return spd_decode_range(r->source, field, r->offset + at, value, low, high, r->message);
}

static sparsed_status bad_number(const info_reader *r, const char *field, uint64_t at, double value,
                                 const char *wanted) {
    return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, r->offset + at,
                           "%s is %g, not %s", field, value, wanted);
}

static sparsed_status take_selection(info_reader *r) {
    sparsed_pattern_info *s = &r->set->shared;
    const unsigned char *p = r->bytes;
    s->mode = spd_get_u32(p);
    s->score_reduce = spd_get_u32(p + 4);
    s->flags = spd_get_u32(p + 8);
    s->always_first = spd_get_u32(p + 12);
    s->ratio = spd_get_f64(p + 16);
    s->score_scale = spd_get_f64(p + 24);
    s->window = spd_get_u64(p + 32);
    s->sinks = spd_get_u64(p + 40);
    bool fixed = spd_mode_is_fixed(s->mode), streams = s->mode == SPARSED_MODE_STREAMING;
    const uint32_t known = SPARSED_SELECT_DENSE_GENERATION_ROWS | SPARSED_SELECT_KEEP_DIAGONAL |
                           SPARSED_SELECT_KEEP_GENERATION;
    sparsed_status status = check(r, "mode", 0, s->mode, 0, SPARSED_MODE_STREAMING);
    if (status == SPARSED_OK)
        status = check(r, "score_reduce", 4, s->score_reduce, 0, SPARSED_REDUCE_MAX);
    if (status == SPARSED_OK)
        status = check(r, "flags", 8, s->flags, 0, known);
    if (status == SPARSED_OK && !spd_ratio_fits(s->mode, s->ratio))
        status = bad_number(r, "ratio", 16, s->ratio, "in (0, 1]");
    if (status == SPARSED_OK && !(s->score_scale >= 0.0 && isfinite(s->score_scale)))
        status = bad_number(r, "score_scale", 24, s->score_scale, "finite and not negative");
    if (status == SPARSED_OK)
        status = check(r, "window", 32, s->window, 0, fixed ? UINT64_MAX : 0);
    if (status == SPARSED_OK)
        status = check(r, "sinks", 40, s->sinks, 0, streams ? UINT64_MAX : 0);
    if (status == SPARSED_OK && fixed != ((r->header->must_flags & SPD_MUST_FIXED) != 0))
        status = spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, SPD_HEADER_MUST_FLAGS,
                                 "must flag `fixed` is %d, but the mode is %u", !fixed, s->mode);
    return status;
}

static sparsed_status take_batch(info_reader *r, uint32_t batch) {
    const sparsed_pattern_info *s = &r->set->shared;
    uint64_t at = (uint64_t)batch * SPD_BATCH_BYTES;
    const unsigned char *p = r->bytes + at;
    spd_extent e = {.key_start = spd_get_u64(p),
                    .keys = spd_get_u64(p + 8),
                    .query_start = spd_get_u64(p + 16),
                    .queries = spd_get_u64(p + 24),
                    .query_position = spd_get_u64(p + 32)};
    sparsed_status status = check(r, "key_start", at, e.key_start, 0, s->kv_len);
    if (status == SPARSED_OK)
        status = check(r, "keys", at + 8, e.keys, 0, s->kv_len - e.key_start);
    if (status == SPARSED_OK)
        status = check(r, "query_start", at + 16, e.query_start, 0, s->q_len);
    if (status == SPARSED_OK)
        status =
            check(r, "queries", at + 24, e.queries, 0, spd_min(s->q_len - e.query_start, e.keys));
    if (status == SPARSED_OK)
        status = check(r, "query_position", at + 32, e.query_position, 0, e.keys - e.queries);
    if (status != SPARSED_OK)
        return status;
    spd_pattern_derive_extent(s, &e);
    status = check(r, "k_blocks", at + 40, spd_get_u64(p + 40), e.k_blocks, e.k_blocks);
    if (status == SPARSED_OK)
        status = check(r, "split", at + 48, spd_get_u64(p + 48), e.split, e.split);
    spd_extents_set(r->set->extents, batch, &e);
    return status;
}

static sparsed_status take_batches(info_reader *r) {
    sparsed_status status = SPARSED_OK;
    r->set->extents = spd_extents_new(r->set->shared.batch, &r->set->allocator);
    if (!r->set->extents)
        return spd_source_fail(r->source, r->message, SPARSED_E_NOMEM, r->offset,
                               "no memory for %u batches", r->set->shared.batch);
    for (uint32_t b = 0; b < r->set->shared.batch && status == SPARSED_OK; b++)
        status = take_batch(r, b);
    return status;
}

static sparsed_status take_attention(info_reader *r) {
    sparsed_pattern_info *s = &r->set->shared;
    s->dtype = spd_get_u32(r->bytes);
    s->head_dim = spd_get_u32(r->bytes + 4);
    s->kv_heads = spd_get_u32(r->bytes + 8);
    s->score_heads = spd_get_u32(r->bytes + 12);
    sparsed_status status = check(r, "dtype", 0, s->dtype, 0, SPARSED_BF16);
    if (status == SPARSED_OK)
        status = check(r, "head_dim", 4, s->head_dim, 0, 256);
    if (status == SPARSED_OK && s->head_dim % 8 != 0)
        status = spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, r->offset + 4,
                                 "head_dim is %u, not a multiple of 8", s->head_dim);
    if (status == SPARSED_OK && s->kv_heads != 0 && s->heads % s->kv_heads != 0)
        status = spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, r->offset + 8,
                                 "kv_heads is %u, which does not divide heads %u", s->kv_heads,
                                 s->heads);
    if (status == SPARSED_OK)
        status = spd_decode_zeros(r->source, "the reserved part of the attention record",
                                  r->offset + 16, r->bytes + 16, 8, r->message);
    return status;
}

static sparsed_status take_run(info_reader *r) {
    sparsed_pattern_set_info *info = &r->set->info;
    info->steps = spd_get_u32(r->bytes);
    info->skip = spd_get_f64(r->bytes + 8);
    sparsed_status status = check(r, "steps", 0, info->steps, 0, SPD_MAX_STEPS);
    if (status == SPARSED_OK)
        status = spd_decode_zeros(r->source, "the reserved part of the run record", r->offset + 4,
                                  r->bytes + 4, 4, r->message);
    if (status == SPARSED_OK && !(info->skip >= 0.0 && info->skip <= 1.0))
        status = bad_number(r, "skip", 8, info->skip, "in [0, 1]");
    return status;
}

static sparsed_status take_text(info_reader *r, const char **text) {
    if (!spd_text_fits(r->bytes, r->size))
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, r->offset,
                               "the %s is not a text: UTF-8 without zeros, at most %d bytes",
                               r->name, SPD_TEXT_LIMIT);
    if (!spd_set_text(r->set, text, r->bytes, r->size))
        return spd_source_fail(r->source, r->message, SPARSED_E_NOMEM, r->offset,
                               "no memory for the %s", r->name);
    return SPARSED_OK;
}

static sparsed_status take_schedule(info_reader *r) {
    return take_text(r, &r->set->info.schedule);
}

static sparsed_status take_creator(info_reader *r) {
    return take_text(r, &r->set->info.creator);
}

static sparsed_status take_tag(info_reader *r) {
    return take_text(r, &r->set->info.tag);
}

static sparsed_status take_model(info_reader *r) {
    r->set->info.model = (sparsed_fingerprint){spd_get_u64(r->bytes), spd_get_u64(r->bytes + 8)};
    return SPARSED_OK;
}

static sparsed_status take_prompt(info_reader *r) {
    r->set->info.prompt = (sparsed_fingerprint){spd_get_u64(r->bytes), spd_get_u64(r->bytes + 8)};
    return SPARSED_OK;
}

typedef struct info_kind {
    uint32_t tag, flags;
    uint64_t size; /* of the payload; 0 = a text, or one for each batch */
    const char *name;
    sparsed_status (*take)(info_reader *r);
} info_kind;

static const info_kind kinds[] = {
    {SPD_TAG_SELECTION, SPD_INFO_MUST, SPD_SELECTION_BYTES, "selection", take_selection},
    {SPD_TAG_BATCHES, SPD_INFO_MUST, 0, "batches", take_batches},
    {SPD_TAG_ATTENTION, 0, SPD_ATTENTION_BYTES, "attention", take_attention},
    {SPD_TAG_RUN, 0, SPD_RUN_BYTES, "run", take_run},
    {SPD_TAG_SCHEDULE, 0, 0, "schedule", take_schedule},
    {SPD_TAG_CREATOR, 0, 0, "creator", take_creator},
    {SPD_TAG_TAG, 0, 0, "tag", take_tag},
    {SPD_TAG_MODEL, 0, SPD_FINGERPRINT_BYTES, "model", take_model},
    {SPD_TAG_PROMPT, 0, SPD_FINGERPRINT_BYTES, "prompt", take_prompt},
};

/* One record whose payload lies in the section; head is where it begins in the file. */
static sparsed_status take_record(info_reader *r, uint64_t head, uint32_t tag, uint32_t flags) {
    const info_kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].tag == tag)
            kind = &kinds[i];
    if (!kind && (flags & SPD_INFO_MUST) != 0)
        return spd_source_fail(r->source, r->message, SPARSED_E_VERSION, head,
                               "info record %u must be understood, and is of a later library", tag);
    if (!kind)
        return SPARSED_OK;
    r->name = kind->name;
    if (flags != kind->flags)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head + 4,
                               "flags of the info record %u (%s) are 0x%x, not 0x%x", tag,
                               kind->name, flags, kind->flags);
    uint64_t size =
        tag == SPD_TAG_BATCHES ? (uint64_t)r->set->shared.batch * SPD_BATCH_BYTES : kind->size;
    if (size != 0 && r->size != size)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head + 8,
                               "the info record %u (%s) has %llu bytes, not %llu", tag, kind->name,
                               (unsigned long long)r->size, (unsigned long long)size);
    return kind->take(r);
}

/* The record at *at of the section; *last is the tag of the one before it. */
static sparsed_status next_record(info_reader *r, const unsigned char *section, uint64_t *at,
                                  uint32_t *last) {
    uint64_t left = r->header->info.size - *at, head = r->header->info.offset + *at;
    if (left < SPD_INFO_HEAD_BYTES)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head,
                               "the info section ends within a record's head, %llu bytes of it",
                               (unsigned long long)left);
    uint32_t tag = spd_get_u32(section + *at), flags = spd_get_u32(section + *at + 4);
    uint64_t size = spd_get_u64(section + *at + 8), room = left - SPD_INFO_HEAD_BYTES, filled;
    if (tag <= *last)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head,
                               "info record %u follows record %u: they do not rise", tag, *last);
    if ((flags & ~(uint32_t)SPD_INFO_MUST) != 0)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head + 4,
                               "flags of the info record %u are 0x%x", tag, flags);
    if (!spd_add(size, SPD_INFO_FILL_BYTES - 1, &filled) ||
        (filled &= ~(uint64_t)(SPD_INFO_FILL_BYTES - 1)) > room)
        return spd_source_fail(r->source, r->message, SPARSED_E_FORMAT, head + 8,
                               "info record %u has %llu bytes; the section has %llu more", tag,
                               (unsigned long long)size, (unsigned long long)room);
    r->bytes = section + *at + SPD_INFO_HEAD_BYTES;
    r->offset = head + SPD_INFO_HEAD_BYTES;
    r->size = size;
    *last = tag;
    *at += SPD_INFO_HEAD_BYTES + filled;
    sparsed_status status =
        spd_decode_zeros(r->source, "the filling of an info record", r->offset + size,
                         r->bytes + size, filled - size, r->message);
    return status == SPARSED_OK ? take_record(r, head, tag, flags) : status;
}

sparsed_status spd_decode_info(const spd_source *source, const spd_file_header *header,
                               const unsigned char *bytes, sparsed_pattern_set *set,
                               sparsed_message *message) {
    info_reader r = {.source = source, .header = header, .set = set, .message = message};
    uint64_t at = 0;
    uint32_t last = 0;
    while (at < header->info.size) {
        /* Records 1 and 2 are needed: whatever comes next, it must be the first missing one. */
        uint32_t needed = last < SPD_TAG_BATCHES ? last + 1 : 0;
        if (needed != 0 && header->info.size - at >= 4 && spd_get_u32(bytes + at) != needed)
            return spd_source_fail(source, message, SPARSED_E_FORMAT, header->info.offset + at,
                                   "info record %u, where record %u is needed",
                                   spd_get_u32(bytes + at), needed);
        sparsed_status status = next_record(&r, bytes, &at, &last);
        if (status != SPARSED_OK)
            return status;
    }
    if (last < SPD_TAG_BATCHES)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, header->info.offset + at,
                               "the info section has no record %u", last + 1);
    return SPARSED_OK;
}
