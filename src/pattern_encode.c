/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/*
 * A set as the bytes of a file: header, info and table in one piece of memory, then the data as
 * they lie in the patterns.
 */
#include "alloc.h"
#include "error.h"
#include "hash.h"
#include "little_endian.h"
#include "pattern_file.h"
#include "pattern_set.h"
#include "size.h"

/* ---- info section ------------------------------------------------------------------------- */

/* Without bytes it only counts. */
typedef struct info_writer {
    unsigned char *bytes;
    uint64_t size;
} info_writer;

/* The payload of a new record, zeroed; NULL if the writer only counts. */
static unsigned char *begin_record(info_writer *w, uint32_t tag, uint32_t flags, uint64_t size) {
    unsigned char *head = w->bytes ? w->bytes + w->size : NULL;
    w->size += SPD_INFO_HEAD_BYTES + spd_ceil_div(size, SPD_INFO_FILL_BYTES) * SPD_INFO_FILL_BYTES;
    if (!head)
        return NULL;
    spd_put_u32(head, tag);
    spd_put_u32(head + 4, flags);
    spd_put_u64(head + 8, size);
    return head + SPD_INFO_HEAD_BYTES;
}

static void write_selection(info_writer *w, const sparsed_pattern_info *s) {
    unsigned char *p = begin_record(w, SPD_TAG_SELECTION, SPD_INFO_MUST, SPD_SELECTION_BYTES);
    if (!p)
        return;
    spd_put_u32(p, s->mode);
    spd_put_u32(p + 4, s->score_reduce);
    spd_put_u32(p + 8, s->flags);
    spd_put_u32(p + 12, s->always_first);
    spd_put_f64(p + 16, s->ratio);
    spd_put_f64(p + 24, s->score_scale);
    spd_put_u64(p + 32, s->window);
    spd_put_u64(p + 40, s->sinks);
}

static void write_batches(info_writer *w, const sparsed_pattern_set *set) {
    const uint32_t batch = set->shared.batch;
    unsigned char *p =
        begin_record(w, SPD_TAG_BATCHES, SPD_INFO_MUST, (uint64_t)batch * SPD_BATCH_BYTES);
    for (uint32_t b = 0; b < batch && p; b++, p += SPD_BATCH_BYTES) {
        const spd_extent *e = &set->extents->of[b];
        const uint64_t numbers[] = {e->key_start,      e->keys,     e->query_start, e->queries,
                                    e->query_position, e->k_blocks, e->split};
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            spd_put_u64(p + 8 * i, numbers[i]);
    }
}

static void write_attention(info_writer *w, const sparsed_pattern_info *s) {
    if ((s->dtype | s->head_dim | s->kv_heads | s->score_heads) == 0)
        return;
    unsigned char *p = begin_record(w, SPD_TAG_ATTENTION, 0, SPD_ATTENTION_BYTES);
    if (!p)
        return;
    spd_put_u32(p, s->dtype);
    spd_put_u32(p + 4, s->head_dim);
    spd_put_u32(p + 8, s->kv_heads);
    spd_put_u32(p + 12, s->score_heads);
}

static void write_run(info_writer *w, const sparsed_pattern_set_info *info) {
    if (info->steps == 0 && info->skip == 0.0)
        return;
    unsigned char *p = begin_record(w, SPD_TAG_RUN, 0, SPD_RUN_BYTES);
    if (!p)
        return;
    spd_put_u32(p, info->steps);
    spd_put_f64(p + 8, info->skip);
}

/* A text is written without its zero, and an empty one not at all. */
static void write_text(info_writer *w, uint32_t tag, const void *text, uint64_t size) {
    unsigned char *p = size > 0 ? begin_record(w, tag, 0, size) : NULL;
    if (p)
        memcpy(p, text, (size_t)size);
}

static void write_fingerprint(info_writer *w, uint32_t tag, sparsed_fingerprint f) {
    if (f.low == 0 && f.high == 0)
        return;
    unsigned char *p = begin_record(w, tag, 0, SPD_FINGERPRINT_BYTES);
    if (!p)
        return;
    spd_put_u64(p, f.low);
    spd_put_u64(p + 8, f.high);
}

