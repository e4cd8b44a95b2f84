/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: 2026 The sparsed authors */
/* The header of a pattern file, and the checks that all parts share. */
#include "pattern_decode.h"

#include "hash.h"
#include "little_endian.h"
#include "size.h"

sparsed_status spd_decode_range(const spd_source *source, const char *field, uint64_t offset,
                                uint64_t value, uint64_t low, uint64_t high,
                                sparsed_message *message) {
    if (value >= low && value <= high)
        return SPARSED_OK;
    if (low == high)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, offset, "%s is %llu, not %llu",
                               field, (unsigned long long)value, (unsigned long long)low);
    return spd_source_fail(source, message, SPARSED_E_FORMAT, offset,
                           "%s is %llu, not in %llu to %llu", field, (unsigned long long)value,
                           (unsigned long long)low, (unsigned long long)high);
}

sparsed_status spd_decode_zeros(const spd_source *source, const char *field, uint64_t offset,
                                const unsigned char *bytes, uint64_t count,
                                sparsed_message *message) {
    for (uint64_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return spd_source_fail(source, message, SPARSED_E_FORMAT, offset + i,
                                   "%s has a byte %u, not 0", field, bytes[i]);
    return SPARSED_OK;
}

sparsed_status spd_decode_section(const spd_source *source, const char *field, uint64_t offset,
                                  const unsigned char *bytes, uint64_t *next, spd_section *section,
                                  sparsed_message *message) {
    spd_section s = {spd_get_u64(bytes), spd_get_u64(bytes + 8), spd_get_u64(bytes + 16)};
    if (s.size == 0) {
        if (s.offset != 0 || s.checksum != 0)
            return spd_source_fail(source, message, SPARSED_E_FORMAT, offset,
                                   "%s is empty, but has offset %llu and checksum %016llx", field,
                                   (unsigned long long)s.offset, (unsigned long long)s.checksum);
        *section = s;
        return SPARSED_OK;
    }
    if (s.offset != *next)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, offset,
                               "%s begins at %llu, not at %llu where the one before it ends", field,
                               (unsigned long long)s.offset, (unsigned long long)*next);
    if (*next > source->size || s.size > source->size - *next ||
        spd_filled(s.size) > source->size - *next)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, offset + 8,
                               "%s has %llu bytes from %llu on, in a file of %llu", field,
                               (unsigned long long)s.size, (unsigned long long)s.offset,
                               (unsigned long long)source->size);
    *next += spd_filled(s.size);
    *section = s;
    return SPARSED_OK;
}

/* Magic, version, length, checksum: whether this is a header of a file that can be read. */
static sparsed_status check_identity(const spd_source *source, const unsigned char *bytes,
                                     sparsed_message *message) {
    uint64_t present = spd_min(source->size, SPD_HEADER_BYTES);
    if (present < 8 || spd_get_u64(bytes + SPD_HEADER_MAGIC) != SPD_FORMAT_MAGIC)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, SPD_HEADER_MAGIC,
                               "not a pattern file: it does not begin with \\x89SPDP");
    uint32_t version = spd_get_u32(bytes + SPD_HEADER_VERSION);
    if (present >= SPD_HEADER_VERSION + 4 && version > SPD_FORMAT_VERSION)
        return spd_source_fail(source, message, SPARSED_E_VERSION, SPD_HEADER_VERSION,
                               "a pattern file of version %u; this library reads version %d",
                               version, SPD_FORMAT_VERSION);
    if (present >= SPD_HEADER_VERSION + 4 && version == 0)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, SPD_HEADER_VERSION,
                               "not a pattern file: its version is 0");
    if (present < SPD_HEADER_BYTES)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, present,
                               "the file ends within its header of %d bytes", SPD_HEADER_BYTES);
    uint64_t stored = spd_get_u64(bytes + SPD_HEADER_CHECKSUM);
    uint64_t found = spd_hash64(bytes, SPD_HEADER_CHECKSUM);
    if (stored != found)
        return spd_source_fail(source, message, SPARSED_E_CHECKSUM, SPD_HEADER_CHECKSUM,
                               "the header is damaged: its checksum is %016llx, not %016llx",
                               (unsigned long long)found, (unsigned long long)stored);
    uint64_t must = spd_get_u64(bytes + SPD_HEADER_MUST_FLAGS);
    if ((must & ~(uint64_t)SPD_MUST_KNOWN) != 0)
        return spd_source_fail(source, message, SPARSED_E_VERSION, SPD_HEADER_MUST_FLAGS,
                               "must flags are 0x%llx: bits 0x%llx are of a later library",
                               (unsigned long long)must,
                               (unsigned long long)(must & ~(uint64_t)SPD_MUST_KNOWN));
    return SPARSED_OK;
}

typedef struct header_field {
    const char *name;
    uint64_t low, high;
    uint32_t offset, bytes;
} header_field;