/* The size of the section; writes it unless bytes is NULL. */
static uint64_t write_info(const sparsed_pattern_set *set, unsigned char *bytes) {
    info_writer w = {bytes, 0};
    write_selection(&w, &set->shared);
    write_batches(&w, set);
    write_attention(&w, &set->shared);
    write_run(&w, &set->info);
    write_text(&w, SPD_TAG_SCHEDULE, set->info.schedule, strlen(set->info.schedule));
    write_text(&w, SPD_TAG_CREATOR, set->info.creator, strlen(set->info.creator));
    write_text(&w, SPD_TAG_TAG, set->info.tag, strlen(set->info.tag));
    write_fingerprint(&w, SPD_TAG_MODEL, set->info.model);
    write_fingerprint(&w, SPD_TAG_PROMPT, set->info.prompt);
    return w.size;
}

/* ---- data sections and table -------------------------------------------------------------- */

typedef struct part_data {
    const void *data;
    uint64_t size;
} part_data;

static void find_parts(const sparsed_pattern *p, part_data parts[SPD_PARTS]) {
    const uint64_t rows = spd_pattern_row_count(&p->info);
    const uint64_t score = spd_score_bytes(p->info.score_dtype);
    const uint64_t generation = p->generation_scores ? p->generation_blocks : 0;
    parts[SPD_BITS] = (part_data){p->bits, spd_pattern_words(&p->info) * 8};
    parts[SPD_RATIOS] = (part_data){p->ratios, p->ratios ? (uint64_t)p->info.heads * 8 : 0};
    parts[SPD_SCORES] = (part_data){p->scores, rows * p->info.k_blocks * score};
    parts[SPD_GENERATION_SCORES] = (part_data){p->generation_scores, rows * generation * score};
}

/* A pattern's record; *next is where its data begin, and then where they end. false: the file would
 * be too large. */
static bool write_record(const sparsed_pattern *p, uint32_t layer, uint64_t *next,
                         unsigned char *record) {
    part_data parts[SPD_PARTS];
    find_parts(p, parts);
    spd_put_u64(record + SPD_RECORD_LAYER, layer);
    spd_put_u64(record + SPD_RECORD_STEP, p->info.step);
    spd_put_u64(record + SPD_RECORD_KEPT, p->info.kept_blocks);
    spd_put_f64(record + SPD_RECORD_RATIO, p->info.ratio);
    spd_put_u32(record + SPD_RECORD_SCORE_TYPE, p->info.score_dtype);
    for (size_t i = 0; i < SPD_PARTS; i++) {
        unsigned char *at = record + SPD_RECORD_SECTIONS + i * SPD_SECTION_BYTES;
        if (parts[i].size == 0)
            continue;
        spd_put_u64(at, *next);
        spd_put_u64(at + 8, parts[i].size);
        spd_put_u64(at + 16, spd_section_checksum(parts[i].data, parts[i].size));
        *next += spd_filled(parts[i].size);
        if (*next > SPD_MAX_FILE_BYTES)
            return false;
    }
    return true;
}

static sparsed_status write_table(const sparsed_pattern_set *set, uint64_t *next,
                                  unsigned char *table, sparsed_message *message) {
    for (uint32_t i = 0; i < set->info.patterns; i++) {
        sparsed_pattern *p;
        sparsed_status status = sparsed_pattern_set_get(set, i, &p, message);
        if (status != SPARSED_OK)
            return status;
        bool fits =
            write_record(p, set->entries[i].layer, next, table + (uint64_t)i * SPD_RECORD_BYTES);
        sparsed_pattern_release(p);
        if (!fits)
            return spd_fail(message, SPARSED_E_INVALID,
                            "the set makes a file of more than 2^62 "
                            "bytes");
    }
    return SPARSED_OK;
}

static sparsed_status send_data(const sparsed_pattern_set *set, const spd_sink *sink,
                                sparsed_message *message) {
    static const unsigned char zeros[SPD_FILL_BYTES];
    sparsed_status status = SPARSED_OK;
    for (uint32_t i = 0; i < set->info.patterns && status == SPARSED_OK; i++) {
        sparsed_pattern *p;
        part_data parts[SPD_PARTS];
        status = sparsed_pattern_set_get(set, i, &p, message);
        if (status != SPARSED_OK)
            return status;
        find_parts(p, parts);
        for (int part = 0; part < SPD_PARTS && status == SPARSED_OK; part++) {
            const uint64_t size = parts[part].size, filling = spd_filled(size) - size;
            if (size > 0)
                status = sink->write(sink->user, parts[part].data, size, message);
            if (filling > 0 && status == SPARSED_OK)
                status = sink->write(sink->user, zeros, filling, message);
        }
        sparsed_pattern_release(p);
    }
    return status;
}

/* ---- the file ----------------------------------------------------------------------------- */

static void write_section(unsigned char *at, const unsigned char *file, uint64_t offset,
                          uint64_t size) {
    spd_put_u64(at, offset);
    spd_put_u64(at + 8, size);
    spd_put_u64(at + 16, spd_hash64(file + offset, spd_filled(size)));
}

static void write_shape(const sparsed_pattern_set *set, unsigned char *bytes) {
    const sparsed_pattern_info *s = &set->shared;
    spd_put_u64(bytes + SPD_HEADER_PATTERNS, set->info.patterns);
    spd_put_u64(bytes + SPD_HEADER_BATCH, s->batch);
    spd_put_u64(bytes + SPD_HEADER_HEADS, s->heads);
    spd_put_u64(bytes + SPD_HEADER_FIRST_HEAD, set->info.first_head);
    spd_put_u64(bytes + SPD_HEADER_MODEL_HEADS, set->info.model_heads);
    spd_put_u64(bytes + SPD_HEADER_MODEL_LAYERS, set->info.model_layers);
    spd_put_u64(bytes + SPD_HEADER_Q_LEN, s->q_len);
    spd_put_u64(bytes + SPD_HEADER_KV_LEN, s->kv_len);
    spd_put_u64(bytes + SPD_HEADER_Q_START, s->q_start);
    spd_put_u64(bytes + SPD_HEADER_GEN_LEN, s->gen_len);
    spd_put_u64(bytes + SPD_HEADER_Q_BLOCKS, s->q_blocks);
    spd_put_u64(bytes + SPD_HEADER_K_BLOCKS, s->k_blocks);
    spd_put_u32(bytes + SPD_HEADER_BLOCK_Q, s->block_q);
    spd_put_u32(bytes + SPD_HEADER_BLOCK_K, s->block_k);
}

/* bytes: header, info and table; the latter two are written. */
static void write_header(const sparsed_pattern_set *set, uint64_t info_bytes, uint64_t file_bytes,
                         unsigned char *bytes) {
    const uint64_t table_at = SPD_HEADER_BYTES + spd_filled(info_bytes);
    uint64_t may = spd_set_is_complete(set) ? 0 : SPD_MAY_PARTIAL;
    for (uint32_t i = 0; i < set->info.patterns; i++)
        may |= set->entries[i].score_dtype != 0 ? SPD_MAY_SCORES : 0;
    spd_put_u64(bytes + SPD_HEADER_MAGIC, SPD_FORMAT_MAGIC);
    spd_put_u32(bytes + SPD_HEADER_VERSION, SPD_FORMAT_VERSION);
    spd_put_u32(bytes + SPD_HEADER_SIZE, SPD_HEADER_BYTES);
    spd_put_u64(bytes + SPD_HEADER_FILE_SIZE, file_bytes);
    spd_put_u64(bytes + SPD_HEADER_MUST_FLAGS,
                spd_mode_is_fixed(set->shared.mode) ? SPD_MUST_FIXED : 0);
    spd_put_u64(bytes + SPD_HEADER_MAY_FLAGS, may);
    write_section(bytes + SPD_HEADER_INFO, bytes, SPD_HEADER_BYTES, info_bytes);
    write_section(bytes + SPD_HEADER_TABLE, bytes, table_at,
                  (uint64_t)set->info.patterns * SPD_RECORD_BYTES);
    write_shape(set, bytes);
    spd_put_u64(bytes + SPD_HEADER_CHECKSUM, spd_hash64(bytes, SPD_HEADER_CHECKSUM));
}

sparsed_status spd_pattern_set_encode(const sparsed_pattern_set *set, const spd_sink *sink,
                                      sparsed_message *message) {
    const uint64_t info_bytes = write_info(set, NULL);
    const uint64_t table_at = SPD_HEADER_BYTES + spd_filled(info_bytes);
    const uint64_t front = table_at + spd_filled((uint64_t)set->info.patterns * SPD_RECORD_BYTES);
    uint64_t file_bytes = front;
    unsigned char *bytes = spd_allocate(&set->allocator, front, 1);
    if (!bytes)
        return spd_fail(message, SPARSED_E_NOMEM, "no memory for a table of %llu bytes",
                        (unsigned long long)front);
    write_info(set, bytes + SPD_HEADER_BYTES);
    sparsed_status status = write_table(set, &file_bytes, bytes + table_at, message);
    if (status == SPARSED_OK) {
        write_header(set, info_bytes, file_bytes, bytes);
        status = sink->write(sink->user, bytes, front, message);
    }
    spd_release(&set->allocator, bytes);
    return status == SPARSED_OK ? send_data(set, sink, message) : status;
}