static const header_field header_fields[] = {
    {"header size", SPD_HEADER_BYTES, SPD_HEADER_BYTES, SPD_HEADER_SIZE, 4},
    {"file size", SPD_HEADER_BYTES, SPD_MAX_FILE_BYTES, SPD_HEADER_FILE_SIZE, 8},
    {"patterns", 1, SPD_MAX_PATTERNS, SPD_HEADER_PATTERNS, 8},
    {"batch", 1, SPD_MAX_BATCH, SPD_HEADER_BATCH, 8},
    {"heads", 1, SPD_MAX_HEADS, SPD_HEADER_HEADS, 8},
    {"first head", 0, SPD_MAX_HEADS, SPD_HEADER_FIRST_HEAD, 8},
    {"model heads", 1, SPD_MAX_HEADS, SPD_HEADER_MODEL_HEADS, 8},
    {"model layers", 0, SPD_MAX_LAYERS, SPD_HEADER_MODEL_LAYERS, 8},
    {"q_len", 1, SPD_MAX_LEN, SPD_HEADER_Q_LEN, 8},
    {"kv_len", 1, SPD_MAX_LEN, SPD_HEADER_KV_LEN, 8},
    {"q_start", 0, SPD_MAX_LEN, SPD_HEADER_Q_START, 8},
    {"gen_len", 0, SPD_MAX_LEN, SPD_HEADER_GEN_LEN, 8},
};

static uint64_t header_number(const unsigned char *bytes, const header_field *f) {
    return f->bytes == 4 ? spd_get_u32(bytes + f->offset) : spd_get_u64(bytes + f->offset);
}

static sparsed_status check_fields(const spd_source *source, const unsigned char *bytes,
                                   sparsed_message *message) {
    for (size_t i = 0; i < sizeof header_fields / sizeof *header_fields; i++) {
        const header_field *f = &header_fields[i];
        sparsed_status status = spd_decode_range(source, f->name, f->offset,
                                                 header_number(bytes, f), f->low, f->high, message);
        if (status != SPARSED_OK)
            return status;
    }
    return spd_decode_zeros(source, "the reserved part of the header", SPD_HEADER_RESERVED,
                            bytes + SPD_HEADER_RESERVED, SPD_HEADER_CHECKSUM - SPD_HEADER_RESERVED,
                            message);
}

/* The fields of one side's blocks. */
typedef struct block_fields {
    const char *rows_name, *count_name;
    uint32_t rows, length, count; /* offsets */
} block_fields;

static const block_fields query_blocks = {"block_q", "q_blocks", SPD_HEADER_BLOCK_Q,
                                          SPD_HEADER_Q_LEN, SPD_HEADER_Q_BLOCKS};
static const block_fields key_blocks = {"block_k", "k_blocks", SPD_HEADER_BLOCK_K,
                                        SPD_HEADER_KV_LEN, SPD_HEADER_K_BLOCKS};

static sparsed_status check_blocks(const spd_source *source, const unsigned char *bytes,
                                   const block_fields *f, sparsed_message *message) {
    const uint32_t rows = spd_get_u32(bytes + f->rows);
    if (rows != 16 && rows != 32 && rows != 64 && rows != 128)
        return spd_source_fail(source, message, SPARSED_E_FORMAT, f->rows,
                               "%s is %u, not 16, 32, 64 or 128", f->rows_name, rows);
    const uint64_t count = spd_ceil_div(spd_get_u64(bytes + f->length), rows);
    return spd_decode_range(source, f->count_name, f->count, spd_get_u64(bytes + f->count), count,
                            count, message);
}

/* Fields that bound each other. All are in their ranges, so that no sum wraps. */
static sparsed_status check_shape(const spd_source *source, const unsigned char *bytes,
                                  sparsed_message *message) {
    uint64_t heads = spd_get_u64(bytes + SPD_HEADER_HEADS);
    uint64_t model_heads = spd_get_u64(bytes + SPD_HEADER_MODEL_HEADS);
    uint64_t q_len = spd_get_u64(bytes + SPD_HEADER_Q_LEN);
    uint64_t kv_len = spd_get_u64(bytes + SPD_HEADER_KV_LEN);
    sparsed_status status =
        spd_decode_range(source, "q_len", SPD_HEADER_Q_LEN, q_len, 1, kv_len, message);
    if (status == SPARSED_OK)
        status = spd_decode_range(source, "model heads", SPD_HEADER_MODEL_HEADS, model_heads,
                                  spd_get_u64(bytes + SPD_HEADER_FIRST_HEAD) + heads, SPD_MAX_HEADS,
                                  message);
    if (status == SPARSED_OK)
        status =
            spd_decode_range(source, "q_start", SPD_HEADER_Q_START,
                             spd_get_u64(bytes + SPD_HEADER_Q_START), 0, kv_len - q_len, message);
    if (status == SPARSED_OK)
        status = spd_decode_range(source, "gen_len", SPD_HEADER_GEN_LEN,
                                  spd_get_u64(bytes + SPD_HEADER_GEN_LEN), 0, kv_len, message);
    if (status == SPARSED_OK)
        status = check_blocks(source, bytes, &query_blocks, message);
    if (status == SPARSED_OK)
        status = check_blocks(source, bytes, &key_blocks, message);
    return status;
}

static sparsed_status check_length(const spd_source *source, const unsigned char *bytes,
                                   sparsed_message *message) {
    uint64_t said = spd_get_u64(bytes + SPD_HEADER_FILE_SIZE);
    if (said == source->size)
        return SPARSED_OK;
    return spd_source_fail(source, message, SPARSED_E_FORMAT, SPD_HEADER_FILE_SIZE,
                           "file size is %llu, but the file has %llu bytes: %s",
                           (unsigned long long)said, (unsigned long long)source->size,
                           said > source->size ? "it was cut short" : "something was added to it");
}

/* Where info, table and extra lie. */
static sparsed_status decode_sections(const spd_source *source, const unsigned char *bytes,
                                      spd_file_header *header, sparsed_message *message) {
    uint64_t next = SPD_HEADER_BYTES, table = header->patterns * SPD_RECORD_BYTES;
    sparsed_status status =
        spd_decode_section(source, "the info section", SPD_HEADER_INFO, bytes + SPD_HEADER_INFO,
                           &next, &header->info, message);
    if (status == SPARSED_OK)
        status = spd_decode_range(source, "the size of the info section", SPD_HEADER_INFO + 8,
                                  header->info.size, 1, SPD_MAX_FILE_BYTES, message);
    if (status == SPARSED_OK)
        status = spd_decode_range(source, "the size of the table section", SPD_HEADER_TABLE + 8,
                                  spd_get_u64(bytes + SPD_HEADER_TABLE + 8), table, table, message);
    if (status == SPARSED_OK)
        status = spd_decode_section(source, "the table section", SPD_HEADER_TABLE,
                                    bytes + SPD_HEADER_TABLE, &next, &header->table, message);
    if (status == SPARSED_OK)
        status = spd_decode_section(source, "the extra section", SPD_HEADER_EXTRA,
                                    bytes + SPD_HEADER_EXTRA, &next, &header->extra, message);
    header->data_offset = next;
    return status;
}

static void take_shape(const unsigned char *bytes, sparsed_pattern_set *set) {
    sparsed_pattern_info *shared = &set->shared;
    shared->batch = (uint32_t)spd_get_u64(bytes + SPD_HEADER_BATCH);
    shared->heads = (uint32_t)spd_get_u64(bytes + SPD_HEADER_HEADS);
    shared->block_q = spd_get_u32(bytes + SPD_HEADER_BLOCK_Q);
    shared->block_k = spd_get_u32(bytes + SPD_HEADER_BLOCK_K);
    shared->q_len = spd_get_u64(bytes + SPD_HEADER_Q_LEN);
    shared->kv_len = spd_get_u64(bytes + SPD_HEADER_KV_LEN);
    shared->gen_len = spd_get_u64(bytes + SPD_HEADER_GEN_LEN);
    shared->q_blocks = spd_get_u64(bytes + SPD_HEADER_Q_BLOCKS);
    shared->k_blocks = spd_get_u64(bytes + SPD_HEADER_K_BLOCKS);
    shared->q_start = spd_get_u64(bytes + SPD_HEADER_Q_START);
    shared->pattern_flags = SPARSED_PATTERN_Q_START;
    set->info.first_head = (uint32_t)spd_get_u64(bytes + SPD_HEADER_FIRST_HEAD);
    set->info.model_heads = (uint32_t)spd_get_u64(bytes + SPD_HEADER_MODEL_HEADS);
    set->info.model_layers = (uint32_t)spd_get_u64(bytes + SPD_HEADER_MODEL_LAYERS);
}

sparsed_status spd_decode_header(const spd_source *source, spd_file_header *header,
                                 sparsed_pattern_set *set, sparsed_message *message) {
    unsigned char bytes[SPD_HEADER_BYTES] = {0};
    *header = (spd_file_header){0};
    sparsed_status status = SPARSED_OK;
    if (source->size > 0)
        status =
            spd_source_read(source, 0, bytes, spd_min(source->size, SPD_HEADER_BYTES), message);
    if (status == SPARSED_OK)
        status = check_identity(source, bytes, message);
    if (status == SPARSED_OK)
        status = check_fields(source, bytes, message);
    if (status == SPARSED_OK)
        status = check_shape(source, bytes, message);
    if (status == SPARSED_OK)
        status = check_length(source, bytes, message);
    if (status != SPARSED_OK)
        return status;
    header->must_flags = spd_get_u64(bytes + SPD_HEADER_MUST_FLAGS);
    header->may_flags = spd_get_u64(bytes + SPD_HEADER_MAY_FLAGS);
    header->patterns = spd_get_u64(bytes + SPD_HEADER_PATTERNS);
    take_shape(bytes, set);
    return decode_sections(source, bytes, header, message);
}
